"""The server side of HTTP/1.1: strict, bounded, one object a connection and one a request.

llhttp (through httptools) parses with none of its lenient flags. On top of it we refuse what two
parsers could read differently: any Transfer-Encoding other than exactly ``chunked``, one on
HTTP/1.0, a missing or second Host, HTTP/0.9, CONNECT, an upgrade with a body, and a second copy of
a header that must stand once.

    IDLE     first byte                      -> HEAD
    HEAD     head complete                   -> BODY    413 at once if it announces too much
    BODY     body complete                   -> ACTIVE  the handler has the call
    ACTIVE   answer complete, keep-alive     -> IDLE    or to where the next request is
    ACTIVE   answer complete, otherwise      -> closed
    any      limit of the phase passed       -> closed  408 in HEAD and BODY
    any      malformed bytes                 -> closed  400, once what is under way is answered

A refusal is followed by a moment of reading and throwing away: to close with bytes unread would
reset the connection, and the caller might never see why.

A whole body is collected before the handler sees the call: LLM requests are JSON that must be read
whole, and the bound on a body is a setting. Limits in time are held by one sweep a second over all
connections, so they cost nothing per request and may be up to a second late.
"""

import asyncio
import contextlib
import enum
import ssl
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Final, Protocol, cast

import httptools

from penstock.config.model import ServerLimits
from penstock.wire import clock
from penstock.wire.call import Call
from penstock.wire.familiar import LESSONS_MAX, Head, Heads

# A second copy of one of these is read differently by different parsers, or is an attack.
ONCE: Final[frozenset[bytes]] = frozenset(
    (b"host", b"content-length", b"content-type", b"transfer-encoding", b"authorization",
     b"x-api-key", b"x-goog-api-key", b"expect"),
)  # fmt: skip
TE: Final = b"transfer-encoding"
SWEEP_S: Final = 1.0
LINGER_S: Final = 30.0  # nginx: lingering_time, how long a refused caller may go on sending
CUT_S: Final = 1.0  # for the last bytes of what a drain cuts
HEAD_TOO_LARGE: Final = "the head of the request, or what follows its body, is too large"
PIPELINE_MAX: Final = 16  # requests read ahead of the answer; nobody's SDK pipelines at all


class Handler(Protocol):
    """What is served on a port."""

    def on_call(self, call: Call) -> None:
        """Take one complete request; answer it now or later, exactly once."""

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Return content type and body for an error that the wire itself found."""
        ...


class _Phase(enum.Enum):
    IDLE = 0
    HEAD = 1
    BODY = 2
    ACTIVE = 3


# Looked up once: in an enumeration that costs more than a call.
IDLE: Final = _Phase.IDLE
HEAD: Final = _Phase.HEAD
BODY: Final = _Phase.BODY
ACTIVE: Final = _Phase.ACTIVE


class ServerConnection(asyncio.Protocol):
    """One caller's connection."""

    __slots__ = (
        "_body", "_body_bytes", "_call", "_current", "_familiar", "_fed_bytes", "_head_bytes",
        "_is_closing", "_is_lingering", "_lessons", "_parser", "_phase", "_read", "_reads_head",
        "_refused", "_since_s", "_unsent_bytes", "_url", "_waiting", "is_paused",
        "peer", "server", "transport",
    )  # fmt: skip

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.transport: asyncio.Transport | None = None  # None: not yet open, or closed
        self._parser = httptools.HttpRequestParser(self)
        self._phase: _Phase = IDLE
        self._since_s = 0.0
        self._call: Call | None = None  # being read
        self._current: Call | None = None  # being answered
        self._waiting: deque[Call] = deque()
        self._url = b""
        self._reads_head = False
        self._fed_bytes = 0
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._refused = 0
        self._is_closing = False  # nothing more is read
        self._is_lingering = False  # everything is written; what still comes is thrown away
        self._unsent_bytes = 0
        self._read = b""  # in one piece, since the connection was idle
        self._familiar: Head | None = None
        self._lessons = -1  # the first request of a connection may be its only one
        self.is_paused = False
        self.peer = ""

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        self.transport = cast("asyncio.Transport", transport)
        self._since_s = clock.now_s()
        limits = self.server.limits
        self.transport.set_write_buffer_limits(high=limits.write_buffer_bytes)
        name = transport.get_extra_info("peername")
        self.peer = str(name[0]) if name else ""
        if not self.server.add(self):
            self._refuse(503, "too many connections; raise [gateway.limits] connections_max")
            self.close()  # one too many may not linger

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever is answering that nobody listens any more."""
        del exc
        self.transport = None
        self._is_closing = True
        self._waiting.clear()
        self.server.remove(self)
        self._hang_up()

    def eof_received(self) -> bool:
        """Take a closed sending side for a caller who has left, as nginx does."""
        return False

    def pause_writing(self) -> None:
        """Pass the back-pressure on."""
        self.is_paused = True
        self._watch_reader()
        current = self._current
        if current is not None and current.observer is not None:
            current.observer.on_pause()

    def resume_writing(self) -> None:
        """Let the answer flow again."""
        self.is_paused = False
        current = self._current
        if current is not None and current.observer is not None:
            current.observer.on_resume()

    def data_received(self, data: bytes) -> None:
        """Parse what came; every refusal closes the connection after its answer."""
        if self._is_closing:
            return
        if self._phase is IDLE:
            familiar = self._familiar
            if familiar is not None:
                call = familiar.read(data, self, self.server.limits.body_bytes_max)
                if call is not None:
                    self._lessons = 0
                    call.received_at_s = clock.now_s()
                    self._begin(call)
                    return
            self._read = data
        self._parse(data)
        self._read = b""

    def _parse(self, data: bytes) -> None:
        # A line of head, chunk size or trailer counts while it grows, before llhttp hands it on.
        self._fed_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # We switch to no other protocol: answer in HTTP/1.1 and close (RFC 9110, 7.8).
            self._stop_reading()
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(cause, _RefusedError):
                self._refuse(cause.status, cause.reason)
            elif isinstance(error, httptools.HttpParserCallbackError):
                raise
            else:
                self._refuse(400, f"malformed HTTP: {error}")
        else:
            if self._call is not None and self._fed_bytes > self.server.limits.head_bytes_max:
                self._refuse(431, HEAD_TOO_LARGE)

    # llhttp calls these

    def on_message_begin(self) -> None:
        """Start reading a request."""
        self._call = Call(self)
        self._url = b""
        self._reads_head = True
        self._fed_bytes = 0
        self._head_bytes = 0
        self._body_bytes = 0
        if self._phase is IDLE:
            self._phase = HEAD
            self._since_s = clock.now_s()

    def on_url(self, url: bytes) -> None:
        """Collect the target; it may come in pieces."""
        self._url += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header line, or ignore one of a trailer."""
        call = self._call
        if call is None or not self._reads_head:
            return
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self.server.limits.head_bytes_max:
            raise _RefusedError(431, HEAD_TOO_LARGE)
        headers = call.headers
        name = name.lower()
        if name not in headers:
            headers[name] = value
        elif name in ONCE:
            raise _RefusedError(400, f"the header {name.decode('latin-1')} stands twice")
        else:
            headers[name] = headers[name] + b", " + value

    def on_headers_complete(self) -> None:
        """Check the head, and refuse a body that is announced too large before reading it."""
        call = self._call
        assert call is not None
        self._reads_head = False
        self._fed_bytes = 0
        if self._head_bytes > self.server.limits.head_bytes_max:
            raise _RefusedError(431, HEAD_TOO_LARGE)
        parser = self._parser
        headers = call.headers
        call.method = parser.get_method()
        call.keeps_alive = parser.should_keep_alive()
        call.target, _, call.query = self._url.partition(b"?")
        self._check_version(call, parser.get_http_version())
        if TE in headers and headers[TE].lower() != b"chunked":
            raise _RefusedError(501, "transfer-encoding may only be chunked")
        if call.method == b"CONNECT":
            raise _RefusedError(405, "CONNECT is not served")
        if parser.should_upgrade() and (b"content-length" in headers or TE in headers):
            # llhttp would take the body for the other protocol's.
            raise _RefusedError(501, "a request with a body cannot upgrade; send it as HTTP/1.1")
        if int(headers.get(b"content-length", b"0")) > self.server.limits.body_bytes_max:
            raise _RefusedError(413, self._too_large())
        if self._phase is HEAD:
            self._phase = BODY
        if b"expect" in headers and self._current is None and not call.is_http_1_0:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _check_version(self, call: Call, version: str) -> None:
        if version == "1.1":
            if b"host" not in call.headers:
                raise _RefusedError(400, "the header host is missing")
            return
        call.is_http_1_0 = True
        call.keeps_alive = False
        if version != "1.0" or b"transfer-encoding" in call.headers:
            raise _RefusedError(505, "HTTP/1.1 is required")

    def on_body(self, data: bytes) -> None:
        """Collect the body, up to its bound."""
        self._fed_bytes = 0
        self._body_bytes += len(data)
        if self._body_bytes > self.server.limits.body_bytes_max:
            raise _RefusedError(413, self._too_large())
        self._body.append(data)

    def on_message_complete(self) -> None:
        """Hand the call on, or keep it until the one before it is answered."""
        call = self._call
        assert call is not None
        self._call = None
        body = self._body
        if body:
            call.body = body[0] if len(body) == 1 else b"".join(body)
            self._body = []
        call.received_at_s = clock.now_s()
        if self._read and self._lessons < LESSONS_MAX:
            self._lessons += 1
            if self._lessons > 0:
                self._familiar = self.server.heads.learn(self._read, call)
        if self._current is None:
            self._begin(call)
        elif len(self._waiting) >= PIPELINE_MAX:
            raise _RefusedError(400, "too many pipelined requests")
        else:
            self._waiting.append(call)
            if len(self._waiting) == 1 and self.transport is not None:
                self.transport.pause_reading()

    # the call and the server call these

    @property
    def is_open(self) -> bool:
        """Whether the other end is still there, as far as we know."""
        return self.transport is not None

    def write(self, data: bytes) -> None:
        """Write, if anybody is there to read."""
        transport = self.transport
        if transport is not None:
            transport.write(data)

    def close(self) -> None:
        """Flush and close."""
        self._is_closing = True
        self._watch_reader()
        if self.transport is not None:
            self.transport.close()

    def stop(self) -> None:
        """Let whoever is answering end now."""
        if self._current is not None and self._current.observer is not None:
            self._current.observer.on_stop()

    def abort(self) -> None:
        """Close now; unsent bytes are dropped."""
        if self.transport is not None:
            self.transport.abort()

    def on_answered(self, call: Call) -> None:
        """Go on with the next request, or close."""
        if call is not self._current:
            return
        self._current = None
        self._since_s = clock.now_s()
        if self._is_closing or not call.keeps_alive or self.server.is_draining:
            if self._refused:
                self._linger()
            else:
                self.close()
        elif self._waiting:
            # Chosen now and begun next: what is read in between must queue behind it.
            self._current = following = self._waiting.popleft()
            self.server.loop.call_soon(self._begin, following)
            if not self._waiting and self.transport is not None:
                self.transport.resume_reading()
        elif self._call is None:
            self._phase = IDLE
        else:
            self._phase = HEAD if self._reads_head else BODY

    def sweep(self, now_s: float) -> None:
        """Hold the limits in time."""
        if self._is_lingering:
            if now_s - self._since_s > LINGER_S or self.server.is_draining:
                self.abort()
        elif self._phase is not ACTIVE and not self._is_closing:
            self._sweep_request(now_s - self._since_s)
        elif self.is_paused or self._current is None:
            self._sweep_reader(now_s)

    def _sweep_request(self, waited_s: float) -> None:
        limits = self.server.limits
        if self._phase is IDLE:
            if waited_s > limits.idle_s or self.server.is_draining:
                self.close()
        elif self._phase is HEAD:
            if waited_s > limits.head_s:
                self._refuse(408, "the head of the request took too long")
        elif waited_s > limits.head_s + limits.body_s:
            self._refuse(408, "the body of the request took too long")

    def _sweep_reader(self, now_s: float) -> None:
        """Give up on a caller who reads nothing; one who reads slowly is served."""
        transport = self.transport
        if transport is None:
            return
        unsent_bytes = transport.get_write_buffer_size()
        if unsent_bytes < self._unsent_bytes:
            self._since_s = now_s
        elif now_s - self._since_s > self.server.limits.write_s:
            transport.abort()  # a close would wait for the reader who does not read
        self._unsent_bytes = unsent_bytes

    def _watch_reader(self) -> None:
        self._since_s = clock.now_s()
        if self.transport is not None:
            self._unsent_bytes = self.transport.get_write_buffer_size()

    def _begin(self, call: Call) -> None:
        if self.transport is None:
            return
        self._current = call
        self._phase = ACTIVE
        server = self.server
        if server.is_draining:
            call.keeps_alive = False
        server.handler.on_call(call)
        if self.is_paused and call.observer is not None:  # by the answer before this one
            call.observer.on_pause()

    def _hang_up(self) -> None:
        current = self._current
        self._current = None
        if current is not None and current.observer is not None:
            current.observer.on_hang_up()

    def _too_large(self) -> str:
        return f"the body is larger than {self.server.limits.body_bytes_max} bytes"

    def _stop_reading(self) -> None:
        call = self._current
        if call is not None:
            call.keeps_alive = False
        elif not self._is_closing:
            self.close()

    def _linger(self) -> None:
        """Say that nothing more will come, and read on until the caller has seen it."""
        self._is_closing = self._is_lingering = True
        if self.transport is not None and self.transport.can_write_eof():
            self.transport.write_eof()

    def _refuse(self, status: int, reason: str) -> None:
        """Answer an error and close; while an earlier call is being answered, only close."""
        if self._is_closing:
            return
        self._is_closing = True
        call = self._call or Call(self)
        content_type, body = self.server.handler.refusal(call, status, reason)
        if self._current is None:
            call.keeps_alive = False
            self._refused = status
            self._current = call
            call.send(status, b"content-type: %b\r\n" % content_type, body)
        else:
            # What is under way is finished first; then the connection goes.
            self._current.keeps_alive = False
            self._waiting.clear()


class _RefusedError(Exception):
    """A request that the wire itself refuses."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Server:
    """One listening port and its connections. Owned by one event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        handler: Handler,
        limits: ServerLimits,
    ) -> None:
        self.loop = loop
        self.handler = handler
        self.limits = limits
        self.is_draining = False
        self.date_line = b""
        self.heads = Heads()
        self._connections: set[ServerConnection] = set()
        self._listener: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._on_empty: Callable[[], None] | None = None

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def listen(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        shares_port: bool = False,
    ) -> int:
        """Start to accept; return the port, which was chosen for us if it was 0."""
        self._sweep()
        self._listener = await self.loop.create_server(
            lambda: ServerConnection(self),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=self.limits.head_s if tls is not None else None,
            reuse_port=shares_port,
            backlog=1024,
        )
        bound: Any = self._listener  # asyncio's has a tuple of sockets, uvloop's a list
        return int(bound.sockets[0].getsockname()[1])

    async def listen_at(self, address: str) -> None:
        """Start to accept at the address of a Unix socket."""
        self._sweep()
        self._listener = await self.loop.create_unix_server(
            lambda: ServerConnection(self), address, backlog=1024
        )

    def add(self, connection: ServerConnection) -> bool:
        """Count a connection in; False if it is one too many."""
        self._connections.add(connection)
        return len(self._connections) <= self.limits.connections_max

    def remove(self, connection: ServerConnection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        if not self._connections and self._on_empty is not None:
            self._on_empty()

    def stop_accepting(self) -> None:
        """Close the port and the idle connections; calls under way go on."""
        self.is_draining = True
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.sweep(clock.now_s())

    async def drain(self, limit_s: float) -> int:
        """Stop accepting, wait for the calls under way; return how many had to be cut.

        Whoever is answering a call that is cut has been told so when this returns.
        """
        self.stop_accepting()
        await self._emptied(limit_s)
        cut = len(self._connections)
        for connection in list(self._connections):
            connection.stop()
        self.close()
        await self._emptied(CUT_S)
        for connection in list(self._connections):
            connection.abort()
        await self._emptied(CUT_S)
        return cut

    async def _emptied(self, limit_s: float) -> None:
        if self._connections:
            empty = asyncio.Event()
            self._on_empty = empty.set
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(empty.wait(), limit_s)

    def close(self) -> None:
        """Close everything now."""
        if self._listener is not None:
            self._listener.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._connections):
            connection.close()

    def _sweep(self) -> None:
        self._sweeper = self.loop.call_later(SWEEP_S, self._sweep)
        self.date_line = b"date: %b\r\n" % formatdate(clock.now_unix_s(), usegmt=True).encode()
        now_s = clock.now_s()
        for connection in list(self._connections):
            connection.sweep(now_s)
