"""What the ledger forgets: what has been kept for as long as was said, and tenants on request.

    exchanges, damaged lines                ``exchanges_days``
    failures                                ``failures_days``: claims end months after the exchanges
    sums of a minute                        ``minutes_days``
    sums of five minutes                    ``intervals_days``
    sums of an hour                         ``hours_days``
    sums of a day, usage                    ``days_days``
    audit                                   ``audit_days``
    alerts that are resolved, deliveries    ``intervals_days``

Before exchanges are deleted, the mark ``FORGOTTEN`` is set: whatever is read later and is older
cannot be told from a duplicate, and is not added.

Rows are looked up while nobody waits, then go in small transactions; ``cleaning`` pauses after
each, so that whoever runs it can read the spool in between.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Table, and_, delete, literal_column, select

from penstock.config.operations import Retention
from penstock.core.calendar import DAY_S
from penstock.ledger import bulk, tables
from penstock.ledger.intake import FORGOTTEN, forgotten_us
from penstock.ledger.rows import US
from penstock.ledger.store import Store

ROWS_MAX: Final = 1_000  # in one transaction: tens of milliseconds
BATCHES_MAX: Final = 1000  # of one table in one run: the rest an hour later
BATCHES_FOUND: Final = 50  # looked up at once

Deleted = tuple[str, int]  # table, rows


def clean(store: Store, keep: Retention, now_unix_s: float) -> dict[str, int]:
    """Delete what has been kept for long enough; return how many rows, by table. StoreError."""
    return _added(cleaning(store, keep, now_unix_s))


def cleaning(store: Store, keep: Retention, now_unix_s: float) -> Iterator[Deleted]:
    """Delete what has been kept for long enough, a small transaction a time. StoreError."""

    def before_s(days: int) -> float:
        return now_unix_s - days * DAY_S

    forget(store, int(before_s(keep.exchanges_days) * US))
    with store.reading() as connection:
        before_us = forgotten_us(connection)
    old: list[tuple[Table, ColumnElement[bool]]] = [
        (tables.failures, tables.failures.c.at_us < before_s(keep.failures_days) * US),
        (tables.exchanges, tables.exchanges.c.at_us < before_us),
        (tables.damaged_lines, tables.damaged_lines.c.found_unix_s < before_us / US),
        (tables.usage, tables.usage.c.day_s < before_s(keep.days_days)),
        (tables.audit, tables.audit.c.at_unix_s < before_s(keep.audit_days)),
        (
            tables.alerts,
            and_(
                tables.alerts.c.state == "resolved",
                tables.alerts.c.resolved_unix_s < before_s(keep.intervals_days),
            ),
        ),
        (tables.deliveries, tables.deliveries.c.created_unix_s < before_s(keep.intervals_days)),
    ]
    days = (keep.minutes_days, keep.intervals_days, keep.hours_days, keep.days_days)
    for grain_s, grain_days in zip(tables.GRAINS_S, days, strict=True):
        for table in (tables.traffic, tables.attempts, tables.refusals):
            is_old = table.c.start_s < before_s(grain_days)
            old.append((table, and_(table.c.grain_s == grain_s, is_old)))
    for table, condition in old:
        yield from _deleting(store, table, condition, BATCHES_MAX)


def forget(store: Store, before_us: int) -> None:
    """Say that exchanges older than this may be gone; never earlier than was said. StoreError."""
    with store.writing() as connection:
        if before_us > forgotten_us(connection):
            bulk.replace(connection, tables.marks, [(FORGOTTEN, before_us)])


class Forgotten(msgspec.Struct, frozen=True):
    """What was deleted of a tenant: rows by table. Not all: there is more, ask again."""

    rows: dict[str, int]
    is_all: bool


def delete_tenant(
    store: Store, tenant: str, is_over: Callable[[], bool] = lambda: False
) -> Forgotten:
    """Delete all that is known of a tenant's traffic, or what can be until ``is_over``. StoreError.

    Its entry and its keys are the book's; the audit log stays, and sums of upstreams, which name no
    tenant. What is still in the spool comes later: revoke its keys first.
    """
    deleted: dict[str, int] = {}
    of_tenant: Iterable[Table] = (
        tables.failures, tables.exchanges, tables.traffic, tables.refusals, tables.usage,
    )  # fmt: skip
    for table in of_tenant:
        if is_over():
            return Forgotten(deleted, is_all=False)
        for name, rows in _deleting(store, table, table.c.tenant == tenant):
            deleted[name] = deleted.get(name, 0) + rows
            if is_over():
                return Forgotten(deleted, is_all=False)
    lines = _delete_lines(store, tenant)
    return Forgotten(deleted | {"lines": lines} if lines else deleted, is_all=True)


def _added(deleted: Iterable[Deleted]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, rows in deleted:
        found[name] = found.get(name, 0) + rows
    return found


def _deleting(
    store: Store, table: Table, condition: ColumnElement[bool], batches_max: int | None = None
) -> Generator[Deleted]:
    """Delete rows, some at a time; a row that has changed meanwhile is looked at again."""
    left = batches_max
    while left is None or left > 0:
        batches = BATCHES_FOUND if left is None else min(BATCHES_FOUND, left)
        left = None if left is None else left - batches
        row: ColumnElement[Any] = literal_column("ctid" if store.is_postgres else "rowid")
        some = select(row).select_from(table).where(condition).limit(batches * ROWS_MAX)
        with store.reading() as connection:
            found = list(connection.execute(some).scalars())
        rows = 0
        for batch in _batched(found):
            with store.writing() as connection:
                known = bulk.rows(connection, batch)
                deleted = connection.execute(delete(table).where(known, condition)).rowcount
            rows += deleted
            if deleted:
                yield table.name, deleted
        if not rows or len(found) < batches * ROWS_MAX:
            break


def _batched(found: list[Any]) -> Iterator[list[Any]]:
    for at in range(0, len(found), ROWS_MAX):
        yield found[at : at + ROWS_MAX]


def _delete_lines(store: Store, tenant: str) -> int:
    """Delete lines that name a tenant: those that wait for their record, and damaged ones."""
    named = b'"tenant":%b' % msgspec.json.encode(tenant)
    total = 0
    for table, key in (
        (tables.open_attempts, ("exchange", "number")),
        (tables.damaged_lines, ("segment", "at_bytes")),
    ):
        columns = [table.c[name] for name in key]
        with store.writing() as connection:
            found = connection.execute(select(*columns, table.c.line)).all()
            for row in found:
                values: list[Any] = list(row)
                if named in bytes(row.line):
                    where = and_(columns[0] == values[0], columns[1] == values[1])
                    total += connection.execute(delete(table).where(where)).rowcount
    return total
