"""The way to the gateway: one connection for each answer, read only as fast as it is told on.

    open     connects, writes the request; the owner is told head, chunks, end
    slow     after a chunk that brought something to tell, reading rests until ``rest_s`` has
             passed: what comes meanwhile waits in the socket and is read at once. That is the
             grouping of deltas: the first, and the first after a silence, is never late, whatever
             heads and comments come before it; a busy process reads, parses and tells less often
    close    at once; nothing more is told

The end is told once: empty if the answer was whole as far as HTTP knows, otherwise why not.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

import certifi
import httptools

from penstock.wire import clock

CONNECT_S: Final = 5.0  # a gateway on the same network; a longer wait is a gateway that is down
HEAD_BYTES_MAX: Final = 64 * 1024
TICK_S: Final = 0.01
PORTS: Final = {"http": 80, "https": 443}
FINAL_FROM: Final = 200  # 1xx is followed by the real answer


class Owner(Protocol):
    """Who has asked."""

    def on_head(self, status: int, headers: dict[bytes, bytes]) -> None:
        """Take the head; names are in lower case."""
        ...

    def on_chunk(self, chunk: bytes) -> bool:
        """Take a part of the body; return whether it brought something to tell."""
        ...

    def on_end(self, reason: str) -> None:
        """Take note that nothing more comes; ``reason`` is empty if that is all there is."""
        ...


class Pause:
    """Lets connections that have been read rest for a while. Owned by one event loop.

    All rest equally long, so they wake in the order in which they went to rest.
    """

    def __init__(self) -> None:
        self.rest_s = 0.0
        self._resting: deque[tuple[float, Connection]] = deque()
        self._is_walking = False

    def rest(self, one: "Connection") -> None:
        """Read no more of this one for a while."""
        if self.rest_s <= 0:
            return
        one.pause()
        self._resting.append((clock.now_s() + self.rest_s, one))
        if not self._is_walking:
            self._is_walking = True
            asyncio.get_running_loop().call_later(TICK_S, self._walk)

    def _walk(self) -> None:
        now_s = clock.now_s()
        while self._resting and self._resting[0][0] <= now_s:
            self._resting.popleft()[1].resume()
        self._is_walking = bool(self._resting)
        if self._is_walking:
            asyncio.get_running_loop().call_later(TICK_S, self._walk)


class Connection(asyncio.Protocol):
    """One request and its answer."""

    __slots__ = (
        "_fed_bytes", "_headers", "_is_complete", "_is_framed", "_owner", "_parser", "_pause",
        "_pieces", "_reads_head", "_request", "_transport",
    )  # fmt: skip

    def __init__(self, owner: Owner, request: bytes, pause: Pause) -> None:
        self._owner: Owner | None = owner
        self._request = request
        self._pause = pause
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._fed_bytes = 0
        self._reads_head = True
        self._is_framed = False
        self._is_complete = False

    def close(self) -> None:
        """End it now; the owner is told nothing more."""
        self._owner = None
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Read no more for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write the request."""
        self._transport = cast("asyncio.Transport", transport)
        if self._owner is None:
            self._transport.abort()
            return
        self._transport.write(self._request)
        self._request = b""

    def data_received(self, data: bytes) -> None:
        """Parse, and tell what came in this one read."""
        if self._reads_head:
            self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(f"malformed HTTP: {error}")
            return
        if self._reads_head and self._fed_bytes > HEAD_BYTES_MAX:
            self._end("the head of the answer is too large")
            return
        is_telling = False
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            if self._owner is not None:
                chunk = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                is_telling = self._owner.on_chunk(chunk)
        if self._is_complete:
            self._end("")
        elif is_telling and self._owner is not None:
            self._pause.rest(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner, unless it knows."""
        self._transport = None
        is_whole = not self._reads_head and not self._is_framed and exc is None
        self._end("" if is_whole else f"the connection to the gateway broke{_why(exc)}")

    # llhttp calls these

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; trailers say nothing to us."""
        if self._reads_head:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Tell the head, unless another one follows."""
        status = self._parser.get_status_code()
        if status < FINAL_FROM:
            self._headers = {}
            return
        self._reads_head = False
        headers = self._headers
        self._is_framed = b"content-length" in headers or b"transfer-encoding" in headers
        if self._owner is not None:
            self._owner.on_head(status, headers)

    def on_body(self, data: bytes) -> None:
        """Collect what this read brings."""
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        """Note the end."""
        self._is_complete = not self._reads_head

    def _end(self, reason: str) -> None:
        owner, self._owner = self._owner, None
        if self._transport is not None:
            self._transport.abort()
        if owner is not None:
            owner.on_end(reason)


class Gateway:
    """Where the gateway is, and how it is asked. Owned by one event loop."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self._key = key
        self._host = parts.hostname or ""
        self._port = parts.port or PORTS.get(parts.scheme, 80)
        self._tls = _tls() if parts.scheme == "https" else None
        self._path = parts.path.rstrip("/").encode() + b"/v1/chat/completions"
        self._lines = b"host: %b\r\nauthorization: Bearer %b\r\n" % (
            parts.netloc.encode(), key.encode()
        )  # fmt: skip

    def is_at(self, url: str, key: str) -> bool:
        """Whether it is still the same."""
        return self.url == url and self._key == key

    def request(self, method: bytes, headers: dict[str, str], body: bytes = b"") -> bytes:
        """Return a request, ready to be written."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
        return b"%b %b HTTP/1.1\r\n%b%bcontent-length: %d\r\n\r\n%b" % (
            method, self._path, self._lines, lines, len(body), body
        )  # fmt: skip

    async def open(self, owner: Owner, request: bytes, pause: Pause) -> Connection:
        """Send a request; raises OSError or TimeoutError if nobody takes it."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_S):
            _, connection = await loop.create_connection(
                lambda: Connection(owner, request, pause),
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._tls is not None else None,
            )
        return connection

    async def tell(self, request: bytes) -> None:
        """Send a request whose answer does not matter."""
        ended = asyncio.Event()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                connection = await self.open(_Deaf(ended), request, Pause())
                await ended.wait()
                connection.close()


class _Deaf:
    """Waits for the end of an answer, and for nothing in it."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended

    def on_head(self, status: int, headers: dict[bytes, bytes]) -> None:
        """Take the head."""

    def on_chunk(self, chunk: bytes) -> bool:
        """Take a part of the body."""
        del chunk
        return False

    def on_end(self, reason: str) -> None:
        """Take the end."""
        del reason
        self._ended.set()


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _why(error: Exception | None) -> str:
    return f": {error}" if error is not None else ""
