"""A server on this machine that takes what is sent to it, and answers as it is told."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator

import trustme

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Authority:
    """A certificate authority of the tests: both ends of TLS."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        return context

    def server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names).configure_cert(context)
        return context


class Received:
    """What has come: whole requests, heads and bodies as bytes, and names asked for in TLS."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.port = 0
        self.answers: list[bytes] = []  # given out in turn; then OK
        self.is_silent = False  # takes the request and says nothing
        self.is_slow = False  # keeps the connection after the answer
        self.drip: bytes = b""  # sent again and again, instead of an answer

    def header(self, name: str) -> str:
        """Return a header of the last request; empty if it is not there."""
        for line in self.heads[-1].decode().split("\r\n")[1:]:
            found, _, value = line.partition(": ")
            if found.lower() == name:
                return value
        return ""


@contextlib.asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None) -> AsyncGenerator[Received]:
    """Listen on 127.0.0.1 while the block runs."""
    received = Received()
    under_way: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(asyncio.current_task())
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await _serve(received, reader, writer)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    received.port = server.sockets[0].getsockname()[1]
    try:
        yield received
    finally:
        server.close()
        tasks = [task for task in under_way if task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)


async def _serve(
    received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    received.heads.append(head[:-4])
    length = int(received.header("content-length") or 0)
    received.bodies.append(await reader.readexactly(length))
    if received.is_silent:
        await reader.read()
        return
    writer.write(received.answers.pop(0) if received.answers else OK)
    while received.drip:
        writer.write(received.drip)
        await writer.drain()
    await writer.drain()
    if received.is_slow:
        await reader.read()
