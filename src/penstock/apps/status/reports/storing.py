"""Reports in the database: gathered in memory, written once a second in one transaction.

    reports        each that was noted; its words are cleared after ``reports_days``; REPORTS_MAX
                   of them stay, and a day's are more than that only in a flood
    report_hours   how many counted ones a component had in an hour, and of how many networks
    salt           today's, in ``kept``; yesterday's is overwritten

While the database is away up to WAITING_MAX wait in memory; what comes beyond is counted by the
watch all the same, and is not in the tables.
"""

import secrets
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import sqlite

from penstock.apps.status import keeping
from penstock.apps.status.reports.desk import day_of
from penstock.apps.status.tables import report_hours, reports
from penstock.core.calendar import DAY_S
from penstock.ledger.store import Store

HOUR_S: Final = 3600
WAITING_MAX: Final = 20_000
SALT: Final = "reports.salt"
REPORTS_MAX: Final = (
    500_000  # some hundred megabytes; a flood of the desk's bound has as many in 42 min
)
HISTORY_DAYS: Final = 90  # of rows without words: what baselines may be fitted from


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One report, as it is written."""

    component: str
    voter: str
    network: str
    category: str
    version: str
    region: str
    words: str
    source: str  # page, or the surface that filed it
    is_counted: bool
    at_unix_s: float


class _Salt(msgspec.Struct, frozen=True):
    day: int
    salt: str


class Waiting:
    """Rows that are still to be written. Owned by one event loop; written by a thread of it."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Keep a row for the next writing."""
        if len(self._rows) < WAITING_MAX:
            self._rows.append(row)

    def taken(self) -> list[Row]:
        """Return what is to be written now."""
        rows, self._rows = self._rows, []
        return rows

    def back(self, rows: list[Row]) -> None:
        """Take back what could not be written."""
        self._rows = (rows + self._rows)[:WAITING_MAX]


def write(store: Store, rows: list[Row]) -> None:
    """Write rows and the sums of their hours; raises StoreError, and then nothing is written."""
    with store.writing() as connection:
        connection.execute(insert(reports), [msgspec.structs.asdict(row) for row in rows])
        hours = {(row.component, _hour(row.at_unix_s)) for row in rows if row.is_counted}
        for component, hour in hours:
            _sum_up(connection, component, hour)


def salt_of(store: Store, now_unix_s: float) -> bytes:
    """Return today's salt, made if it is not there; raises StoreError."""
    with store.writing(is_durable=True) as connection:
        found = keeping.read(connection, SALT, _Salt)
        if found is None or found.day != day_of(now_unix_s):
            found = _Salt(day_of(now_unix_s), secrets.token_hex(32))
            keeping.write(connection, SALT, found, now_unix_s)
    return bytes.fromhex(found.salt)


def forget(store: Store, words_days: int, now_unix_s: float) -> None:
    """Clear the words of old reports, and drop very old ones; raises StoreError."""
    old = reports.c.at_unix_s < now_unix_s - words_days * DAY_S
    with store.writing() as connection:
        cleared = update(reports).where(old, reports.c.words != "")
        connection.execute(cleared.values(words=""))
        newest = connection.execute(select(func.max(reports.c.id))).scalar() or 0
        is_past = reports.c.at_unix_s < now_unix_s - HISTORY_DAYS * DAY_S
        connection.execute(delete(reports).where(is_past | (reports.c.id <= newest - REPORTS_MAX)))


def _sum_up(connection: Connection, component: str, hour: int) -> None:
    """Count an hour anew from its rows: the same whether it was counted before or not."""
    inside = (
        reports.c.component == component,
        reports.c.is_counted == 1,
        reports.c.at_unix_s >= hour,
        reports.c.at_unix_s < hour + HOUR_S,
    )
    networks = func.count(func.distinct(reports.c.network))
    found = connection.execute(select(func.count(), networks).where(*inside)).one()
    values = {"votes": found[0], "networks": found[1]}
    statement = sqlite.insert(report_hours).values(component=component, start_unix_s=hour, **values)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["component", "start_unix_s"], set_=values)
    )


def _hour(at_unix_s: float) -> int:
    return int(at_unix_s // HOUR_S) * HOUR_S
