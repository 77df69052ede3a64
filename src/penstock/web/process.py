"""What the processes with pages have in common: their socket, their server, the plan of ``up``."""

import contextlib
import secrets
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Final

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from penstock.config import private_file
from penstock.config.locking import locked
from penstock.core.errors import StoreError
from penstock.snapshot import plan as plan_file
from penstock.snapshot.plan import PlanFile
from penstock.web.http import json
from penstock.web.keeping_up import pause

BREAK_GLASS: Final = "control.token"  # an owner's token, for whoever may read the directory
BACKLOG: Final = 256
DRAIN_S: Final = 3  # whole seconds; what is under way takes a fraction of it
PLAN_S: Final = 60.0  # until ``up`` has found out what it serves; engines may be slow to answer
POLL_S: Final = 0.01
LOCKED_S: Final = 5.0  # for which one process waits for another to write a line


def listen(name: str, host: str, port: int) -> socket.socket:
    """Return a listening socket; raises StoreError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Heads and bodies are written one after the other; without it the body of each answer but a
    # connection's first waits 40 ms for the client to acknowledge the head. Accepted ones have it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StoreError(f"{name} cannot listen on {host}:{port}: {error.strerror}") from error
    listener.listen(BACKLOG)
    return listener


class _Patient(uvicorn.Server):
    """Ends its serving at a signal, and leaves the process to us: uvicorn would send it again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take signals while the block runs, and keep them."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def server(app: ASGIApp, *, is_patient: bool = False) -> uvicorn.Server:
    """Return what serves an app, on sockets of ours.

    ``is_patient``: SIGTERM ends the serving only, so that what is still to be written is written;
    otherwise the process dies of it, whatever its threads wait for.
    """
    made = _Patient if is_patient else uvicorn.Server
    return made(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whoever is on this machine could say any address
            timeout_graceful_shutdown=DRAIN_S,
        )
    )


async def awaited_plan(state_dir: Path, run: str) -> PlanFile | None:
    """Return what is to be served, once the run of ``up`` that started us has written it."""
    path = plan_file.path_of(state_dir)
    for _ in range(int(PLAN_S / POLL_S)):
        found = plan_file.read(path)
        if not run or (found is not None and found.run == run):
            return found
        await pause(POLL_S)
    raise StoreError(f"{path} has not been written within {PLAN_S:g} s")


def break_glass(state_dir: Path) -> str:
    """Return the owner's token of a state directory, made if it is not there; StoreError.

    Of several processes that start at once all get the same one.
    """
    path = state_dir / BREAK_GLASS
    if not path.exists():
        with locked(state_dir / "run" / f"{BREAK_GLASS}.lock", within_s=LOCKED_S):
            if not path.exists():
                private_file.write(path, f"pc-{secrets.token_urlsafe(32)}\n")
    return private_file.read(path).strip()


async def healthz(_: Request) -> Response:
    """Say that the process lives."""
    return json({"status": "ok"})
