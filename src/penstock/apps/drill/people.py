"""Bystanders of a drill: they look in, and report at the status page when it fails for them.

    visit      a GET of a page, through the doors, from an address of their own
    fails      no answer within ``WITHIN_S``, a broken connection, a status of 400 and above
    then       as ``sim/drills/bystanders.py`` says: wait, try again, report
    callers    ``on_call`` hears of the drill's own calls of the arm with a status page

``reports`` has when a report was taken, by surface. Bounded: ``PEOPLE_MAX`` are busy at a time, who
comes then goes home.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import httpx

from penstock.sim.drills.shapes import BROKEN, FAILED, LEFT, REFUSED, TRUNCATED, Call
from penstock.sim.watching import bystanders
from penstock.sim.watching.bystanders import Person
from penstock.sim.watching.chance import Dice
from penstock.telemetry import log
from penstock.web.keeping_up import pause

WITHIN_S: Final = 10.0  # a page that takes longer has failed, to whoever waits for it
REPORT: Final = "/api/v1/reports"
PEOPLE_MAX: Final = 400
BAD: Final = 400
TROUBLED: Final = frozenset({REFUSED, FAILED, BROKEN, TRUNCATED, LEFT})
SURFACES: Final = {"chat": "web", "api": "api"}
PATHS: Final = {"web": "/", "login": "/login", "console": "/login"}


class People:
    """Everybody who looks in at one arm. Owned by one event loop."""

    def __init__(
        self,
        doors: Mapping[str, str],
        status_url: str,
        dice: Dice,
        now_s: Callable[[], float],
    ) -> None:
        self._doors = doors  # surface -> url
        self._status_url = status_url.rstrip("/")
        self._dice = dice
        self._now_s = now_s
        self._group: asyncio.TaskGroup | None = None
        self._busy = 0
        self.visits = 0
        self.failed = 0
        self.reports: dict[str, list[float]] = {}

    async def run(self) -> None:
        """Let people come, until cancelled."""
        limits = httpx.Limits(max_connections=PEOPLE_MAX, max_keepalive_connections=0)
        async with (
            httpx.AsyncClient(trust_env=False, timeout=WITHIN_S, limits=limits) as http,
            asyncio.TaskGroup() as group,
        ):
            self._group = group
            self._http = http
            try:
                while True:
                    one = bystanders.person(self._dice)
                    await pause(one.after_s)
                    self._begin(partial(self._look_in, one))
            finally:
                self._group = None

    def on_call(self, call: Call) -> None:
        """Hear of a call of the drill's own traffic."""
        if call.end in TROUBLED and self._dice.random() < bystanders.CALLER_RATIO:
            surface = SURFACES.get(call.place, "")
            one = bystanders.person(self._dice)
            if surface:
                self._begin(partial(self._complain, one, surface))

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        if self._group is None or self._busy >= PEOPLE_MAX:
            return
        self._busy += 1
        self._group.create_task(self._alone(work))

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            (error,) = await asyncio.gather(work(), return_exceptions=True)
        finally:
            self._busy -= 1
        if isinstance(error, Exception):  # a fault of ours, in one person
            log.warn("bystander_failed", reason=repr(error))

    async def _look_in(self, one: Person) -> None:
        if one.surface not in self._doors or await self._visit(one):
            return
        await pause(one.patience_s)
        if not await self._visit(one):
            await self._report(one, one.surface)

    async def _complain(self, one: Person, surface: str) -> None:
        await pause(one.patience_s)
        await self._report(one, surface)

    async def _visit(self, one: Person) -> bool:
        """Look in; tells whether it worked."""
        self.visits += 1
        url = self._doors[one.surface] + PATHS[one.surface]
        try:
            async with asyncio.timeout(WITHIN_S):
                answer = await self._http.get(url, headers=_headers(one))
            is_good = answer.status_code < BAD
        except (httpx.HTTPError, TimeoutError):
            is_good = False
        self.failed += not is_good
        return is_good

    async def _report(self, one: Person, surface: str) -> None:
        body = {"component": surface, "category": "errors"}
        try:
            answer = await self._http.post(
                f"{self._status_url}{REPORT}", json=body, headers=_headers(one)
            )
        except httpx.HTTPError:
            return  # a page that takes no reports is its own trouble
        if answer.is_success:
            self.reports.setdefault(surface, []).append(self._now_s())


def _headers(one: Person) -> dict[str, str]:
    return {"x-forwarded-for": one.address, "user-agent": one.agent}
