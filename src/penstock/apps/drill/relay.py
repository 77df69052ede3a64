"""A relay before a database, which can be as bad as the database: for blows to what we do not own.

    async with Relay(host, port) as relay:      it listens on loopback, at ``relay.port``
        async with relay.gone():                nobody listens, open connections end
        async with relay.silent():              connections are taken, and no byte goes either way
        relay.cut()                             open connections end, new ones are well

It needs no right over the server, and knows nothing of what is said: TLS goes through it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Final, Self

from penstock.web.keeping_up import pause

LOOPBACK: Final = "127.0.0.1"
READ_BYTES: Final = 64 * 1024
SOON_S: Final = 0.01
CONNECT_S: Final = 5.0  # to the server behind; as long as control waits for it


class Relay:
    """One relay. Owned by one event loop."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._is_passing = asyncio.Event()
        self._is_passing.set()
        self.port = 0
        self.passed = 0  # connections

    async def __aenter__(self) -> Self:
        """Listen."""
        await self._listen()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close everything."""
        del error
        self._close()
        while self._open:
            await pause(SOON_S)

    @contextlib.asynccontextmanager
    async def gone(self) -> AsyncGenerator[None]:
        """Be as a server that was stopped, for the time of a block; raises OSError."""
        self._close()
        try:
            yield
        finally:
            await self._listen()

    @contextlib.asynccontextmanager
    async def silent(self) -> AsyncGenerator[None]:
        """Be as a server that is frozen, for the time of a block."""
        self._is_passing.clear()
        try:
            yield
        finally:
            self._is_passing.set()

    def cut(self) -> None:
        """End all connections that are open, with nothing said."""
        for one in list(self._open):
            one.transport.abort()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._take, LOOPBACK, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, until either side has ended it."""
        self._open.add(writer)
        back: asyncio.StreamWriter | None = None
        try:
            await self._is_passing.wait()
            async with asyncio.timeout(CONNECT_S):
                answers, back = await asyncio.open_connection(*self._behind)
            self._open.add(back)
            self.passed += 1
            async with asyncio.TaskGroup() as group:
                ways = ((reader, back), (answers, writer))
                for source, sink in ways:
                    group.create_task(self._pass_on(source, sink, (writer, back)))
        except* (OSError, TimeoutError):
            pass  # what the caller sees is a connection that ends: so it is with a server
        finally:
            for one in (writer, back):
                if one is not None:
                    one.transport.abort()
                    with contextlib.suppress(OSError):
                        await one.wait_closed()
                    self._open.discard(one)

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
    ) -> None:
        while piece := await source.read(READ_BYTES):
            await self._is_passing.wait()
            sink.write(piece)
            await sink.drain()
        for one in both:
            one.close()
