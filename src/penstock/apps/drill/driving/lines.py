"""Connections of synthetic users: HTTP/1.1, kept and used again, with no task per request.

    a request     gets a connection that is idle, or a new one; at most ``LINES_MAX`` are open
    its owner     hears the head, the bytes of the body as they come, and once how it ended
    clean         the answer is whole as HTTP knows it; anything else is not
    stale         a kept connection that was closed before anything came is no answer: the request
                  goes out again on another, as clients do

No certificate is forgiven: a drill that is played over TLS needs a real one.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol, cast
from urllib.parse import urlsplit

import httptools

LINES_MAX: Final = 1_500  # open at once; some 5 calls a second of 10 s each are 50
CONNECT_S: Final = 10.0  # of loopback: longer means that nobody answers
IDLE_MAX: Final = 100  # kept of one place
PORTS: Final = {"http": 80, "https": 443}


class Owner(Protocol):
    """Whoever asked."""

    def on_head(self, status: int, headers: Mapping[str, str]) -> None:
        """The answer begins."""

    def on_body(self, data: bytes) -> None:
        """More of it."""

    def on_end(self, why: str) -> None:
        """It is over: nothing more is told. ``why`` is empty if it is whole, as HTTP knows it."""


class Spot(NamedTuple):
    """Where a connection goes to."""

    host: str
    port: int
    is_tls: bool


def spot(url: str) -> Spot:
    """Return where a URL leads."""
    parts = urlsplit(url)
    port = parts.port or PORTS[parts.scheme]
    return Spot(parts.hostname or "", port, parts.scheme == "https")


class Request:
    """One request under way; ``leave`` forgets it, and closes its connection."""

    __slots__ = ("data", "line", "owner", "spot", "task", "was_kept")

    def __init__(self, owner: Owner, place: Spot, data: bytes) -> None:
        self.owner: Owner | None = owner
        self.spot = place
        self.data = data
        self.line: Line | None = None
        self.task: asyncio.Task[None] | None = None
        self.was_kept = False

    def leave(self) -> None:
        """Hang up."""
        self.owner = None
        if self.task is not None:
            self.task.cancel()
        if self.line is not None:
            self.line.close()

    def end(self, why: str) -> None:
        """Tell the owner, once."""
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.on_end(why)


class Lines:
    """The connections of one arm's users. Tasks are only for connecting."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._idle: dict[Spot, list[Line]] = {}
        self._open: set[Line] = set()
        self._tls = ssl.create_default_context()

    def ask(self, owner: Owner, place: Spot, data: bytes) -> Request:
        """Send a request; the owner hears of it, never before this returns."""
        request = Request(owner, place, data)
        line = self._kept(place)
        if line is not None:
            request.was_kept = True
            line.send(request)
        else:
            self.connect(request)
        return request

    def _kept(self, place: Spot) -> "Line | None":
        idle = self._idle.get(place, [])
        while idle:
            line = idle.pop()
            if line.is_open:
                return line
        return None

    def connect(self, request: Request) -> None:
        """Send it on a new connection."""
        request.task = self._tasks.create_task(self._connect(request))

    async def _connect(self, request: Request) -> None:
        if len(self._open) >= LINES_MAX:
            request.end("too many connections")
            return
        loop = asyncio.get_running_loop()
        host, port, is_tls = request.spot
        try:
            async with asyncio.timeout(CONNECT_S):
                _, line = await loop.create_connection(
                    lambda: Line(self, request.spot), host, port, ssl=self._tls if is_tls else None
                )
        except OSError as error:  # TimeoutError is one
            request.end(f"no connection: {error.strerror or 'in time'}")
            return
        finally:
            request.task = None
        line.send(request)

    def on_made(self, line: "Line") -> None:
        """Count a connection."""
        self._open.add(line)

    def on_lost(self, line: "Line") -> None:
        """Forget a connection."""
        self._open.discard(line)
        idle = self._idle.get(line.spot)
        if idle and line in idle:
            idle.remove(line)

    def keep(self, line: "Line") -> None:
        """Keep a connection for the next request to its place."""
        idle = self._idle.setdefault(line.spot, [])
        if len(idle) < IDLE_MAX:
            idle.append(line)
        else:
            line.close()

    def close(self) -> None:
        """Close all."""
        for one in list(self._open):
            one.close()


class Line(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_has_received", "_headers", "_is_framed", "_is_whole", "_lines", "_parser",
                 "_request", "_transport", "spot")  # fmt: skip

    def __init__(self, lines: Lines, place: Spot) -> None:
        self.spot = place
        self._lines = lines
        self._parser = httptools.HttpResponseParser(self)
        self._request: Request | None = None
        self._transport: asyncio.Transport | None = None
        self._headers: dict[str, str] = {}
        self._has_received = self._is_framed = self._is_whole = False

    @property
    def is_open(self) -> bool:
        """Whether it is there, as far as we know."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: Request) -> None:
        """Write a request."""
        if self._transport is None or not self.is_open or request.owner is None:
            self.close()
            request.end("the connection was closed")
            return
        self._request, request.line = request, self
        self._headers = {}
        self._has_received = self._is_framed = self._is_whole = False
        self._transport.write(request.data)

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._lines.on_made(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say what this means for the request under way, if any."""
        self._transport = None
        self._lines.on_lost(self)
        request, self._request = self._request, None
        if request is None or request.owner is None:
            return
        request.line = None
        if request.was_kept and not self._has_received:
            request.was_kept = False
            self._lines.connect(request)
        elif exc is None and self._has_head and not self._is_framed:
            request.end("")
        else:
            request.end("the connection was cut" if self._has_received else "no answer came")

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._request is None:
            self.close()
            return
        self._has_received = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            request = self._request
            self.close()
            request.end("it is no HTTP")
            return
        if self._is_whole:
            self._release()

    # llhttp calls these

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Tell the head."""
        headers = self._headers
        self._is_framed = "content-length" in headers or "transfer-encoding" in headers
        if self._request is not None and self._request.owner is not None:
            self._request.owner.on_head(self._parser.get_status_code(), headers)

    def on_body(self, data: bytes) -> None:
        """Tell more of the body."""
        if self._request is not None and self._request.owner is not None:
            self._request.owner.on_body(data)

    def on_message_complete(self) -> None:
        """Note that it is whole."""
        self._is_whole = True

    @property
    def _has_head(self) -> bool:
        return self._has_received and bool(self._headers)

    def _release(self) -> None:
        request, self._request = self._request, None
        if self.is_open and self._headers.get("connection", "") != "close":
            self._lines.keep(self)
        else:
            self.close()
        if request is not None:
            request.line = None
            request.end("")
