"""Several workers: a request with an Idempotency-Key goes to the one worker that keeps its answer.

    the keeper       by a hash of the key: all workers agree, and nobody has to be asked
    is us            served here
    is another       handed over, as it came, at ``run/gateway-K.sock``; its answer is handed back
                     as it comes, and who leaves here has left there
    is not there     a worker that is being started again: served here, and not kept, as the answer
                     says; a cancel is refused until it is back
    breaks meanwhile the caller's connection breaks too, without an end that could look clean

What arrives at that socket is always served: nothing is handed on twice. The socket lies in a
directory of mode 0700. Responses are found by ids that their upstreams have made: what is kept for
``store`` without a key is known to its own worker only.
"""

import asyncio
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import httptools

from penstock.config.model import Gateway
from penstock.fleet.address import address
from penstock.wire.call import Call
from penstock.wire.server import Server

CONNECT_S: Final = 1.0  # on this machine; a worker that takes longer is as good as gone
FINAL_FROM: Final = 200
BAD_GATEWAY: Final = 502
OURS: Final = frozenset(  # of this hop, on the way there and back
    (b"connection", b"content-length", b"transfer-encoding", b"expect", b"keep-alive", b"date")
)


def path_of(run: Path, worker: int) -> Path:
    """Return where a worker takes what others hand over."""
    return run / f"gateway-{worker}.sock"


class Handed(asyncio.Protocol):
    """One request at another worker, and its answer on the way back."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._lines: list[bytes] = []
        self._body: list[bytes] = []
        self._is_chunked = self._is_over = self._reads_head = False
        self._has_left = False

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the request over."""
        self._transport = cast("asyncio.Transport", transport)
        if self._has_left or not self._call.is_open:
            self._transport.abort()
            return
        self._transport.writelines((head_of(self._call), self._call.body))

    def data_received(self, data: bytes) -> None:
        """Hand the answer back."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._cut()

    def connection_lost(self, exc: Exception | None) -> None:
        """Break where the other has broken."""
        del exc
        self._transport = None
        self._cut()

    # llhttp calls these

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._reads_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what is the answer's own."""
        if not self._reads_head:
            return
        self._is_chunked |= name.lower() == b"transfer-encoding"
        if name.lower() not in OURS:
            self._lines.append(b"%b: %b\r\n" % (name.lower(), value))

    def on_headers_complete(self) -> None:
        """Begin a stream; a whole answer waits for its body."""
        self._reads_head = False
        if self._is_chunked and self._parser.get_status_code() >= FINAL_FROM:
            self._call.start(self._parser.get_status_code(), b"".join(self._lines))

    def on_body(self, data: bytes) -> None:
        """Pass a piece on."""
        if self._is_chunked:
            self._call.write(data)
        else:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """End it as it has ended there."""
        self._is_over = True
        self._call.observer = None
        if self._is_chunked:
            self._call.end()
        else:
            status, lines = self._parser.get_status_code(), b"".join(self._lines)
            self._call.send(status, lines, b"".join(self._body))
        self._close()

    # the call calls these

    def on_hang_up(self) -> None:
        """Leave there, too."""
        self._has_left = self._is_over = True
        self._close()

    def on_pause(self) -> None:
        """Read no more for now."""
        if self._transport is not None:
            self._transport.pause_reading()

    def on_resume(self) -> None:
        """Read on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def on_stop(self) -> None:
        """This worker goes down: its caller may come back to another."""
        self._cut()

    def _cut(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._call.observer = None
        if self._call.is_started:
            self._call.abort()
        else:
            body = b'{"error":{"message":"The worker that keeps this answer has ended.",'
            body += b'"type":"server_error","code":"worker_lost"}}'
            lines = b"content-type: application/json\r\nretry-after: 1\r\n"
            self._call.send(BAD_GATEWAY, lines, body)
        self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class Handing:
    """This worker's way to the others. Owned by one event loop.

    ``worker`` is 0 for the only one, which never hands over, and to which nobody does.
    """

    def __init__(
        self, run: Path, worker: int, tasks: asyncio.TaskGroup, server: Callable[[], Server]
    ) -> None:
        self._run = run
        self._worker = worker
        self._tasks = tasks
        self._server = server() if worker else None
        self._addresses: dict[int, str] = {}
        self.workers = 1  # how many there are

    async def listen(self) -> None:
        """Take what others hand over; raises OSError."""
        if self._server is None:
            return
        path = path_of(self._run, self._worker)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)
        await self._server.listen_at(self._address(self._worker))
        path.chmod(0o600)

    def use(self, gateway: Gateway) -> None:
        """Take these settings."""
        self.workers = gateway.workers
        if self._server is not None:
            self._server.limits = gateway.limits

    async def drain(self, limit_s: float) -> None:
        """Take nothing more, and wait for what is under way."""
        if self._server is not None:
            await self._server.drain(limit_s)

    def close(self) -> None:
        """Close everything now."""
        if self._server is not None:
            self._server.close()

    def keeper_of(self, name: bytes) -> int:
        """Return which worker keeps what is asked with this key."""
        return 1 + zlib.crc32(name) % self.workers

    def is_elsewhere(self, name: bytes) -> bool:
        """Tell whether another worker keeps it."""
        return self._worker > 0 and self.keeper_of(name) != self._worker

    def hand_over(self, call: Call, name: bytes, otherwise: Callable[[], None]) -> None:
        """Let the keeper answer; ``otherwise`` is done if it is not there."""
        self._tasks.create_task(self._hand(call, self.keeper_of(name), otherwise))

    def _address(self, keeper: int) -> str:
        found = self._addresses.get(keeper)
        if found is None:  # once: a long one holds a folder open
            found = self._addresses[keeper] = address(path_of(self._run, keeper))
        return found

    async def _hand(self, call: Call, keeper: int, otherwise: Callable[[], None]) -> None:
        handed = Handed(call)
        call.observer = handed
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                await loop.create_unix_connection(lambda: handed, self._address(keeper))
        except (OSError, TimeoutError):
            call.observer = None
            if call.is_open:
                loop.call_soon(otherwise)  # a fault there is its own, not this task group's


def head_of(call: Call) -> bytes:
    """Return the head of a request as it came."""
    target = call.target + (b"?" + call.query if call.query else b"")
    lines = [
        b"%b: %b\r\n" % (name, value) for name, value in call.headers.items() if name not in OURS
    ]
    return b"%b %b HTTP/1.1\r\n%bcontent-length: %d\r\nconnection: close\r\n\r\n" % (
        call.method, target, b"".join(lines), len(call.body)
    )  # fmt: skip
