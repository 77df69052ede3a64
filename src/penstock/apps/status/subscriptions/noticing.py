"""What subscribers are to be told, put into the outbox in the transaction that changes it.

    once          an update is noticed once, whoever calls how often: ``notices`` has its id. A
                  delivery's id is made of the update's and the subscriber's
    an update     goes to all who chose one of the incident's components, past or present, or none
                  in particular; to all if the incident names none; and to whoever has been told of
                  this incident before: who hears of the start hears of the end
    superseded    what waits of the same incident for the same subscriber is not sent any more:
                  each message tells the whole incident, all earlier updates among it, so nothing
                  is lost, and a receiver that was away gets one message and no pile
    a component   goes to webhooks, as with Statuspage, and to those people who chose that component
                  by name; to people only SETTLE_S later and only if no incident tells of it: an
                  update of an incident with that component stands in for it
    unknown       is no state to be told: the next one that is known is told against the last one
                  that was told
    not told      drafts, updates that are not to be delivered, those who are pending, quarantined
                  or ended

Each of these is a constant number of statements, however many subscribers there are.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from penstock.apps.status import components as names
from penstock.apps.status.parts import Parts
from penstock.apps.status.subscriptions.asking import Kind
from penstock.apps.status.tables import (
    deliveries,
    incident_parts,
    incident_updates,
    incidents,
    notices,
    subscribers,
)
from penstock.apps.status.view import Affected
from penstock.notify import outbox
from penstock.watch.component import State

SETTLE_S: Final = 60.0  # within it, an incident that tells the same is opened
UPDATE: Final = "update"
COMPONENT: Final = "component"
SUPERSEDED: Final = "superseded"
ALL: Final = "[]"


class Change(msgspec.Struct, frozen=True):
    """A component's change, as it is told."""

    old: str
    new: str


def incident_updated(connection: Connection, parts: Parts, update: str, now_unix_s: float) -> int:
    """Note that an update of an incident is to be told; return to how many."""
    del parts
    row = connection.execute(
        select(incident_updates, incidents.c.is_draft)
        .join(incidents, incidents.c.id == incident_updates.c.incident)
        .where(incident_updates.c.id == update)
    ).one_or_none()
    if row is None or not row.deliver or row.is_draft:
        return 0
    values = {"id": update, "incident": row.incident, "at_unix_s": now_unix_s}
    if not _is_first(connection, values):
        return 0
    touched = _touched(connection, row.incident, row.affected)
    wants = or_(_wants(touched), _was_told(row.incident)) if touched else true()
    told = _put(connection, wants, (UPDATE, update, row.incident), now_unix_s, now_unix_s)
    _supersede(connection, update, row.incident, touched, now_unix_s)
    return told


def component_changed(
    connection: Connection,
    parts: Parts,
    component: str,
    change: tuple[State, State],  # from, to
    now_unix_s: float,
) -> int:
    """Note that a component's state has changed; return to how many that is to be told."""
    old, new = change
    told_before = _last_told(connection, component)
    before = told_before or (State.OPERATIONAL if old is State.UNKNOWN else old).value
    if new is State.UNKNOWN or new.value == before:
        return 0
    notice = names.id_of(parts.page.id, f"change {component} {new.value} {now_unix_s!r}")
    document = msgspec.json.encode(Change(before, new.value)).decode()
    values = {"id": notice, "component": component, "document": document, "at_unix_s": now_unix_s}
    if not _is_first(connection, values):
        return 0
    about = (COMPONENT, notice, "")
    is_webhook = subscribers.c.kind == Kind.WEBHOOK.value
    wants = is_webhook & _wants([component])
    told = _put(connection, wants, about, now_unix_s, now_unix_s)
    if not _is_in_incident(connection, component, now_unix_s):
        wants = ~is_webhook & _chose([component])
        told += _put(connection, wants, about, now_unix_s + SETTLE_S, now_unix_s)
    return told


def _is_first(connection: Connection, values: dict[str, Any]) -> bool:
    statement = insert(notices).prefix_with("OR IGNORE").values(**values)
    return connection.execute(statement).rowcount > 0


def _touched(connection: Connection, incident: str, affected: str) -> list[str]:
    """Return all components that an incident has ever touched."""
    statement = select(incident_parts.c.component).where(incident_parts.c.incident == incident)
    found = set(connection.execute(statement.distinct()).scalars())
    try:
        told = msgspec.json.decode(affected or ALL, type=list[Affected])
    except msgspec.MsgspecError:  # somebody else's row: what it touches is in its parts
        told = []
    return sorted(found.union(one.code for one in told))


def _chose(components: Sequence[str]) -> ColumnElement[bool]:
    """Who has one of these among those that were chosen by name."""
    each = func.json_each(subscribers.c.components).table_valued("value")
    return exists(select(1).select_from(each).where(each.c.value.in_(components)))


def _wants(components: Sequence[str]) -> ColumnElement[bool]:
    return or_(subscribers.c.components == ALL, _chose(components))


def _was_told(incident: str) -> ColumnElement[bool]:
    return exists(
        select(1).where(
            deliveries.c.subscriber == subscribers.c.id, deliveries.c.incident == incident
        )
    )


def _put(
    connection: Connection,
    wants: ColumnElement[bool],
    about: tuple[str, str, str],  # what, notice, incident
    due_unix_s: float,
    now_unix_s: float,
) -> int:
    """Put one row into the outbox for each subscriber who wants it; return how many."""
    what, notice, incident = about
    columns: dict[str, Any] = {
        "id": literal(f"{notice}-") + subscribers.c.id,
        "subscriber": subscribers.c.id,
        "kind": subscribers.c.kind,
        "state": literal(outbox.WAITING),
        "what": literal(what),
        "notice": literal(notice),
        "incident": literal(incident),
        "next_unix_s": literal(due_unix_s),
        "created_unix_s": literal(now_unix_s),
    }
    who = select(*columns.values()).where(
        subscribers.c.confirmed_unix_s > 0,
        subscribers.c.ended_unix_s == 0,
        subscribers.c.quarantined_unix_s == 0,
        wants,
    )
    statement = insert(deliveries).prefix_with("OR IGNORE").from_select(list(columns), who)
    return connection.execute(statement).rowcount


def _supersede(
    connection: Connection, notice: str, incident: str, touched: Sequence[str], now_unix_s: float
) -> None:
    """Drop what the new message tells too."""
    told = select(deliveries.c.subscriber).where(
        deliveries.c.incident == incident, deliveries.c.notice == notice
    )
    waits = update(deliveries).where(deliveries.c.state == outbox.WAITING)
    done = {"state": SUPERSEDED, "done_unix_s": now_unix_s}
    connection.execute(
        waits.where(
            deliveries.c.incident == incident,
            deliveries.c.notice != notice,
            deliveries.c.subscriber.in_(told),
        ).values(**done)
    )
    changes = select(notices.c.id).where(
        notices.c.component.in_(touched), notices.c.at_unix_s >= now_unix_s - SETTLE_S
    )
    connection.execute(
        waits.where(
            deliveries.c.kind != Kind.WEBHOOK.value,
            deliveries.c.what == COMPONENT,
            deliveries.c.notice.in_(changes),
            deliveries.c.subscriber.in_(told),
        ).values(**done)
    )


def _last_told(connection: Connection, component: str) -> str:
    """Return the state that subscribers have last been told; empty: none."""
    statement = (
        select(notices.c.document)
        .where(notices.c.component == component)
        .order_by(notices.c.at_unix_s.desc())
        .limit(1)
    )
    document = connection.execute(statement).scalar()
    return msgspec.json.decode(document, type=Change).new if document else ""


def _is_in_incident(connection: Connection, component: str, now_unix_s: float) -> bool:
    """Tell whether an incident tells of a component: it is open, or has just been told of."""
    is_open = (incidents.c.resolved_unix_s == 0) & (incidents.c.status != "scheduled")
    just_told = exists(
        select(1).where(
            notices.c.incident == incidents.c.id, notices.c.at_unix_s >= now_unix_s - SETTLE_S
        )
    )
    statement = (
        select(incidents.c.id)
        .join(incident_parts, incident_parts.c.incident == incidents.c.id)
        .where(
            incident_parts.c.component == component,
            incidents.c.is_draft == 0,
            or_(is_open, just_told),
        )
        .limit(1)
    )
    return connection.execute(statement).scalar() is not None
