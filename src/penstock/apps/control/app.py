"""The control process: one port for the operator API and the console; the ledger behind it.

start      open the database, publish what ``up`` plans, listen, say so in the ready file
SIGHUP     read the plan again and publish; what became of it lies in ``run/control.reload.json``
SIGTERM    finish what is under way, exit 0

The gateway needs nothing of this while it runs: it goes on from its last snapshot.
"""

import asyncio
import os
import random
import secrets
import signal
import socket
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock.apps.control.api.table import ENDPOINTS
from penstock.apps.control.console.serving import Console
from penstock.apps.control.console.table import PAGES
from penstock.apps.control.delivering import Watching
from penstock.apps.control.endpoint import Actor, Role
from penstock.apps.control.http import Caller, json
from penstock.apps.control.parts import Parts
from penstock.apps.control.publishing import Publisher
from penstock.config import private_file
from penstock.core.errors import PenstockError, StoreError
from penstock.ledger.store import Store, migrate, open_store
from penstock.telemetry import log
from penstock.wire import clock

BREAK_GLASS: Final = "control.token"  # an owner's token, for whoever may read this directory
BACKLOG: Final = 256


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the process was started; a port of -1 is the configuration's."""

    state_dir: Path
    ready_file: Path | None = None
    port: int = -1


class Control:
    """Everything of the process, put together. Owned by one event loop."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._store: Store = open_store("", options.state_dir)
        self._publisher = Publisher(options.state_dir, self._store)
        self._parts = Parts(self._store, self._publisher, options.state_dir, clock.now_unix_s)
        self._token = token_of(options.state_dir)
        self._caller = Caller(self._parts, self._who)
        self._console = Console(self._parts, self._caller, self._who)

    async def serve(self) -> None:
        """Serve until told to stop; raises StoreError if it cannot listen."""
        await self._caller.blocking(lambda: migrate(self._store))
        self._publish()
        control = self._publisher.plan().config.control
        port = control.port if self._options.port < 0 else self._options.port
        listener = _listen(control.host, port)
        url = f"http://{control.host}:{listener.getsockname()[1]}"
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._publish)
        app = Starlette(
            routes=[
                Route("/healthz", _healthz),
                *self._caller.routes(ENDPOINTS),
                *self._console.routes(PAGES),
            ],
        )
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
        )
        if self._options.ready_file is not None:
            ready = {"url": url, "pid": os.getpid()}
            private_file.write_json(self._options.ready_file, ready)
        log.info("listening", url=url)
        watching = Watching(self._parts, self._caller.blocking, random.Random().random)
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(watching.run())
            await server.serve([listener])
            watch.cancel()
        self._store.close()

    def _publish(self) -> None:
        error = ""
        version = 0
        try:
            version = self._publisher.publish(clock.now_unix_s()).version
        except PenstockError as refused:
            error = refused.message
            log.warn("publish_refused", reason=error)
        told = self._options.state_dir / "run" / "control.reload.json"
        private_file.write_json(told, {"version": version, "error": error})

    async def _who(self, request: Request) -> Actor:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        address = request.client.host if request.client else ""
        if given and secrets.compare_digest(given.encode(), self._token.encode()):
            return Actor("break-glass", Role.OWNER, address, is_machine=True)
        return Actor(address=address)


def token_of(state_dir: Path) -> str:
    """Return the break-glass token, made if it is not there."""
    path = state_dir / BREAK_GLASS
    if not path.exists():
        private_file.write(path, f"pc-{secrets.token_urlsafe(32)}\n")
    return private_file.read(path).strip()


def run(options: Options) -> None:
    """Run the process until it is told to stop; raises StoreError if it cannot start."""
    log.start("control")
    asyncio.run(Control(options).serve())


async def _healthz(_: Request) -> Response:
    return json({"status": "ok"})


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StoreError(f"control cannot listen on {host}:{port}: {error.strerror}") from error
    listener.listen(BACKLOG)
    return listener
