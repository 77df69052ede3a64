"""Who changed what, the newest first."""

from typing import Annotated, Final

import msgspec

from penstock.apps.control.call import Call
from penstock.apps.control.queries.changes import Change, Only, changes
from penstock.web.endpoint import Endpoint, Limit, Role, Text

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
    only = msgspec.convert(query, Only, from_attributes=True)
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
