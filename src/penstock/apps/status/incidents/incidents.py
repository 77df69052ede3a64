"""Incidents, as people handle them; the watch's are handled by acting.py, with the same pieces.

    investigating, identified, monitoring   open, in any order
    resolved                                over: its components are released, its text is kept
    postmortem                              over, and explained

    open        published at once, or as a draft; also for the past (``backfill``)
    update      a watch's incident is taken over by it
    take over   the watch adds evidence and proposes, people post; ``hand back`` undoes it
    publish     a draft; ``discard`` removes it

Several may be open at once. Ids are opaque and never used again; numbers count up, for feeds.
Wrong input is InvalidError, which names the field; what does not fit the incident as it is now is
ConflictError. Whoever calls asks for a new rendering afterwards (``Parts.touch``).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import update as update_

from penstock.apps.status.incidents import ids, saying, states
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.incidents.states import Piece, Source, Wanted
from penstock.apps.status.parts import Parts
from penstock.apps.status.queries import document
from penstock.apps.status.queries.document import Document, Noticed
from penstock.apps.status.subscriptions import noticing
from penstock.apps.status.tables import incident_parts, incident_updates, incidents
from penstock.core import rollup
from penstock.watch.component import State
from penstock.web.endpoint import ConflictError, InvalidError

OPEN: Final = ("investigating", "identified", "monitoring")
STATUSES: Final = (*OPEN, "resolved")
PAST_S_MAX: Final = 366 * 86_400.0  # how far back history is written


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A new incident."""

    name: str
    said: Said
    impact_override: str = ""
    is_draft: bool = False
    started_unix_s: float = 0.0  # when it began; 0: now
    origin: str = "operator"  # or watch
    document: Document = Document()


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that is over and was never written down; nobody is told."""

    name: str
    body: str
    components: Mapping[str, State]
    from_unix_s: float
    to_unix_s: float
    impact_override: str = ""
    author: str = ""


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What is changed of an update; None leaves it."""

    body: str | None = None
    display_unix_s: float | None = None


def open_(connection: Connection, parts: Parts, opening: Opening, now_unix_s: float) -> str:
    """Open an incident; return its id. Raises InvalidError or ConflictError."""
    said = opening.said
    _check(said.status, opening.impact_override)
    saying.check_room(connection, opening.origin)
    saying.check_components(connection, said.components or {})
    if opening.started_unix_s > now_unix_s:
        raise InvalidError("started_unix_s lies in the future", "started_unix_s")
    started_unix_s = opening.started_unix_s or now_unix_s
    kept = opening.document
    if opening.origin == "operator":
        people = Noticed(detector="people", at_unix_s=now_unix_s)
        kept = msgspec.structs.replace(kept, noticed=(*kept.noticed, people))
    if not opening.is_draft:
        kept = msgspec.structs.replace(kept, published_unix_s=now_unix_s)
    id_ = _insert(
        connection,
        name=saying.text(opening.name, "name", saying.NAME_MAX),
        impact_override=opening.impact_override,
        origin=opening.origin,
        is_draft=int(opening.is_draft),
        created_unix_s=now_unix_s,
        started_unix_s=started_unix_s,
        document=document.written(kept),
    )
    saying.say(connection, parts, saying.row_of(connection, id_), said, now_unix_s)
    return id_


def update(
    connection: Connection, parts: Parts, incident: str, said: Said, now_unix_s: float
) -> str:
    """Post an update by people; return its id. Raises MissingError, InvalidError, ConflictError."""
    row = _open_row(connection, incident)
    _check(said.status, "")
    if row.origin == "watch" and not row.is_taken_over:
        take_over(connection, parts, incident, now_unix_s)
        row = saying.row_of(connection, incident)
    return saying.say(connection, parts, row, said, now_unix_s)


def resolve(
    connection: Connection, parts: Parts, incident: str, said: tuple[str, str], now_unix_s: float
) -> str:
    """Resolve an incident with the last (body, author); return the update's id. As ``update``."""
    body, author = said
    last = Said(status="resolved", body=body, author=author)
    return update(connection, parts, incident, last, now_unix_s)


def amend(
    connection: Connection, incident: str, name: str, impact_override: str, now_unix_s: float
) -> None:
    """Change an incident's name and the impact that is told instead of the one found.

    Raises MissingError or InvalidError.
    """
    saying.row_of(connection, incident)
    _check_impact(impact_override)
    _set(
        connection,
        incident,
        name=saying.text(name, "name", saying.NAME_MAX),
        impact_override=impact_override,
        updated_unix_s=now_unix_s,
    )


def edit(connection: Connection, update_id: str, change: Edit, now_unix_s: float) -> None:
    """Correct an update's text or the time it shows; nobody is told again.

    Raises InvalidError, or ConflictError if there is no such update.
    """
    mine = incident_updates.c.id == update_id
    row = connection.execute(select(incident_updates).where(mine)).first()
    if row is None:
        raise InvalidError(f"there is no update {update_id}", "update")
    values: dict[str, Any] = {"updated_unix_s": now_unix_s}
    if change.body is not None:
        values["body"] = saying.text(change.body, "body", saying.BODY_MAX)
    if change.display_unix_s is not None:
        if not 0.0 < change.display_unix_s <= now_unix_s:
            raise InvalidError("display_unix_s is not in the past", "display_unix_s")
        values["display_unix_s"] = change.display_unix_s
    connection.execute(update_(incident_updates).where(mine).values(values))
    _set(connection, row.incident, updated_unix_s=now_unix_s)


def publish(connection: Connection, parts: Parts, incident: str, now_unix_s: float) -> None:
    """Publish a draft: from now on it is shown, and its update is told.

    Raises MissingError, or ConflictError if it is none.
    """
    row = saying.row_of(connection, incident)
    if not row.is_draft:
        raise ConflictError("the incident is published already")
    kept = document.read(row.document)
    kept = msgspec.structs.replace(kept, published_unix_s=now_unix_s)
    _set(
        connection,
        incident,
        is_draft=0,
        created_unix_s=now_unix_s,
        updated_unix_s=now_unix_s,
        document=document.written(kept),
    )
    mine = incident_updates.c.incident == incident
    one = connection.execute(select(incident_updates).where(mine)).one()
    times = dict.fromkeys(("created_unix_s", "updated_unix_s", "display_unix_s"), now_unix_s)
    connection.execute(update_(incident_updates).where(mine).values(times))
    touched = saying.open_parts(connection, incident)
    states.settle(connection, parts, touched, now_unix_s)
    if one.deliver:
        noticing.incident_updated(connection, parts, one.id, now_unix_s)


def discard(connection: Connection, incident: str) -> None:
    """Remove a draft; raises MissingError, or ConflictError if it is published."""
    row = saying.row_of(connection, incident)
    if not row.is_draft:
        raise ConflictError("the incident is published; resolve it")
    for table in (incident_parts, incident_updates):
        connection.execute(delete(table).where(table.c.incident == incident))
    connection.execute(delete(incidents).where(incidents.c.id == incident))


def take_over(connection: Connection, parts: Parts, incident: str, now_unix_s: float) -> None:
    """Take an incident of the watch: people post, and its components are as people say.

    Raises MissingError or ConflictError.
    """
    row = _open_row(connection, incident)
    if row.origin != "watch" or row.is_taken_over:
        raise ConflictError("the incident is in people's hands already")
    _set(connection, incident, is_taken_over=1, updated_unix_s=now_unix_s)
    states.settle(connection, parts, saying.open_parts(connection, incident), now_unix_s)


def hand_back(connection: Connection, parts: Parts, incident: str, now_unix_s: float) -> None:
    """Leave an incident to the watch again, and its components too.

    Raises MissingError or ConflictError.
    """
    row = _open_row(connection, incident)
    if not row.is_taken_over:
        raise ConflictError("the incident was not taken over from the watch")
    kept = msgspec.structs.replace(document.read(row.document), proposal=None)
    _set(
        connection,
        incident,
        is_taken_over=0,
        updated_unix_s=now_unix_s,
        document=document.written(kept),
    )
    states.settle(connection, parts, saying.open_parts(connection, incident), now_unix_s)


def backfill(connection: Connection, past: Past, now_unix_s: float) -> str:
    """Write down an incident that is over; its time becomes part of uptime. Return its id.

    Raises InvalidError.
    """
    _check_impact(past.impact_override)
    saying.check_components(connection, past.components)
    _check_past(past, now_unix_s)
    impact = rollup.impact(state.value for state in past.components.values())
    id_ = _insert(
        connection,
        name=saying.text(past.name, "name", saying.NAME_MAX),
        status="resolved",
        impact=impact,
        impact_override=past.impact_override,
        origin="operator",
        created_unix_s=past.from_unix_s,
        started_unix_s=past.from_unix_s,
        updated_unix_s=past.to_unix_s,
        resolved_unix_s=past.to_unix_s,
    )
    body = saying.text(past.body, "body", saying.BODY_MAX)
    times = dict.fromkeys(("created_unix_s", "updated_unix_s", "display_unix_s"), past.to_unix_s)
    connection.execute(
        insert(incident_updates).values(
            id=ids.fresh(),
            incident=id_,
            status="resolved",
            body=body,
            author=past.author,
            affected="[]",
            **times,
        )
    )
    for component, state in past.components.items():
        span = {"from_unix_s": past.from_unix_s, "to_unix_s": past.to_unix_s}
        values = {"incident": id_, "component": component, "state": state.value, **span}
        connection.execute(insert(incident_parts).values(values))
        piece = Piece(Wanted(state, Source.OPERATOR, id_), past.from_unix_s, past.to_unix_s)
        states.rewrite(connection, component, piece)
    return id_


def _insert(connection: Connection, **values: Any) -> str:
    id_ = ids.fresh()
    values = {"id": id_, "kind": "incident", "impact": "none", **values}
    connection.execute(insert(incidents).values(values))
    return id_


def _set(connection: Connection, incident: str, **values: Any) -> None:
    connection.execute(update_(incidents).where(incidents.c.id == incident).values(**values))


def _open_row(connection: Connection, incident: str) -> Any:
    row = saying.row_of(connection, incident)
    if row.kind != "incident":
        raise ConflictError("this is a maintenance, no incident")
    if row.status in saying.CLOSED:
        raise ConflictError("the incident is over; open another one")
    return row


def _check(status: str, impact_override: str) -> None:
    if status not in STATUSES:
        raise InvalidError(f"status: {status!r} is not one of {', '.join(STATUSES)}", "status")
    _check_impact(impact_override)


def _check_impact(impact: str) -> None:
    if impact and impact not in rollup.IMPACTS:
        allowed = ", ".join(rollup.IMPACTS)
        raise InvalidError(
            f"impact_override: {impact!r} is not one of {allowed}", "impact_override"
        )


def _check_past(past: Past, now_unix_s: float) -> None:
    if not past.from_unix_s < past.to_unix_s <= now_unix_s:
        raise InvalidError("to_unix_s does not lie between its begin and now", "to_unix_s")
    if past.from_unix_s < now_unix_s - PAST_S_MAX:
        raise InvalidError("from_unix_s is more than a year ago", "from_unix_s")
