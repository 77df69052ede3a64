"""Subscribers: how many, in which state; never who. One that misbehaves can be removed."""

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, case, func, select

from penstock.apps.status.call import Call
from penstock.apps.status.subscriptions import subscribing
from penstock.apps.status.tables import subscribers
from penstock.web.endpoint import Endpoint, Limit, MissingError, Role, Text

KIND: Final = "subscriber"
ENDED: Final = "ended"


class SubscriberRow(msgspec.Struct, frozen=True, kw_only=True):
    """One subscriber; address and token are nobody's to see."""

    id: str
    kind: str  # email, webhook, slack
    state: str  # pending, confirmed, quarantined, ended
    components: list[str]  # ids; empty: all
    failures: int
    created_unix_s: float
    confirmed_unix_s: float
    failing_unix_s: float


class SubscribersQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which subscribers."""

    after: Text = ""
    limit: Limit = 100


class SubscribersPage(msgspec.Struct, frozen=True):
    """A part of the list."""

    items: list[SubscriberRow]
    next: str = ""  # to be given as ``after``; empty: this is the end


class SubscriberCount(msgspec.Struct, frozen=True):
    """How many subscribers of a kind are in a state."""

    kind: str
    state: str
    count: int


def list_subscribers(call: Call) -> SubscribersPage:
    """Return subscribers by id."""
    query: SubscribersQuery = call.query
    with call.parts.store.reading() as connection:
        found = listed(connection, query.after, query.limit + 1)
    items = found[: query.limit]
    return SubscribersPage(items, items[-1].id if len(found) > query.limit else "")


def count_subscribers(call: Call) -> list[SubscriberCount]:
    """Return how many subscribers there are."""
    with call.parts.store.reading() as connection:
        return counted(connection)


def remove(call: Call) -> None:
    """End a subscription: its address is erased."""
    with call.parts.store.writing(is_durable=True) as connection:
        statement = select(subscribers, STATE).where(subscribers.c.id == call.path["id"])
        row = connection.execute(statement).one_or_none()
        if row is None or row.shown_state == ENDED:
            raise MissingError(f"there is no subscriber {call.path['id'][:64]!r}")
        before = _row(row)
        subscribing.end(connection, before.id, call.now_unix_s)
        call.audit(connection, "remove", (KIND, before.id), before)


def listed(connection: Connection, after: str, limit: int) -> list[SubscriberRow]:
    """Return subscribers by id."""
    s = subscribers.c
    statement = select(subscribers, STATE).where(s.id > after).order_by(s.id).limit(limit)
    return [_row(row) for row in connection.execute(statement)]


def counted(connection: Connection) -> list[SubscriberCount]:
    """Return how many subscribers of each kind are in each state."""
    statement = select(subscribers.c.kind, STATE, func.count()).group_by(subscribers.c.kind, STATE)
    return [SubscriberCount(*row) for row in connection.execute(statement)]


def _row(row: Any) -> SubscriberRow:
    return SubscriberRow(
        id=row.id,
        kind=row.kind,
        state=row.shown_state,
        components=msgspec.json.decode(row.components or "[]", type=list[str]),
        failures=row.failures,
        created_unix_s=row.created_unix_s,
        confirmed_unix_s=row.confirmed_unix_s,
        failing_unix_s=row.failing_unix_s,
    )


STATE: Final = case(
    (subscribers.c.ended_unix_s > 0, ENDED),
    (subscribers.c.quarantined_unix_s > 0, "quarantined"),
    (subscribers.c.confirmed_unix_s > 0, "confirmed"),
    else_="pending",
).label("shown_state")

ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/subscribers",
        summary="List subscribers, without their addresses",
        tag="subscribers",
        role=Role.VIEWER,
        handler=list_subscribers,
        query=SubscribersQuery,
        answer=SubscribersPage,
    ),
    Endpoint(
        method="GET",
        path="/subscribers/counts",
        summary="Count subscribers by kind and state",
        tag="subscribers",
        role=Role.VIEWER,
        handler=count_subscribers,
        answer=list[SubscriberCount],
    ),
    Endpoint(
        method="DELETE",
        path="/subscribers/{id}",
        summary="End a subscription; its address is erased",
        tag="subscribers",
        role=Role.OWNER,
        handler=remove,
        answer=None,
        raises=(MissingError,),
    ),
)
