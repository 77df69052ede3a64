"""A ``penstock up`` as a process of its own, with a state directory of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from penstock.cli import state

WITHIN_S = 60.0  # generous: a busy machine starts five processes
POLL_S = 0.02
WITH_STAND_INS = (sys.executable, str(Path(__file__).with_name("up_with_stand_ins.py")))
REAL = (sys.executable, "-m", "penstock", "up")
PROVIDERS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return ours without any provider's key, with a state directory in the folder."""
    own = {name: value for name, value in os.environ.items() if name not in PROVIDERS}
    return {**own, "PENSTOCK_STATE_DIR": str(folder / "state"), "NO_COLOR": "1", **more}


def penstock(folder: Path, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "penstock", *args],
        cwd=folder,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=WITHIN_S,
    )


def descendants(pid: int) -> set[int]:
    """Return whom a process has started, and whom these have; of those that Linux tells of."""
    found: set[int] = set()
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            found |= {int(one) for one in told.read_text().split()}
    return found.union(*(descendants(one) for one in found))


class Running:
    """One run of ``penstock up``; ended, with all that it started, when the block ends."""

    def __init__(
        self, folder: Path, command: Sequence[str] = WITH_STAND_INS, args: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.home = state.State(folder / "state")
        self.ready_file = folder / "ready.json"
        self._out = folder / "out.txt"
        with self._out.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(
                [*command, "--ports", "auto", "--ready-file", str(self.ready_file), *args],
                cwd=folder,
                env=environment(folder),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pids = descendants(self.process.pid)  # also those of a start that was never told of
        if self.ready_file.exists():
            pids |= set(self.ready().get("pids", {}).values())
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(WITHIN_S)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def out(self) -> str:
        """What it has said so far."""
        return self._out.read_text(encoding="utf-8")

    def ready(self) -> dict[str, Any]:
        """What the ready file says, once it is there."""
        self.until(self.ready_file.exists)
        return json.loads(self.ready_file.read_text(encoding="utf-8"))

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something while the process runs."""
        for _ in range(int(WITHIN_S / POLL_S)):
            if condition():
                return
            try:
                self.process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                continue
            assert condition(), f"it ended first:\n{self.out}"
            return
        raise AssertionError(f"waited for too long:\n{self.out}")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Ask it to end; returns the exit status."""
        self.process.send_signal(number)
        return self.process.wait(WITHIN_S)


@contextlib.contextmanager
def running(
    folder: Path, command: Sequence[str] = WITH_STAND_INS, args: Sequence[str] = ()
) -> Generator[Running]:
    """Start ``penstock up`` and wait until it is ready."""
    with Running(folder, command, args) as up:
        up.ready()
        yield up


def port(url: str) -> int:
    """Return the port of a URL."""
    return urlsplit(url).port or 0
