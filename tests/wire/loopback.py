"""What the tests of the wire share: a loop with a bound, real sockets, and a transport of none."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from penstock.config.model import ServerLimits
from penstock.wire.call import Call
from penstock.wire.server import Server

BOUND_S = 20.0  # no test takes a tenth of it


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run on uvloop, with a bound; whatever the loop had to report fails the test."""
    reports: list[dict[str, Any]] = []

    async def bounded() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: reports.append(context)
        )
        async with asyncio.timeout(BOUND_S):
            await main()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())
    assert not reports, reports


async def turn() -> None:
    """Let the loop go round once."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_soon(done.set_result, None)
    await done


async def until(is_true: Callable[[], bool]) -> None:
    """Turn the loop until something holds; the bound of ``run`` ends a wait in vain."""
    while not is_true():
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        loop.call_later(0.001, done.set_result, None)
        await done


class Recorder:
    """A handler that keeps its calls, and answers at once unless told not to."""

    def __init__(self, *, answers: bool = True) -> None:
        self.calls: list[Call] = []
        self.refused: list[tuple[int, str]] = []
        self.answers = answers

    def on_call(self, call: Call) -> None:
        self.calls.append(call)
        if self.answers:
            call.send(200, b"", b"answer %d" % len(self.calls))

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        del call
        self.refused.append((status, reason))
        return b"text/plain", reason.encode()


class Observer:
    """Counts what a call tells."""

    def __init__(self) -> None:
        self.hang_ups = self.pauses = self.resumes = self.stops = 0

    def on_hang_up(self) -> None:
        self.hang_ups += 1

    def on_pause(self) -> None:
        self.pauses += 1

    def on_resume(self) -> None:
        self.resumes += 1

    def on_stop(self) -> None:
        self.stops += 1


class Peer:
    """The other end of a connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        """Return the head of the next answer."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[int, bytes]:
        """Return status and body of the next answer, which has a length."""
        head = await self.head()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(head[9:12]), await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Return everything until the other end closes."""
        return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return  # reset by the other end: closed as well


class Place:
    """A server on loopback, and peers that are closed at the end."""

    def __init__(self, handler: Recorder, limits: ServerLimits) -> None:
        self.handler = handler
        self.server = Server(asyncio.get_running_loop(), handler, limits)
        self.port = 0
        self.peers: list[Peer] = []

    async def connect(self, tls: ssl.SSLContext | None = None) -> Peer:
        peer = Peer(
            *await asyncio.open_connection(
                "127.0.0.1",
                self.port,
                ssl=tls,
                server_hostname="localhost" if tls is not None else None,
            )
        )
        self.peers.append(peer)
        return peer


def with_server(
    main: Callable[[Place], Coroutine[Any, Any, None]],
    *,
    handler: Recorder | None = None,
    limits: ServerLimits | None = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Run a test against a server; afterwards nothing may be left open."""

    async def inside() -> None:
        place = Place(handler or Recorder(), limits or ServerLimits())
        place.port = await place.server.listen("127.0.0.1", 0, tls=tls)
        try:
            await main(place)
        finally:
            place.server.close()
            for peer in place.peers:
                await peer.close()
            await until(lambda: place.server.connections == 0)

    run(inside)


class DeafTransport(asyncio.Transport):
    """A transport without a socket: keeps what is written, and does what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.unsent = 0
        self.is_closed = self.is_aborted = self.has_eof = False
        self.is_reading_paused = False

    @property
    def output(self) -> bytes:
        return b"".join(self.written)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 4711) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del high, low

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.has_eof = True

    def pause_reading(self) -> None:
        assert not self.is_reading_paused
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        assert self.is_reading_paused
        self.is_reading_paused = False

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = self.is_aborted = True


class QueueLoop(asyncio.AbstractEventLoop):
    """A loop that runs what is due at once: enough for one connection without a socket."""

    def __init__(self) -> None:
        self.queue: list[Callable[[], object]] = []
        self.is_busy = False

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self.queue.append(lambda: handle.cancelled() or callback(*args))
        return handle

    def get_debug(self) -> bool:
        return False

    def drain(self) -> None:
        """Run everything that was asked for."""
        while self.queue:
            self.queue.pop(0)()


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
