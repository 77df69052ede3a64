"""The ledger's database: SQLite in the state directory, or PostgreSQL by URL; the same code.

Every call blocks: a process with an event loop calls from threads, and waits for a bounded time.
Whatever the database says against a call is a StoreError; nothing is retried here.
"""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
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


class Store:
    """One database. May be shared by threads; connections may not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
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
            with connection, connection.begin():
                yield connection
        except (SQLAlchemyError, *DRIVERS) as error:
            raise store_error(error) from error

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
    path = state_dir / SQLITE_NAME
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
