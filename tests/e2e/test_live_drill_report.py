"""A live drill from the command to the history: its report is that of any other drill."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from tests.cli.running import environment, penstock
from tests.e2e.emulator import RunningEmulator
from tests.e2e.stack import Stack, stack

from penstock.apps.drill import keeping
from penstock.sim.drills.shapes import Result
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import ON, STOPPED

MORE: Final = "[gateway]\nallow_live_drills = true\n"
TRACES: Final = 5
WITHIN_S: Final = 120.0


def ask(running: Stack, route: str, number: int) -> int:
    """Ask a route, as one step of one of a few traces; return the status."""
    turns = [{"role": "user", "content": "[[say:The gate is open.]]"}]
    headers = {
        "authorization": f"Bearer {running.key}",
        "traceparent": f"00-{number % TRACES + 1:032x}-{number + 1:016x}-01",
    }
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=20)
    with closing(connection):
        body = json.dumps({"model": route, "messages": turns})
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@contextmanager
def asked(running: Stack) -> Generator[list[int]]:
    """Let two routes be asked all the time; gives the statuses."""
    is_over, statuses = threading.Event(), list[int]()

    def work() -> None:
        number = 0
        while not is_over.wait(0.1):
            for route in ("chat", "chat-claude"):
                statuses.append(ask(running, route, number))
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield statuses
    finally:
        is_over.set()
        thread.join()


def began(folder: Path, minutes: str) -> subprocess.Popen[str]:
    """Let the upstream that both ask fail for some time, with a command that follows it."""
    command = (
        "drill", "live", "http_529", "--upstream", "chat", "--radius", "100", "--minutes", minutes,
        "--after-s", "2", "--reason", "a rehearsal",
    )  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "penstock", *command], cwd=folder, env=environment(folder),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def drill(folder: Path) -> subprocess.CompletedProcess[str]:
    """Follow a drill of some seconds to its report."""
    process = began(folder, "0.1")
    out, err = process.communicate(timeout=WITHIN_S)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.slow
def test_a_live_drill_is_reported_and_kept_as_any_other(
    tmp_path: Path, emulator: RunningEmulator
) -> None:
    with stack(tmp_path, emulator, MORE) as running:
        with asked(running) as statuses:
            done = drill(tmp_path)
        assert statuses
        (folder,) = (tmp_path / "state" / "drills").iterdir()
        result = keeping.read(folder)
        looks_right(result, done)
        history = penstock(tmp_path, "drill", "history", "--json").stdout.splitlines()
        (line,) = [json.loads(one) for one in history]
        assert (line["name"], line["drill"]) == (result.name, "live-http_529-chat")
        assert in_control(tmp_path) == [result.name]
        again = penstock(tmp_path, "drill", "live", "--report", result.name, "--after-s", "2")
        assert "not kept by control" not in again.stderr
        anew = keeping.read(folder)
        assert {one.component for one in anew.seen} == {one.component for one in result.seen}
        assert any("its own history" in one for one in anew.timetable.notes)
        assert stopped_by_hand(running, tmp_path) == "stopped at the admin port"


def stopped_by_hand(running: Stack, folder: Path) -> str:
    """Begin another one, interrupt the command, and return why its report says it was stopped."""
    state = folder / "state"
    process = began(folder, "5")
    running.up.until(lambda: any(one.state == ON for one in live_drill.told(state)))
    assert process.stderr is not None
    while "http_529 for" not in process.stderr.readline():  # it is being followed
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode in {0, 1}, err
    assert {one.state for one in live_drill.told(state)} == {STOPPED}
    (newest, _) = keeping.folders(state / "drills")
    (note,) = [one for one in keeping.read(newest).timetable.notes if "before its end" in one]
    return note.rpartition(": ")[2]


def looks_right(result: Result, done: subprocess.CompletedProcess[str]) -> None:
    """Check what such a drill must have shown."""
    (arm,) = result.arms
    whole = next(one for one in arm.counts if not one.tier and one.window < 0)
    assert whole.complete > 0, done.stderr
    assert whole.failed > 0, "nobody else can answer what is asked of chat alone"
    assert whole.sessions == TRACES
    assert whole.added_p50_s is not None
    assert done.returncode == 1, "standard calls failed: the report says so"
    assert any("standard" in one.name and one.is_kept is False for one in result.checks)
    seen = {one.name: one for one in result.seen}
    assert seen["chat"].failed_at_s is not None
    assert seen["chat-claude"].failed_at_s is None
    models = [one for one in result.seen if one.name.startswith(("gpt", "claude"))]
    assert models
    assert not [one for one in models if one.is_right is False], "no provider is blamed"
    assert any("was looked at" in one for one in result.timetable.notes)
    assert result.outage.id == "live-http_529-chat"


def in_control(folder: Path) -> list[str]:
    """Return what was noted as kept in the audit log."""
    asked_for = penstock(folder, "audit", "--kind", "drill", "--action", "keep", "--json")
    found: list[dict[str, Any]] = [json.loads(one) for one in asked_for.stdout.splitlines()]
    return [str(one["object"]) for one in found]
