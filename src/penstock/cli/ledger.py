"""``penstock ledger copy``: the whole of the SQLite ledger into the PostgreSQL that the file names.

needs     no control process: we hold its lock; a target without keys, exchanges and operators
copies    every table in one transaction of the target: all of it, or nothing
leaves    the SQLite file as it is; the spool is read on from where the copy says
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, Table, func, insert, select, text

from penstock.cli import state
from penstock.cli.terminal import Terminal
from penstock.config import load
from penstock.config.locking import locked
from penstock.core.errors import StoreError
from penstock.identity import tables as people
from penstock.identity.migrate import migrate as migrate_people
from penstock.ledger import tables as book
from penstock.ledger.store import Store, migrate, open_store

ROWS: Final = 1000  # that are held in memory at a time
EMPTY: Final = (book.keys, book.exchanges, people.accounts)  # or the target is somebody's


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock ledger``."""
    parser = argparse.ArgumentParser(prog="penstock ledger", description="Move the ledger.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    copy = commands.add_parser(
        "copy", help="copy the SQLite ledger into the database of control.database_url"
    )
    copy.add_argument("--config", metavar="FILE", default="", help="default: ./penstock.toml")
    return parser


def run(argv: Sequence[str]) -> int:
    """Copy the ledger; raises ConfigError or StoreError, and then the target is as it was."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    path = load.config_path(args.config)
    control = load.load(path).control if path is not None else None
    if control is None or not control.database_url:
        raise StoreError("control.database_url is empty: name the database to copy into")
    if not home.database.exists():
        raise StoreError(f"{home.database} is not there: nothing to copy")
    with locked(home.control_lock) as is_free:
        if not is_free:
            raise StoreError("control runs on this state directory: stop 'penstock up' first")
        source = open_store("", home.root)
        target = open_store(control.database_url, home.root, load.database_password(control))
        try:
            for store in (source, target):
                migrate(store)
                migrate_people(store)
            rows = copied(source, target)
        finally:
            source.close()
            target.close()
    Terminal().state("good", f"copied {rows:,} rows; start 'penstock up'")
    return 0


def copied(source: Store, target: Store) -> int:
    """Copy all rows and return how many; raises StoreError if the target is not empty."""
    every = [*book.metadata.sorted_tables, *people.metadata.sorted_tables]
    total = 0
    with source.reading() as old, target.writing(is_durable=True) as new:
        for table in EMPTY:
            if new.execute(select(table).limit(1)).first() is not None:
                raise StoreError(f"the database to copy into has {table.name} already")
        for table in every:
            new.execute(table.delete())  # what the tables' own steps may have put there
            for rows in _batches(old, table):
                new.execute(insert(table), rows)
                total += len(rows)
            if target.is_postgres:
                _count_on(new, table)
    return total


def _batches(old: Connection, table: Table) -> Iterator[list[dict[str, object]]]:
    found = iter(old.execution_options(yield_per=ROWS).execute(select(table)).mappings())
    while rows := [dict(row) for row in itertools.islice(found, ROWS)]:
        yield rows


def _count_on(new: Connection, table: Table) -> None:
    """Have PostgreSQL number new rows behind the copied ones."""
    column = table.autoincrement_column
    if column is None or column.autoincrement is not True:
        return
    last = new.execute(select(func.max(column))).scalar()
    if last is not None:
        named = text("SELECT setval(pg_get_serial_sequence(:name, :number), :last)")
        new.execute(named, {"name": table.name, "number": column.name, "last": last})
