"""In which state each component is, who says so, and from when to when.

operator      what people say holds until they release it: their own word on the component, else the
              worst of its open parts in published incidents that people hold
maintenance   then under_maintenance, while one that touches it is in progress
watch         then what the watch says last; nothing said is unknown

``settle`` works this out and writes what has changed: ``components.state`` and its interval, and
tells subscribers, all in the caller's transaction. ``api_state`` is the last one that was known: a
change to or from unknown is nobody's news, and what people have released counts as working until
something else is known. Intervals of a component touch and never overlap; a span without any is
unknown.

The watch gives a sign of life at most every HEARTBEAT_S. If it is silent for SILENT_S (the process
was down, a loop of ours is), all that it said is unknown from its last sign of life on.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from penstock.apps.status import keeping
from penstock.apps.status.parts import Parts
from penstock.apps.status.subscriptions import noticing
from penstock.apps.status.tables import components, incident_parts, incidents, intervals
from penstock.core import rollup
from penstock.watch.component import State
from penstock.web.endpoint import MissingError

HEARTBEAT_S: Final = 60.0  # a write a minute; so exact is the end of what is known
SILENT_S: Final = 180.0  # the watch speaks every few seconds
MOMENT_S: Final = 0.001  # the shortest stretch of history
WATCHED: Final = "watched"
UNDER_WAY: Final = ("in_progress", "verifying")  # of maintenance


class Source(enum.Enum):
    """Who says in which state a component is."""

    WATCH = "watch"
    OPERATOR = "operator"
    MAINTENANCE = "maintenance"


class Wanted(NamedTuple):
    """What a component's state should be."""

    state: State
    source: Source
    incident: str = ""


class Piece(NamedTuple):
    """A stretch of history."""

    wanted: Wanted
    from_unix_s: float
    to_unix_s: float


class Heartbeat(msgspec.Struct, frozen=True):
    """When the watch last spoke."""

    at_unix_s: float


def worst(states: Iterable[State]) -> State:
    """Return the worst of some states; unknown without any."""
    return State(rollup.worst(state.value for state in states))


def watched(
    connection: Connection, parts: Parts, states: Mapping[str, State], now_unix_s: float
) -> set[str]:
    """Take what the watch says of components; return those whose own state has changed by it."""
    silence(connection, parts, now_unix_s)
    beat = keeping.read(connection, WATCHED, Heartbeat)
    if beat is None or not 0.0 <= now_unix_s - beat.at_unix_s < HEARTBEAT_S:
        keeping.write(connection, WATCHED, Heartbeat(now_unix_s), now_unix_s)
    rows = connection.execute(select(components.c.id, components.c.watch_state))
    news = {
        row.id: states[row.id]
        for row in rows
        if row.id in states and row.watch_state != states[row.id].value
    }
    for component, state in news.items():
        _set(connection, component, watch_state=state.value)
    return settle(connection, parts, news, now_unix_s)


def silence(connection: Connection, parts: Parts, now_unix_s: float) -> set[str]:
    """Forget what the watch said if it has been silent for too long; return what has changed."""
    beat = keeping.read(connection, WATCHED, Heartbeat)
    if beat is None or now_unix_s - beat.at_unix_s < SILENT_S:
        return set()
    said = components.c.watch_state.not_in(("", State.UNKNOWN.value))
    stale = list(connection.execute(select(components.c.id).where(said)).scalars())
    for component in stale:
        _set(connection, component, watch_state=State.UNKNOWN.value)
    return settle(connection, parts, stale, now_unix_s, since_unix_s=beat.at_unix_s)


def leave(connection: Connection, now_unix_s: float) -> None:
    """End the history of components that are gone; should they come back, it begins anew."""
    gone = select(components.c.id).where(components.c.is_gone == 1)
    running = (intervals.c.to_unix_s == 0) & intervals.c.component.in_(gone)
    until_unix_s = func.max(intervals.c.from_unix_s + MOMENT_S, now_unix_s)
    connection.execute(update(intervals).where(running).values(to_unix_s=until_unix_s))
    spoken = (components.c.is_gone == 1) & (components.c.watch_state != "")
    connection.execute(update(components).where(spoken).values(watch_state=""))


def override(
    connection: Connection, parts: Parts, component: str, state: State | None, now_unix_s: float
) -> bool:
    """Set what people say of a component, or release it (None); tell whether its state changes.

    Raises MissingError.
    """
    mine = components.c.id == component
    found = connection.execute(select(components).where(mine, components.c.is_gone == 0)).first()
    if found is None or found.is_group:
        raise MissingError(f"there is no component {component}")
    _set(connection, component, operator_state=state.value if state else "")
    return bool(settle(connection, parts, [component], now_unix_s))


def settle(
    connection: Connection,
    parts: Parts,
    some: Iterable[str],
    now_unix_s: float,
    *,
    since_unix_s: float = 0.0,  # when it became so, if earlier than now
) -> set[str]:
    """Bring components in line with what is said of them; return those that have changed."""
    asked = list(some)
    if not asked:
        return set()
    rows = connection.execute(select(components).where(components.c.id.in_(asked))).all()
    is_open = (intervals.c.to_unix_s == 0, intervals.c.component.in_(asked))
    running = {one.component: one for one in connection.execute(select(intervals).where(*is_open))}
    held = _held(connection, asked)
    changed: set[str] = set()
    for row in rows:
        wanted = _wanted(row, held.get(row.id, []))
        before = running.get(row.id)
        if before is not None and (before.state, before.source, before.incident) == (
            wanted.state.value,
            wanted.source.value,
            wanted.incident,
        ):
            continue
        _turn_over(connection, row.id, before, wanted, since_unix_s or now_unix_s)
        if _show(connection, parts, row, before, wanted.state, now_unix_s):
            changed.add(row.id)
    return changed


def rewrite(connection: Connection, component: str, piece: Piece) -> None:
    """Put a stretch of the past in place of what was noted for it."""
    from_unix_s, to_unix_s = piece.from_unix_s, piece.to_unix_s
    mine = (
        (intervals.c.component == component)
        & (intervals.c.from_unix_s < to_unix_s)
        & ((intervals.c.to_unix_s == 0) | (intervals.c.to_unix_s > from_unix_s))
    )
    for row in connection.execute(select(intervals).where(mine)).all():
        this = intervals.c.id == row.id
        has_tail = row.to_unix_s == 0 or row.to_unix_s > to_unix_s
        if row.from_unix_s < from_unix_s:
            connection.execute(update(intervals).where(this).values(to_unix_s=from_unix_s))
            if has_tail:
                again = Wanted(State(row.state), Source(row.source), row.incident)
                _insert(connection, component, again, to_unix_s, row.to_unix_s)
        elif has_tail:
            connection.execute(update(intervals).where(this).values(from_unix_s=to_unix_s))
        else:
            connection.execute(delete(intervals).where(this))
    _insert(connection, component, piece.wanted, from_unix_s, to_unix_s)


def _held(connection: Connection, some: list[str]) -> dict[str, list[Any]]:
    """Return the open parts that decide, by component: people's, and maintenance under way."""
    statement = (
        select(
            incident_parts.c.component,
            incident_parts.c.state,
            incidents.c.kind,
            incidents.c.id.label("incident"),
        )
        .join(incidents, incidents.c.id == incident_parts.c.incident)
        .where(
            incident_parts.c.to_unix_s == 0,
            incident_parts.c.component.in_(some),
            incidents.c.is_draft == 0,
            incidents.c.status.in_(UNDER_WAY)
            | (incidents.c.kind == "incident")
            & ((incidents.c.origin == "operator") | (incidents.c.is_taken_over == 1)),
        )
        .order_by(incidents.c.number)
    )
    found: dict[str, list[Any]] = {}
    for row in connection.execute(statement):
        found.setdefault(row.component, []).append(row)
    return found


def _wanted(row: Any, held: list[Any]) -> Wanted:
    if row.operator_state:
        return Wanted(State(row.operator_state), Source.OPERATOR)
    people = [one for one in held if one.kind == "incident"]
    if people:
        state = worst(State(one.state) for one in people)
        incident = next(one.incident for one in people if one.state == state.value)
        return Wanted(state, Source.OPERATOR, incident)
    if held:
        return Wanted(State.MAINTENANCE, Source.MAINTENANCE, held[0].incident)
    return Wanted(State(row.watch_state or State.UNKNOWN.value), Source.WATCH)


def _turn_over(
    connection: Connection, component: str, before: Any, wanted: Wanted, at_unix_s: float
) -> None:
    """End a component's interval, and begin the next one; a clock set back makes no overlap."""
    if before is not None:
        at_unix_s = max(at_unix_s, before.from_unix_s)
        this = intervals.c.id == before.id
        if at_unix_s == before.from_unix_s:
            connection.execute(delete(intervals).where(this))
        else:
            connection.execute(update(intervals).where(this).values(to_unix_s=at_unix_s))
    _insert(connection, component, wanted, at_unix_s, 0.0)


def _show(
    connection: Connection, parts: Parts, row: Any, before: Any, state: State, now_unix_s: float
) -> bool:
    """Write what a component's row says; tell subscribers; tell whether the state is another."""
    last = State(row.api_state or State.OPERATIONAL.value)
    is_released = before is not None and before.source != Source.WATCH.value
    known = State.OPERATIONAL if is_released else last
    shown = known if state is State.UNKNOWN else state
    if row.state == state.value and row.api_state == shown.value:
        return False
    _set(
        connection,
        row.id,
        state=state.value,
        api_state=shown.value,
        updated_unix_s=now_unix_s,
    )
    if shown is not last:
        noticing.component_changed(connection, parts, row.id, (last, shown), now_unix_s)
    return row.state != state.value or shown is not last


def _insert(
    connection: Connection, component: str, wanted: Wanted, from_unix_s: float, to_unix_s: float
) -> None:
    values = {
        "component": component,
        "state": wanted.state.value,
        "source": wanted.source.value,
        "incident": wanted.incident,
        "from_unix_s": from_unix_s,
        "to_unix_s": to_unix_s,
    }
    connection.execute(insert(intervals).values(values))


def _set(connection: Connection, component: str, **values: Any) -> None:
    connection.execute(update(components).where(components.c.id == component).values(**values))
