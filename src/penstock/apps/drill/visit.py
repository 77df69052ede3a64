"""One request on its way through a door, and its answer on the way back.

whole     an answer that says its length, up to ``WHOLE_BYTES_MAX``, is sent in one piece; one that
          has no body by its status stays without
streamed  any other is passed on as it comes; a reader who does not keep up is waited for
nobody    whoever is behind does not answer: 502, which is not among the strikes' own
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import httpx
import msgspec

from penstock.sim.drills.front_door import Blow, Way
from penstock.web.keeping_up import pause
from penstock.wire.call import Call

WHOLE_BYTES_MAX: Final = 1024 * 1024
HOP: Final = frozenset(
    (b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade",
     b"proxy-connection", b"content-length", b"date", b"expect"),
)  # fmt: skip
BODILESS: Final = (204, 304)  # chunks after such a head would be the next answer's
COOKIE: Final = b"set-cookie"
LENGTH: Final = "content-length"
FORWARDED: Final = b"x-forwarded-for"
HTML: Final = b"content-type: text/html; charset=utf-8\r\ncache-control: no-store\r\n"
ERROR: Final = b"<!doctype html><title>Error</title><p>This did not work. Try again later.</p>"
CHALLENGE: Final = (
    b"<!doctype html><title>One moment</title><p>Checking that you are human. This page does not "
    b"come to an end.</p>"
)
NOBODY: Final = b"<!doctype html><title>Nobody there</title><p>Whoever is behind does not answer."
FAILING: Final = {"state": "failing", "words": "a drill"}
WITHIN: Final = httpx.Timeout(10.0, read=120.0)  # between two pieces; streams say something in 30 s
LINGER: Final = struct.pack("ii", 1, 0)  # a close is a reset


class Visit:
    """One request. Owned by one event loop."""

    def __init__(self, call: Call, http: httpx.AsyncClient, to: str) -> None:
        self._call = call
        self._http = http
        self._to = to
        self._is_free = asyncio.Event()
        self._is_free.set()
        self.leave: Callable[[], object] = lambda: None
        call.observer = self

    # the call says these

    def on_hang_up(self) -> None:
        """Nobody listens any more."""
        self.leave()

    def on_pause(self) -> None:
        """Wait for the reader."""
        self._is_free.clear()

    def on_resume(self) -> None:
        """Go on."""
        self._is_free.set()

    def on_stop(self) -> None:
        """End now."""
        self._call.abort()
        self.leave()

    async def run(self, blow: Blow | None) -> None:
        """Pass on a request, or strike it."""
        if blow is None:
            await self._pass()
            return
        match blow.way:
            case Way.ERROR:
                body = CHALLENGE if blow.kind == "challenge_block" else ERROR
                self._call.send(blow.status, HTML, body)
            case Way.RESET:
                _reset(self._call)
            case Way.WAIT:
                await pause(blow.wait_s)
                await self._pass()
            case Way.CUT:
                await self._pass(is_cut=True)
            case Way.FORGET:
                await self._pass(without=COOKIE)

    async def health(self, failing: frozenset[str]) -> None:
        """Pass on a document of several states, of which some fail for who asks."""
        try:
            answer = await self._http.send(self._request())
            document: dict[str, Any] = msgspec.json.decode(answer.content, type=dict[str, Any])
        except (httpx.HTTPError, msgspec.MsgspecError):
            self._call.send(502, HTML, NOBODY)
            return
        for way in failing & document.keys():
            if document[way].get("state") != "off":
                document[way] = FAILING
        body = msgspec.json.encode(document)
        self._call.send(answer.status_code, b"content-type: application/json\r\n", body)

    async def _pass(self, *, is_cut: bool = False, without: bytes = b"") -> None:
        try:
            answer = await self._http.send(self._request(), stream=True)
        except httpx.HTTPError:
            self._call.send(502, HTML, NOBODY)
            return
        try:
            await self._answer(answer, is_cut=is_cut, without=without)
        except httpx.HTTPError:
            self._call.abort()
        finally:
            await answer.aclose()

    async def _answer(self, answer: httpx.Response, *, is_cut: bool, without: bytes) -> None:
        head = b"".join(
            b"%b: %b\r\n" % (name, value)
            for name, value in answer.headers.raw
            if name.lower() not in HOP and name.lower() != without
        )
        length = answer.headers.get(LENGTH, "")
        if answer.status_code in BODILESS:
            self._call.send(answer.status_code, head, b"")
        elif is_cut:
            await self._cut(answer, head)
        elif length.isdigit() and int(length) <= WHOLE_BYTES_MAX:
            body = b"".join([piece async for piece in answer.aiter_raw()])
            self._call.send(answer.status_code, head, body)
        else:
            self._call.start(answer.status_code, head)
            async for piece in self._pieces(answer):
                self._call.write(piece)
            self._call.end()

    async def _cut(self, answer: httpx.Response, head: bytes) -> None:
        """Break off behind the first half of what comes first."""
        self._call.start(answer.status_code, head)
        async for piece in self._pieces(answer):
            self._call.write(piece[: len(piece) // 2])
            break
        self._call.abort()

    async def _pieces(self, answer: httpx.Response) -> AsyncIterator[bytes]:
        async for piece in answer.aiter_raw():
            await self._is_free.wait()
            yield piece

    def _request(self) -> httpx.Request:
        call = self._call
        query = b"?" + call.query if call.query else b""
        url = self._to + (call.target + query).decode("latin-1")
        headers = [(name, value) for name, value in call.headers.items() if name not in HOP]
        if FORWARDED not in call.headers:
            headers.append((FORWARDED, call.peer.encode()))
        return httpx.Request(
            call.method.decode("latin-1"),
            url,
            headers=headers,
            content=call.body or None,
            extensions={"timeout": WITHIN.as_dict()},
        )


def _reset(call: Call) -> None:
    """Break the connection off before any byte of an answer."""
    call.observer = None
    transport = call.transport
    found = transport.get_extra_info("socket") if transport is not None else None
    if transport is not None and found is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        transport.abort()
