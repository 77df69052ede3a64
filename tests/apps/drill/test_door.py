"""A door passes what it does not strike as it came, and strikes what it should; real sockets."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.apps.drill.behind import LARGE, Behind

from penstock.apps.drill.door import Door
from penstock.sim.drills.shapes import Strike

WITHIN_S = 20.0


def strike(
    kind: str, place: str = "chat", share: float = 1.0, stall_s: float | None = None
) -> Strike:
    return Strike(
        place=place, kind=kind, share=share, from_s=0.0, to_s=10.0, surface="web", stall_s=stall_s
    )


class Stand:
    """A door with somebody behind it."""

    def __init__(self, door: Door, behind: Behind, http: httpx.AsyncClient) -> None:
        self.door = door
        self.behind = behind
        self.http = http
        self.at_s = 5.0


@asynccontextmanager
async def standing(*strikes: Strike, place: str = "chat") -> AsyncGenerator[Stand]:
    found: list[Stand] = []
    behind = Behind()
    async with (
        asyncio.timeout(WITHIN_S),
        behind.listening() as url,
        Door(place, strikes, lambda: found[0].at_s, lambda: 0.0) as door,
        httpx.AsyncClient(base_url=door.url, trust_env=False) as http,
    ):
        found.append(Stand(door, behind, http))
        await door.lead(url)
        yield found[0]


def run(work: Callable[[Stand], Awaitable[None]], *strikes: Strike, place: str = "chat") -> None:
    async def made() -> None:
        async with standing(*strikes, place=place) as stand:
            await work(stand)

    asyncio.run(made())


def test_what_is_not_struck_passes_as_it_came() -> None:
    async def work(stand: Stand) -> None:
        headers = {"origin": stand.door.url, "cookie": "a=1; b=2", "accept-encoding": "br"}
        answer = await stand.http.post("/echo/%20x?y=%26&z", content=b"body", headers=headers)
        told: dict[str, Any] = answer.json()
        assert (told["method"], told["target"], told["query"]) == ("POST", "/echo/%20x", "y=%26&z")
        assert told["body"] == "body"
        given = told["headers"]
        assert given["host"] == stand.door.url.removeprefix("http://")
        assert {name: given[name] for name in headers} == headers
        assert given["x-forwarded-for"] == "127.0.0.1"
        own = await stand.http.get("/echo", headers={"x-forwarded-for": "100.64.0.7"})
        assert own.json()["headers"]["x-forwarded-for"] == "100.64.0.7"
        assert (await stand.http.get("/large")).content == LARGE
        assert (stand.door.passed, stand.door.struck) == (3, {})

    run(work)


def test_an_answer_keeps_all_of_its_cookies() -> None:
    async def work(stand: Stand) -> None:
        answer = await stand.http.post("/login")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/"
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]

    run(work)


def test_an_answer_without_a_body_stays_without_and_the_next_one_is_whole() -> None:
    async def work(stand: Stand) -> None:
        for _ in range(2):  # on one connection
            answer = await stand.http.delete("/gone")
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["x-kept"] == "1"
            assert "transfer-encoding" not in answer.headers
            assert (await stand.http.get("/echo")).status_code == 200
        assert (await stand.http.head("/echo")).status_code == 200

    run(work)


def test_events_flow_as_they_come() -> None:
    async def work(stand: Stand) -> None:
        async with stand.http.stream("GET", "/stream") as answer:
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b"data: one\n\n"  # and nothing more is there yet
            stand.behind.more.set()
            assert b"".join([piece async for piece in pieces]) == b"data: two\n\n"

    run(work)


def test_who_leaves_is_left() -> None:
    async def work(stand: Stand) -> None:
        async with stand.http.stream("GET", "/stream") as answer:
            await anext(answer.aiter_raw())
        await stand.behind.was_left.wait()

    run(work)


def test_what_breaks_behind_breaks_in_front() -> None:
    async def work(stand: Stand) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await stand.http.get("/breaks")

    run(work)


def test_nobody_listens_before_it_leads_anywhere_and_nobody_behind_is_a_502() -> None:
    async def made() -> None:
        async with (
            Door("chat", (), lambda: 0.0, lambda: 0.0) as door,
            httpx.AsyncClient(base_url=door.url, trust_env=False) as http,
        ):
            with pytest.raises(httpx.ConnectError):
                await http.get("/")
            await door.lead("http://127.0.0.1:1")
            assert (await http.get("/")).status_code == 502

    asyncio.run(made())


def test_errors_stand_in_place_of_the_answer_until_the_strike_is_over() -> None:
    async def work(stand: Stand) -> None:
        assert (await stand.http.get("/")).status_code == 529
        assert (await stand.http.get("/assets/1/app.js")).status_code == 200
        assert len(stand.behind.calls) == 1  # who is struck never gets there
        stand.at_s = 10.0
        assert (await stand.http.get("/")).status_code == 200
        assert stand.door.struck == {"http_529": 1}

    run(work, strike("http_529"))


def test_log_in_is_struck_alone() -> None:
    async def work(stand: Stand) -> None:
        assert (await stand.http.get("/login")).status_code == 500
        assert (await stand.http.get("/")).status_code == 200
        told = (await stand.http.get("/health")).json()
        states = {name: one["state"] for name, one in told.items()}
        assert states == {"sessions": "ok", "password": "failing", "oidc": "off"}

    run(work, strike("http_500", "login"))


def test_the_console_is_struck_whole_and_by_nobody_elses_strikes() -> None:
    async def work(stand: Stand) -> None:
        assert (await stand.http.get("/login")).status_code == 503
        assert (await stand.http.get("/")).status_code == 503

    run(work, strike("http_503", "console"), strike("http_500", "chat"), place="console")


def test_a_connection_is_reset() -> None:
    async def work(stand: Stand) -> None:
        with pytest.raises(httpx.ReadError):
            await stand.http.get("/")
        assert stand.behind.calls == []

    run(work, strike("connect_error"))


def test_a_hang_ends_with_the_answer_or_when_the_caller_leaves() -> None:
    async def work(stand: Stand) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await stand.http.get("/", timeout=0.05)
        assert stand.behind.calls == []

    run(work, strike("hang"))

    async def short(stand: Stand) -> None:
        assert (await stand.http.get("/")).status_code == 200

    run(short, strike("hang", stall_s=0.05))


def test_a_log_in_loop_lets_in_and_forgets() -> None:
    async def work(stand: Stand) -> None:
        answer = await stand.http.post("/login")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert "set-cookie" not in answer.headers

    run(work, strike("login_loop", "login"))


def test_an_answer_breaks_off_in_the_middle() -> None:
    async def work(stand: Stand) -> None:
        stand.behind.more.set()
        with pytest.raises(httpx.RemoteProtocolError):
            await stand.http.get("/stream")

    run(work, strike("stream_cut"))
