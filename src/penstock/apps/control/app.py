"""The control process: one port for the operator API and the console; the ledger behind it.

start      hold the lock, wait for the plan of ``up``, open the database, publish, listen, say so in
           the ready file. A database that cannot be reached is said there, and tried again
each second what was saved and is not served yet is published; live drills that ended are noted
SIGHUP     read the plan again and publish; what became of it lies in ``run/control.reload.json``
SIGTERM    finish what is under way, exit 0

The gateway needs nothing of this while it runs: it goes on from its last snapshot.
"""

import asyncio
import gc
import os
import random
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.routing import Route

from penstock.apps.control.alerting import configured
from penstock.apps.control.api.table import ENDPOINTS
from penstock.apps.control.call import Call
from penstock.apps.control.console.serving import Console
from penstock.apps.control.console.table import PAGES
from penstock.apps.control.delivering import Watching
from penstock.apps.control.entrance import table as entrance
from penstock.apps.control.entrance.door import ControlDoor
from penstock.apps.control.identity import Identity
from penstock.apps.control.importing import import_files
from penstock.apps.control.live_ends import LiveEnds
from penstock.apps.control.parts import Parts
from penstock.apps.control.publishing import Publisher
from penstock.apps.control.reading import Reading
from penstock.apps.control.tracing import Tracing, start_tracing
from penstock.apps.control.who import Who
from penstock.config import load, private_file
from penstock.config.locking import locked
from penstock.config.model import Config
from penstock.config.operations import Control as ControlSettings
from penstock.core.calendar import DAY_S
from penstock.core.errors import PenstockError, StoreError
from penstock.identity import oidc
from penstock.ledger.probe import Probe
from penstock.ledger.store import migrate, open_store
from penstock.telemetry import log
from penstock.web import process
from penstock.web.doorway import Doorway
from penstock.web.http import Caller
from penstock.web.keeping_up import kept_up, pause
from penstock.wire import clock

READY: Final = "control.ready.json"  # where the command line looks for us
LOCK: Final = "control.lock"  # whoever holds it is the writer
FREE_S: Final = 8.0  # a command without us holds the lock for a second or two
RETRY_S: Final = 1.0
LEAVE_S: Final = 1.0  # for threads to end that wait for nothing


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the process was started; a port of -1 is the configuration's."""

    state_dir: Path
    ready_file: Path | None = None
    port: int = -1
    run: str = ""  # of ``up``: its plan is awaited
    is_start: bool = False  # of a service: contracts that must hold are looked at


class Control:
    """Everything of the process, put together. Owned by one event loop."""

    def __init__(self, options: Options, control: ControlSettings) -> None:
        self._options = options
        self._settings = control
        state_dir = options.state_dir
        self._store = open_store(control.database_url, state_dir, load.database_password(control))
        self._publisher = Publisher(state_dir, self._store)
        self._reading = Reading(
            state_dir / "spool",
            self._store,
            lambda: configured(self._publisher),
            clock.now_unix_s,
        )
        self._identity = Identity(control, self._store, state_dir)
        parts = self.parts = Parts(
            self._store,
            self._publisher,
            state_dir,
            clock.now_unix_s,
            self._reading,
            self._identity,
            Probe(self._store),
        )
        who = Who(self._identity, process.break_glass(state_dir), self._blocking, clock.now_unix_s)
        self._caller = Caller(parts, who, Call)
        self._http = oidc.http_client()
        self._is_prepared = False
        self._tracing: Tracing | None = None
        console = Console(parts, self._caller, who)
        self.app = Starlette(
            exception_handlers={404: console.missing, 405: console.missing},
            routes=[
                Route("/healthz", process.healthz),
                *self._caller.routes(ENDPOINTS),
                *console.routes(PAGES),
                *entrance.routes(ControlDoor(parts, self._caller, who), self._http),
            ],
        )

    def trace(self, config: Config) -> None:
        """Send spans of what is recorded from now on, if there is somewhere to; ConfigError."""
        self._tracing = tracing = start_tracing(config, load.environment())
        if tracing is not None:
            self._reading.reader.intake.on_inserted = tracing.offer

    async def serve(self) -> None:
        """Serve until told to stop; raises StoreError if it cannot listen."""
        await self.try_to_publish(is_promise=self._options.is_start)
        host = self._settings.host
        port = self._settings.port if self._options.port < 0 else self._options.port
        listener = process.listen("control", host, port)
        url = f"http://{host}:{listener.getsockname()[1]}"
        self._identity.site.port = listener.getsockname()[1]
        server = process.server(Doorway(self.app, self._identity.site))
        ready_file = self._options.ready_file or self._options.state_dir / "run" / READY
        ready = {"url": url, "pid": os.getpid(), **self._told()}
        private_file.write_json(ready_file, ready)
        log.info("listening", url=url)
        async with asyncio.TaskGroup() as tasks:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, lambda: tasks.create_task(self._reload()))
            watching = Watching(self.parts, self._caller.blocking, random.Random().random)
            ends = LiveEnds(self.parts, self._caller.blocking)
            lasting = [
                tasks.create_task(self._keep_publishing()),
                tasks.create_task(watching.run()),
                tasks.create_task(kept_up("live_ends", ends.run)),
            ]
            # What exists now lives as long as the process, and records leave no cycles behind:
            # looking for some while batches of thousands come would cost a sixth of the reading.
            gc.collect()
            gc.freeze()
            gc.set_threshold(50_000, 20, 100)
            self._reading.start()
            await server.serve([listener])
            for one in lasting:
                one.cancel()
        await self._http.aclose()
        self.close()

    async def try_to_publish(self, *, is_promise: bool = False) -> None:
        """Bring tables, book and snapshot up to date; what stands in the way is logged."""
        now_unix_s = clock.now_unix_s()
        try:
            await self.prepare()
            await self._caller.blocking(
                lambda: self._publisher.publish(now_unix_s, is_promise=is_promise)
            )
        except PenstockError as refused:
            self._publisher.refused(refused)
            log.warn("publish_refused", reason=refused.message)

    async def prepare(self) -> None:
        """Bring the tables up to date, once, and take over what lies in files; StoreError."""
        if not self._is_prepared:
            await self._caller.blocking(self._prepare)
            self._is_prepared = True

    def _prepare(self) -> None:
        migrate(self._store)
        state_dir = self._options.state_dir
        self._identity.prepare(clock.now_unix_s())
        for name in import_files(self._store, state_dir, clock.now_unix_s()):
            log.info("imported", file=name)

    async def _blocking(self, work: Callable[[], Any]) -> Any:
        return await self._caller.blocking(work)

    def close(self) -> None:
        """Stop reading, and close the database."""
        self._caller.close()
        self._reading.stop()
        if self._tracing is not None:
            self._tracing.stop()
        self._store.close()

    async def _keep_publishing(self) -> None:
        """Try again while something that was saved is not served; each day, prices may begin."""
        while True:
            await pause(RETRY_S)
            standing = self._publisher.standing
            if standing.is_behind or standing.at_unix_s // DAY_S < clock.now_unix_s() // DAY_S:
                await self.try_to_publish()

    async def _reload(self) -> None:
        await self.try_to_publish()
        told = self._options.state_dir / "run" / "control.reload.json"
        private_file.write_json(told, self._told())

    def _told(self) -> dict[str, Any]:
        """Return what ``up`` wants to know of the last publish."""
        standing = self._publisher.standing
        return {
            "version": standing.version,
            "error": standing.error,
            "problems": standing.problems,
        }


async def _serve(options: Options) -> None:
    plan = await process.awaited_plan(options.state_dir, options.run)
    control = Control(options, plan.config.control if plan else ControlSettings())
    if plan is not None:
        control.trace(plan.config)
    await control.serve()


def run(options: Options) -> None:
    """Run the process until it is told to stop; raises StoreError if it cannot start."""
    with locked(options.state_dir / "run" / LOCK, within_s=FREE_S) as is_free:
        if not is_free:
            raise StoreError(f"another control process runs on {options.state_dir}")
        log.start("control")
        asyncio.run(_serve(options))
        _leave()


def _leave() -> None:
    """End the process if threads wait for a database that hangs: nothing else would end them."""
    until_s = clock.now_s() + LEAVE_S
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(max(0.0, until_s - clock.now_s()))
            if thread.is_alive():
                log.warn("threads_left", reason="the database does not answer")
                os._exit(0)
