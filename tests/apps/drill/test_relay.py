"""A relay before a database: gone, silent, cut, and well again. Real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import pytest

from penstock.apps.drill.relay import LOOPBACK, Relay

WITHIN_S = 30.0
MANY = 10
OVER = (ConnectionError, asyncio.IncompleteReadError)


@contextlib.asynccontextmanager
async def behind() -> AsyncGenerator[Relay]:
    """A relay before a server that says everything again."""
    busy = asyncio.Semaphore(MANY)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with busy:
            await answer(reader, writer)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(100):
                writer.write(piece)
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(echo, LOOPBACK, 0)
    async with asyncio.timeout(WITHIN_S), Relay(*server.sockets[0].getsockname()[:2]) as relay:
        yield relay
    server.close()
    async with asyncio.timeout(WITHIN_S):
        for _ in range(MANY):  # until nobody is being answered
            await busy.acquire()


async def say(relay: Relay, words: bytes) -> bytes:
    """Say something over a connection of its own; return what comes back."""
    reader, writer = await asyncio.open_connection(LOOPBACK, relay.port)
    writer.write(words)
    told = await reader.read(100)
    await closed(writer)
    return told


async def closed(writer: asyncio.StreamWriter) -> None:
    """Let go of a connection, and wait until it is."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def test_who_is_gone_refuses_and_is_there_again() -> None:
    async def play() -> None:
        async with behind() as relay:
            reader, writer = await asyncio.open_connection(LOOPBACK, relay.port)
            writer.write(b"before")
            assert await reader.read(100) == b"before"
            async with relay.gone():
                with pytest.raises(OVER):
                    await reader.readexactly(1)
                writer.close()
                with pytest.raises(ConnectionRefusedError):
                    await say(relay, b"anybody?")
            assert await say(relay, b"again") == b"again"

    asyncio.run(play())


def test_who_is_silent_takes_connections_and_says_it_all_later() -> None:
    async def play() -> None:
        async with behind() as relay:
            async with asyncio.TaskGroup() as group, relay.silent():
                asked = [group.create_task(say(relay, b"%d" % one)) for one in range(3)]
                done, _ = await asyncio.wait(asked, timeout=0.3)
                assert not done
            assert [one.result() for one in asked] == [b"0", b"1", b"2"]

    asyncio.run(play())


def test_what_is_cut_is_over_and_who_comes_next_is_well() -> None:
    async def play() -> None:
        async with behind() as relay:
            reader, writer = await asyncio.open_connection(LOOPBACK, relay.port)
            writer.write(b"before")
            assert await reader.read(100) == b"before"
            relay.cut()
            with pytest.raises(OVER):
                await reader.readexactly(1)
            await closed(writer)
            assert await say(relay, b"after") == b"after"

    asyncio.run(play())
