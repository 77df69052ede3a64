"""One request and the way to answer it.

    asked      send              -> answered   whole, with its length
    asked      start             -> streaming  always chunked, so that an end can be told
    streaming  write             -> streaming
    streaming  end               -> answered   the last chunk says that the answer is complete
    streaming  abort             -> cut        closed without a last chunk
    any        the caller leaves -> deaf       what is written goes nowhere; the observer is told

Nothing else may follow an answer; what is written to a call that has ended is dropped.
"""

import asyncio
from http import HTTPStatus
from typing import Final, Protocol

STATUS_LINES: Final[dict[int, bytes]] = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
} | {529: b"HTTP/1.1 529 Overloaded\r\n", 498: b"HTTP/1.1 498 Capacity Exceeded\r\n",
     530: b"HTTP/1.1 530 Origin Unreachable\r\n"}  # fmt: skip


class CallObserver(Protocol):
    """Who wants to know what becomes of a call that is being answered."""

    def on_hang_up(self) -> None:
        """Tell that the caller has left; nothing that is written from now on arrives."""

    def on_pause(self) -> None:
        """Tell that the caller reads too slowly: write no more for now."""

    def on_resume(self) -> None:
        """Tell that the caller has caught up."""

    def on_stop(self) -> None:
        """Tell that the server goes down: end the answer now, and say so."""


class Dated(Protocol):
    """What knows the time as HTTP says it."""

    @property
    def date_line(self) -> bytes:
        """The header that says what time it is."""
        ...


class Recurring(Protocol):
    """A head that comes again and again, byte for byte.

    Whoever answers may leave here what follows from the head alone, and find it the next time.
    """

    memo: object


class Link(Protocol):
    """The connection that a call came over."""

    is_paused: bool
    peer: str

    @property
    def is_open(self) -> bool:
        """Whether the other end is still there, as far as we know."""
        ...

    @property
    def transport(self) -> asyncio.Transport | None:
        """The socket below; None once it is closed."""
        ...

    @property
    def server(self) -> Dated:
        """The port that the connection came to."""
        ...

    def write(self, data: bytes) -> None:
        """Write, if anybody is there to read."""
        ...

    def on_answered(self, call: "Call") -> None:
        """Go on with the next request, or close."""
        ...

    def close(self) -> None:
        """Flush and close."""
        ...


class Call:
    """One request and the way to answer it: ``send`` once, or ``start``, ``write`` ..., ``end``.

    ``headers`` has lower-case names; copies of a list header are joined by a comma. ``target`` is
    the path as sent, ``query`` what follows the question mark. ``head`` is there if it is one that
    has been seen before. Owned by one event loop.
    """

    __slots__ = (
        "_connection", "_is_ended", "_is_started", "body", "head", "headers", "is_http_1_0",
        "keeps_alive", "method", "observer", "query", "received_at_s", "target",
    )  # fmt: skip

    def __init__(
        self,
        connection: Link,
        method: bytes = b"",
        target: bytes = b"",
        query: bytes = b"",
        headers: dict[bytes, bytes] | None = None,
        body: bytes = b"",
    ) -> None:
        self._connection = connection
        self._is_started = False
        self._is_ended = False
        self.method = method
        self.target = target
        self.query = query
        self.headers = {} if headers is None else headers
        self.body = body
        self.head: Recurring | None = None
        self.keeps_alive = True
        self.is_http_1_0 = False
        self.observer: CallObserver | None = None
        self.received_at_s = 0.0

    @property
    def is_started(self) -> bool:
        """Whether the head of the answer has gone out."""
        return self._is_started

    @property
    def is_open(self) -> bool:
        """Whether anything written now can still reach the caller."""
        return not self._is_ended and self._connection.is_open

    @property
    def is_writable(self) -> bool:
        """Whether the caller keeps up with reading."""
        return not self._connection.is_paused

    @property
    def transport(self) -> asyncio.Transport | None:
        """The socket below, for the emulator, which breaks the rules of HTTP on purpose."""
        return self._connection.transport

    @property
    def peer(self) -> str:
        """The address of the other end, as the socket knows it."""
        return self._connection.peer

    def send(self, status: int, headers: bytes, body: bytes) -> None:
        """Answer whole. ``headers`` are encoded lines, each ending in CRLF."""
        if self._is_ended:
            return
        self._is_started = self._is_ended = True
        connection = self._connection
        connection.write(
            b"%b%b%b%b%b\r\n%b"
            % (
                STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status,
                connection.server.date_line,
                b"" if status in (204, 304) else b"content-length: %d\r\n" % len(body),
                headers,
                b"" if self.keeps_alive else b"connection: close\r\n",
                b"" if self.method == b"HEAD" else body,
            )
        )
        connection.on_answered(self)

    def start(self, status: int, headers: bytes) -> None:
        """Begin an answer of unknown length: always chunked, so that an end can be told."""
        if self._is_ended or self._is_started:
            return
        if self.is_http_1_0:  # knows no chunks: an abort would look like an end
            self.send(505, b"content-type: text/plain\r\n", b"a stream needs HTTP/1.1\n")
            return
        self._is_started = True
        connection = self._connection
        connection.write(
            b"%b%btransfer-encoding: chunked\r\n%b%b\r\n"
            % (
                STATUS_LINES[status],
                connection.server.date_line,
                headers,
                b"" if self.keeps_alive else b"connection: close\r\n",
            ),
        )

    def write(self, data: bytes) -> None:
        """Send one piece of a started answer."""
        if data and not self._is_ended:
            self._connection.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self, data: bytes = b"") -> None:
        """Close a started answer as complete, with its last piece."""
        if self._is_ended:
            return
        self._is_ended = True
        last = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        self._connection.write(last)
        self._connection.on_answered(self)

    def abort(self) -> None:
        """End a started answer so that nobody can take it for complete: no last chunk, closed.

        What was written before is flushed first: a reset could overtake an error event.
        """
        if not self._is_ended:
            self._is_ended = True
            self.observer = None
            self._connection.close()
