"""The ledger's database: SQLite in the state directory, or PostgreSQL by URL; the same code.

Every call blocks: a process with an event loop calls from threads, and waits for a bounded time.
Whatever the database says against a call is a StoreError; nothing is retried here.

SQLite lets one write at a time, and whoever waits looks again after a while: one that writes
without pause would keep all others out. So the writers of a process take turns, in the order in
which they came (``Turns``): a change waits for those before it, not for all that follow.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import psycopg
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from penstock.core.errors import StoreError

SQLITE_NAME: Final = "ledger.db"
BUSY_S: Final = 10.0  # for which a writer waits for another; transactions take a fraction of it
CONNECT_S: Final = 5
CONNECTIONS_MAX: Final = 10
MIGRATING: Final = 0x70656E73  # the number of a lock; whoever else shares the database has others
DRIVERS: Final = (sqlite3.Error, psycopg.Error)  # where SQLAlchemy is not in between


class Turns:
    """Lets one in at a time, first come first served."""

    def __init__(self, wait_s: float = BUSY_S) -> None:
        self._wait_s = wait_s
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def taken(self) -> Generator[None]:
        """Wait for the turn, and end it afterwards; raises StoreError if it does not come."""
        self._take()
        try:
            yield
        finally:
            with self._guard:
                if self._waiting:
                    self._waiting.popleft().set()  # it is the next one's, without a gap
                else:
                    self._is_taken = False

    def _take(self) -> None:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return
            called = threading.Event()
            self._waiting.append(called)
        if called.wait(self._wait_s):
            return
        with self._guard:
            if called.is_set():  # it came just now
                return
            self._waiting.remove(called)
        raise StoreError(f"the database: others have been writing for {self._wait_s:g} s")


class Store:
    """One database. May be shared by threads; connections may not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turns = Turns()
        self.is_postgres = engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Generator[Connection]:
        """Give a connection to read with; raises StoreError."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise store_error(error) from error

    @contextmanager
    def writing(self, *, is_durable: bool = False) -> Generator[Connection]:
        """Give a connection in a transaction: committed whole, or not at all; raises StoreError.

        ``is_durable``: once it is committed, a power cut does not undo it. Without it, SQLite may
        lose the last ones, never half of one.
        """
        try:
            connection = self.engine.connect().execution_options(
                is_writing=True, is_durable=is_durable
            )
            with connection, self._turn(), connection.begin():
                yield connection
        except (SQLAlchemyError, *DRIVERS) as error:
            raise store_error(error) from error

    def _turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self.is_postgres else self._turns.taken()

    def insert(self, table: Any) -> Any:
        """Return an INSERT that can say ``on_conflict_do_update``."""
        return postgresql.insert(table) if self.is_postgres else sqlite.insert(table)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_store(url: str, state_dir: Path, password: str = "") -> Store:
    """Return the store of a URL, or of the state directory; connects later, at the first use.

    Raises StoreError if the state directory takes no file.
    """
    if url:
        whole = make_url(url).set(drivername="postgresql+psycopg")
        if password:
            whole = whole.set(password=password)
        engine = create_engine(
            whole,
            pool_size=CONNECTIONS_MAX,
            max_overflow=0,
            pool_timeout=BUSY_S,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_S},
        )
        return Store(engine)
    return open_sqlite(state_dir / SQLITE_NAME)


def open_sqlite(path: Path) -> Store:
    """Return the store of a file of SQLite; raises StoreError if it cannot be written."""
    try:
        path.touch(mode=0o600)  # nobody else's to read; SQLite's other files follow it
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=CONNECTIONS_MAX,
        max_overflow=0,
        connect_args={"timeout": BUSY_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return Store(engine)


def migrate(store: Store) -> None:
    """Bring the tables up to date, by the steps in ``migrations``; raises StoreError."""
    config = AlembicConfig()
    config.set_main_option("script_location", "penstock.ledger:migrations")
    with store.writing(is_durable=True) as connection:
        if store.is_postgres:  # two processes that start at once do not do it twice
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def store_error(error: Exception) -> StoreError:
    """Return what the database said, without statement and values: these may be anybody's."""
    words = str(getattr(error, "orig", None) or error).strip().splitlines()
    return StoreError(f"the database: {words[0] if words else type(error).__name__}")


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun below, as writers
    for pragma in (
        "journal_mode=WAL",
        "foreign_keys=ON",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begin as a writer at once where there will be writing: an upgrade could fail for good."""
    options = connection.get_execution_options()
    is_writing, is_durable = options.get("is_writing"), options.get("is_durable")
    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if is_durable else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
