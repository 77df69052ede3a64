"""Incidents: opened, told of, taken over from the watch and handed back, resolved.

Every change is durable before it is answered, and the site is rendered anew after it.
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection

from penstock.apps.status.api import fields, incident_rows
from penstock.apps.status.api.fields import ChosenState
from penstock.apps.status.api.incident_bodies import (
    Change,
    IncidentsQuery,
    NewIncident,
    NewUpdate,
    PastIncident,
    Resolution,
    UpdateChange,
)
from penstock.apps.status.api.incident_rows import Incident
from penstock.apps.status.call import Call
from penstock.apps.status.incidents import incidents, saying
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.queries import recorded
from penstock.apps.status.tables import incidents as table
from penstock.watch.component import State
from penstock.web.endpoint import (
    ConflictError,
    Endpoint,
    InvalidError,
    MissingError,
    Role,
)

RAISES: Final = (MissingError, ConflictError)
KIND: Final = "incident"


def list_incidents(call: Call) -> list[Incident]:
    """Return incidents, the newest first."""
    query: IncidentsQuery = call.query
    where = table.c.kind == KIND
    closed = table.c.status.in_(saying.CLOSED)
    match query.state:
        case "open":
            where &= ~closed
        case "closed":
            where &= closed
        case "draft":
            where &= table.c.is_draft == 1
        case "all":
            pass
    with call.parts.store.reading() as connection:
        names = fields.names(connection)
        found = recorded.listed(connection, where)
    return [incident_rows.as_incident(one, names) for one in found[: query.limit]]


def get_incident(call: Call) -> Incident:
    """Return one incident."""
    with call.parts.store.reading() as connection:
        return incident_rows.told(connection, call.path["id"])


def open_incident(call: Call) -> Incident:
    """Open an incident."""
    wanted: NewIncident = call.body
    started_unix_s = wanted.started_unix_s
    if started_unix_s and started_unix_s < call.now_unix_s - incidents.PAST_S_MAX:
        raise InvalidError("started_unix_s is more than a year ago", "body.started_unix_s")
    opening = incidents.Opening(
        name=wanted.name,
        said=Said(
            status=wanted.status,
            body=wanted.body,
            components=_states(wanted.components),
            author=call.actor.name,
            is_delivered=wanted.is_delivered,
        ),
        impact_override=wanted.impact_override,
        is_draft=wanted.is_draft,
        started_unix_s=started_unix_s,
    )
    with call.parts.store.writing(is_durable=True) as connection, fields.of_body():
        id_ = incidents.open_(connection, call.parts, opening, call.now_unix_s)
        call.audit(connection, "open", (KIND, id_), None, wanted)
        after = incident_rows.told(connection, id_)
    call.parts.touch()
    return after


def backfill(call: Call) -> Incident:
    """Write down an incident that is over."""
    wanted: PastIncident = call.body
    past = incidents.Past(
        name=wanted.name,
        body=wanted.body,
        components=_states(wanted.components),
        from_unix_s=wanted.from_unix_s,
        to_unix_s=wanted.to_unix_s,
        impact_override=wanted.impact_override,
        author=call.actor.name,
    )
    with call.parts.store.writing(is_durable=True) as connection, fields.of_body():
        id_ = incidents.backfill(connection, past, call.now_unix_s)
        call.audit(connection, "backfill", (KIND, id_), None, wanted)
        after = incident_rows.told(connection, id_)
    call.parts.touch()
    return after


def change_incident(call: Call) -> Incident:
    """Change name and impact of an incident."""
    wanted: Change = call.body

    def work(connection: Connection, before: Incident) -> None:
        name = before.name if wanted.name is None else wanted.name
        impact = wanted.impact_override
        impact = before.impact_override if impact is None else impact
        incidents.amend(connection, before.id, name, impact, call.now_unix_s)

    return _changed(call, "change", work)


def post_update(call: Call) -> Incident:
    """Post an update."""
    wanted: NewUpdate = call.body
    said = Said(
        status=wanted.status,
        body=wanted.body,
        components=None if wanted.components is None else _states(wanted.components),
        author=call.actor.name,
        is_delivered=wanted.is_delivered,
    )
    return _changed(
        call,
        "update",
        lambda connection, before: incidents.update(
            connection, call.parts, before.id, said, call.now_unix_s
        ),
    )


def edit_update(call: Call) -> Incident:
    """Correct an update."""
    wanted: UpdateChange = call.body
    update = call.path["update"]
    change = incidents.Edit(body=wanted.body, display_unix_s=wanted.display_unix_s)

    def work(connection: Connection, before: Incident) -> None:
        if all(one.id != update for one in before.updates):
            raise MissingError(f"the incident has no update {update[:64]!r}")
        incidents.edit(connection, update, change, call.now_unix_s)

    return _changed(call, "edit_update", work)


def resolve(call: Call) -> Incident:
    """Resolve an incident."""
    wanted: Resolution = call.body
    said = (wanted.body, call.actor.name)
    return _changed(
        call,
        "resolve",
        lambda connection, before: incidents.resolve(
            connection, call.parts, before.id, said, call.now_unix_s
        ),
    )


def publish(call: Call) -> Incident:
    """Publish a draft."""
    return _changed(
        call,
        "publish",
        lambda connection, before: incidents.publish(
            connection, call.parts, before.id, call.now_unix_s
        ),
    )


def take_over(call: Call) -> Incident:
    """Take an incident of the watch into people's hands."""
    return _changed(
        call,
        "take_over",
        lambda connection, before: incidents.take_over(
            connection, call.parts, before.id, call.now_unix_s
        ),
    )


def hand_back(call: Call) -> Incident:
    """Leave an incident to the watch again."""
    return _changed(
        call,
        "hand_back",
        lambda connection, before: incidents.hand_back(
            connection, call.parts, before.id, call.now_unix_s
        ),
    )


def discard(call: Call) -> None:
    """Remove a draft."""
    with call.parts.store.writing(is_durable=True) as connection:
        before = incident_rows.told(connection, call.path["id"])
        incidents.discard(connection, before.id)
        call.audit(connection, "discard", (KIND, before.id), _said(before))


def _changed(call: Call, action: str, work: Callable[[Connection, Incident], object]) -> Incident:
    """Change one incident in a transaction, note it, and render the site anew."""
    with call.parts.store.writing(is_durable=True) as connection, fields.of_body():
        before = incident_rows.told(connection, call.path["id"])
        work(connection, before)
        after = incident_rows.told(connection, before.id)
        call.audit(connection, action, (KIND, before.id), _said(before), _said(after, call.body))
    call.parts.touch()
    return after


def _said(incident: Incident, body: object = None) -> dict[str, object]:
    """Return what the audit log keeps of an incident: how it stands, and what was asked."""
    told: dict[str, object] = {
        "name": incident.name,
        "status": incident.status,
        "impact": incident.impact,
        "is_draft": incident.is_draft,
        "is_taken_over": incident.is_taken_over,
        "components": {one.name: one.state for one in incident.components if not one.to_unix_s},
    }
    return told | ({"asked": body} if body is not None else {})


def _states(given: dict[str, ChosenState]) -> dict[str, State]:
    return {component: State(state) for component, state in given.items()}


def _step(name: str, summary: str, handler: Callable[[Call], Incident]) -> Endpoint:
    return Endpoint(
        method="POST",
        path=f"/incidents/{{id}}/{name}",
        summary=summary,
        tag="incidents",
        role=Role.OPERATOR,
        handler=handler,
        answer=Incident,
        raises=RAISES,
    )


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/incidents",
        summary="List incidents, the newest first, drafts too",
        tag="incidents",
        role=Role.VIEWER,
        handler=list_incidents,
        query=IncidentsQuery,
        answer=list[Incident],
    ),
    Endpoint(
        method="POST",
        path="/incidents",
        summary="Open an incident, published or as a draft",
        tag="incidents",
        role=Role.OPERATOR,
        handler=open_incident,
        body=NewIncident,
        answer=Incident,
        status=201,
        raises=(ConflictError,),
    ),
    Endpoint(
        method="POST",
        path="/incidents/past",
        summary="Write down an incident that is over; nobody is told",
        tag="incidents",
        role=Role.OPERATOR,
        handler=backfill,
        body=PastIncident,
        answer=Incident,
        status=201,
    ),
    Endpoint(
        method="GET",
        path="/incidents/{id}",
        summary="Show an incident",
        tag="incidents",
        role=Role.VIEWER,
        handler=get_incident,
        answer=Incident,
        raises=(MissingError,),
    ),
    Endpoint(
        method="PATCH",
        path="/incidents/{id}",
        summary="Change an incident's name, or the impact that is told",
        tag="incidents",
        role=Role.OPERATOR,
        handler=change_incident,
        body=Change,
        answer=Incident,
        raises=(MissingError,),
    ),
    Endpoint(
        method="DELETE",
        path="/incidents/{id}",
        summary="Discard a draft",
        tag="incidents",
        role=Role.OPERATOR,
        handler=discard,
        answer=None,
        raises=RAISES,
    ),
    Endpoint(
        method="POST",
        path="/incidents/{id}/updates",
        summary="Post an update; a watch's incident is taken over by it",
        tag="incidents",
        role=Role.OPERATOR,
        handler=post_update,
        body=NewUpdate,
        answer=Incident,
        raises=RAISES,
    ),
    Endpoint(
        method="PATCH",
        path="/incidents/{id}/updates/{update}",
        summary="Correct an update's text or time; nobody is told again",
        tag="incidents",
        role=Role.OPERATOR,
        handler=edit_update,
        body=UpdateChange,
        answer=Incident,
        raises=(MissingError,),
    ),
    Endpoint(
        method="POST",
        path="/incidents/{id}/resolve",
        summary="Resolve an incident; its components are released",
        tag="incidents",
        role=Role.OPERATOR,
        handler=resolve,
        body=Resolution,
        answer=Incident,
        raises=RAISES,
    ),
    _step("publish", "Publish a draft", publish),
    _step("take-over", "Take an incident of the watch into people's hands", take_over),
    _step("hand-back", "Leave an incident to the watch again", hand_back),
)
