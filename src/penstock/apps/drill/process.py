"""One process of a drill: started with a ready file, ended with all that it started.

start    in a group that is not ours, so that Ctrl-C reaches it only through us (``leash.py`` has
         one that ends with us, else it leads its own); its output goes to a log
ready    it has written its ready file; or it died, or took too long: DrillError with the log's end
stop     SIGTERM, wait, then SIGKILL to it and whom it has started: nobody of a drill outlives it
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.config import private_file
from penstock.core.errors import PenstockError, StoreError
from penstock.wire import clock

READY_S: Final = 90.0  # several that load at once on a small, busy machine; normal is two seconds
POLL_S: Final = 0.02
STOP_S: Final = 12.0  # longer than a drill's gateways drain
LOG_TAIL_BYTES: Final = 2000
FOREIGN: Final = ("PENSTOCK_", "ANTHROPIC_", "OPENAI_", "GEMINI_", "GOOGLE_")  # of variables


class DrillError(PenstockError):
    """A part of the drill cannot be had; the message has the end of its log."""

    code = "drill_failed"
    remedy = "The log in the drill's folder says why."


def environment(outer: Mapping[str, str], state_dir: Path) -> dict[str, str]:
    """Return what a part of a drill is told: nothing of the user's own Penstock or providers."""
    own = {name: one for name, one in outer.items() if not name.startswith(FOREIGN)}
    return {**own, "PENSTOCK_STATE_DIR": str(state_dir), "NO_COLOR": "1"}


class Process:
    """One process. Owned by one event loop."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        outer: Mapping[str, str],
        group: int = 0,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.ready_file = folder / f"{name}.ready.json"
        self._command = [*command, "--ready-file", str(self.ready_file)]
        self._environment = environment(outer, folder / "state")
        self._folder = folder
        self._group = group  # that it belongs to; 0: one of its own
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 if there is no process."""
        return self._process.pid if self._process else 0

    async def start(self) -> dict[str, Any]:
        """Start it, and return what its ready file says; raises DrillError."""
        self.ready_file.unlink(missing_ok=True)
        fd = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=fd,
                stderr=fd,
                process_group=self._group,
            )
        except OSError as error:
            raise DrillError(f"the {self.name} cannot be started: {error.strerror}") from error
        finally:
            os.close(fd)
        return await self._ready(self._process)

    async def _ready(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        give_up_at_s = clock.now_s() + READY_S
        while clock.now_s() < give_up_at_s:
            if ready := self.ready():
                return ready
            if await _ended(process, POLL_S):
                told = f"ended with status {process.returncode}"
                raise DrillError(f"the {self.name} {told}{self._tail()}")
        raise DrillError(f"the {self.name} was not ready after {READY_S:g} s{self._tail()}")

    def ready(self) -> dict[str, Any]:
        """Return what its ready file says now; empty if there is none yet."""
        try:
            return msgspec.json.decode(private_file.read(self.ready_file), type=dict[str, Any])
        except (StoreError, msgspec.MsgspecError):
            return {}

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one of those that it has started, if there is one of this name."""
        pid = self.ready().get("pids", {}).get(name)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)

    async def stop(self) -> None:
        """End it, and whoever it has started: ask first, then insist."""
        process = self._process
        if process is None:
            return
        others = [int(pid) for pid in self.ready().get("pids", {}).values()]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)  # a frozen one hears nothing else
            process.terminate()
        if not await _ended(process, STOP_S):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            for pid in others:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    def _tail(self) -> str:
        try:
            text = self.log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line for line in text.splitlines() if line.strip()]
        return "".join(["; its log ends:", *(f"\n    {line}" for line in lines)]) if lines else ""


async def _ended(process: asyncio.subprocess.Process, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except TimeoutError:
        return False
    return True
