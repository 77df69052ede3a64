"""Who changed what, the newest first; and who one is."""

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.status.api.fields import Instant, Seq
from penstock.apps.status.call import Call
from penstock.apps.status.tables import audit
from penstock.web.endpoint import Endpoint, Limit, Role, Text

FILTERS: Final = ("actor", "action", "kind", "object")


class AuditEntry(msgspec.Struct, frozen=True):
    """One change; before and after are JSON, or empty."""

    id: int
    at_unix_s: float
    actor: str
    role: str
    address: str
    action: str
    kind: str
    object: str
    before: str
    after: str


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which changes; what is left out is not filtered."""

    actor: Text = ""
    action: Text = ""
    kind: Text = ""
    object: Text = ""
    since_unix_s: Instant = 0.0
    until_unix_s: Instant = 0.0
    before: Seq = 0  # below this number; 0: from the newest
    limit: Limit = 100


class AuditPage(msgspec.Struct, frozen=True):
    """A part of the log."""

    items: list[AuditEntry]
    next: int = 0  # to be given as ``before``; 0: this is the end


class Me(msgspec.Struct, frozen=True):
    """Who calls."""

    name: str
    role: str


def list_audit(call: Call) -> AuditPage:
    """Return a part of the log."""
    query: AuditQuery = call.query
    with call.parts.store.reading() as connection:
        found = entries(connection, query)
    items = found[: query.limit]
    return AuditPage(items, items[-1].id if len(found) > query.limit else 0)


def me(call: Call) -> Me:
    """Return who calls."""
    return Me(call.actor.name, call.actor.role.name.lower())


def entries(connection: Connection, query: AuditQuery) -> list[AuditEntry]:
    """Return changes, the newest first: one more than wanted, if there is more."""
    a = audit.c
    where = [a[name] == getattr(query, name) for name in FILTERS if getattr(query, name)]
    if query.since_unix_s:
        where.append(a.at_unix_s >= query.since_unix_s)
    if query.until_unix_s:
        where.append(a.at_unix_s < query.until_unix_s)
    if query.before:
        where.append(a.id < query.before)
    columns = [a[name] for name in AuditEntry.__struct_fields__]
    statement = select(*columns).where(*where).order_by(a.id.desc()).limit(query.limit + 1)
    return [AuditEntry(*row) for row in connection.execute(statement)]


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/audit",
        summary="List who changed what, the newest first",
        tag="audit",
        role=Role.VIEWER,
        handler=list_audit,
        query=AuditQuery,
        answer=AuditPage,
    ),
    Endpoint(
        method="GET",
        path="/me",
        summary="Show who one is here",
        tag="audit",
        role=Role.VIEWER,
        handler=me,
        answer=Me,
        needs_store=False,
    ),
)
