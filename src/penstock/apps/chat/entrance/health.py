"""Whether people can come in, each way by itself: one that fails says nothing of the others.

    sessions   who is in stays in: the database can be read
    password   the database can be written, and there is a place in the line
    oidc       off, or as the provider's last answers were; asked again now and then
    guests     off, or the database can be written and there is room
    gateway    it can be reached; answers need it, and nothing else here does

    GET /health   {"sessions": {"state": "ok"}, "oidc": {"state": "failing", "words": "..."}, ...}
                  200 always: who asks is answered; /healthz is for whoever restarts processes

What is asked for is looked at anew every two seconds at most, however many ask.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import httpx
import msgspec
from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.apps.chat.entrance.door import ChatDoor
from penstock.apps.chat.tables import kept
from penstock.apps.chat.waiting.gateway_watch import PATH
from penstock.apps.chat.waiting.whereabouts import gateway_url
from penstock.core.errors import PenstockError
from penstock.identity.oidc import Provider
from penstock.identity.tables import sessions
from penstock.web.http import json
from penstock.web.keeping_up import pause
from penstock.wire import clock

OK: Final = "ok"
FAILING: Final = "failing"
OFF: Final = "off"
LOOKED_S: Final = 2.0
WITHIN_S: Final = 2.0  # a person waits no longer for a page
PROBED_S: Final = 300.0  # between looks at a provider that is well
AGAIN_S: Final = 20.0  # at one that is not
NAME: Final = "health"
SERVER_ERROR: Final = 500


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way in."""

    state: str
    words: str = ""


class Ways(msgspec.Struct, frozen=True):
    """All of them, and the gateway."""

    sessions: State
    password: State
    oidc: State
    guests: State
    gateway: State


class Health:
    """Looks at the ways in. Owned by one event loop."""

    def __init__(self, door: ChatDoor, provider: Provider | None, http: httpx.AsyncClient) -> None:
        self._door = door
        self._provider = provider
        self._http = http
        self._lock = asyncio.Lock()
        self._looked_s = float("-inf")
        self._ways: Ways | None = None

    def routes(self) -> list[Route]:
        """Return what there is."""
        return [Route("/health", self._answer)]

    async def _answer(self, request: Request) -> Response:
        del request
        return json(await self.ways())

    async def ways(self) -> Ways:
        """Return how things are, as of two seconds ago at most."""
        async with self._lock:
            if self._ways is None or clock.now_s() - self._looked_s >= LOOKED_S:
                self._ways = await self._look()
                self._looked_s = clock.now_s()
            return self._ways

    async def _look(self) -> Ways:
        reads, writes, gateway = await asyncio.gather(
            self._told(self._read), self._told(self._write), self._gateway()
        )
        guests = writes if self._door.chat.guests else State(OFF)
        if guests.state == OK and (words := self._door.failed("guests")):
            guests = State(FAILING, words)
        return Ways(reads, self._password(writes), self._oidc(), guests, gateway)

    def _password(self, writes: State) -> State:
        if writes.state != OK:
            return writes
        if self._door.is_busy():
            return State(FAILING, "more people log in than can be checked at this moment")
        words = self._door.failed("password")
        return State(FAILING, words) if words else State(OK)

    def _oidc(self) -> State:
        if self._provider is None:
            return State(OFF)
        words = self._provider.trouble
        return State(FAILING, words) if words else State(OK)

    async def _told(self, work: Callable[[], None]) -> State:
        try:
            await self._door.blocking(work, WITHIN_S)
        except PenstockError as error:
            return State(FAILING, error.message)
        return State(OK)

    def _read(self) -> None:
        with self._door.ground.rows.reading() as connection:
            connection.execute(select(sessions.c.id).limit(1)).first()

    def _write(self) -> None:
        now_unix_s = self._door.now_unix_s()
        store = self._door.parts.store
        with store.writing() as connection:
            new = store.insert(kept).values(name=NAME, updated_unix_s=now_unix_s)
            connection.execute(
                new.on_conflict_do_update(
                    index_elements=["name"], set_={"updated_unix_s": now_unix_s}
                )
            )

    async def _gateway(self) -> State:
        parts = self._door.parts
        url = gateway_url(parts.config, parts.state_dir)
        try:
            async with asyncio.timeout(WITHIN_S):
                answer = await self._http.get(url + PATH)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return State(FAILING, "the gateway cannot be reached")
        if answer.status_code >= SERVER_ERROR:
            return State(FAILING, f"the gateway answered {answer.status_code}")
        return State(OK)

    async def watch(self) -> None:
        """Ask the provider again and again, so that it is known when log-in by it works."""
        while True:
            wait_s = PROBED_S
            if self._provider is not None:
                await self._provider.probe()
                wait_s = AGAIN_S if self._provider.trouble else PROBED_S
            await pause(wait_s)
