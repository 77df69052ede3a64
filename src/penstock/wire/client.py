"""The upstream side of HTTP/1.1: pooled connections, one attempt at a time on each.

    CONNECTING  connected                      -> BUSY      the request is written at once
    BUSY        answer complete, keep-alive    -> IDLE      the newest idle connection goes first
    BUSY        answer complete, otherwise     -> closed
    BUSY        lost, nothing had come, reused -> closed    STALE, if it was soon after sending
    BUSY        lost before the head           -> closed    RESET
    BUSY        lost in the body               -> closed    BROKEN_STREAM
    BUSY        detached                       -> DRAINING  the rest is read and thrown away
    DRAINING    answer complete                -> IDLE      or closed after a moment
    IDLE        idle for too long, or any data -> closed

A body that only ends with the connection is complete as far as HTTP knows; whether the answer is,
the dialect knows. Malformed HTTP closes the connection; what comes behind a complete answer closes
it as well, and the answer stands. There is one task per connection while it
is being made, and none afterwards.
"""

import asyncio
import socket
import ssl
from typing import Final, cast
from urllib.parse import urlsplit

import certifi
import httptools

from penstock import __version__
from penstock.config.model import Upstream
from penstock.core.errors import StoreError
from penstock.core.outcome import Failure, FailureKind
from penstock.exchange.attempt import Attempt
from penstock.wire import clock

DRAIN_S: Final = 2.0  # for the last bytes of an answer that is complete already
STALE_S: Final = 1.0  # a server that closes a pooled connection does so at once
FINAL_FROM: Final = 200  # RFC 9110, 15.2: 1xx is followed by a final answer
ERROR_FROM: Final = 400
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class UpstreamConnection(asyncio.Protocol):
    """One connection to one upstream."""

    __slots__ = (
        "_attempt", "_head_bytes", "_headers", "_is_complete", "_is_paused", "_keeps_alive",
        "_parser", "_pieces", "_pool", "_status", "_transport", "idle_at_s", "is_draining",
        "on_body",
    )  # fmt: skip

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._pieces: list[bytes] = []  # of the body, as one read brings them
        self.on_body = self._pieces.append  # what llhttp calls most often: none of ours in between
        self._parser = httptools.HttpResponseParser(self)
        self._attempt: Attempt | None = None
        self._headers: dict[bytes, bytes] = {}
        self._status = 0  # until there is a head, apart from those of 1xx
        self._head_bytes = 0  # of what has come, while the head is not whole
        self._is_complete = False
        self._is_paused = False
        self._keeps_alive = False
        self.is_draining = False
        self.idle_at_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the connection is still there, as far as we know."""
        return self._transport is not None and not self._transport.is_closing()

    # the dialer calls these

    def send(self, attempt: Attempt, head: bytes, now_s: float) -> None:
        """Write a request; the answer goes to the attempt's owner."""
        self._attempt = attempt
        self._is_complete = False
        self._headers = {}
        self._status = self._head_bytes = 0
        attempt.connection = self
        transport = self._transport
        assert transport is not None
        transport.writelines((head, attempt.body))
        attempt.owner.on_sent(attempt, now_s)

    def cancel(self) -> None:
        """Close at once; nothing more is told."""
        self._attempt = None
        self.close()

    def detach(self) -> None:
        """Read the rest for nobody, so that the connection can be used again."""
        self._attempt = None
        self.resume()
        if not self._is_complete:
            self.is_draining = True
            self.idle_at_s = clock.now_s()
            self._pool.drain(self)

    def pause(self) -> None:
        """Read no more for now."""
        if self._transport is not None and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        """Close now; unsent bytes are dropped."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say what this means for the attempt that was under way, if any."""
        self._transport = None
        self._pool.on_lost(self)
        attempt, self._attempt = self._attempt, None
        if attempt is None:
            return
        now_s = clock.now_s()
        attempt.connection = None
        if self._status and exc is None and not self._is_framed():
            attempt.owner.on_complete(attempt, now_s)
            return
        reason = f": {exc}" if exc is not None else ""
        if self._status:
            kind, detail = FailureKind.BROKEN_STREAM, f"the connection broke in mid-answer{reason}"
        elif attempt.is_reused and not self._head_bytes and now_s - attempt.sent_at_s < STALE_S:
            kind, detail = FailureKind.STALE, "a pooled connection had been closed"
            self._pool.close_idle()
        else:
            kind, detail = FailureKind.RESET, f"the connection was closed before an answer{reason}"
        attempt.owner.on_failed(attempt, Failure(kind, detail, self._status), now_s)

    def data_received(self, data: bytes) -> None:
        """Parse, and tell the owner what came in this one read."""
        if self._attempt is None and not self.is_draining:
            self.close()  # nothing was asked, so nothing may come
            return
        status = self._status
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._on_malformed(error)
        now_s = clock.now_s()
        if not status:
            status = self._tell_head(len(data), now_s)
        pieces = self._pieces
        if pieces:
            chunk = pieces.pop()
            if pieces or status >= ERROR_FROM:
                chunk = self._presentable(chunk)
            attempt = self._attempt
            if attempt is not None:
                attempt.owner.on_chunk(attempt, chunk, now_s)
        if self._is_complete:
            self._end(now_s)

    # llhttp calls these

    def on_message_begin(self) -> None:
        """Refuse a second answer: nothing was asked."""
        if self._is_complete:
            raise ValueError("another answer behind the answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header, or ignore a trailer."""
        if not self._status:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Note the status; one of 1xx is followed by the real one."""
        status = self._parser.get_status_code()
        if status >= FINAL_FROM:
            self._status = status
            self._keeps_alive = self._parser.should_keep_alive()  # unknown after the message

    def on_message_complete(self) -> None:
        """Note the end, unless it is that of an informational answer."""
        if self._status:
            self._is_complete = True
        else:
            self._headers = {}
            self._head_bytes = 0

    def _is_framed(self) -> bool:
        """Tell whether the head says where the body ends."""
        return b"content-length" in self._headers or b"transfer-encoding" in self._headers

    def _tell_head(self, read_bytes: int, now_s: float) -> int:
        """Tell the head, if this read has made it whole; return the status, 0 if it has not."""
        attempt, status = self._attempt, self._status
        if not status:
            self._head_bytes += read_bytes
            if self._head_bytes > self._pool.entry.head_bytes_max:
                self._on_malformed(ValueError("the head of the answer is too large"))
        elif attempt is not None:
            attempt.owner.on_head(attempt, status, self._headers, now_s)
        return status

    def _presentable(self, last: bytes) -> bytes:
        """Return all pieces as one, without our credential if they are an error."""
        chunk = b"".join((*self._pieces, last))
        self._pieces.clear()
        return self._pool.redact(chunk) if self._status >= ERROR_FROM else chunk

    def _end(self, now_s: float) -> None:
        """The answer is complete: the connection is free before its owner hears of it."""
        attempt, self._attempt = self._attempt, None
        if self.is_draining:
            self.is_draining = False
            self._pool.draining.discard(self)
        if self._is_paused:
            self.resume()
        transport = self._transport
        if (
            transport is None
            or not self._keeps_alive
            or transport.is_closing()
            # An answer that overtook its request leaves the rest of it in the way of the next.
            or transport.get_write_buffer_size()
        ):
            self.close()
        else:
            self.idle_at_s = now_s
            self._pool.put(self)
        if attempt is not None:
            attempt.connection = None
            attempt.owner.on_complete(attempt, now_s)

    def _on_malformed(self, error: Exception) -> None:
        """Close; an answer that is complete stands, of any other nothing more is told."""
        self.close()
        if self._is_complete:
            return
        self._pieces.clear()
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.connection = None
            failure = Failure(FailureKind.BROKEN_STREAM, f"malformed HTTP: {error}", self._status)
            attempt.owner.on_failed(attempt, failure, clock.now_s())


class Pool:
    """The connections to one upstream. Owned by one event loop."""

    def __init__(self, entry: Upstream, api_key: str) -> None:
        self.entry = entry
        self.api_key = api_key
        self.made: set[UpstreamConnection] = set()
        self.draining: set[UpstreamConnection] = set()
        self._idle: list[UpstreamConnection] = []
        self._idle_max = entry.idle_connections_max
        self._is_closed = False
        parts = urlsplit(entry.base_url)
        self.host = parts.hostname or ""
        self.port = parts.port or DEFAULT_PORTS[parts.scheme]
        self.tls = tls_context(entry.tls_ca_file) if parts.scheme == "https" else None
        base_path = parts.path.rstrip("/").encode()
        lines = [
            b"host: %b" % parts.netloc.encode(),
            b"user-agent: penstock/%b" % __version__.encode(),
            b"accept-encoding: identity",  # what is watched must be readable
            b"content-type: application/json",
            *(b"%b: %b" % (k.lower().encode(), v.encode()) for k, v in entry.headers.items()),
        ]
        static = b"".join(line + b"\r\n" for line in lines)
        self._begin = b"POST " + base_path
        self._static = b" HTTP/1.1\r\n" + static

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self.made)

    @property
    def idle(self) -> int:
        """How many connections wait for work."""
        return len(self._idle)

    def head(self, attempt: Attempt) -> bytes:
        """Return the head of a request, with its credential."""
        return b"%b%b%b%b%bcontent-length: %d\r\n\r\n" % (
            self._begin,
            attempt.path,
            self._static,
            attempt.dialect.auth_headers(
                self.api_key, self.entry.api_version, attempt.caller_headers
            ),
            attempt.more_lines,
            len(attempt.body),
        )

    def redact(self, chunk: bytes) -> bytes:
        """Take our credential out of an error that quotes it: callers and records see errors."""
        return chunk.replace(self.api_key.encode(), b"[key]") if self.api_key else chunk

    def take(self, now_s: float) -> UpstreamConnection | None:
        """Return the connection that was used last, or None if there is none."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open and now_s - connection.idle_at_s < self.entry.idle_s:
                return connection
            connection.close()
        return None

    def put(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next attempt, if there is room."""
        if len(self._idle) < self._idle_max:
            self._idle.append(connection)
        else:
            connection.close()

    def drain(self, connection: UpstreamConnection) -> None:
        """Let a connection read the rest of its answer, if there will be another use for it."""
        if self._is_closed:
            connection.close()
        else:
            self.draining.add(connection)

    def on_lost(self, connection: UpstreamConnection) -> None:
        """Forget a connection."""
        self.made.discard(connection)
        self.draining.discard(connection)
        if connection.idle_at_s and connection in self._idle:
            self._idle.remove(connection)

    def close_idle(self) -> None:
        """Close what waits: one of them had died, so the others probably have as well."""
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def close(self) -> None:
        """Close what nobody waits for, and keep nothing from now on; attempts go on."""
        self._is_closed = True
        self._idle_max = 0
        self.close_idle()
        for connection in list(self.draining):
            connection.close()

    def sweep(self, now_s: float) -> None:
        """Close what has been idle or draining for too long."""
        for connection in list(self.draining):
            if now_s - connection.idle_at_s > DRAIN_S:
                connection.close()
        # Oldest first: the list is a stack, so its bottom has waited longest.
        while self._idle and now_s - self._idle[0].idle_at_s > self.entry.idle_s:
            self._idle.pop(0).close()


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return a context that verifies names and chains; ``ca_file`` replaces the public roots.

    Raises StoreError if the file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file or certifi.where())
    except OSError as error:  # ssl.SSLError is one
        raise StoreError(f"the CA file {ca_file} cannot be used: {error.strerror}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


class HttpDialer:
    """The Dialer port over pools of connections. Owned by one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tasks: asyncio.TaskGroup) -> None:
        self._loop = loop
        self._tasks = tasks
        self.pools: dict[str, Pool] = {}

    def configure(self, entries: tuple[Upstream, ...], api_keys: dict[str, str]) -> None:
        """Use these upstreams from now on; pools of unchanged ones keep their connections.

        Raises StoreError, and then changes nothing.
        """
        fresh: dict[str, Pool] = {}
        for entry in entries:
            old = self.pools.get(entry.name)
            api_key = api_keys.get(entry.name, "")
            if old is not None and old.entry == entry and old.api_key == api_key:
                fresh[entry.name] = old
            else:
                fresh[entry.name] = Pool(entry, api_key)
        for name, pool in self.pools.items():
            if fresh.get(name) is not pool:
                pool.close()
        self.pools = fresh

    def dial(self, attempt: Attempt) -> None:
        """Send over a pooled connection, or make one."""
        pool = self.pools.get(attempt.target.upstream.name)
        if pool is None:  # the exchange began before a reload took the upstream away
            detail = "the upstream is no longer in the configuration"
            refuse = self._loop.call_soon(self._fail, attempt, FailureKind.UNREACHABLE, detail)
            attempt.connection = refuse
            return
        now_s = clock.now_s()
        connection = pool.take(now_s)
        if connection is not None:
            attempt.is_reused = True
            connection.send(attempt, pool.head(attempt), now_s)
        else:
            attempt.connection = self._tasks.create_task(self._connect(pool, attempt))

    def cancel(self, attempt: Attempt) -> None:
        """Close the attempt's connection, or stop making it."""
        connection, attempt.connection = attempt.connection, None
        if isinstance(connection, UpstreamConnection | asyncio.Task):
            connection.cancel()

    def detach(self, attempt: Attempt) -> None:
        """Let the answer's end go by unread."""
        connection, attempt.connection = attempt.connection, None
        if isinstance(connection, UpstreamConnection):
            connection.detach()

    def pause(self, attempt: Attempt) -> None:
        """Stop reading the answer."""
        if isinstance(attempt.connection, UpstreamConnection):
            attempt.connection.pause()

    def resume(self, attempt: Attempt) -> None:
        """Go on reading it."""
        if isinstance(attempt.connection, UpstreamConnection):
            attempt.connection.resume()

    def sweep(self, now_s: float) -> None:
        """Close what has been idle for too long."""
        for pool in self.pools.values():
            pool.sweep(now_s)

    def close(self) -> None:
        """Close all pools."""
        for pool in self.pools.values():
            pool.close()

    async def _connect(self, pool: Pool, attempt: Attempt) -> None:
        try:
            _, connection = await self._loop.create_connection(
                lambda: UpstreamConnection(pool),
                pool.host,
                pool.port,
                ssl=pool.tls,
                server_hostname=pool.host if pool.tls is not None else None,
            )
        except (OSError, UnicodeError) as error:
            detail = _why_unreachable(pool, error)
            self._loop.call_soon(self._fail, attempt, FailureKind.UNREACHABLE, detail)
            return
        if connection.is_open:
            # Counted here: one that was cancelled as it was made never hears that it is lost.
            pool.made.add(connection)
        # Not from within this task: an error there must not end all the others.
        self._loop.call_soon(self._send, pool, connection, attempt)

    def _send(self, pool: Pool, connection: UpstreamConnection, attempt: Attempt) -> None:
        now_s = clock.now_s()
        if not connection.is_open:
            self._fail(attempt, FailureKind.RESET, "the connection was closed at once")
        elif attempt.connection is None:  # cancelled meanwhile: the connection serves another
            connection.idle_at_s = now_s
            pool.put(connection)
        else:
            connection.send(attempt, pool.head(attempt), now_s)

    def _fail(self, attempt: Attempt, kind: FailureKind, detail: str) -> None:
        if attempt.connection is not None:  # not cancelled meanwhile
            attempt.connection = None
            attempt.owner.on_failed(attempt, Failure(kind, detail), clock.now_s())


def _why_unreachable(pool: Pool, error: Exception) -> str:
    place = f"{pool.host}:{pool.port}"
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"the name {pool.host!r} does not resolve"
    if isinstance(error, ssl.SSLError):
        return f"TLS with {place} failed: {error.reason or error}"
    if isinstance(error, ConnectionRefusedError):
        return f"{place} refuses connections"
    return f"no connection to {place}: {error}"
