"""Who changed what: the audit log, the newest first, in pages by number.

A page begins below a number (``before``): what is written meanwhile moves nothing.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from penstock.ledger import tables

PAGE: Final = 50
CHOICES_MAX: Final = 200


class Only(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes; what is empty is not filtered."""

    actor: str = ""
    action: str = ""
    kind: str = ""
    object: str = ""
    since_unix_s: float = 0.0
    until_unix_s: float = 0.0
    before: int = 0  # below this number; 0: from the newest


class Change(msgspec.Struct, frozen=True):
    """One entry of the log; before and after are JSON, or empty."""

    seq: int
    at_unix_s: float
    actor: str
    role: str
    address: str
    action: str
    kind: str
    object: str
    before: str
    after: str


def changes(connection: Connection, only: Only, limit: int = PAGE) -> list[Change]:
    """Return one more than fits a page, if there is more."""
    a = tables.audit.c
    columns = [a[name] for name in Change.__struct_fields__]
    query = select(*columns).where(*_wanted(only)).order_by(a.seq.desc()).limit(limit + 1)
    return [Change(*row) for row in connection.execute(query)]


def choices(connection: Connection, column: str) -> list[str]:
    """Return the values that a column of the log has."""
    value = tables.audit.c[column]
    query = select(value).where(value != "").distinct().order_by(value).limit(CHOICES_MAX)
    return list(connection.execute(query).scalars())


def _wanted(only: Only) -> list[ColumnElement[Any]]:
    a = tables.audit.c
    found: list[ColumnElement[Any]] = [
        a[name] == getattr(only, name)
        for name in ("actor", "action", "kind", "object")
        if getattr(only, name)
    ]
    if only.since_unix_s:
        found.append(a.at_unix_s >= only.since_unix_s)
    if only.until_unix_s:
        found.append(a.at_unix_s < only.until_unix_s)
    if only.before:
        found.append(a.seq < only.before)
    return found
