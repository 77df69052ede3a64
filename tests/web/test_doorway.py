"""What changes something comes from our own pages, but where a surface is open to everybody."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from penstock.web.doorway import Doorway
from penstock.web.site import Site

OWN = "http://status.localhost:8403"


async def answered(request: Request) -> Response:
    del request
    return PlainTextResponse("done")


def post(path: str, headers: dict[str, str], method: str = "POST") -> httpx.Response:
    methods = ["GET", "POST", "OPTIONS"]
    routes = [Route("/open", answered, methods=methods), Route("/own", answered, methods=methods)]
    doorway = Doorway(
        Starlette(routes=routes), Site("status.localhost", (), 8403), lambda one: one == "/open"
    )

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(doorway)
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "https://elsewhere.example.org"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": OWN}, 200),
        ({"authorization": "Bearer x"}, 200),
    ],
)
def test_only_the_open_path_takes_what_comes_from_anywhere(
    headers: dict[str, str], status: int
) -> None:
    assert post("/own", headers).status_code == status
    assert post("/open", headers).status_code == 200


def test_an_open_path_still_has_our_names_only() -> None:
    assert post("/open", {"host": "evil.example.org"}).status_code == 421


def test_without_a_word_nothing_is_open() -> None:
    doorway = Doorway(Starlette(routes=[]), Site("status.localhost", (), 8403))

    async def run() -> int:
        transport = httpx.ASGITransport(doorway)
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            return (await client.post("/open")).status_code

    assert asyncio.run(run()) == 403
