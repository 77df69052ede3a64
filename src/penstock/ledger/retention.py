"""What the ledger forgets: what has been kept for as long as was said, and tenants on request.

    exchanges, failures, damaged lines      ``exchanges_days``
    sums of a minute                        ``minutes_days``
    sums of five minutes                    ``intervals_days``
    sums of an hour                         ``hours_days``
    sums of a day, usage                    ``days_days``
    audit                                   ``audit_days``
    alerts that are resolved, deliveries    ``intervals_days``

Before exchanges are deleted, the mark ``FORGOTTEN`` is set: whatever is read later and is older
cannot be told from a duplicate, and is not added. Rows go in small transactions, so that nobody
waits for long.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Table, and_, delete, literal_column, select

from penstock.config.operations import Retention
from penstock.core.calendar import DAY_S
from penstock.ledger import bulk, tables
from penstock.ledger.intake import FORGOTTEN, forgotten_us
from penstock.ledger.rows import US
from penstock.ledger.store import Store

ROWS_MAX: Final = 2_000  # in one transaction: tens of milliseconds
BATCHES_MAX: Final = 500  # of one table in one run: the rest an hour later


def clean(store: Store, keep: Retention, now_unix_s: float) -> dict[str, int]:
    """Delete what has been kept for long enough; return how many rows, by table. StoreError."""

    def before_s(days: int) -> float:
        return now_unix_s - days * DAY_S

    forget(store, int(before_s(keep.exchanges_days) * US))
    with store.reading() as connection:
        before_us = forgotten_us(connection)
    old: list[tuple[Table, ColumnElement[bool]]] = [
        (tables.failures, tables.failures.c.at_us < before_us),
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
    deleted: dict[str, int] = {}
    for table, condition in old:
        rows = _delete(store, table, condition, BATCHES_MAX)
        if rows:
            deleted[table.name] = deleted.get(table.name, 0) + rows
    return deleted


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
        rows = ROWS_MAX
        while rows == ROWS_MAX:
            if is_over():
                return Forgotten(deleted, is_all=False)
            rows = _delete(store, table, table.c.tenant == tenant, 1)
            if rows:
                deleted[table.name] = deleted.get(table.name, 0) + rows
    lines = _delete_lines(store, tenant)
    return Forgotten(deleted | {"lines": lines} if lines else deleted, is_all=True)


def _delete(store: Store, table: Table, condition: ColumnElement[bool], batches_max: int) -> int:
    """Delete rows, some at a time."""
    row: ColumnElement[Any] = literal_column("ctid" if store.is_postgres else "rowid")
    some = select(row).select_from(table).where(condition).limit(ROWS_MAX).correlate(None)
    total = batches = 0
    while batches < batches_max:
        with store.writing() as connection:
            rows = connection.execute(delete(table).where(row.in_(some.scalar_subquery()))).rowcount
        total += rows
        batches += 1
        if rows < ROWS_MAX:
            break
    return total


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
