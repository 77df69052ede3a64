"""The site over HTTP: what caches and scripts of other sites are told."""

import asyncio
import gzip
from collections.abc import Mapping
from typing import Final

import httpx
import pytest
from starlette.responses import PlainTextResponse
from tests.apps.status.site.views import QUIET, VIEW

from penstock.apps.status.site import rendering
from penstock.apps.status.site.serving import SiteServer

OPEN_TO_ALL: Final = [
    "/api/v2/summary.json", "/api/v2/status.json", "/api/v2/components.json",
    "/api/v2/incidents.json", "/api/v2/incidents/unresolved.json",
    "/api/v2/scheduled-maintenances.json", "/api/v2/scheduled-maintenances/upcoming.json",
    "/api/v2/scheduled-maintenances/active.json", "/api/status.json", "/history.atom",
    "/history.rss", "/uptime.json", "/uptime-data.js", "/embed.js",
]  # fmt: skip


def _asked(
    path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    return _all_asked([(path, method, headers or {})])[0]


def _all_asked(questions: list[tuple[str, str, Mapping[str, str]]]) -> list[httpx.Response]:
    server = SiteServer(PlainTextResponse("nothing here", 404))
    server.use(rendering.render(VIEW))

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(server)
        async with httpx.AsyncClient(transport=transport, base_url="http://status") as client:
            return [
                await client.request(method, path, headers=headers)
                for path, method, headers in questions
            ]

    return asyncio.run(ask())


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_scripts_of_any_site_may_read_it_and_caches_keep_it_for_half_a_minute(path: str) -> None:
    answer = _asked(path, headers={"origin": "https://elsewhere.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "public, max-age=30"
    assert "cross-origin-resource-policy" not in answer.headers


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_browsers_may_ask_first(path: str) -> None:
    asks = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}
    answer = _asked(path, "OPTIONS", asks)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]


def test_who_has_it_already_is_told_so() -> None:
    first = _asked("/api/v2/summary.json")
    tag = first.headers["etag"]
    again, other = _all_asked([
        ("/api/v2/summary.json", "GET", {"if-none-match": f"W/{tag}"}),
        ("/api/v2/summary.json", "GET", {"if-none-match": '"another"'}),
    ])  # fmt: skip
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["access-control-allow-origin"] == "*"
    assert (other.status_code, other.content) == (200, first.content)


def test_a_change_has_another_tag_and_no_change_the_same() -> None:
    path = "/api/v2/status.json"
    server = SiteServer(PlainTextResponse("", 404))

    async def tags() -> list[str]:
        found: list[str] = []
        transport = httpx.ASGITransport(server)
        async with httpx.AsyncClient(transport=transport, base_url="http://status") as client:
            for view in (VIEW, VIEW, QUIET):
                server.use(rendering.render(view))
                found.append((await client.get(path)).headers["etag"])
        return found

    first, second, third = asyncio.run(tags())
    assert first == second != third


def test_a_head_has_the_length_and_a_small_form_is_sent_to_who_takes_it() -> None:
    path = "/api/v2/summary.json"
    plain = rendering.render(VIEW)[path].body
    head, short, whole = _all_asked([
        (path, "HEAD", {"accept-encoding": "identity"}),
        (path, "GET", {"accept-encoding": "gzip"}),
        (path, "GET", {"accept-encoding": "identity"}),
    ])  # fmt: skip
    assert (head.content, int(head.headers["content-length"])) == (b"", len(plain))
    assert short.headers["content-encoding"] == "gzip"
    assert int(short.headers["content-length"]) < len(gzip.compress(plain)) + 64
    assert short.content == whole.content == plain


def test_what_the_site_does_not_have_is_asked_of_the_rest() -> None:
    assert _asked("/api/v2/subscribers.json", "POST").text == "nothing here"
    assert _asked("/api/v2/summary.json", "POST").text == "nothing here"
