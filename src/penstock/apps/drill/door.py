"""A relay in front of chat, console or identity provider, at which a drill's strikes fall.

opened    it has an address before that which it leads to has one; nobody listens there yet, as
          with any process that is still starting: who probes it then accuses nobody
led       ``lead``: to whom requests go, and now it listens
passed    method, path, headers (Host and Origin as they came) and body; the answer as it comes,
          piece by piece: streams of events flow
struck    as ``sim/drills/front_door.py`` decides; time and chance are given
breaks    an answer that breaks behind us breaks in front, too; who leaves is left
ours      a fault of our own ends one visit, is logged, and takes nothing else along

What lies behind must know our address as one of its ``hosts``.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, Self

import httpx

from penstock.apps.drill.visit import Visit
from penstock.config.model import ServerLimits
from penstock.sim.drills import front_door
from penstock.sim.drills.front_door import Blow
from penstock.sim.drills.shapes import Strike
from penstock.telemetry import log
from penstock.wire.call import Call
from penstock.wire.server import Server

HOST: Final = "127.0.0.1"
LIMITS: Final = ServerLimits(connections_max=2_000)  # synthetic people, each with a stream or two
POOL: Final = httpx.Limits(max_connections=2_000, max_keepalive_connections=64)


class Door:
    """One relay; ``place`` is chat, console, or login: an identity provider. One event loop's."""

    def __init__(
        self,
        place: str,
        strikes: Sequence[Strike],
        now_s: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._place = place
        self._strikes = [one for one in strikes if one.place in front_door.PLACES]
        self._now_s = now_s
        self._chance = chance
        self._tasks = asyncio.TaskGroup()
        self._under_way: set[asyncio.Task[None]] = set()
        self._server: Server | None = None
        self._http = httpx.AsyncClient(trust_env=False, limits=POOL)
        self._place_held = socket.socket()
        self._to = ""
        self.url = ""
        self.passed = 0
        self.struck: dict[str, int] = {}  # kind -> how many requests

    async def __aenter__(self) -> Self:
        """Take an address."""
        await self._tasks.__aenter__()
        self._place_held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place_held.bind((HOST, 0))
        self.url = f"http://{HOST}:{self._port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close; what is under way is dropped."""
        del error
        if self._server is not None:
            self._server.close()
        for one in list(self._under_way):
            one.cancel()
        await self._tasks.__aexit__(None, None, None)
        await self._http.aclose()
        self._place_held.close()

    def point(self, url: str) -> None:
        """Say to whom requests go from now on."""
        self._to = url.rstrip("/")

    async def lead(self, url: str) -> None:
        """Say to whom requests go, and listen; without a URL nobody ever listens."""
        self.point(url)
        if self._to:
            await self.listen()

    async def listen(self) -> None:
        """Let requests come in; who is pointed to nobody yet answers 502."""
        if self._server is None:
            self._server = Server(asyncio.get_running_loop(), self, LIMITS)
            await self._server.listen(HOST, self._port)

    @property
    def _port(self) -> int:
        return int(self._place_held.getsockname()[1])

    def on_call(self, call: Call) -> None:
        """Take one request; answer it, or let it be struck."""
        at_s = self._now_s()
        path = call.target.decode("latin-1")
        visit = Visit(call, self._http, self._to)
        if path == front_door.HEALTH and self._place == front_door.CHAT:
            failing = front_door.failing_ways(self._strikes, at_s, self._chance)
            self._begin(visit, partial(visit.health, failing))
            return
        blow = front_door.blow(
            self._strikes, front_door.place_of(self._place, path), at_s, self._chance
        )
        self._note(blow)
        self._begin(visit, partial(visit.run, blow))

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Word what the wire itself refuses."""
        del call, status
        return b"text/plain", reason.encode()

    def _begin(self, visit: Visit, work: Callable[[], Awaitable[None]]) -> None:
        task = self._tasks.create_task(_alone(visit, work))
        visit.leave = task.cancel
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _note(self, blow: Blow | None) -> None:
        if blow is None:
            self.passed += 1
        else:
            self.struck[blow.kind] = self.struck.get(blow.kind, 0) + 1


async def _alone(visit: Visit, work: Callable[[], Awaitable[None]]) -> None:
    (error,) = await asyncio.gather(work(), return_exceptions=True)
    if error is not None:
        visit.on_stop()
    if isinstance(error, Exception):
        log.warn("visit_failed", reason=repr(error))
