"""The worker's end of the line to the owner of capacity: made, watched, made again.

    no line              try every ``AGAIN_S``
    a line               say Hello; ping every ``PING_S``
    Welcome              the gate is remote
    silent for SILENT_S  while remote: say Leaving, close the line, the gate is alone
    the line ends        the gate is alone

Silence is measured only while we ourselves are awake: after a stall of our own loop, the owner has
the whole time again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penstock.fleet.address import address
from penstock.fleet.line import Line
from penstock.fleet.messages import FromOwner, FromWorker, Hello, Leaving, Ping
from penstock.fleet.remote_gate import RemoteGate

AGAIN_S: Final = 0.05
PING_S: Final = 0.1
SILENT_S: Final = 0.25  # far above a turn of a full loop; callers wait no longer than they notice
STALL_S: Final = 0.15  # a ping that is as late was held up by ourselves


class WorkerLine:
    """Keeps a remote gate in touch with its owner. Owned by one event loop."""

    def __init__(
        self,
        path: Path,
        worker: int,
        pid: int,
        now: Callable[[], float],
        told: Callable[[str, str], None],
    ) -> None:
        self._address = address(path)
        self._worker = worker
        self._pid = pid
        self._now = now
        self._told = told  # an event and its reason, for the log
        self._loop = asyncio.get_running_loop()
        self._line: Line[FromOwner] | None = None
        self._ended = asyncio.Event()
        self._attempt = 0
        self._heard_at_s = self._pinged_at_s = 0.0
        self.gate: RemoteGate | None = None

    def send(self, message: FromWorker) -> None:
        """Send a message to the owner; nothing without a line."""
        if self._line is not None:
            self._line.send(message)

    async def keep(self) -> None:
        """Keep the line up; ends when cancelled."""
        while True:
            try:
                await self._loop.create_unix_connection(self._new_line, self._address)
            except OSError:
                await _pause(AGAIN_S)
                continue
            await self._ended.wait()
            await _pause(AGAIN_S)

    def _new_line(self) -> Line[FromOwner]:
        self._attempt += 1
        self._ended.clear()
        line: Line[FromOwner] = Line(list[FromOwner], self._on_messages, self._on_cut)
        self._line = line
        self._heard_at_s = self._pinged_at_s = self._now()
        line.send(Hello(self._worker, self._pid, self._attempt))
        self._loop.call_later(PING_S, self._on_ping, line)
        return line

    def _on_messages(self, line: Line[FromOwner], messages: list[FromOwner]) -> None:
        if line is not self._line:
            return
        now_s = self._heard_at_s = self._now()
        gate = self.gate
        if gate is None:
            return
        was_remote = gate.is_remote
        for message in messages:
            gate.on_message(message, now_s)
        if gate.is_remote and not was_remote:
            self._told("limiter_found", "")

    def _on_ping(self, line: Line[FromOwner]) -> None:
        if line is not self._line:
            return
        now_s = self._now()
        if now_s - self._pinged_at_s > STALL_S:
            self._heard_at_s = now_s
        self._pinged_at_s = now_s
        gate = self.gate
        if gate is not None and gate.is_remote and now_s - self._heard_at_s > SILENT_S:
            line.send(Leaving())
            line.close()
            self._lose(f"it has said nothing for {now_s - self._heard_at_s:.2f} s")
            return
        line.send(Ping())
        self._loop.call_later(PING_S, self._on_ping, line)

    def _on_cut(self, line: Line[FromOwner], reason: str) -> None:
        if line is self._line:
            self._lose(reason)

    def _lose(self, reason: str) -> None:
        self._line = None
        self._ended.set()
        gate = self.gate
        if gate is not None and gate.is_remote:
            self._told("limiter_lost", reason)
            gate.on_lost(self._now())


async def _pause(for_s: float) -> None:
    """Wait for an event that nobody sets, so that only time ends it."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            await asyncio.Event().wait()
