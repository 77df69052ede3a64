"""Blows to our own parts: each is dealt for the time of a block, and undone whatever happens.

    kill        SIGKILL; ``up`` starts another
    freeze      SIGSTOP until the end
    lock        another connection holds the database's write lock
    full        no file of the process grows beyond what it has already (``RLIMIT_FSIZE``), as on a
                full disk: writes fail, and the process is told so
    gone, silent, cut  what a database behind a relay does (``relay.py``)
    slow_names  names take ``SLOW_S`` to resolve, where ``penstock.cli.slow_names`` started them

Only processes of the drill's own ``penstock up`` are touched: by the pids of its ready file.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from pathlib import Path
from typing import Final

from penstock.apps.drill.relay import Relay
from penstock.config import private_file
from penstock.sim.drills.chaos import Act

SLOW_S: Final = 3.0
FULL_BYTES: Final = 4 * 1024  # less than any database, spool or log has that was used
LOCK_WITHIN_S: Final = 5.0  # until the lock is had
DATABASES: Final[Mapping[str, str]] = {"control": "ledger.db"}

Pids = Callable[[], Mapping[str, int]]


class Blows:
    """Deals blows to one ``penstock up``."""

    def __init__(
        self, pids: Pids, state_dir: Path, names_file: Path, relay: Relay | None = None
    ) -> None:
        self._pids = pids
        self._relay = relay  # before the database
        self._state_dir = state_dir
        self._names_file = names_file

    def pid(self, part: str) -> int:
        """Return the process that has this name now; 0: there is none."""
        return int(self._pids().get(part, 0))

    @contextlib.asynccontextmanager
    async def dealt(self, act: Act) -> AsyncGenerator[None]:
        """Deal a blow for the time of a block; raises OSError, sqlite3.Error."""
        match act.how:
            case "kill":
                os.kill(self._existing(act.part), signal.SIGKILL)
                yield
            case "freeze":
                with frozen(self._existing(act.part)):
                    yield
            case "full":
                with full(self._existing(act.part)):
                    yield
            case "lock":
                path = self._state_dir / DATABASES[act.part]
                async with locked(path):
                    yield
            case "gone" | "silent" | "cut":
                async with self._at_database(act.how):
                    yield
            case "slow_names":
                private_file.write(self._names_file, f"{SLOW_S:g}")
                try:
                    yield
                finally:
                    private_file.write(self._names_file, "0")

    @contextlib.asynccontextmanager
    async def _at_database(self, how: str) -> AsyncGenerator[None]:
        if self._relay is None:
            raise ProcessLookupError("there is no database behind a relay")
        if how == "gone":
            async with self._relay.gone():
                yield
        elif how == "silent":
            async with self._relay.silent():
                yield
        else:
            self._relay.cut()
            yield

    def _existing(self, part: str) -> int:
        pid = self.pid(part)
        if not pid:
            raise ProcessLookupError(f"there is no process {part}")
        return pid


@contextlib.contextmanager
def frozen(pid: int) -> Generator[None]:
    """Stop a process where it is, for the time of a block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def full(pid: int) -> Generator[None]:
    """Let no file of a process grow, for the time of a block."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (FULL_BYTES, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextlib.asynccontextmanager
async def locked(path: Path) -> AsyncGenerator[None]:
    """Hold a database's write lock, for the time of a block."""
    connection = await asyncio.to_thread(_lock, path)
    try:
        yield
    finally:
        await asyncio.to_thread(_unlock, connection)


def _lock(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{path}?mode=rw", uri=True, timeout=LOCK_WITHIN_S, check_same_thread=False
    )
    try:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _unlock(connection: sqlite3.Connection) -> None:
    with contextlib.closing(connection):
        connection.execute("ROLLBACK")
