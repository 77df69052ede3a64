"""Callers and an exchange as plain objects: sockets that drain when they are told to."""

import asyncio

from penstock.core.errors import PenstockError
from penstock.wire.call import Call

HIGH = 40  # bytes that a socket holds before its writer should wait


class Timeless:
    """A port that tells no time."""

    date_line = b""


class Socket:
    """The Link of one call. What is written waits until the other end reads it."""

    server = Timeless()
    peer = ""
    transport: asyncio.Transport | None = None

    def __init__(self) -> None:
        self.is_paused = False
        self.is_answered = False
        self.is_closed = False
        self.has_left = False
        self.written = b""
        self.unread = 0
        self.call = Call(self)

    @property
    def is_open(self) -> bool:
        return not self.has_left

    def write(self, data: bytes) -> None:
        if self.has_left:
            return
        is_part = not data.startswith(b"HTTP/1.1") and data != b"0\r\n\r\n"
        assert not (is_part and self.is_paused), "written to a socket that is full"
        self.written += data
        self.unread += len(data)
        if self.unread > HIGH and not self.is_paused:
            self.is_paused = True
            if self.call.observer is not None:
                self.call.observer.on_pause()

    def on_answered(self, call: Call) -> None:
        assert call is self.call
        assert not self.is_answered
        self.is_answered = True

    def close(self) -> None:
        self.is_closed = True

    def take(self, size: int) -> None:
        """Let the other end read so many bytes."""
        self.unread = max(0, self.unread - size)
        if self.is_paused and self.unread <= HIGH // 2:
            self.is_paused = False
            if self.call.observer is not None:
                self.call.observer.on_resume()

    def take_all(self) -> None:
        """Let the other end read until nothing more comes."""
        while self.unread:
            self.take(self.unread)

    def leave(self) -> None:
        """Hang up."""
        self.has_left = True
        observer, self.call.observer = self.call.observer, None
        if observer is not None:
            observer.on_hang_up()

    @property
    def head(self) -> bytes:
        return self.written.partition(b"\r\n\r\n")[0]

    @property
    def status(self) -> int:
        return int(self.head.split()[1]) if self.head else 0

    @property
    def body(self) -> bytes:
        """What has been sent of a stream, or all of a whole answer."""
        head, _, rest = self.written.partition(b"\r\n\r\n")
        if b"chunked" not in head:
            return rest
        found = b""
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            found += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        return found

    @property
    def has_last_chunk(self) -> bool:
        return self.written.endswith(b"0\r\n\r\n")


class Source:
    """The exchange's side: what it was told."""

    def __init__(self) -> None:
        self.is_paused = False
        self.has_hung_up = False
        self.code = ""
        self.stops: list[PenstockError] = []

    def on_hang_up(self, now_s: float, code: str = "") -> None:
        del now_s
        self.has_hung_up = True
        self.code = code

    def on_stop(self, error: PenstockError, now_s: float) -> None:
        del now_s
        self.stops.append(error)

    def on_pause(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def on_resume(self, now_s: float) -> None:
        del now_s
        assert self.is_paused
        self.is_paused = False
