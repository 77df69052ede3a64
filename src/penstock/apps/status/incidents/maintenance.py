"""Maintenance: told beforehand, begun and ended by itself if it is to be.

    scheduled -> in_progress -> verifying -> completed       forward only; steps may be left out

    begins_itself   at its time it is in progress, and its components are under maintenance: what
                    the watch says of them meanwhile opens no incident
    ends_itself     at its end it is completed, and they are what the watch says again
    missed          whoever was away for all of it finds it completed, without a begin
    cancelled       before it has begun: completed, with words that say so

``turn`` does what is due; a change of the times is told by an update, if people post one.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from penstock.apps.status.incidents import ids, saying
from penstock.apps.status.incidents.moments import clock_words
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.parts import Parts
from penstock.apps.status.tables import incidents
from penstock.watch.component import State
from penstock.web.endpoint import ConflictError, InvalidError

STATUSES: Final = ("scheduled", "in_progress", "verifying", "completed")
AHEAD_S_MAX: Final = 366 * 86_400.0  # nobody plans further, and a typing error may
LENGTH_S_MAX: Final = 31 * 86_400.0


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """When it is, and what happens by itself."""

    from_unix_s: float
    until_unix_s: float
    begins_itself: bool = True
    ends_itself: bool = True


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """A new maintenance."""

    name: str
    body: str
    components: tuple[str, ...]
    schedule: Schedule
    author: str = ""
    is_delivered: bool = True


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """An update by people."""

    status: str
    body: str
    components: tuple[str, ...] | None = None  # None: as before
    author: str = ""
    is_delivered: bool = True


def schedule(connection: Connection, parts: Parts, wanted: Announcement, now_unix_s: float) -> str:
    """Announce a maintenance; return its id. Raises InvalidError or ConflictError."""
    when = wanted.schedule
    _check(when, now_unix_s)
    saying.check_room(connection, "operator")
    touched = _all_under(wanted.components)
    saying.check_components(connection, touched)
    id_ = ids.fresh()
    connection.execute(
        insert(incidents).values(
            id=id_,
            kind="maintenance",
            name=saying.text(wanted.name, "name", saying.NAME_MAX),
            impact="maintenance",
            origin="operator",
            created_unix_s=now_unix_s,
            started_unix_s=when.from_unix_s,
            **_times(when),
        )
    )
    said = Said(
        status="scheduled",
        body=wanted.body,
        components=touched,
        author=wanted.author,
        is_delivered=wanted.is_delivered,
    )
    saying.say(connection, parts, saying.row_of(connection, id_), said, now_unix_s)
    turn(connection, parts, now_unix_s)
    return id_


def reschedule(
    connection: Connection, incident: str, name: str, when: Schedule, now_unix_s: float
) -> None:
    """Change name and times; raises MissingError, InvalidError or ConflictError."""
    row = _open_row(connection, incident)
    _check(when, now_unix_s)
    if row.status != "scheduled" and when.from_unix_s != row.scheduled_for_unix_s:
        raise ConflictError("the maintenance has begun; only its end can be moved")
    values = {
        "name": saying.text(name, "name", saying.NAME_MAX),
        "started_unix_s": when.from_unix_s,
        "updated_unix_s": now_unix_s,
        **_times(when),
    }
    connection.execute(update(incidents).where(incidents.c.id == incident).values(values))


def post(
    connection: Connection, parts: Parts, incident: str, wanted: Post, now_unix_s: float
) -> str:
    """Post an update, and take the step that it names; return its id.

    Raises MissingError, InvalidError or ConflictError.
    """
    row = _open_row(connection, incident)
    if wanted.status not in STATUSES:
        allowed = ", ".join(STATUSES)
        raise InvalidError(f"status: {wanted.status!r} is not one of {allowed}", "status")
    if STATUSES.index(wanted.status) < STATUSES.index(row.status):
        raise ConflictError(f"the maintenance is {row.status.replace('_', ' ')} already")
    said = Said(
        status=wanted.status,
        body=wanted.body,
        components=None if wanted.components is None else _all_under(wanted.components),
        author=wanted.author,
        is_delivered=wanted.is_delivered,
    )
    return saying.say(connection, parts, row, said, now_unix_s)


def cancel(
    connection: Connection, parts: Parts, incident: str, author: str, now_unix_s: float
) -> str:
    """Cancel what has not begun; return the update's id. Raises MissingError, ConflictError."""
    row = _open_row(connection, incident)
    if row.status != "scheduled":
        raise ConflictError("the maintenance has begun; complete it")
    body = "This maintenance is cancelled. Nothing changes."
    said = Said(status="completed", body=body, author=author)
    return saying.say(connection, parts, row, said, now_unix_s)


def turn(connection: Connection, parts: Parts, now_unix_s: float) -> bool:
    """Begin and end what is due; tell whether anything was."""
    mine = (incidents.c.kind == "maintenance") & incidents.c.status.in_(STATUSES[:-1])
    is_changed = False
    for row in connection.execute(select(incidents).where(mine)).all():
        said = _due(row, now_unix_s)
        if said is not None:
            saying.say(connection, parts, row, said, now_unix_s)
            is_changed = True
    return is_changed


def _due(row: Any, now_unix_s: float) -> Said | None:
    """Return what is to be said of a maintenance now, if anything."""
    is_begun = row.status != "scheduled"
    is_past = row.scheduled_until_unix_s <= now_unix_s
    if is_past and row.auto_completed and (is_begun or row.auto_in_progress):
        words = "The maintenance is over." if is_begun else "The time of this maintenance is over."
        return Said(status="completed", body=words)
    if not is_begun and row.auto_in_progress and row.scheduled_for_unix_s <= now_unix_s:
        until = clock_words(row.scheduled_until_unix_s, now_unix_s)
        return Said(
            status="in_progress",
            body=f"The maintenance has begun. It is planned to end by {until}.",
        )
    return None


def _times(when: Schedule) -> dict[str, float | int]:
    return {
        "scheduled_for_unix_s": when.from_unix_s,
        "scheduled_until_unix_s": when.until_unix_s,
        "auto_in_progress": int(when.begins_itself),
        "auto_completed": int(when.ends_itself),
    }


def _all_under(some: tuple[str, ...]) -> Mapping[str, State]:
    return dict.fromkeys(some, State.MAINTENANCE)


def _check(when: Schedule, now_unix_s: float) -> None:
    if not when.from_unix_s < when.until_unix_s <= when.from_unix_s + LENGTH_S_MAX:
        raise InvalidError("until_unix_s is not within a month after its begin", "until_unix_s")
    if when.until_unix_s <= now_unix_s:
        raise InvalidError("until_unix_s lies in the past", "until_unix_s")
    if when.from_unix_s > now_unix_s + AHEAD_S_MAX:
        raise InvalidError("from_unix_s is more than a year ahead", "from_unix_s")


def _open_row(connection: Connection, incident: str) -> Any:
    row = saying.row_of(connection, incident)
    if row.kind != "maintenance":
        raise ConflictError("this is an incident, no maintenance")
    if row.status in saying.CLOSED:
        raise ConflictError("the maintenance is over")
    return row
