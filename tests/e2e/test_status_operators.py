"""Operators take over on the status process with everything else dead: by command and by page."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.running import REAL, Running, penstock, port, running
from tests.e2e.emulator import wait_until

from penstock.cli import state

pytestmark = pytest.mark.slow
WITHIN_S = 15.0
POLL_S = 0.05


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A run whose status process alone is left; nobody starts the others again."""
    with running(tmp_path_factory.mktemp("run"), REAL, ["--emulate"]) as one:
        pids = dict(one.ready()["pids"])
        status = pids.pop("status")
        os.kill(pids.pop("up"), signal.SIGKILL)
        one.process.wait(WITHIN_S)
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        yield one
        os.kill(status, signal.SIGTERM)


def done(up: Running, *args: str) -> subprocess.CompletedProcess[str]:
    """Run a command that has to go well."""
    told = penstock(up.folder, "status", *args)
    assert told.returncode == 0, told.stderr
    return told


def page(up: Running, path: str) -> Any:
    """Return a document of the public page."""
    url = up.ready()["urls"]["status"]
    return httpx.get(f"{url}{path}", timeout=WITHIN_S, trust_env=False).json()


def public(up: Running, id_: str, status: str) -> Any:
    """Return an incident as the public API has it, once it is in this status."""
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        for one in page(up, "/api/v2/incidents.json")["incidents"]:
            if (one["id"], one["status"]) == (id_, status):
                return one
        with contextlib.suppress(subprocess.TimeoutExpired):
            up.process.wait(POLL_S)
    raise AssertionError(f"{id_} has not become {status}")


def test_an_incident_by_command_from_its_opening_to_its_post_mortem(up: Running) -> None:
    title = "The API fails"
    opened = ["incident", "open", title, "--body", "We look.", "--component", "api=major"]
    id_ = done(up, *opened).stdout.strip()
    assert public(up, id_, "investigating")["impact"] == "critical"
    told = done(up, "show").stdout
    assert "■ API" in told
    assert "major outage" in told
    assert id_ in told
    assert max(map(len, told.splitlines())) <= 80
    listed = json.loads(done(up, "incident", "list", "--json").stdout.splitlines()[0])
    assert (listed["id"], listed["name"]) == (id_, title)
    more = ["--body", "Half works.", "--status", "identified", "--component", "API=partial"]
    done(up, "incident", "update", id_[:5], *more)
    assert len(public(up, id_, "identified")["incident_updates"]) == 2
    early = penstock(up.folder, "status", "postmortem", id_)
    assert (early.returncode, "there is no text yet" in early.stderr) == (1, True)
    done(up, "incident", "resolve", id_, "--body", "It works again.")
    assert public(up, id_, "resolved")["incident_updates"][0]["body"] == "It works again."
    assert done(up, "postmortem", id_).stdout.startswith(f"# Post-mortem: {title}")
    assert "</html>" in done(up, "postmortem", id_, "--format", "html").stdout
    facts = json.loads(done(up, "postmortem", id_, "--format", "json").stdout)["facts"]
    assert facts["impact_word"] == "critical"


def test_drafts_components_and_maintenance_by_command(up: Running) -> None:
    draft = done(up, "incident", "open", "Maybe", "--body", "We look.", "--draft").stdout.strip()
    done(up, "incident", "discard", draft)
    assert draft not in done(up, "incident", "list", "--all").stdout
    done(up, "component", "Streaming", "degraded")
    assert "◐ degraded" in done(up, "show").stdout
    assert "said by watch" in done(up, "component", "Streaming", "release").stderr
    times = ["--from", "+1h", "--until", "+2h", "--component", "API"]
    id_ = done(up, "maintenance", "schedule", "A move", "--body", "We move.", *times).stdout.strip()
    assert id_ in done(up, "maintenance", "list").stdout
    done(up, "maintenance", "cancel", id_)
    assert "No maintenance is planned." in done(up, "maintenance", "list").stdout
    assert done(up, "reports").stdout.endswith("Nobody has reported anything.\n")


def test_a_drill_is_announced_and_over_by_command(up: Running) -> None:
    done(up, "drill", "on", "--until", "+10m", "--words", "We practise.")
    assert "a drill is on until" in done(up, "drill", "show").stdout
    wait_until(lambda: shown_drill(up) == "We practise.")
    assert b"A drill is on." in httpx.get(up.ready()["urls"]["status"], trust_env=False).content
    done(up, "drill", "over")
    wait_until(lambda: shown_drill(up) == "")
    assert "no drill is on" in penstock(up.folder, "status", "drill", "show").stderr


def shown_drill(up: Running) -> str:
    drill: dict[str, str] = page(up, "/api/status.json")["page"]["drill"] or {}
    return drill.get("words", "")


def test_what_is_refused_is_told_with_the_field_and_what_to_do(up: Running) -> None:
    for args, words in (
        (("incident", "open", "x", "--body", " "), "body is empty. Correct the field"),
        (("incident", "open", "x", "--body", "y", "--component", "Z=major"), "no component 'Z'"),
        (("component", "API", "red"), "'red' is no state: take one of operational,"),
        (("incident", "resolve", "zz"), "there is no incident 'zz'"),
        (("maintenance", "schedule", "x", "--body", "y", "--from", "x", "--until", "+1h"), "+2h"),
        (("drill", "on", "--until", "+1d"), "a drill ends within 4 hours"),
    ):
        told = penstock(up.folder, "status", *args)
        assert (told.returncode, words in told.stderr) == (1, True), told.stderr


def test_the_site_is_rendered_by_a_command(up: Running, tmp_path: Path) -> None:
    done(up, "render", "--out", str(tmp_path / "site"))
    summary = json.loads((tmp_path / "site/api/v2/summary.json").read_text())
    assert summary["page"]["url"].endswith(str(port(up.ready()["urls"]["status"])))
    done(up, "render")  # into the folder that the process writes too
    assert (up.home.root / "site" / "index.html").is_file()


def test_without_the_process_commands_say_so_and_the_site_is_still_rendered(
    up: Running, tmp_path: Path
) -> None:
    ready = up.home.ready("status")
    raw = ready.read_text()
    ready.write_text(json.dumps({**json.loads(raw), "pid": state.NO_PID}))
    try:
        told = penstock(up.folder, "status", "show")
        assert told.returncode == 1
        assert "the status process does not run. Start it: penstock up" in told.stderr
        done(up, "render", "--out", str(tmp_path / "site"))
        assert (tmp_path / "site" / "index.html").is_file()
    finally:
        ready.write_text(raw)
