"""What the status page says: read every few seconds; what cannot be read is not known.

A page that cannot be reached is no banner: it says nothing about the chat, and its link stays.
"""

from collections.abc import Callable
from typing import Final

import httpx

from penstock.apps.chat.waiting import seen
from penstock.apps.chat.waiting.board import Board
from penstock.web.keeping_up import pause
from penstock.wire import clock

EVERY_S: Final = 10.0
ANSWER_S: Final = 5.0
FAILURES: Final = 3  # a restart of the page; then it is as if nothing had been known
BYTES_MAX: Final = 16 * 1024 * 1024  # two hundred components with a day of response times
PATH: Final = "/api/status.json"
OK: Final = 200
UNCHANGED: Final = 304


class StatusWatch:
    """Reads the status page. Owned by one event loop."""

    def __init__(self, board: Board, url: Callable[[], str]) -> None:
        self._board = board
        self._url = url
        self._etag = ""
        self._failures = 0

    async def run(self) -> None:
        """Read, for ever."""
        limits = httpx.Limits(max_connections=2)
        async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False, limits=limits) as client:
            while True:
                await self.turn(client)
                await pause(EVERY_S)

    async def turn(self, client: httpx.AsyncClient) -> None:
        """Read once."""
        is_read = await self._read(client)
        self._failures = 0 if is_read else self._failures + 1
        if self._failures == FAILURES:
            self._etag = ""
            self._board.on_status(None, clock.now_s())
        self._board.look(clock.now_s())  # what ends by itself, ends

    async def _read(self, client: httpx.AsyncClient) -> bool:
        url = self._url()
        headers = {"if-none-match": self._etag} if self._etag else {}
        try:
            async with client.stream("GET", url.rstrip("/") + PATH, headers=headers) as response:
                if response.status_code == UNCHANGED:
                    return True
                raw = await _body(response) if response.status_code == OK else b""
        except (httpx.HTTPError, httpx.InvalidURL):  # an empty address, too
            return False
        document = seen.decoded(raw)
        if document is not None:
            self._etag = response.headers.get("etag", "")
            self._board.on_status(document, clock.now_s())
        return document is not None


async def _body(response: httpx.Response) -> bytes:
    """Return what has come; nothing if it is too much."""
    raw = bytearray()
    async for chunk in response.aiter_bytes():
        raw += chunk
        if len(raw) > BYTES_MAX:
            return b""
    return bytes(raw)
