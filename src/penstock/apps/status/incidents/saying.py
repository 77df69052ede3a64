"""One update of an incident or a maintenance: what all who post have in common.

    text        of a bounded length; an incident has at most UPDATES_MAX updates
    components  all that the incident touches after it, each with its state; None leaves them
    impact      the heaviest that it ever had; ``impact_override`` stands instead of it
    a draft     has one update, which is written anew until it is published; nobody is told

Updates stand in the order of the instant that they show; a draft's has none before it is published.
All of it happens in the caller's transaction: text, parts, component states, what is to be told.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from penstock.apps.status.incidents import ids, states
from penstock.apps.status.parts import Parts
from penstock.apps.status.subscriptions import noticing
from penstock.apps.status.tables import components, incident_parts, incident_updates, incidents
from penstock.apps.status.view import Affected
from penstock.core import rollup
from penstock.watch.component import State
from penstock.web.endpoint import ConflictError, InvalidError, MissingError

NAME_MAX: Final = 200  # a line of the page, the subject of a mail
BODY_MAX: Final = 8_000  # more than anybody reads while something is down
UPDATES_MAX: Final = 500  # one every half hour for ten days
OPEN_MAX: Final = 50  # incidents at once of one origin, of which people can still make sense
TIMES: Final = {
    "identified": "identified_unix_s",
    "monitoring": "monitoring_unix_s",
    "resolved": "resolved_unix_s",
    "completed": "resolved_unix_s",
}
CLOSED: Final = ("resolved", "completed", "postmortem")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What an update says."""

    status: str
    body: str
    components: Mapping[str, State] | None = None  # all of them after it; None: as before
    author: str = ""  # empty: the watch
    is_delivered: bool = True
    display_unix_s: float = 0.0  # 0: now


def text(value: str, param: str, length_max: int) -> str:
    """Return a text without blanks around it; raises InvalidError."""
    found = value.strip()
    if not found:
        raise InvalidError(f"{param} is empty", param)
    if len(found) > length_max:
        raise InvalidError(f"{param} has {len(found)} characters; {length_max} at most", param)
    if "\0" in found:
        raise InvalidError(f"{param} holds a zero byte", param)
    return found


def row_of(connection: Connection, incident: str) -> Any:
    """Return an incident's row; raises MissingError."""
    row = connection.execute(select(incidents).where(incidents.c.id == incident)).first()
    if row is None:
        raise MissingError(f"there is no incident {incident}")
    return row


def check_components(connection: Connection, some: Mapping[str, State]) -> None:
    """Raise InvalidError if components are not on the page, or a state is none to be chosen."""
    mine = (components.c.is_gone == 0) & (components.c.is_group == 0)
    known = set(connection.execute(select(components.c.id).where(mine)).scalars())
    for component, state in some.items():
        if component not in known:
            raise InvalidError(f"components: there is no {component}", "components")
        if state is State.UNKNOWN:
            raise InvalidError(f"components: {component} cannot be set to unknown", "components")


def check_room(connection: Connection, origin: str) -> None:
    """Raise ConflictError if there are too many open ones already of the watch's or of people's.

    Each has a room of its own: what people have left open must not silence the watch.
    """
    is_open = incidents.c.status.not_in(CLOSED) & (incidents.c.origin == origin)
    count = connection.execute(select(func.count()).where(is_open)).scalar_one()
    if count >= OPEN_MAX:
        raise ConflictError(f"{count} incidents and maintenances are open; resolve some first")


def open_parts(connection: Connection, incident: str) -> dict[str, State]:
    """Return the components that an incident touches now."""
    mine = (incident_parts.c.incident == incident) & (incident_parts.c.to_unix_s == 0)
    rows = connection.execute(select(incident_parts).where(mine).order_by(incident_parts.c.id))
    return {row.component: State(row.state) for row in rows}


def say(connection: Connection, parts: Parts, row: Any, said: Said, now_unix_s: float) -> str:
    """Write an update of an incident, with all that follows from it; return its id.

    Raises InvalidError (which field) or ConflictError.
    """
    body = text(said.body, "body", BODY_MAX)
    if said.display_unix_s > now_unix_s:
        raise InvalidError("display_unix_s lies in the future", "display_unix_s")
    _check_updates(connection, row)
    before = open_parts(connection, row.id)
    after = dict(before if said.components is None else said.components)
    added = {one: state for one, state in after.items() if one not in before}
    check_components(connection, added)
    is_over = said.status in CLOSED
    shown = _api_states(connection, before.keys() | after.keys())
    _move(connection, row.id, before, {} if is_over else after, now_unix_s)
    _write_incident(connection, row, said, after, now_unix_s)
    if not row.is_draft:
        states.settle(connection, parts, before.keys() | after.keys(), now_unix_s)
    affected = _affected(connection, row, (before, {} if is_over else after), shown)
    values = {
        "incident": row.id,
        "status": said.status,
        "body": body,
        "author": said.author,
        "affected": msgspec.json.encode(affected).decode(),
        "deliver": int(said.is_delivered),
        "updated_unix_s": now_unix_s,
        "display_unix_s": said.display_unix_s or now_unix_s,
    }
    id_ = _write(connection, row, values, now_unix_s)
    if said.is_delivered and not row.is_draft:
        noticing.incident_updated(connection, parts, id_, now_unix_s)
    return id_


def _check_updates(connection: Connection, row: Any) -> None:
    mine = incident_updates.c.incident == row.id
    count = connection.execute(select(func.count()).where(mine)).scalar_one()
    if count >= UPDATES_MAX:
        raise ConflictError(f"the incident has {count} updates; open another one")


def _write(connection: Connection, row: Any, values: dict[str, Any], now_unix_s: float) -> str:
    """Write the text: a draft's anew, any other after those that are there."""
    mine = incident_updates.c.incident == row.id
    there = list(connection.execute(select(incident_updates.c.id).where(mine)).scalars())
    if row.is_draft and there:
        this = incident_updates.c.id == there[0]
        connection.execute(update(incident_updates).where(this).values(values))
        return there[0]
    id_ = ids.fresh()
    fixed = {"id": id_, "position": len(there), "created_unix_s": now_unix_s}
    connection.execute(insert(incident_updates).values(**values, **fixed))
    return id_


def _move(
    connection: Connection,
    incident: str,
    before: Mapping[str, State],
    after: Mapping[str, State],
    now_unix_s: float,
) -> None:
    """End the parts that have changed, and begin those that are new."""
    for component, state in before.items():
        if after.get(component) is not state:
            mine = (
                (incident_parts.c.incident == incident)
                & (incident_parts.c.component == component)
                & (incident_parts.c.to_unix_s == 0)
            )
            until_unix_s = func.max(incident_parts.c.from_unix_s, now_unix_s)  # a clock set back
            connection.execute(update(incident_parts).where(mine).values(to_unix_s=until_unix_s))
    for component, state in after.items():
        if before.get(component) is not state:
            connection.execute(
                insert(incident_parts).values(
                    incident=incident,
                    component=component,
                    state=state.value,
                    from_unix_s=now_unix_s,
                )
            )


def _write_incident(
    connection: Connection, row: Any, said: Said, after: Mapping[str, State], now_unix_s: float
) -> None:
    values: dict[str, Any] = {"status": said.status, "updated_unix_s": now_unix_s}
    if row.kind == "incident":
        now = rollup.impact(state.value for state in after.values())
        values["impact"] = rollup.heavier(row.impact, now)
    if said.status in TIMES and row.status != said.status:
        values[TIMES[said.status]] = max(now_unix_s, row.started_unix_s)
    if row.status == "monitoring" and said.status in ("investigating", "identified"):
        values["monitoring_unix_s"] = 0.0  # it was too early
    connection.execute(update(incidents).where(incidents.c.id == row.id).values(values))


def _api_states(connection: Connection, some: set[str]) -> dict[str, Any]:
    rows = connection.execute(select(components).where(components.c.id.in_(some)))
    return {row.id: row for row in rows}


def _affected(
    connection: Connection,
    row: Any,
    change: tuple[Mapping[str, State], Mapping[str, State]],
    shown: Mapping[str, Any],
) -> list[Affected]:
    """Return what the update says of each component: a state of the public API, never unknown."""
    is_planned = row.kind == "maintenance"  # what is planned is not so yet
    nothing: Mapping[str, State] = {}
    before, after = (nothing, nothing) if is_planned else change
    working = State.OPERATIONAL.value
    is_watch = row.origin == "watch" and not row.is_taken_over
    later = _api_states(connection, set(shown))
    found: list[Affected] = []
    for component, there in sorted(shown.items(), key=lambda one: one[1].position):
        old = before[component].value if component in before else there.api_state
        new = after[component].value if component in after else later[component].api_state
        if is_watch and component not in before:
            old = working  # the watch has set its state a moment ago
        if is_watch and component not in after:
            new = working
        found.append(Affected(component, there.name, old or working, new or working))
    return found
