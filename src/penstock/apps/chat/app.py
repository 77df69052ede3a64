"""The chat process: one port for pages, their API and the streams of answers.

start      hold the lock, wait for the plan of ``up``, open the database, take up answers that were
           under way, listen, say so in the ready file
SIGHUP     read the plan again
SIGTERM    streams end, what has been said is written, exit 0; answers go on at the next start

It needs the gateway for answers only: pages, history and log-in are its own.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from penstock.apps.chat import probe_account
from penstock.apps.chat.answering import stream
from penstock.apps.chat.answering.answers import AnswerDesk, NoAnswers
from penstock.apps.chat.answering.log import EventLog
from penstock.apps.chat.api import exporting
from penstock.apps.chat.api.table import ENDPOINTS
from penstock.apps.chat.call import Call
from penstock.apps.chat.entrance.door import ChatDoor
from penstock.apps.chat.entrance.table import Entrance
from penstock.apps.chat.files.serving import FileDoor
from penstock.apps.chat.identity import Identity
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.seen import Seen
from penstock.apps.chat.shapes import Notices
from penstock.apps.chat.site.files import Files
from penstock.apps.chat.site.missing import missing
from penstock.apps.chat.site.shell import Shell
from penstock.apps.chat.store import open_chat
from penstock.apps.chat.waiting.room import WaitingRoom
from penstock.apps.chat.who import Who
from penstock.config import private_file
from penstock.config.locking import locked
from penstock.config.model import Config
from penstock.core.errors import StoreError
from penstock.identity import oidc
from penstock.identity.migrate import migrate
from penstock.snapshot import plan as plan_file
from penstock.telemetry import log
from penstock.web import process
from penstock.web.doorway import Doorway
from penstock.web.http import Caller
from penstock.web.keeping_up import Loop, kept_up
from penstock.web.serving import static_routes
from penstock.web.site import Site
from penstock.wire import clock

NAME: Final = "chat.localhost"  # its own name, on one machine
READY: Final = "chat.ready.json"
LOCK: Final = "chat.lock"
FREE_S: Final = 8.0  # a predecessor that is ending


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the process was started; a port of -1 is the configuration's."""

    state_dir: Path
    ready_file: Path | None = None
    port: int = -1
    run: str = ""  # of ``up``: its plan is awaited


class Chat:
    """Everything of the process, put together. Owned by one event loop."""

    def __init__(self, options: Options, config: Config, *, is_emulated: bool = False) -> None:
        self._options = options
        state_dir = options.state_dir
        store = open_chat(state_dir)
        migrate(store)
        self.log = EventLog(store)
        self.parts = Parts(
            store=store,
            state_dir=state_dir,
            now_unix_s=clock.now_unix_s,
            config=config,
            log=self.log,
            answers=NoAnswers(),
            notices=tuple,
            is_emulated=is_emulated,
            has_up=bool(options.run),
        )
        self.answers = AnswerDesk(self.parts, self.log)
        self.parts.answers = self.answers
        identity = Identity(config.chat, store, state_dir)
        probe_account.keep(identity, state_dir, clock.now_unix_s())
        self.who = Who(
            identity,
            process.break_glass(state_dir),
            self._blocking,
            clock.now_unix_s,
            lambda: self.parts.config,
            Seen(self.log.change).note,
        )
        self._room = self.parts.room = WaitingRoom(self.parts)
        self.parts.notices = lambda: self._room.board.notices
        self.caller = Caller(self.parts, self.who, Call)
        self.files = Files()
        self._uploads = FileDoor(self.parts, self.who, self._blocking)
        self._http = oidc.http_client()
        self._door = ChatDoor(self.parts, identity, self.caller.blocking, self.who)
        self._entrance = Entrance(self._door, self._http)
        chat = config.chat
        port = chat.port if options.port < 0 else options.port
        self._listener = process.listen("chat", chat.host, port)
        port = self._listener.getsockname()[1]
        self.site = Site(NAME, chat.hosts, port)
        self.parts.own_url = f"http://{chat.host}:{port}"
        self.parts.origin = lambda: self.site.origin
        routes = [
            Route("/healthz", process.healthz),
            *self._pages(),
            *self.caller.routes(ENDPOINTS),
        ]
        handlers = {404: missing(lambda: self.parts.config.chat.name)}
        self.app = Doorway(Starlette(routes=routes, exception_handlers=handlers), self.site)

    def _pages(self) -> Sequence[BaseRoute]:
        """Return what is no endpoint: pages, files, streams."""
        events = stream.Events(self.log, self.who, self._greeting, self.files.version)
        shell = Shell(self.parts, self.caller, self.who, ENDPOINTS, self.files)
        routes = [*shell.routes(), *static_routes(), *self._entrance.routes()]
        export = exporting.route(self.parts, self.who, self._blocking)
        return [Route(stream.PATH, events), export, *self._uploads.routes(), *routes]

    def _greeting(self, account: str) -> list[bytes]:
        """Return what a browser is told that has just come: how things are now."""
        notices = Notices(notices=self.parts.notices())
        return [stream.notices_frame(notices), *self.answers.greeting(account)]

    async def _blocking(self, work: Callable[[], Any]) -> Any:
        return await self.caller.blocking(work)

    def _loops(self) -> dict[str, Loop]:
        """Return what goes on for ever, by name."""
        return {
            "log": self.log.run,
            "answers": self.answers.run,
            "keep_alive": lambda: stream.keep_alive(self.log.hub),
            **self._entrance.loops(),
            **self._uploads.loops(),
            **self._room.loops(self.caller.blocking),
        }

    async def serve(self) -> None:
        """Serve until told to stop."""
        server = process.server(self.app, is_patient=True)
        self.log.attach()
        self.answers.attach()
        ready_file = self._options.ready_file or self._options.state_dir / "run" / READY
        private_file.write_json(ready_file, {"url": self.parts.own_url, "pid": os.getpid()})
        log.info("listening", url=self.parts.own_url)
        async with asyncio.TaskGroup() as tasks:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, self._reload)
            lasting = [tasks.create_task(kept_up(name, one)) for name, one in self._loops().items()]
            lasting.append(tasks.create_task(stream.until_ending(server, self.log.hub)))
            await server.serve([self._listener])
            for one in lasting:
                one.cancel()
        self.answers.close()
        await self.log.close()
        await self._http.aclose()
        self._door.hashes.close()
        self._room.close()
        self.caller.close()
        self.parts.store.close()

    def _reload(self) -> None:
        """Take the plan of ``up`` as it is now."""
        found = plan_file.read(plan_file.path_of(self._options.state_dir))
        if found is not None:
            self.parts.config = found.config


async def _serve(options: Options) -> None:
    plan = await process.awaited_plan(options.state_dir, options.run)
    config, is_emulated = (plan.config, plan.is_emulated) if plan else (Config(), False)
    await Chat(options, config, is_emulated=is_emulated).serve()


def run(options: Options) -> None:
    """Run the process until it is told to stop; raises StoreError if it cannot start."""
    with locked(options.state_dir / "run" / LOCK, within_s=FREE_S) as is_free:
        if not is_free:
            raise StoreError(f"another chat process runs on {options.state_dir}")
        log.start("chat")
        uvloop.run(_serve(options))
