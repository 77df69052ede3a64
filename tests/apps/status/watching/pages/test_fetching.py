"""A document is asked for within bounds of time, size and place."""

import asyncio
import contextlib
import gzip
from collections.abc import Callable
from typing import Final

import pytest

from penstock.apps.status.watching.pages import fetching
from penstock.apps.status.watching.pages.fetching import Fetched, Fetcher, is_same

WITHIN_S: Final = 2.0
Reply = Callable[[str], bytes | None]


def _asked(reply: Reply, path: str = "/", within_s: float = WITHIN_S) -> tuple[Fetched, list[str]]:
    """Return what one call gave, and the heads of the requests that were made."""
    heads: list[str] = []
    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.append(task)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        answer = reply(head.split()[1])
        if answer is None:
            await reader.read()  # until the caller has had enough
        else:
            writer.write(answer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def ask() -> Fetched:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            url = f"http://127.0.0.1:{port}{path}"
            found = await Fetcher(within_s=within_s)(url, {"if-none-match": '"a"'})
            await asyncio.gather(*serving)
        return found

    return asyncio.run(ask()), heads


def _answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def test_what_is_there_comes_back_with_what_to_ask_with_next_time() -> None:
    whole = _answer("200 OK", 'etag: "b"', "last-modified: then", "content-type: x/y", body=b"hi")
    found, heads = _asked(lambda _: whole)
    assert found == Fetched(status=200, kind="x/y", body=b"hi", etag='"b"', modified="then")
    assert 'if-none-match: "a"' in heads[0].lower()
    assert "user-agent: penstock" in heads[0].lower()


def test_what_is_packed_is_unpacked_and_a_bomb_is_not() -> None:
    small = gzip.compress(b"hello")
    found, _ = _asked(lambda _: _answer("200 OK", "content-encoding: gzip", body=small))
    assert found.body == b"hello"
    bomb = gzip.compress(bytes(fetching.BYTES_MAX + 1))
    found, _ = _asked(lambda _: _answer("200 OK", "content-encoding: gzip", body=bomb))
    assert (found.status, found.body) == (0, b"")
    assert "more than" in found.why
    found, _ = _asked(lambda _: _answer("200 OK", "content-encoding: gzip", body=b"no gzip"))
    assert (found.status, bool(found.why)) == (0, True)


def test_a_server_that_hangs_or_breaks_off_is_a_value_too() -> None:
    found, _ = _asked(lambda _: None, within_s=0.2)
    assert (found.status, found.why) == (0, "it has not answered within 0.2 s")
    found, _ = _asked(lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx")
    assert (found.status, bool(found.why)) == (0, True)
    found, _ = _asked(lambda _: b"nonsense\r\n\r\n")
    assert (found.status, bool(found.why)) == (0, True)


def test_a_redirect_within_the_host_is_followed_and_none_elsewhere() -> None:
    def reply(path: str) -> bytes:
        if path == "/here":
            return _answer("301 Moved", "location: /there")
        if path == "/away":
            return _answer("301 Moved", "location: https://elsewhere.example/there")
        return _answer("200 OK", body=b"there")

    found, heads = _asked(reply, "/here")
    assert (found.body, len(heads)) == (b"there", 2)
    found, heads = _asked(reply, "/away")
    assert (found.status, len(heads)) == (0, 1)
    assert found.why == "it has moved to elsewhere.example: name that"


def test_a_circle_of_redirects_ends() -> None:
    found, heads = _asked(lambda path: _answer("302 Found", f"location: {path}x"))
    assert found.status == 0
    assert len(heads) == fetching.HOPS + 1


@pytest.mark.parametrize(
    ("url", "target", "expected"),
    [
        ("https://a.example", "https://a.example/x", True),
        ("https://a.example", "https://www.a.example/x", True),
        ("https://www.a.example", "https://a.example/x", True),
        ("http://a.example", "https://a.example/x", True),
        ("https://a.example", "http://a.example/x", False),
        ("https://a.example", "https://b.example/x", False),
        ("https://status.anthropic.com", "https://status.claude.com", False),
        ("https://a.example", "https://nota.example", False),
        ("https://a.example", "file:///etc/passwd", False),
    ],
)
def test_whom_a_redirect_leads_to(url: str, target: str, *, expected: bool) -> None:
    assert is_same(url, target) is expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [("120", 120.0), ("999999", 3600.0), ("Mon, 02 Mar 2026 12:00:00 GMT", 3600.0), ("-1", 3600.0)],
)
def test_who_asks_for_patience_gets_it(said: str, expected: float) -> None:
    found, _ = _asked(lambda _: _answer("429 Too Many", f"retry-after: {said}"))
    assert (found.status, found.retry_after_s) == (429, expected)
