"""Who changed what, the newest first."""

from typing import Annotated, Final

import msgspec

from penstock.apps.control.endpoint import Call, Endpoint, Limit, Role, Text
from penstock.apps.control.queries.changes import Change, Only, changes

SEQ_MAX: Final = 2**53
Seq = Annotated[int, msgspec.Meta(ge=0, le=SEQ_MAX)]


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which changes; what is left out is not filtered."""

    actor: Text = ""
    action: Text = ""
    kind: Text = ""
    object: Text = ""
    since_unix_s: float = 0.0
    until_unix_s: float = 0.0
    before: Seq = 0  # below this number; 0: from the newest
    limit: Limit = 100


class AuditPage(msgspec.Struct, frozen=True):
    """A part of the log."""

    items: list[Change]
    next: int = 0  # to be given as ``before``; 0: this is the end


def list_audit(call: Call) -> AuditPage:
    """Return a part of the log."""
    query: AuditQuery = call.query
    only = Only(
        actor=query.actor,
        action=query.action,
        kind=query.kind,
        object=query.object,
        since_unix_s=query.since_unix_s,
        until_unix_s=query.until_unix_s,
        before=query.before,
    )
    with call.parts.store.reading() as connection:
        found = changes(connection, only, query.limit)
    items = found[: query.limit]
    return AuditPage(items, items[-1].seq if len(found) > query.limit else 0)


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
)
