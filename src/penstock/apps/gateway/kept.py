"""An answer that callers may come back for: the Caller port over any number of calls.

    WAITING    start                           -> STREAMING
    WAITING    answer 200                      -> ENDED     replayed whole within the window
    WAITING    refuse, answer other than 200   -> GONE      told to all readers: a retry may succeed
    STREAMING  end, abort                      -> ENDED     an abort is replayed as what it was;
                                                            GONE after nothing but signs of life
    WAITING    nobody reads for orphan_s, or   -> GONE      the exchange ends as hung up, with the
    STREAMING   the caller cancels             -> ENDED     code ``cancelled`` where it was
                                                            cancelled; a stream gets an error event
    STREAMING  larger than its bound           -> PASSING   what all have read is dropped
    PASSING    all readers have left           -> GONE      the exchange ends as hung up
    PASSING    end, abort                      -> GONE      readers get the rest

Each reader has an offset of its own into the bytes as they were written, and takes the next as its
socket drains. A slow reader holds nobody up, except in PASSING: there is only so much to read
again, so the upstream is not read either until all have caught up.

A reader that leaves does not end the exchange: to come back is what the answer is kept for.
"""

import enum
from typing import Final, Protocol

from penstock.apps.gateway.caller import STREAM, HttpCaller, head
from penstock.core.errors import CallerError, PenstockError, ShedError
from penstock.dialects import sse
from penstock.dialects.contract import Dialect
from penstock.dialects.openai_responses import stored
from penstock.exchange.answering import EVENT_STREAM
from penstock.wire import clock
from penstock.wire.call import Call

OK: Final = 200
STEP_BYTES: Final = 64 * 1024  # of a replay, between two looks at the socket: its own mark
FROM_START: Final = -1
CANCELLED: Final = "cancelled"  # in the record: by a call that says so
LEFT: Final = "caller_left"
CONFLICT: Final = 409
KEPT: Final = b"x-penstock-kept: true\r\n"
NOT_KEPT: Final = b"x-penstock-kept: false\r\n"
REPLAYED: Final = b"x-penstock-replayed: true\r\n"


class Phase(enum.Enum):
    """What has become of an answer."""

    WAITING = "waiting"
    STREAMING = "streaming"
    PASSING = "passing"
    ENDED = "ended"
    GONE = "gone"


RUNNING: Final = frozenset({Phase.WAITING, Phase.STREAMING, Phase.PASSING})


class Source(Protocol):
    """The exchange that the answer comes from."""

    def on_hang_up(self, now_s: float, code: str = ...) -> None:
        """Stop paying for an answer that nobody reads, or that is not wanted; say which."""
        ...

    def on_stop(self, error: PenstockError, now_s: float) -> None:
        """End now, and say so."""
        ...

    def on_pause(self) -> None:
        """Read no more from the upstream."""
        ...

    def on_resume(self, now_s: float) -> None:
        """Read on."""
        ...


class Shelf(Protocol):
    """Where kept answers stand; it has the bounds."""

    def take(self, kept: "KeptAnswer", size: int) -> bool:
        """Make room for so many bytes more of this answer; False if there is none."""
        ...

    def on_trimmed(self, kept: "KeptAnswer", size: int) -> None:
        """Take note that only so many bytes are left of an answer that is no longer kept."""
        ...

    def on_readers(self, kept: "KeptAnswer") -> None:
        """Take note that somebody, or nobody, reads a running answer now."""
        ...

    def on_start(self, kept: "KeptAnswer") -> None:
        """Take note of the first bytes: an answer may be found by what it calls itself."""
        ...

    def on_end(self, kept: "KeptAnswer") -> None:
        """Take note that nothing more will come."""
        ...


class Reader:
    """One call that gets the answer, and how far it has got."""

    __slots__ = ("_kept", "after", "at", "call", "lines")

    def __init__(
        self, kept: "KeptAnswer", call: Call, *, is_replay: bool, after: int = FROM_START
    ) -> None:
        self._kept = kept
        self.call = call
        self.lines = REPLAYED if is_replay else b""
        self.after = after  # only numbered events beyond this one are wanted
        self.at = 0

    def on_hang_up(self) -> None:
        """Nobody reads here any more."""
        self._kept.on_left(self)

    def on_pause(self) -> None:
        """The socket is full."""
        self._kept.on_paused()

    def on_resume(self) -> None:
        """The socket has drained."""
        self._kept.on_resumed(self)

    def on_stop(self) -> None:
        """The gateway goes down."""
        self._kept.stop(ShedError("The gateway is going down.", retry_after_s=1.0))


class KeptAnswer:
    """One exchange's answer. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_data", "_exchange", "_first", "_is_clean", "_is_held_up", "_readers", "_shelf",
        "dialect", "has_answered", "headers", "id", "is_cancelled", "mark", "phase",
        "status", "taken_bytes",
    )  # fmt: skip

    def __init__(self, shelf: Shelf, dialect: Dialect, request_id: str, mark: bytes) -> None:
        self._shelf = shelf
        self.dialect = dialect
        self.id = request_id
        self.mark = mark
        self._exchange: Source | None = None
        self._readers: list[Reader] = []
        self._data = bytearray()
        self._first = 0  # the offset of the first byte that is still there
        self._is_clean = False  # the answer is complete
        self._is_held_up = False
        self.phase = Phase.WAITING
        self.status = 0  # not 0: a whole answer, with its length
        self.headers = b""
        self.has_answered = False  # there was more than a sign of life, so it has cost something
        self.is_cancelled = False
        self.taken_bytes = 0  # of the shelf; kept by it

    # --- what others may know

    @property
    def is_running(self) -> bool:
        """Whether more may come."""
        return self.phase in RUNNING

    @property
    def is_held(self) -> bool:
        """Whether all of the answer, so far, can be given out again."""
        return self.phase not in (Phase.PASSING, Phase.GONE)

    @property
    def is_stream(self) -> bool:
        """Whether what is here are events."""
        return self.status == 0

    @property
    def has_readers(self) -> bool:
        """Whether somebody is being answered from here."""
        return bool(self._readers)

    @property
    def data(self) -> bytes:
        """All that has been written so far, and is still here."""
        return bytes(self._data)

    # --- readers come and go

    def attach(self, exchange: Source) -> None:
        """Tell this exchange what becomes of its callers."""
        self._exchange = exchange

    def read(self, reader: Reader) -> None:
        """Answer this call too: with all there is, then with what comes."""
        reader.call.observer = reader
        self._readers.append(reader)
        if self.phase is Phase.WAITING:
            self._shelf.on_readers(self)
        elif self.status:
            self._send_whole(reader, bytes(self._data))
            self._readers.remove(reader)
        else:
            reader.call.start(OK, self.headers + reader.lines)
            self._pump(reader)
            if self.is_running:
                self._shelf.on_readers(self)

    def on_left(self, reader: Reader) -> None:
        """One reader less."""
        if reader not in self._readers:
            return
        self._readers.remove(reader)
        self._trim()
        if self.is_running:
            self._balance()
            self._shelf.on_readers(self)

    def on_paused(self) -> None:
        """See whether the upstream must wait."""
        if self.phase is Phase.PASSING and not self._is_held_up:
            self._hold_up()

    def on_resumed(self, reader: Reader) -> None:
        """Give a reader what it has not got yet."""
        self._pump(reader)
        self._balance()

    def stop(self, error: PenstockError) -> None:
        """End the exchange by our own decision."""
        if self._exchange is not None:
            self._exchange.on_stop(error, clock.now_s())

    def hang_up(self, error: PenstockError, now_s: float) -> None:
        """End an exchange that nobody reads, or that is not wanted; whoever reads is told why."""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            return
        exchange.on_hang_up(now_s, CANCELLED if self.is_cancelled else LEFT)
        if self.phase is Phase.WAITING:
            self.refuse(error, b"")
        else:
            self.abort(self.dialect.error_event(error, self.id))

    def cancel(self, now_s: float) -> None:
        """End the exchange, if it is under way: its caller does not want the answer."""
        if self.is_running:
            self.is_cancelled = True
            self.hang_up(cancelled(), now_s)

    def forget(self) -> None:
        """Drop the bytes; who reads now goes on with what comes."""
        if self.phase is Phase.STREAMING:
            self._pass()
        elif self.phase is Phase.ENDED:
            self.phase = Phase.GONE
            self._trim()

    # --- the exchange calls these

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """Send a whole answer."""
        self._exchange = None
        self.status = status
        is_kept = status == OK and self._shelf.take(self, len(body))
        self._set_headers(headers, is_kept=is_kept)
        self.phase = Phase.ENDED if is_kept else Phase.GONE
        self._is_clean = self.has_answered = status == OK
        readers, self._readers = self._readers, []
        for reader in readers:
            self._send_whole(reader, body)
        if is_kept:
            self._data += body
            self._shelf.on_start(self)
        self._shelf.on_end(self)

    def refuse(self, error: PenstockError, headers: bytes) -> None:
        """Send an error; nothing is kept of it."""
        self._exchange = None
        self.phase = Phase.GONE
        readers, self._readers = self._readers, []
        for reader in readers:
            HttpCaller(reader.call, self.dialect, self.id, self.mark).refuse(
                error, headers + reader.lines
            )
        self._shelf.on_end(self)

    def start(self, headers: bytes) -> None:
        """Begin a stream, or an answer that is too long to be held: that is not kept either."""
        self.phase = Phase.STREAMING
        has_events = EVENT_STREAM in headers
        self._set_headers(headers + STREAM, is_kept=has_events)
        for reader in self._readers:
            reader.call.start(OK, self.headers + reader.lines)
        if not has_events:
            self._pass()

    def write(self, data: bytes) -> None:
        """Send whole events."""
        is_first = not self.has_answered and not self._is_sign_of_life(data)
        self.has_answered = self.has_answered or is_first
        self._append(data)
        if is_first and self.phase is Phase.STREAMING:
            self._shelf.on_start(self)
        for reader in list(self._readers):
            self._pump(reader)
        if self.phase is Phase.PASSING:
            self._trim()
            if not self._is_held_up and self._is_behind():
                self._hold_up()

    def end(self, data: bytes) -> None:
        """Send the last events and close the stream as complete."""
        self._is_clean = self.has_answered = True
        self._close(data)

    def abort(self, data: bytes) -> None:
        """Send an error event, and then no last chunk."""
        self._close(data)

    # --- inside

    def _is_sign_of_life(self, data: bytes) -> bool:
        """Tell whether nothing has been written but what clients skip: it has cost nothing yet."""
        return data == self.dialect.keep_alive or sse.is_comment(data)

    def _set_headers(self, headers: bytes, *, is_kept: bool) -> None:
        told = KEPT if is_kept else NOT_KEPT
        self.headers = head(self.dialect, self.id, self.mark) + told + headers

    def _send_whole(self, reader: Reader, body: bytes) -> None:
        reader.call.observer = None
        reader.call.send(self.status, self.headers + reader.lines, body)

    def _append(self, data: bytes) -> None:
        if self.phase is Phase.STREAMING and not self._shelf.take(self, len(data)):
            self._pass()
        self._data += data

    def _close(self, data: bytes) -> None:
        self._exchange = None
        self._append(data)
        is_kept = self.phase is Phase.STREAMING and self.has_answered
        self.phase = Phase.ENDED if is_kept else Phase.GONE
        for reader in list(self._readers):
            self._pump(reader)
        self._trim()
        self._shelf.on_end(self)

    def _pump(self, reader: Reader) -> None:
        """Write to a reader while its socket takes it; close it after the last byte."""
        call = reader.call
        end = self._first + len(self._data)
        if reader.after != FROM_START:
            self._skip(reader)
        while reader.at < end and call.is_writable:
            size = min(STEP_BYTES, end - reader.at)
            piece = self._piece(reader.at, size)
            reader.at += size
            call.write(piece)
        if reader.at == end and not self.is_running:
            self._readers.remove(reader)
            call.observer = None
            if self._is_clean:
                call.end()
            else:
                call.abort()
            self._trim()

    def _skip(self, reader: Reader) -> None:
        begin = reader.at - self._first
        skipped, is_found = stored.skip(bytes(self._data[begin:]), reader.after)
        reader.at += skipped
        if is_found:
            reader.after = FROM_START

    def _piece(self, at: int, size: int) -> bytes:
        begin = at - self._first
        with memoryview(self._data) as view:
            return bytes(view[begin : begin + size])

    def _pass(self) -> None:
        """Keep no longer what all have read."""
        self.phase = Phase.PASSING
        self._balance()
        self._shelf.on_readers(self)

    def _trim(self) -> None:
        if self.phase not in (Phase.PASSING, Phase.GONE):
            return
        end = self._first + len(self._data)
        least = min((reader.at for reader in self._readers), default=end)
        if least > self._first:
            del self._data[: least - self._first]
            self._first = least
        self._shelf.on_trimmed(self, len(self._data))

    def _is_behind(self) -> bool:
        end = self._first + len(self._data)
        return any(one.at < end or not one.call.is_writable for one in self._readers)

    def _balance(self) -> None:
        """Stop or start the upstream, where the readers' pace is all there is."""
        if self.phase is not Phase.PASSING:
            return
        self._trim()
        is_behind = self._is_behind()
        if is_behind and not self._is_held_up:
            self._hold_up()
        elif self._is_held_up and not is_behind:
            self._is_held_up = False
            if self._exchange is not None:
                self._exchange.on_resume(clock.now_s())

    def _hold_up(self) -> None:
        self._is_held_up = True
        if self._exchange is not None:
            self._exchange.on_pause()


def cancelled() -> CallerError:
    """Return what is told of an answer that its caller has cancelled."""
    error = CallerError("The response was cancelled.", status=CONFLICT, code=CANCELLED)
    error.remedy = ""
    error.should_retry = False
    return error
