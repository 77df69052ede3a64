"""Engines are asked again and again; one that is silent, slow or odd does no harm."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from tests.exchange.world import World

from penstock.exchange.target import UpstreamState
from penstock.wire import clock, engines
from penstock.wire.engines import EngineWatch, fetched

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 29\r\n\r\nllamacpp:requests_deferred 4\n"


class Engine:
    """A server that answers each connection with the same bytes, in pieces of a given size."""

    def __init__(self, answer: bytes, *, size: int = 1 << 20, hangs: bool = False) -> None:
        self.answer = answer
        self.size = size
        self.hangs = hangs
        self.asked: list[bytes] = []
        self.url = ""
        self.open = 0

    async def serve(self, use: Callable[[], Awaitable[None]]) -> None:
        server = await asyncio.start_server(self._on_connection, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            self.url = f"http://127.0.0.1:{port}/metrics"
            await use()
            await until(lambda: not self.open)

    async def _on_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.open += 1
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            for at in range(0, len(self.answer), self.size):
                writer.write(self.answer[at : at + self.size])
                await writer.drain()
            if self.hangs:
                await reader.read()
        except (OSError, EOFError):
            pass  # who asked has left
        finally:
            writer.close()
            self.open -= 1


def run(engine: Engine, use: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(engine.serve(use))


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("hangs", [False, True])
def test_an_answer_is_read_however_it_is_cut(size: int, *, hangs: bool) -> None:
    engine = Engine(GOOD, size=size, hangs=hangs)

    async def use() -> None:
        assert await fetched(engine.url, None) == b"llamacpp:requests_deferred 4\n"
        assert engine.asked[0].startswith(b"GET /metrics HTTP/1.0\r\nhost: 127.0.0.1:")

    run(engine, use)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 404 Not Found\r\n\r\nllamacpp:requests_deferred 4",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000,
        b"\xff" * 100,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (engines.BODY_BYTES_MAX + 1),
    ],
    ids=["nothing", "404", "chunked", "long head", "garbage", "too large"],
)
def test_what_is_no_answer_is_nothing(answer: bytes) -> None:
    engine = Engine(answer)

    async def use() -> None:
        assert await fetched(engine.url, None) == b""

    run(engine, use)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://x/", "http://[", "http://h:x/", ""])
def test_what_is_no_place_is_nothing(url: str) -> None:
    assert asyncio.run(fetched(url, None)) == b""


def test_an_engine_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "WITHIN_S", 0.05)
    engine = Engine(b"HTTP/1.1 200 OK\r\n\r\nx", hangs=True)

    async def use() -> None:
        assert await fetched(engine.url, None) == b""

    run(engine, use)


def upstream_at(url: str) -> UpstreamState:
    upstream = World().upstream("a")
    upstream.use(msgspec.structs.replace(upstream.entry, metrics_url=url))
    return upstream


async def until(holds: Callable[[], bool]) -> None:
    """Look every hundredth of a second whether something holds, for 20 s."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never held")


def test_a_limit_follows_what_its_engine_says_for_as_long_as_it_is_followed() -> None:
    engine = Engine(GOOD)

    async def use() -> None:
        upstream = upstream_at(engine.url)
        async with asyncio.TaskGroup() as tasks:
            watch = EngineWatch(tasks)
            watch.follow([upstream, World().upstream("b")])
            watch.follow([upstream])
            await until(lambda: len(engine.asked) > 1 and not upstream.is_silent(clock.now_s()))
            assert upstream.engine_saturation == 2.0
            assert upstream.limit.limit < 100
            watch.close()
        await until(lambda: not engine.open)
        asked = len(engine.asked)
        await asyncio.sleep(2 * engines.EVERY_S)
        assert len(engine.asked) <= asked + 1, "the last one may have been under way"

    run(engine, use)


def test_an_engine_that_is_lost_is_asked_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "EVERY_S", 0.01)
    monkeypatch.setattr(engines, "REST_MAX_S", 0.16)
    engine = Engine(b"HTTP/1.1 500 Oh\r\n\r\n")

    async def use() -> None:
        upstream = upstream_at(engine.url)
        async with asyncio.TaskGroup() as tasks:
            watch = EngineWatch(tasks)
            watch.follow([upstream])
            began_s = clock.now_s()
            await until(lambda: len(engine.asked) >= 6)
            assert clock.now_s() - began_s >= 0.02 + 0.04 + 0.08 + 0.16 + 0.16
            assert upstream.is_silent(clock.now_s())
            assert upstream.limit.limit == 100
            engine.answer = GOOD
            await until(lambda: not upstream.is_silent(clock.now_s()))
            watch.close()

    run(engine, use)


def test_a_reload_asks_at_the_new_place_alone() -> None:
    engine, other = Engine(GOOD), Engine(GOOD)

    async def use() -> None:
        await other.serve(moved)

    async def moved() -> None:
        upstream = upstream_at(engine.url)
        async with asyncio.TaskGroup() as tasks:
            watch = EngineWatch(tasks)
            watch.follow([upstream])
            await until(lambda: bool(engine.asked))
            upstream.use(msgspec.structs.replace(upstream.entry, metrics_url=other.url))
            watch.follow([upstream])
            before = len(engine.asked)
            await until(lambda: len(other.asked) > 1)
            assert len(engine.asked) == before
            watch.close()

    run(engine, use)
