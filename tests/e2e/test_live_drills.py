"""Live drills at real workers, with no control anywhere: begun by a file, ended by themselves."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import pytest
from tests.cli.running import penstock
from tests.e2e.emulator import RunningEmulator, wait_until
from tests.e2e.gateway import CALLER_KEY, RunningGateway, config_of, document
from tests.e2e.stack import Stack, stack

from penstock.core.fault import FaultKind
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import End, FaultEntry, LiveDrill, Told

PATH: Final = "/v1/chat/completions"
REACHES_S: Final = 1.0  # all workers, from the stop on
Workers = tuple[RunningGateway, RunningGateway]
OBJECTIVE: Final = {"name": "api", "target_ratio": 0.99, "route": "only-gpt", "events_min": 4}


@pytest.fixture
def workers(tmp_path: Path, emulator: RunningEmulator) -> Iterator[Workers]:
    """Start two workers of one state directory that may be drilled."""
    table = document(emulator)
    table["gateway"] |= {"workers": 2, "allow_live_drills": True}
    table["objectives"] = [OBJECTIVE]
    config = config_of(table)
    started = RunningGateway(tmp_path, config, 1), RunningGateway(tmp_path, config, 2)
    yield started
    for one in started:
        one.stop()


def ask(worker: RunningGateway, route: str) -> tuple[int, dict[str, str]]:
    """Ask a worker; return status and headers."""
    turns = [{"role": "user", "content": "[[say:The gate is open.]]"}]
    body = json.dumps({"model": route, "messages": turns})
    headers = {"authorization": f"Bearer {CALLER_KEY}"}
    connection = http.client.HTTPConnection(urlsplit(worker.url).netloc, timeout=20)
    with contextlib.closing(connection):
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def post(worker: RunningGateway, path: str) -> tuple[int, dict[str, Any]]:
    """POST to the admin port."""
    connection = http.client.HTTPConnection(urlsplit(worker.admin_url).netloc, timeout=20)
    with contextlib.closing(connection):
        connection.request("POST", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def begin(folder: Path, lasts_s: float = 60.0, **fault: Any) -> LiveDrill:
    """Begin a drill as control would."""
    now_unix_s = time.time()
    entry = FaultEntry(
        kind=fault.pop("kind", FaultKind.HTTP_529),
        upstream=fault.pop("upstream", "gpt"),
        ends_unix_s=now_unix_s + lasts_s,
        **fault,
    )
    drill = LiveDrill(
        id=f"drill-{now_unix_s}",
        by="test",
        began_unix_s=now_unix_s,
        blast_radius_ratio=1.0,
        faults=(entry,),
    )
    live_drill.write(folder, drill)
    return drill


def states(folder: Path, drill: LiveDrill) -> list[str]:
    """Return what the workers say of this drill."""
    return [one.state for one in live_drill.told(folder) if one.drill == drill.id]


def telling(folder: Path, drill: LiveDrill, state: str) -> list[Told]:
    """Wait until both workers say so."""
    wait_until(lambda: states(folder, drill) == [state, state])
    return live_drill.told(folder)


@pytest.mark.slow
def test_struck_answered_elsewhere_marked_and_stopped_everywhere(workers: Workers) -> None:
    first, second = workers
    folder = first.folder
    drill = begin(folder)
    telling(folder, drill, "on")
    for worker in workers:
        status, headers = ask(worker, "gpt-claude")
        assert (status, headers["x-penstock-upstream"]) == (200, "claude")
    began_s = time.monotonic()
    status, said = post(first, "/live-drills/stop")
    assert (status, said["was_on"]) == (200, True)
    told = telling(folder, drill, "stopped")
    assert time.monotonic() - began_s < REACHES_S
    assert [one.struck for one in told] == [1, 1]
    assert not live_drill.path_of(folder).exists()
    for worker in workers:
        assert ask(worker, "gpt-claude")[1]["x-penstock-upstream"] == "gpt"
    attempts = [one["attempts"] for one in first.records()]
    struck = [one[0] for one in attempts if len(one) == 2]
    assert [one["outcome"] for one in struck] == ["ignored", "ignored"]
    assert {one["drill"] for one in struck} == {f"{drill.id} http_529"}
    assert {one["drill_outcome"] for one in struck} == {"overloaded"}
    assert not any("drill" in one for group in attempts if len(group) == 1 for one in group)
    assert second.process.poll() is None


@pytest.mark.slow
def test_it_ends_by_itself(workers: Workers) -> None:
    folder = workers[0].folder
    drill = begin(folder, lasts_s=2.0)
    telling(folder, drill, "on")
    assert post(workers[0], "/live-drills")[0] == 403  # nobody begins one there
    told = telling(folder, drill, "over")
    assert max(one.changed_unix_s for one in told) < drill.ends_unix_s + REACHES_S
    assert ask(workers[0], "gpt-claude")[1]["x-penstock-upstream"] == "gpt"


@pytest.mark.slow
def test_a_contract_in_danger_stops_it_for_all(workers: Workers) -> None:
    folder = workers[0].folder
    drill = begin(folder)
    telling(folder, drill, "on")
    for _ in range(4):
        assert ask(workers[0], "only-gpt")[0] >= 500
    why = {one.why for one in telling(folder, drill, "stopped")}
    assert any("objective api" in one for one in why)
    assert ask(workers[1], "only-gpt")[0] == 200


@pytest.mark.slow
def test_a_worker_that_dies_takes_it_up_no_more_and_ends_it_for_all(
    workers: Workers, emulator: RunningEmulator
) -> None:
    first, second = workers
    folder = first.folder
    drill = begin(folder)
    telling(folder, drill, "on")
    assert ask(first, "gpt-claude")[1]["x-penstock-upstream"] == "claude"
    wait_until(lambda: [one.struck for one in live_drill.told(folder)] == [1, 0])
    first.stop(signal.SIGKILL)
    assert ask(second, "gpt-claude")[1]["x-penstock-upstream"] == "claude"  # it goes on there
    table = document(emulator)
    table["gateway"] |= {"workers": 2, "allow_live_drills": True}
    again = RunningGateway(folder, config_of(table), 1)
    try:
        told = telling(folder, drill, "stopped")
        assert told[0].why == "gateway-1 was started in the middle of it"
        assert [one.struck for one in told] == [1, 1]
        for worker in (again, second):
            assert ask(worker, "gpt-claude")[1]["x-penstock-upstream"] == "gpt"
        said = json.loads(again.admin("/live-drills"))
        assert (said["is_on"], said["worker"]["state"]) == (False, "stopped")
    finally:
        again.stop()


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_ends_it_for_all(workers: Workers) -> None:
    folder = workers[0].folder
    drill = begin(folder)
    telling(folder, drill, "on")
    assert workers[0].stop() == 0
    assert "was told to end" in telling(folder, drill, "stopped")[0].why


@pytest.mark.slow
def test_what_is_not_allowed_is_refused(workers: Workers, emulator: RunningEmulator) -> None:
    folder = workers[0].folder
    too_long = begin(folder, lasts_s=1000.0)
    assert "longer than 900 s" in telling(folder, too_long, "refused")[0].why
    table = document(emulator)
    table["gateway"] |= {"workers": 2}
    for worker in workers:
        worker.reload(config_of(table))
    drill = begin(folder)
    assert "allow_live_drills" in telling(folder, drill, "refused")[0].why
    assert ask(workers[0], "gpt-claude")[1]["x-penstock-upstream"] == "gpt"


@pytest.mark.slow
def test_the_command_begins_it_and_stops_it_with_control_frozen(
    tmp_path: Path, emulator: RunningEmulator
) -> None:
    more = "[gateway]\nallow_live_drills = true\nworkers = 2\n"
    with stack(tmp_path, emulator, more) as running:
        begun = penstock(
            tmp_path, "drill", "live", "http_529", "--upstream", "claude", "--radius", "100",
            "--reason", "a test", "--detach",
        )  # fmt: skip
        assert "is on, begun by break-glass: a test" in begun.stderr, begun.stderr
        told = live_drill.told(tmp_path / "state")
        assert {one.state for one in told} == {"on"}
        shown = json.loads(penstock(tmp_path, "drill", "live", "--json").stdout)
        assert shown["drill"]["reason"] == "a test"
        with running.frozen("control"):
            began_s = time.monotonic()
            stopped = penstock(tmp_path, "drill", "stop")
            took_s = time.monotonic() - began_s
        assert stopped.returncode == 0, stopped.stdout
        assert "gateway-1: stopped" in stopped.stdout
        assert "gateway-2: stopped" in stopped.stdout
        assert {one.state for one in live_drill.told(tmp_path / "state")} == {"stopped"}
        assert took_s < 10.0
        report = penstock(tmp_path, "drill", "live", "--report")
        assert report.returncode == 0, report.stderr
        (page,) = (tmp_path / "state" / "drills").glob("*/report.html")
        assert "a test" in page.read_text()
        assert penstock(tmp_path, "drill", "stop").returncode == 0
        outage = penstock(
            tmp_path, "drill", "live", "--outage", "claude-2026-03-02", "--reason", "rehearsal",
            "--detach",
        )  # fmt: skip
        assert "not struck: login" in outage.stderr, outage.stderr
        drill = live_drill.read(tmp_path / "state")
        assert drill
        assert {one.upstream for one in drill.faults} == {"claude"}
        stop_unseen(running, tmp_path)
        running.up.until(lambda: len(ends(tmp_path)) == 2)
        assert [(one.drill, one.state, one.why) for one in ends(tmp_path)] == [
            (one, "stopped", "stopped at the admin port") for one in (drill.id, told[0].drill)
        ]


def stop_unseen(running: Stack, folder: Path) -> None:
    """Stop the drill while control is frozen, and kill it: it never sees that end."""
    control = running.pid("control")
    os.kill(control, signal.SIGSTOP)
    assert penstock(folder, "drill", "stop").returncode == 0
    os.kill(control, signal.SIGKILL)
    running.up.until(lambda: running.pid("control") != control)


def ends(folder: Path) -> list[End]:
    """Return how drills ended by the audit log, the last one first."""
    asked = penstock(folder, "audit", "--kind", "live_drill", "--action", "end", "--json")
    lines = [json.loads(one) for one in asked.stdout.splitlines()]
    found = [(one["object"], msgspec.json.decode(one["after"], type=End)) for one in lines]
    return [msgspec.structs.replace(end, drill=drill) for drill, end in found]


@pytest.mark.slow
def test_the_command_says_who_may_go_on(workers: Workers) -> None:
    folder = workers[0].folder
    drill = begin(folder)
    telling(folder, drill, "on")
    workers[1].process.send_signal(signal.SIGSTOP)
    try:
        stopped = stop_by_command(folder, workers[0].admin_url)
        assert stopped.returncode == 1
        assert "gateway-2 has not said so" in stopped.stdout
    finally:
        workers[1].process.send_signal(signal.SIGCONT)
    telling(folder, drill, "stopped")


def stop_by_command(folder: Path, admin_url: str) -> subprocess.CompletedProcess[str]:
    """Run ``penstock drill stop`` on this state directory."""
    return subprocess.run(
        [sys.executable, "-m", "penstock", "drill", "stop", "--admin-url", admin_url],
        env={**os.environ, "PENSTOCK_STATE_DIR": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
