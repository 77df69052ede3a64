"""Exchanges, one by one: a list in windows, and each with its attempts.

order     the newest first, by (at_us, seq); a page goes on from a place, never from a number
window    what no index finds is looked for in at most ``SCAN`` exchanges at a time, or ``SCAN_OWN``
of a tenant, each of which lies somewhere else; a page looks through at most ``WINDOWS``
of them, and says how far back it has looked
fast      time, tenant and id are found by index; a page reads SCAN x WINDOWS rows at most
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from penstock.ledger import tables
from penstock.ledger.rows import Detail

SCAN: Final = 10_000
SCAN_OWN: Final = 5_000
WINDOWS: Final = 5
EXACT: Final = ("tenant", "key", "route", "upstream", "tier", "fate", "outcome", "code", "model")
COLUMNS: Final = tuple(one for one in tables.exchanges.c if one.name != "detail")
US: Final = 1_000_000


class Place(msgspec.Struct, frozen=True):
    """Where a page goes on: before this exchange. ``seq`` 0: before this instant."""

    at_us: int
    seq: int = 0

    def written(self) -> str:
        """Return the place as an address has it."""
        return f"{self.at_us}-{self.seq}"


class Wanted(msgspec.Struct, frozen=True):
    """What is looked for. Times are Unix time in microseconds; 0: without a bound."""

    only: Mapping[str, str] = {}
    status: int = 0
    since_us: int = 0
    until_us: int = 0
    before: Place | None = None

    @property
    def needs_window(self) -> bool:
        """Whether rows must be looked at one by one."""
        return bool(self.status or any(self.only.get(one) for one in EXACT if one != "tenant"))


class Found(msgspec.Struct, frozen=True):
    """A page. ``next`` is where the next one begins, if there may be one."""

    rows: list[Any]
    next: Place | None = None
    is_cut: bool = False  # the search ended before the page was full: there may be more
    looked_back_us: int = 0


def page(connection: Connection, wanted: Wanted, rows_max: int, windows: int = WINDOWS) -> Found:
    """Return the newest that are wanted."""
    rows: list[Any] = []
    before = wanted.before
    for _ in range(windows):
        floor = _floor(connection, wanted, before) if wanted.needs_window else None
        query = rows_query(wanted, before, floor, rows_max + 1 - len(rows))
        rows += connection.execute(query).all()
        if len(rows) > rows_max:
            last = rows[rows_max - 1]
            return Found(rows[:rows_max], Place(last.at_us, last.seq))
        if floor is None:
            return Found(rows)
        before = floor
    at_us = before.at_us if before is not None else 0
    return Found(rows, before, is_cut=True, looked_back_us=at_us)


def one(connection: Connection, exchange: str) -> Row[Any] | None:
    """Return an exchange with all its columns, if it is there."""
    return connection.execute(
        select(tables.exchanges).where(tables.exchanges.c.id == exchange)
    ).first()


def under_way(connection: Connection, exchange: str) -> list[bytes]:
    """Return the lines of attempts whose exchange has not ended."""
    there = tables.open_attempts
    query = select(there.c.line).where(there.c.exchange == exchange).order_by(there.c.number)
    return [bytes(line) for line in connection.execute(query).scalars()]


def detail_of(raw: bytes) -> Detail:
    """Return the rest of a record; raises msgspec.MsgspecError if it is damaged."""
    return msgspec.json.decode(raw, type=Detail)


def newest_us(connection: Connection) -> int:
    """Return when the newest exchange began; 0 if there is none."""
    return connection.execute(select(func.max(tables.exchanges.c.at_us))).scalar() or 0


def names(connection: Connection, since_s: int) -> dict[str, list[str]]:
    """Return tenants, routes and upstreams that had exchanges since a day, for choices."""
    usage = tables.usage
    found: dict[str, list[str]] = {}
    for name in ("tenant", "route", "upstream"):
        column = usage.c[name]
        query = select(column).where(usage.c.day_s >= since_s, column != "").distinct()
        found[name] = sorted(connection.execute(query.limit(500)).scalars())
    return found


def rows_query(
    wanted: Wanted, before: Place | None, floor: Place | None, rows_max: int
) -> Select[Any]:
    """Return the query for the newest that are wanted, from a place down to a floor."""
    there = tables.exchanges.c
    conditions = [*_bounds(wanted, before), *_filters(wanted)]
    if floor is not None:
        conditions.append(there.at_us >= floor.at_us)
        conditions.append(or_(there.at_us > floor.at_us, there.seq >= floor.seq))
    return (
        select(*COLUMNS)
        .where(*conditions)
        .order_by(there.at_us.desc(), there.seq.desc())
        .limit(rows_max)
    )


def _floor(connection: Connection, wanted: Wanted, before: Place | None) -> Place | None:
    """Return the last exchange of the window, which is in it; None if all that are left are."""
    there = tables.exchanges.c
    rows = min(SCAN, SCAN_OWN) if wanted.only.get("tenant") else SCAN
    query = (
        select(there.at_us, there.seq)
        .where(*_bounds(wanted, before))
        .order_by(there.at_us.desc(), there.seq.desc())
        .offset(rows - 1)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else Place(row.at_us, row.seq)


def _bounds(wanted: Wanted, before: Place | None) -> list[ColumnElement[bool]]:
    there = tables.exchanges.c
    found: list[ColumnElement[bool]] = []
    if wanted.only.get("tenant"):
        found.append(there.tenant == wanted.only["tenant"])
    if wanted.since_us:
        found.append(there.at_us >= wanted.since_us)
    if wanted.until_us:
        found.append(there.at_us < wanted.until_us)
    if before is not None:
        earlier = and_(there.at_us == before.at_us, there.seq < before.seq)
        found.append(there.at_us <= before.at_us)
        found.append(or_(there.at_us < before.at_us, earlier))
    return found


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    there = tables.exchanges.c
    found = [there[one] == wanted.only[one] for one in EXACT[1:] if wanted.only.get(one)]
    if wanted.status:
        found.append(there.status == wanted.status)
    return found
