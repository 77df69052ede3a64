"""One process of ``penstock up``: started, awaited, restarted when it dies, drained at the end.

start    a group of its own, so that Ctrl-C reaches it only through us
ready    it has written its ready file; or it died, or took too long: ChildError
keep     it dies -> wait (backoff) -> start again, for as long as we run
stop     SIGTERM, wait for the drain, then SIGKILL
"""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.cli.state import State, read_json
from penstock.core.backoff import backoff_s
from penstock.core.errors import PenstockError
from penstock.wire import clock

READY_S = 60.0  # five processes that load at once on a small, busy machine; normal is two seconds
POLL_S = 0.01
STEADY_S = 60.0  # after running for so long, a death starts the backoff anew
LOG_TAIL_BYTES = 4000
LOG_TAIL_LINES = 12


class ChildError(PenstockError):
    """A process did not become ready; the message has the end of its log."""

    code = "process_failed"
    remedy = "The log says why."


class Child:
    """One process. Owned by one event loop."""

    def __init__(
        self, name: str, command: list[str], state: State, stopping: asyncio.Event
    ) -> None:
        self.name = name
        self.command = command
        self.ready_file = state.ready(name)
        self.log = state.log(name)
        self.is_up = False
        self._stopping = stopping
        self._chance = random.Random().random
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 if there is no process."""
        return self._process.pid if self._process else 0

    async def start(self) -> dict[str, Any]:
        """Start it and return what it writes into its ready file; raises ChildError."""
        try:
            self._process = await self._spawn()
        except OSError as error:
            reason = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
            raise ChildError(f"the {self.name} cannot be started: {reason}") from error
        return await self._ready(self._process)

    async def _spawn(self) -> asyncio.subprocess.Process:
        self.ready_file.unlink(missing_ok=True)
        fd = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            return await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=fd,
                stderr=fd,
                process_group=0,
            )
        finally:
            os.close(fd)

    async def _ready(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        give_up_at_s = clock.now_s() + READY_S
        while clock.now_s() < give_up_at_s and not self._stopping.is_set():
            if ready := read_json(self.ready_file):
                self.is_up = True
                return ready
            if await _ended(process, POLL_S):
                break
        if process.returncode is None:
            process.kill()
            await process.wait()
            raise ChildError(f"the {self.name} was not ready after {READY_S:g} s{self._log_tail()}")
        raise ChildError(
            f"the {self.name} ended with status {process.returncode}{self._log_tail()}"
        )

    def _log_tail(self) -> str:
        """Return the end of its log, to stand after a sentence; empty if there is none."""
        tail = last_lines(self.log, LOG_TAIL_BYTES)
        if not tail:
            return ""
        return f"; the end of {self.log}:" + "".join(f"\n    {line}" for line in tail)

    async def keep(self, on_change: Callable[[str, str], None]) -> None:
        """Start it again whenever it dies, until we stop."""
        repeat = 0
        while self._process and not self._stopping.is_set():
            since_s = clock.now_s()
            status = await self._process.wait()
            self.is_up = False
            if self._stopping.is_set():
                return
            repeat = 1 if clock.now_s() - since_s > STEADY_S else repeat + 1
            on_change("bad", f"{self.name} ended {_cause(status)}; starting it again")
            if await is_set_within(self._stopping, backoff_s(repeat, self._chance)):
                return
            try:
                await self.start()
                on_change("good", f"{self.name} is back")
            except ChildError as error:
                if not self._stopping.is_set():
                    on_change("bad", error.message)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is someone to get it."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)

    async def stop(self, within_s: float, at_once: asyncio.Event) -> bool:
        """End it: ask first, then insist. Tells whether it ended by itself."""
        process = self._process
        if process is None or process.returncode is not None:
            return True
        process.terminate()
        give_up_at_s = clock.now_s() + within_s
        while clock.now_s() < give_up_at_s and not at_once.is_set():
            if await _ended(process, POLL_S):
                return True
        process.kill()
        await process.wait()
        return False


def last_lines(path: Path, size_bytes: int) -> list[str]:
    """Return the whole lines within the last bytes of a file; none if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size_bytes))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line.strip()][-LOG_TAIL_LINES:]


def _cause(status: int) -> str:
    return f"by signal {-status}" if status < 0 else f"with status {status}"


async def is_set_within(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event for some time; tells whether it came."""
    try:
        async with asyncio.timeout(within_s):
            return await event.wait()
    except TimeoutError:
        return False


async def _ended(process: asyncio.subprocess.Process, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        return False
    return True
