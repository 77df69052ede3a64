"""Maintenance: scheduled, moved, begun, ended, cancelled."""

from collections.abc import Callable
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection

from penstock.apps.status.api import fields, incident_rows
from penstock.apps.status.api.fields import Instant
from penstock.apps.status.api.incident_rows import Maintenance
from penstock.apps.status.call import Call
from penstock.apps.status.incidents import maintenance
from penstock.apps.status.incidents.maintenance import Announcement, Post, Schedule
from penstock.apps.status.queries import recorded
from penstock.apps.status.tables import incidents as table
from penstock.web.endpoint import ConflictError, Endpoint, Limit, MissingError, Role

RAISES: Final = (MissingError, ConflictError)
KIND: Final = "maintenance"
BEGUN: Final = "The maintenance has begun."
OVER: Final = "The maintenance is over."


class MaintenancesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which maintenances."""

    state: Literal["all", "open", "closed"] = "all"
    limit: Limit = 50


class NewMaintenance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to announce."""

    name: str  # at most 200 characters
    body: str  # at most 8000 characters
    components: list[str] = []  # ids
    from_unix_s: Instant
    until_unix_s: Instant
    begins_itself: bool = True
    ends_itself: bool = True
    is_delivered: bool = True  # subscribers are told


class MaintenanceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is changed of a maintenance; null leaves it."""

    name: str | None = None
    from_unix_s: Instant | None = None
    until_unix_s: Instant | None = None
    begins_itself: bool | None = None
    ends_itself: bool | None = None


class MaintenanceUpdate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An update of a maintenance; its steps go forward only."""

    body: str
    status: Literal["scheduled", "in_progress", "verifying", "completed"]
    components: list[str] | None = None  # ids; null: as before
    is_delivered: bool = True


def list_maintenances(call: Call) -> list[Maintenance]:
    """Return maintenances, the newest first."""
    query: MaintenancesQuery = call.query
    where = table.c.kind == KIND
    closed = table.c.status == "completed"
    if query.state != "all":
        where &= closed if query.state == "closed" else ~closed
    with call.parts.store.reading() as connection:
        names = fields.names(connection)
        found = recorded.listed(connection, where)
    return [incident_rows.as_maintenance(one, names) for one in found[: query.limit]]


def get_maintenance(call: Call) -> Maintenance:
    """Return one maintenance."""
    with call.parts.store.reading() as connection:
        return incident_rows.told_maintenance(connection, call.path["id"])


def schedule(call: Call) -> Maintenance:
    """Announce a maintenance."""
    wanted: NewMaintenance = call.body
    announcement = Announcement(
        name=wanted.name,
        body=wanted.body,
        components=tuple(wanted.components),
        schedule=Schedule(
            from_unix_s=wanted.from_unix_s,
            until_unix_s=wanted.until_unix_s,
            begins_itself=wanted.begins_itself,
            ends_itself=wanted.ends_itself,
        ),
        author=call.actor.name,
        is_delivered=wanted.is_delivered,
    )
    with call.parts.store.writing(is_durable=True) as connection, fields.of_body():
        id_ = maintenance.schedule(connection, call.parts, announcement, call.now_unix_s)
        call.audit(connection, "schedule", (KIND, id_), None, wanted)
        after = incident_rows.told_maintenance(connection, id_)
    call.parts.touch()
    return after


def change(call: Call) -> Maintenance:
    """Change name and times."""
    wanted: MaintenanceChange = call.body

    def work(connection: Connection, before: Maintenance) -> None:
        given = {
            name: value
            for name, value in msgspec.structs.asdict(wanted).items()
            if value is not None and name != "name"
        }
        when = Schedule(
            from_unix_s=before.from_unix_s,
            until_unix_s=before.until_unix_s,
            begins_itself=before.begins_itself,
            ends_itself=before.ends_itself,
        )
        name = before.name if wanted.name is None else wanted.name
        when = msgspec.structs.replace(when, **given)
        maintenance.reschedule(connection, before.id, name, when, call.now_unix_s)

    return _changed(call, "change", work)


def post(call: Call) -> Maintenance:
    """Post an update."""
    wanted: MaintenanceUpdate = call.body
    return _posted(call, "update", wanted)


def start(call: Call) -> Maintenance:
    """Begin a maintenance now."""
    return _posted(call, "start", MaintenanceUpdate(body=BEGUN, status="in_progress"))


def finish(call: Call) -> Maintenance:
    """End a maintenance now."""
    return _posted(call, "finish", MaintenanceUpdate(body=OVER, status="completed"))


def cancel(call: Call) -> Maintenance:
    """Cancel what has not begun."""
    return _changed(
        call,
        "cancel",
        lambda connection, before: maintenance.cancel(
            connection, call.parts, before.id, call.actor.name, call.now_unix_s
        ),
    )


def _posted(call: Call, action: str, wanted: MaintenanceUpdate) -> Maintenance:
    said = Post(
        status=wanted.status,
        body=wanted.body,
        components=None if wanted.components is None else tuple(wanted.components),
        author=call.actor.name,
        is_delivered=wanted.is_delivered,
    )
    return _changed(
        call,
        action,
        lambda connection, before: maintenance.post(
            connection, call.parts, before.id, said, call.now_unix_s
        ),
    )


def _changed(
    call: Call, action: str, work: Callable[[Connection, Maintenance], object]
) -> Maintenance:
    """Change one maintenance in a transaction, note it, and render the site anew."""
    with call.parts.store.writing(is_durable=True) as connection, fields.of_body():
        before = incident_rows.told_maintenance(connection, call.path["id"])
        work(connection, before)
        after = incident_rows.told_maintenance(connection, before.id)
        call.audit(connection, action, (KIND, before.id), _said(before), _said(after))
    call.parts.touch()
    return after


def _said(one: Maintenance) -> dict[str, object]:
    """Return what the audit log keeps of a maintenance."""
    return {
        "name": one.name,
        "status": one.status,
        "from_unix_s": one.from_unix_s,
        "until_unix_s": one.until_unix_s,
        "components": [part.name for part in one.components if not part.to_unix_s],
    }


def _step(name: str, summary: str, handler: Callable[[Call], Maintenance]) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"/maintenances/{{id}}/{name}",
        summary=summary,
        tag="maintenance",
        role=Role.OPERATOR,
        handler=handler,
        answer=Maintenance,
        raises=RAISES,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/maintenances",
        summary="List maintenances, the latest first",
        tag="maintenance",
        role=Role.VIEWER,
        handler=list_maintenances,
        query=MaintenancesQuery,
        answer=list[Maintenance],
    ),
    Endpoint(
        method="POST",
        path="/maintenances",
        summary="Announce a maintenance",
        tag="maintenance",
        role=Role.OPERATOR,
        handler=schedule,
        body=NewMaintenance,
        answer=Maintenance,
        status=201,
        raises=(ConflictError,),
    ),
    Endpoint(
        method="GET",
        path="/maintenances/{id}",
        summary="Show a maintenance",
        tag="maintenance",
        role=Role.VIEWER,
        handler=get_maintenance,
        answer=Maintenance,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PATCH",
        path="/maintenances/{id}",
        summary="Change a maintenance's name or times",
        tag="maintenance",
        role=Role.OPERATOR,
        handler=change,
        body=MaintenanceChange,
        answer=Maintenance,
        raises=RAISES,
    ),
    Endpoint(
        method="POST",
        path="/maintenances/{id}/updates",
        summary="Post an update, and take the step that it names",
        tag="maintenance",
        role=Role.OPERATOR,
        handler=post,
        body=MaintenanceUpdate,
        answer=Maintenance,
        raises=RAISES,
    ),
    _step("start", "Begin a maintenance now", start),
    _step("finish", "End a maintenance now", finish),
    _step("cancel", "Cancel a maintenance that has not begun", cancel),
)
