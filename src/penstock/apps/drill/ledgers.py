"""What an arm has written about its exchanges: of control's database, or of a spool alone.

An arm with control is read from its database, where costs stand; a gateway alone from its spool,
at list prices. What could not be written is counted.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import func, inspect, select

from penstock.core.errors import StoreError
from penstock.exchange.record import Record
from penstock.ledger import price_table, rows, spool, tables
from penstock.ledger.book import PriceList, Versioned
from penstock.ledger.costing import Costing
from penstock.ledger.store import open_store

CLOSED: Final = "closed"
DROPPED: Final = "dropped"


class Known(NamedTuple):
    """What a ledger knows of one exchange."""

    record: Record
    cost_microusd: int


class Ledger(NamedTuple):
    """What is in it: exchanges by their ids, how many could not be written, ids that are twice."""

    known: dict[str, Known]
    dropped: int = 0
    twice: int = 0
    dropped_lines: int = 0  # of which each may be an attempt that nothing else names
    waiting: tuple[str, ...] = ()  # exchanges of open attempts: their record has not come (yet)

    @property
    def is_behind(self) -> bool:
        """Whether more records are to come: more are awaited than lines were lost."""
        return len(self.waiting) > self.dropped_lines


NOTHING: Final = Ledger({})


class _Line(msgspec.Struct):
    kind: str = ""
    exchanges: int = 0
    lines: int = 0


class Where(NamedTuple):
    """Where a ledger's database is, if it is not a file in the state directory."""

    url: str = ""  # postgresql://USER@HOST/NAME
    password: str = ""


HERE: Final = Where()


def tables_in(where: Where, state_dir: Path) -> int:
    """Return how many tables a database has that are not its own; raises StoreError."""
    store = open_store(where.url, state_dir, where.password)
    try:
        with store.reading() as connection:
            return len(inspect(connection).get_table_names())
    finally:
        store.close()


def of_database(state_dir: Path, where: Where = HERE) -> Ledger:
    """Return what control has written so far; nothing if it cannot be read."""
    columns = [tables.exchanges.c[name] for name in rows.COLUMNS]
    try:
        store = open_store(where.url, state_dir, where.password)
        try:
            with store.reading() as connection:
                found = [rows.entry_of(row) for row in connection.execute(select(*columns))]
                query = select(func.sum(tables.drops.c.exchanges), func.sum(tables.drops.c.lines))
                dropped, lines = connection.execute(query).one()
                waiting = connection.execute(select(tables.open_attempts.c.exchange)).scalars()
                opened = tuple(str(one) for one in waiting)
        finally:
            store.close()
    except StoreError:
        return NOTHING
    known = [Known(one.record, one.costs.cost_microusd) for one in found]
    return _ledger(known, int(dropped or 0), int(lines or 0))._replace(waiting=opened)


def charges(state_dir: Path, where: Where = HERE) -> tuple[int, int]:
    """Return what bills add up to, and what exchanges were charged; raises StoreError."""
    store = open_store(where.url, state_dir, where.password)
    try:
        with store.reading() as connection:
            billed, charged = (
                connection.execute(select(func.sum(table.c.charge_microusd))).scalar_one()
                for table in (tables.usage, tables.exchanges)
            )
    finally:
        store.close()
    return int(billed or 0), int(charged or 0)


def of_spool(state_dir: Path) -> Ledger:
    """Return what a gateway has written."""
    costing = Costing(Versioned(0, PriceList()), price_table.shipped())
    found: list[Known] = []
    dropped = lines = 0
    for path in sorted((state_dir / "spool").glob(f"*{spool.SUFFIX}")):
        for line in spool.lines(path):
            said = msgspec.json.decode(line, type=_Line)
            if said.kind == CLOSED:
                record = msgspec.json.decode(line, type=Record)
                found.append(Known(record, costing.of(record).cost_microusd))
            elif said.kind == DROPPED:
                dropped += said.exchanges
                lines += said.lines
    return _ledger(found, dropped, lines)


def _ledger(found: list[Known], dropped: int, dropped_lines: int) -> Ledger:
    times: Counter[Any] = Counter(one.record.id for one in found)
    return Ledger(
        known={one.record.id: one for one in found},
        dropped=dropped,
        dropped_lines=dropped_lines,
        twice=sum(number - 1 for number in times.values()),
    )
