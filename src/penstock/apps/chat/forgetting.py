"""What SQLite itself remembers of what was deleted, and how it forgets.

indexes   full-text search notes what is deleted and keeps the words until its parts are merged;
so they are merged, a few pages at a time, so that nobody waits for long
beside    changes lie in a file beside the database; it is merged and cut off
pages     freed ones were overwritten as they were freed (``store.py``)
"""

from typing import Final

from sqlalchemy import Connection, column, insert, table
from sqlalchemy.exc import SQLAlchemyError

from penstock.ledger.store import Store, store_error

PAGES: Final = 200  # of an index in one transaction: some milliseconds
STEPS_MAX: Final = 50  # at once; the next round goes on
INDEXES: Final = "SELECT name FROM sqlite_master WHERE sql LIKE '%USING fts5%'"
CHANGED: Final = "SELECT total_changes()"
ALONE: Final = 2  # changes of a step that has merged nothing


def forgotten(store: Store) -> bool:
    """Forget some more; tell whether nothing is left of what was deleted before."""
    with store.reading() as connection:
        indexes = list(connection.exec_driver_sql(INDEXES).scalars())
    is_whole = all(_merged(store, index) for index in indexes)
    return _cut(store) and is_whole


def _merged(store: Store, index: str) -> bool:
    pages = -PAGES  # all parts into one
    for _ in range(STEPS_MAX):
        with store.writing() as connection:
            if not _step(connection, index, pages):
                return True
        pages = PAGES
    return False


def _step(connection: Connection, index: str, pages: int) -> bool:
    """Merge a few pages; tell whether there were any."""
    before: int = connection.exec_driver_sql(CHANGED).scalar_one()
    order = table(index, column(index), column("rank"))
    connection.execute(insert(order).values({index: "merge", "rank": pages}))
    after: int = connection.exec_driver_sql(CHANGED).scalar_one()
    return after - before >= ALONE


def _cut(store: Store) -> bool:
    """Take into the file what lies beside it, and cut that off; tell whether all of it could be."""
    try:
        connection = store.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
    except SQLAlchemyError as error:
        raise store_error(error) from error
    return bool(row) and not row[0]
