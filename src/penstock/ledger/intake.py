"""One batch into the database: in one transaction, and what is there already changes nothing.

    record      in the ledger    what happens
    any         no               inserted, and added to all sums
    any         as lost          the lost one is taken out of all sums; then as above
    any         otherwise        nothing: it is a duplicate
    lost        yes              nothing
    too old     unknown          counted, not added: raw records of its day have been deleted, so
                                 nobody can say whether it is a duplicate

What records become is made before (``making``), as if none were there. Which are there is asked
before the transaction, to keep that short; if it is not true any more, the unique index says so and
nothing is written. How far the segments have been read is written in the same transaction: after a
crash the reading goes on there. Once it is committed ``on_inserted`` is told the records, once each
unless the process dies in between; it must not wait or raise.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.core.errors import StoreError
from penstock.exchange.record import Record
from penstock.ledger import bulk, rows, tables, verdict
from penstock.ledger.batch import Batch
from penstock.ledger.costs import Pricing
from penstock.ledger.making import Making
from penstock.ledger.rows import Entry
from penstock.ledger.store import Store
from penstock.ledger.verdict import Terms

RAN_AHEAD: Final = "the ledger was written by another process meanwhile"
FORGOTTEN: Final = "exchanges_deleted_before_us"  # a mark
EXCHANGES: Final = tables.exchanges


class Cursor(msgspec.Struct, frozen=True):
    """How far a segment has been read."""

    read_bytes: int
    is_done: bool = False  # read whole: may be deleted


class Counts(msgspec.Struct):
    """What has been read since this process began."""

    lines: int = 0
    exchanges: int = 0  # inserted
    lost: int = 0  # of these, closed without a record
    found: int = 0  # lost ones whose record came after all
    repeated: int = 0  # records that were there already
    damaged: int = 0  # lines
    dropped: int = 0  # lines that the gateway could not write
    too_old: int = 0  # records of days whose exchanges have been deleted
    segments: int = 0  # deleted


class Intake:
    """Writes batches. Owned by one thread; another may be given a ``Making`` meanwhile."""

    def __init__(self, store: Store, pricing: Pricing, terms: Terms) -> None:
        self._store = store
        self.pricing = pricing
        self.terms = terms
        self.counts = Counts()
        self.on_inserted: Callable[[Sequence[Record]], None] = _told_nobody

    def making(self) -> Making:
        """Return what records become at the prices and terms of now; it is empty."""
        return Making(self.pricing, self.terms)

    def write(
        self,
        batch: Batch,
        made: Making,
        cursors: Mapping[str, Cursor],
        answered: Iterable[str],
        now_unix_s: float,
    ) -> None:
        """Write a batch; raises StoreError, and then nothing is written.

        ``made`` is of the batch's records. If some are there already, or were put to the batch
        since, it is made again. ``answered`` are the exchanges whose opened lines need not wait any
        longer.
        """
        fresh, replaced, too_old = self._sorted(batch.records)
        if replaced or fresh != made.records:
            made = self.making()
            for entry in replaced:
                made.take_back(entry)
            for record in fresh:
                made.add(record)
        inserted, added = made.inserted(), made.added()
        with self._store.writing(is_durable=True) as connection:
            gone = [entry.record.id for entry in replaced]
            if bulk.delete_by(connection, EXCHANGES.c.id, EXCHANGES, gone) != len(gone):
                raise StoreError(RAN_AHEAD)
            for table, written in inserted:
                bulk.insert(connection, table, written)
            for table, written in added:
                bulk.add(connection, table, written)
            _note(connection, batch, now_unix_s)
            waited = tables.open_attempts
            bulk.delete_by(connection, waited.c.exchange, waited, list(answered))
            _move(connection, cursors, now_unix_s)
        self._count(batch, made, len(replaced), too_old)
        self.on_inserted(fresh)

    def _sorted(self, batch: Mapping[str, Record]) -> tuple[list[Record], list[Entry], int]:
        """Return which to insert, which lost ones to take back, and how many are too old."""
        records = list(batch.values())
        with self._store.reading() as connection:
            wanted = bulk.among(connection, EXCHANGES.c.id, list(batch))
            asked = select(EXCHANGES.c.id, EXCHANGES.c.fate).where(wanted)
            there = {row.id: row.fate for row in connection.execute(asked)}
            since_us = forgotten_us(connection)
            fresh = [
                record
                for record in records
                if record.id not in there and rows.at_us_of(record) >= since_us
            ]
            found = [
                record
                for record in records
                if there.get(record.id) == verdict.LOST != record.outcome
            ]
            wanted = bulk.among(connection, EXCHANGES.c.id, [one.id for one in found])
            columns = [EXCHANGES.c[name] for name in rows.COLUMNS]
            lost = connection.execute(select(*columns).where(wanted)).all() if found else ()
        too_old = len(records) - len(there) - len(fresh)
        return fresh + found, [rows.entry_of(row) for row in lost], too_old

    def _count(self, batch: Batch, made: Making, found: int, too_old: int) -> None:
        counts, inserted = self.counts, len(made.records)
        counts.lines += batch.lines
        counts.exchanges += inserted - found
        counts.found += found
        counts.too_old += too_old
        counts.repeated += batch.repeated + len(batch.records) - inserted - too_old
        counts.lost += made.lost
        counts.damaged += len(batch.damaged)
        counts.dropped += sum(line.lines for line in batch.dropped)


def _told_nobody(records: Sequence[Record]) -> None:
    """Nobody wants to know what has been inserted."""


def _note(connection: Connection, batch: Batch, now_unix_s: float) -> None:
    waiting = [one for lines in batch.opened.values() for one in lines]
    bulk.insert_new(connection, tables.open_attempts, waiting)
    damaged = [(*one, now_unix_s) for one in batch.damaged]
    bulk.insert_new(connection, tables.damaged_lines, damaged)
    dropped = [
        (one.writer, one.number, one.lines, one.exchanges, one.at_unix_s) for one in batch.dropped
    ]
    bulk.insert_new(connection, tables.drops, dropped)


def _move(connection: Connection, cursors: Mapping[str, Cursor], now_unix_s: float) -> None:
    moved = [(name, one.read_bytes, int(one.is_done), now_unix_s) for name, one in cursors.items()]
    bulk.replace(connection, tables.segments, moved)


def forgotten_us(connection: Connection) -> int:
    """Return before which instant exchanges have been deleted, in microseconds of Unix time."""
    found = connection.execute(
        tables.marks.select().where(tables.marks.c.name == FORGOTTEN)
    ).first()
    return found.value if found is not None else 0
