"""Delivering answers: one object a call, all on one wheel of alarms.

    Wait      silence, then one action; without an alarm, silence until the caller leaves
    Delivery  frames, each at its time: content by the tempo, all else at once

A delivery that is late catches up in one go; a reader who is slow pauses it. Frames that are due
together go out in batches, so that an instant answer of many tokens does not keep others waiting.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from penstock.apps.emulate.attempts import CANCELLED, Attempt, AttemptLog
from penstock.apps.emulate.dialect import ENDINGS, SSE_TYPE, Frame, FrameKind
from penstock.apps.emulate.pace import Tempo
from penstock.core.fault import Fault, FaultKind
from penstock.wire import clock
from penstock.wire.alarms import Alarm, Alarms
from penstock.wire.call import STATUS_LINES, Call

BATCH: Final = 64
_LINGER_NOT: Final = struct.pack("ii", 1, 0)  # close() then sends RST


class Stage:
    """What all deliveries share."""

    def __init__(self, loop: asyncio.AbstractEventLoop, log: AttemptLog) -> None:
        self.loop = loop
        self.alarms = Alarms(loop)
        self.log = log


class Performance:
    """One answer on its way: the call, its attempt and the fault that it drew."""

    __slots__ = ("attempt", "call", "fault", "stage")

    def __init__(self, stage: Stage, call: Call, attempt: Attempt) -> None:
        self.stage = stage
        self.call = call
        self.attempt = attempt
        self.fault: Fault | None = None

    def cancelled(self) -> None:
        """Note that the caller left."""
        self.stage.log.closed(self.attempt, CANCELLED, clock.now_s())

    def delivered(self) -> None:
        """Note that all is out."""
        self.stage.log.delivered(self.attempt, self.fault, clock.now_s())


class Wait:
    """Silence before an action, which runs unless the caller leaves first."""

    def __init__(self, performance: Performance, action: Callable[[], None]) -> None:
        self._performance = performance
        self._action = action
        self._alarm = Alarm(performance.stage.alarms, self._on_alarm)
        performance.call.observer = self

    def begin(self, wait_s: float | None) -> None:
        """Act after so long; at once if it is no time at all, and never if it is None."""
        if wait_s is None:
            return
        if wait_s <= 0:
            self._on_alarm(0.0)
        else:
            self._alarm.wake_at(clock.now_s() + wait_s)

    def on_stop(self) -> None:
        """Do nothing: a provider that goes down cuts its answers."""

    def on_hang_up(self) -> None:
        """Act no more."""
        self._alarm.drop()
        self._performance.cancelled()

    def on_pause(self) -> None:
        """Nothing is being written."""

    def on_resume(self) -> None:
        """Nothing is being written."""

    def _on_alarm(self, now_s: float) -> None:
        del now_s
        self._performance.call.observer = None
        self._action()


class Outlet(Protocol):
    """Where frames go."""

    def begin(self) -> None:
        """Send the head."""

    def write(self, data: bytes) -> None:
        """Send one piece."""

    def end(self) -> None:
        """Close as complete."""

    def abort(self) -> None:
        """Close so that nobody can take it for complete."""


class Chunked:
    """A stream by the rules of HTTP."""

    def __init__(self, call: Call, headers: bytes) -> None:
        self._call = call
        self._headers = SSE_TYPE + headers
        self.write = call.write
        self.end = call.end
        self.abort = call.abort

    def begin(self) -> None:
        """Send the head of a stream."""
        self._call.start(200, self._headers)


class Raw:
    """Bytes past the rules of HTTP, after a head that promises ``length`` of them."""

    def __init__(self, call: Call, headers: bytes, length: int) -> None:
        self._call = call
        self._transport = call.transport
        self._head = b"%bcontent-length: %d\r\nconnection: close\r\n%b\r\n" % (
            STATUS_LINES[200],
            length,
            headers,
        )

    def begin(self) -> None:
        """Send the head."""
        self.write(self._head)

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        if self._transport is not None:
            self._transport.write(data)

    def end(self) -> None:
        """Flush and close, whatever was promised."""
        self._call.observer = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Do the same: there is no other way to stop here."""
        self.end()


def reset(call: Call) -> None:
    """Drop a connection with a TCP reset."""
    call.observer = None
    transport = call.transport
    if transport is not None:
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()


class Delivery:
    """Frames on their way to one caller."""

    __slots__ = (
        "_alarm", "_batch", "_due_s", "_frame", "_frames", "_has_content", "_is_over", "_is_paused",
        "_outlet", "_performance", "_tempo", "_write",
    )  # fmt: skip

    def __init__(
        self, performance: Performance, outlet: Outlet, frames: Iterator[Frame], tempo: Tempo
    ) -> None:
        self._performance = performance
        self._outlet = outlet
        self._write = outlet.write
        self._frames = frames
        self._tempo = tempo
        self._frame = Frame(FrameKind.PIECE)
        self._due_s = 0.0
        self._has_content = False
        self._is_paused = False
        self._is_over = False
        self._alarm = Alarm(performance.stage.alarms, self._pump)
        fault = performance.fault
        drips = fault is not None and fault.kind is FaultKind.SLOW_DRIP
        self._batch = 1 if drips else BATCH  # what is written in one turn of the loop is one write

    def begin(self) -> None:
        """Send the head, and each frame when it is due."""
        self._performance.call.observer = self
        self._outlet.begin()
        now_s = self._due_s = clock.now_s()
        self._advance()
        self._pump(now_s)

    def on_stop(self) -> None:
        """Do nothing: a provider that goes down cuts its answers."""

    def on_hang_up(self) -> None:
        """Stop: nobody reads."""
        self._is_over = True
        self._alarm.drop()
        self._performance.cancelled()

    def on_pause(self) -> None:
        """Write no more for now."""
        self._is_paused = True

    def on_resume(self) -> None:
        """Go on with what is due."""
        self._is_paused = False
        self._go_on()

    def _pump(self, now_s: float) -> None:
        """Write what is due, then sleep until the next is."""
        left = self._batch
        while not self._is_over and not self._is_paused:
            if self._due_s > now_s:
                self._alarm.wake_at(self._due_s)
                return
            if not left:
                self._performance.stage.loop.call_soon(self._go_on)
                return
            left -= 1
            frame = self._frame
            if frame.kind in ENDINGS:
                self._end(frame.kind)
                return
            self._write(frame.data)
            attempt = self._performance.attempt
            attempt.output_tokens += frame.tokens
            attempt.is_usage_sent |= frame.tells_usage
            self._advance()

    def _go_on(self) -> None:
        if not self._is_over and not self._is_paused:
            self._pump(clock.now_s())

    def _advance(self) -> None:
        """Take the next frame and say when it is due."""
        frame = self._frame = next(self._frames)
        if frame.kind is FrameKind.CONTENT:
            if self._has_content:
                self._due_s += self._tempo.gap_s()
            self._has_content = True
        if frame.wait_s:
            self._due_s += frame.wait_s

    def _end(self, kind: FrameKind) -> None:
        self._is_over = kind is not FrameKind.SILENCE  # in silence we wait for the caller to leave
        if kind is FrameKind.SILENCE:
            return
        if kind is FrameKind.END:
            self._outlet.end()
        else:
            self._outlet.abort()
        self._performance.delivered()
