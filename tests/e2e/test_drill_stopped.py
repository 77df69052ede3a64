"""A drill that is stopped: all processes end, and what it says of itself is true. Real signals."""

import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from penstock.sim.drills.shapes import Result

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]
DRILL = """
schema = "penstock-drills/2"

[[drills]]
id = "long"
title = "A long one"
provider = "anthropic"

[[drills.phases]]
start_s = 0
end_s = 400
surfaces = ["api"]
faults = { http_529 = 0.6 }

[[drills.traffic]]
name = "products"
tier = "enterprise"
per_s = 3.0
output_tokens_max = 20
input_tokens_max = 200
"""
STARTING = "starting"
SHOWN = "\x1b[?25h"  # the cursor, after all that hid it


class Drill:
    """A drill at a terminal, in a group of its own, as a shell starts it."""

    def __init__(self, folder: Path) -> None:
        file = folder / "long.toml"
        file.write_text(DRILL)
        self.out = folder / "out"
        self._mark = f"MARK={folder}".encode()
        ours, theirs = pty.openpty()
        self._screen = os.fdopen(ours, "rb", buffering=0)
        command = ["drill", str(file), "--out", str(self.out), "--before-s", "2"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "penstock", *command, "--arms", "penstock"],
            env={**os.environ, "PENSTOCK_STATE_DIR": str(folder / "state"), "MARK": str(folder)},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            process_group=0,
        )
        os.close(theirs)
        self.told = ""

    def until(self, words: str) -> None:
        """Read on until some words are told."""
        while words not in self.told:
            self.told += self._screen.read(4096).decode()

    def rest(self) -> None:
        """Read until nobody has the terminal open any more."""
        try:
            while found := self._screen.read(4096):
                self.told += found.decode()
        except OSError:  # how a terminal says so
            return

    def kin(self) -> list[int]:
        """Return all processes that come of it."""
        found: list[int] = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if self._mark in (path / "environ").read_bytes():
                    found.append(int(path.name))
            except OSError:
                continue  # ended meanwhile
        return found

    def wait_until_alone(self) -> None:
        """Wait until none of them is left; the test's own limit is how long."""
        look = threading.Event()  # never set: it only waits
        while self.kin():
            look.wait(0.1)

    def close(self) -> None:
        """Let nobody be left, whatever came of it."""
        for pid in self.kin():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._screen.close()


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    made = Drill(tmp_path)
    yield made
    made.close()


def test_stopped_before_it_has_begun_there_is_nothing_to_report(drill: Drill) -> None:
    drill.until(STARTING)
    drill.process.send_signal(signal.SIGINT)
    drill.rest()
    assert drill.process.wait() == 128 + signal.SIGINT
    assert "nothing to report" in drill.told
    assert drill.told.rfind(SHOWN) > drill.told.rfind("\x1b[?25l"), "the cursor is there again"
    assert "Traceback" not in drill.told
    assert not (drill.out / "result.json").exists()
    assert not drill.kin()


def test_stopped_in_its_middle_its_report_is_of_that_part(drill: Drill) -> None:
    drill.until("calls over: penstock 2")
    drill.process.send_signal(signal.SIGTERM)
    drill.rest()
    assert drill.process.wait() == 128 + signal.SIGTERM
    assert not drill.kin()
    found = msgspec.json.decode((drill.out / "result.json").read_bytes(), type=Result)
    assert found.partial.startswith("Stopped by hand after")
    assert found.partial in (drill.out / "report.html").read_text()
    assert found.timetable.played_s == found.timetable.windows[-1].to_s < 90.0
    assert all(one.to_s <= found.timetable.played_s for one in found.timetable.strikes)
    assert "Stopped by hand after" in drill.told
    assert drill.told.rfind(SHOWN) > drill.told.rfind("\x1b[?25l")


def test_killed_nobody_of_it_goes_on(drill: Drill) -> None:
    drill.until("calls over: penstock 1")
    assert len(drill.kin()) > 6
    drill.process.kill()
    drill.process.wait()
    drill.wait_until_alone()
