"""Whether the gateway answers: asked every few seconds, and at once when an answer has failed.

    an answer of any kind     it is there: also "this key is unknown" is said by somebody
    503 while it drains       it is there; answers are asked again by whoever waits
    none, ``FAILURES`` times  it is down; from then on it is asked every second

Where it is comes with each look, as ``up`` may start it elsewhere.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import httpx

from penstock.apps.chat.waiting.board import Board
from penstock.web.keeping_up import is_set_within
from penstock.wire import clock

EVERY_S: Final = 5.0
SOON_S: Final = 1.0
ANSWER_S: Final = 3.0
FAILURES: Final = 2  # a restart takes less
PATH: Final = "/v1/models"


class GatewayWatch:
    """Looks at the gateway. Owned by one event loop."""

    def __init__(self, board: Board, url: Callable[[], str], key: Callable[[], str]) -> None:
        self._board = board
        self._url = url
        self._key = key
        self._failures = 0
        self._hint = asyncio.Event()

    def hint(self) -> None:
        """Say that an answer has failed for want of the gateway: look now."""
        self._hint.set()

    async def run(self) -> None:
        """Look, for ever."""
        limits = httpx.Limits(max_connections=2)
        async with httpx.AsyncClient(timeout=ANSWER_S, trust_env=False, limits=limits) as client:
            while True:
                await self.turn(client)
                if await is_set_within(self._hint, SOON_S if self._failures else EVERY_S):
                    self._hint.clear()

    async def turn(self, client: httpx.AsyncClient) -> None:
        """Look once."""
        self._failures = 0 if await self._answers(client) else self._failures + 1
        self._board.on_gateway(is_down=self._failures >= FAILURES, now_s=clock.now_s())

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        url = self._url()
        if not url:
            return False
        key = self._key()
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            await client.get(url.rstrip("/") + PATH, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return True
