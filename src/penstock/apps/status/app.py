"""The status process: one port for the public page, its API, user reports and operators.

start      hold the lock, wait for the plan of ``up``, open the database, render, listen, say so in
           the ready file
SIGHUP     read the plan again: components, probes and pages follow it
SIGTERM    finish what is under way, exit 0

It needs nobody: with control, gateway and everything else dead it serves the page, takes reports
and lets operators post. Each of ``LASTING`` is a loop of its own; one that fails is logged and
begins anew, and takes nothing else along.
"""

import asyncio
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from penstock.apps.status import components, keeping
from penstock.apps.status.api.table import ENDPOINTS
from penstock.apps.status.call import Call
from penstock.apps.status.incidents.turning import Turning
from penstock.apps.status.manage import entering
from penstock.apps.status.manage.entering import Entering
from penstock.apps.status.manage.serving import Managing
from penstock.apps.status.manage.table import PAGES
from penstock.apps.status.parts import Parts
from penstock.apps.status.postmortem.turning import PostMortems
from penstock.apps.status.publishing import Publishing
from penstock.apps.status.reports import intake
from penstock.apps.status.reports.intake import Intake
from penstock.apps.status.site.serving import SiteServer
from penstock.apps.status.store import open_status
from penstock.apps.status.subscriptions import taking
from penstock.apps.status.subscriptions.taking import Subscriptions
from penstock.apps.status.watching.watching import Watching
from penstock.apps.status.who import Who
from penstock.config import private_file
from penstock.config.locking import locked
from penstock.config.model import Config
from penstock.core.errors import PenstockError, StoreError
from penstock.snapshot import plan as plan_file
from penstock.telemetry import log
from penstock.web import process
from penstock.web.doorway import Doorway
from penstock.web.http import Caller
from penstock.web.keeping_up import Loop, kept_up
from penstock.web.site import Site
from penstock.wire import clock

NAME: Final = "status.localhost"  # its own name, on one machine
READY: Final = "status.ready.json"
MISSING: Final = "/404.html"
LOCK: Final = "status.lock"
FREE_S: Final = 8.0  # a predecessor that is ending

# That anybody may send to, from anywhere; the last looks at Origin by itself.
OPEN: Final = (*taking.PATHS, *intake.PATHS, *entering.PATHS)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the process was started; a port of -1 is the configuration's."""

    state_dir: Path
    ready_file: Path | None = None
    port: int = -1
    run: str = ""  # of ``up``: its plan is awaited


class Status:
    """Everything of the process, put together. Owned by one event loop."""

    def __init__(self, options: Options, config: Config, *, is_emulated: bool = False) -> None:
        self._options = options
        state_dir = options.state_dir
        now_unix_s = clock.now_unix_s
        store = open_status(state_dir)
        page = keeping.page_id(store, now_unix_s())
        self.parts = Parts(
            store=store,
            state_dir=state_dir,
            now_unix_s=now_unix_s,
            page=page,
            config=config,
            plan=components.planned(config, page.id),
            touch=lambda: None,
            is_emulated=is_emulated,
            has_up=bool(options.run),
        )
        who = Who(state_dir, process.break_glass(state_dir), now_unix_s)
        self.caller = Caller(self.parts, who, Call)
        status = config.status
        port = status.port if options.port < 0 else options.port
        self._listener = process.listen("status", status.host, port)
        port = self._listener.getsockname()[1]
        self._names = Site(NAME, status.hosts, port)
        self.parts.own_url = f"http://{status.host}:{port}"
        chance = random.Random().random
        blocking = self.caller.blocking
        self.watching = Watching(self.parts, blocking)
        self._intake = Intake(self.parts, blocking, self.watching.judging.on_report)
        self._subscriptions = Subscriptions(self.parts, blocking, chance)
        self._postmortems = PostMortems(self.parts, blocking)
        self._turning = Turning(self.parts, blocking)
        routes = [
            Route("/healthz", process.healthz),
            *self._public_routes(),
            *Entering(self.parts, who).routes(),
            *Managing(self.parts, self.caller, who).routes(PAGES),
            *self.caller.routes(ENDPOINTS),
        ]
        app = Starlette(routes=routes, exception_handlers={404: self._missing})
        self.site = SiteServer(Doorway(app, self._names, _is_open))
        self._publishing = Publishing(self.parts, self.caller.blocking, self.site.use)
        self.parts.touch = self._publishing.touch
        self._apply()

    async def _missing(self, request: Request, error: Exception) -> Response:
        """Answer what is not there: people by the site's own page."""
        del error
        page = self.site.body(MISSING)
        if page and "text/html" in request.headers.get("accept", ""):
            return Response(page, 404, media_type="text/html")
        return PlainTextResponse("There is no such page here.\n", 404)

    def _public_routes(self) -> Sequence[BaseRoute]:
        """Return what anybody may call beside the site."""
        return [*self._intake.routes(), *self._subscriptions.routes()]

    def _loops(self) -> dict[str, Loop]:
        """Return what goes on for ever, by name."""
        return {
            "publishing": self._publishing.run,
            "reports": self._intake.run,
            "subscriptions": self._subscriptions.run,
            "postmortems": self._postmortems.run,
            "incidents": self._turning.run,
            **self.watching.loops(),
        }

    def _apply(self) -> None:
        with self.parts.store.writing() as connection:
            now_unix_s = self.parts.now_unix_s()
            components.apply(connection, self.parts.page.id, self.parts.plan, now_unix_s)

    async def serve(self) -> None:
        """Serve until told to stop."""
        await self._publishing.turn()
        server = process.server(self.site, is_patient=True)
        ready_file = self._options.ready_file or self._options.state_dir / "run" / READY
        private_file.write_json(ready_file, {"url": self.parts.own_url, "pid": os.getpid()})
        log.info("listening", url=self.parts.own_url)
        async with asyncio.TaskGroup() as tasks:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, self._reload)
            lasting = [tasks.create_task(kept_up(name, one)) for name, one in self._loops().items()]
            await server.serve([self._listener])
            for one in lasting:
                one.cancel()
        self.caller.close()
        self.parts.store.close()

    def _reload(self) -> None:
        """Take the plan of ``up`` as it is now."""
        found = plan_file.read(plan_file.path_of(self._options.state_dir))
        if found is None:
            return
        self.parts.config = found.config
        self.parts.plan = components.planned(found.config, self.parts.page.id)
        try:
            self._apply()
        except PenstockError as error:
            log.warn("reload_refused", reason=error.message)
        self.parts.touch()


def _is_open(path: str) -> bool:
    """Tell whether a path may be sent to from anywhere: nothing there depends on who asks."""
    return path.startswith(OPEN)


async def _serve(options: Options) -> None:
    plan = await process.awaited_plan(options.state_dir, options.run)
    config, is_emulated = (plan.config, plan.is_emulated) if plan else (Config(), False)
    await Status(options, config, is_emulated=is_emulated).serve()


def run(options: Options) -> None:
    """Run the process until it is told to stop; raises StoreError if it cannot start."""
    with locked(options.state_dir / "run" / LOCK, within_s=FREE_S) as is_free:
        if not is_free:
            raise StoreError(f"another status process runs on {options.state_dir}")
        log.start("status")
        asyncio.run(_serve(options))
