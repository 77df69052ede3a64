"""Incidents and maintenances as operators see them: also drafts, and what the watch proposes."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from penstock.apps.status.api import fields
from penstock.apps.status.queries import recorded
from penstock.apps.status.queries.document import Proposal
from penstock.apps.status.queries.recorded import Found
from penstock.apps.status.view import Detection, UpdateView
from penstock.web.endpoint import MissingError


class Touched(msgspec.Struct, frozen=True):
    """A component in an incident, for a while."""

    component: str
    name: str
    state: str
    from_unix_s: float
    to_unix_s: float  # 0: it still is


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. Updates: the newest first."""

    id: str
    number: int
    name: str
    status: str
    impact: str
    impact_override: str
    origin: str  # watch, operator
    is_draft: bool
    is_taken_over: bool  # of the watch's: people post, and the watch proposes
    components: list[Touched]
    updates: list[UpdateView]
    created_unix_s: float
    updated_unix_s: float
    started_unix_s: float
    monitoring_unix_s: float
    resolved_unix_s: float
    culprit: str
    culprit_name: str
    detections: list[Detection]
    provider_posted_unix_s: float
    provider_link: str
    proposal: Proposal | None  # what the watch would say now
    postmortem_unix_s: float  # when it was published; 0: it is not


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """One maintenance. Updates: the newest first."""

    id: str
    number: int
    name: str
    status: str  # scheduled, in_progress, verifying, completed
    from_unix_s: float
    until_unix_s: float
    begins_itself: bool
    ends_itself: bool
    components: list[Touched]
    updates: list[UpdateView]
    created_unix_s: float
    updated_unix_s: float
    completed_unix_s: float


def incident(connection: Connection, id_: str) -> Found:
    """Return an incident; raises MissingError."""
    return _one(connection, id_, is_maintenance=False)


def maintenance(connection: Connection, id_: str) -> Found:
    """Return a maintenance; raises MissingError."""
    return _one(connection, id_, is_maintenance=True)


def as_incident(found: Found, names: Mapping[str, str]) -> Incident:
    """Return an incident as the API tells it."""
    view = found.view
    return Incident(
        id=view.id,
        number=view.number,
        name=view.name,
        status=view.status,
        impact=view.impact,
        impact_override=view.impact_override,
        origin=found.origin,
        is_draft=found.is_draft,
        is_taken_over=found.is_taken_over,
        components=_touched(found, names),
        updates=list(view.updates),
        created_unix_s=view.created_unix_s,
        updated_unix_s=view.updated_unix_s,
        started_unix_s=view.started_unix_s,
        monitoring_unix_s=view.monitoring_unix_s,
        resolved_unix_s=view.resolved_unix_s,
        culprit=view.culprit,
        culprit_name=view.culprit_name,
        detections=list(view.detections),
        provider_posted_unix_s=view.provider_posted_unix_s,
        provider_link=view.provider_link,
        proposal=found.document.proposal,
        postmortem_unix_s=view.postmortem_unix_s,
    )


def as_maintenance(found: Found, names: Mapping[str, str]) -> Maintenance:
    """Return a maintenance as the API tells it."""
    view = found.view
    return Maintenance(
        id=view.id,
        number=view.number,
        name=view.name,
        status=view.status,
        from_unix_s=view.scheduled_for_unix_s,
        until_unix_s=view.scheduled_until_unix_s,
        begins_itself=found.auto_in_progress,
        ends_itself=found.auto_completed,
        components=_touched(found, names),
        updates=list(view.updates),
        created_unix_s=view.created_unix_s,
        updated_unix_s=view.updated_unix_s,
        completed_unix_s=view.resolved_unix_s,
    )


def told(connection: Connection, id_: str) -> Incident:
    """Return an incident as the API tells it; raises MissingError."""
    return as_incident(incident(connection, id_), fields.names(connection))


def told_maintenance(connection: Connection, id_: str) -> Maintenance:
    """Return a maintenance as the API tells it; raises MissingError."""
    return as_maintenance(maintenance(connection, id_), fields.names(connection))


def _one(connection: Connection, id_: str, *, is_maintenance: bool) -> Found:
    found = recorded.one(connection, id_)
    if found is None or found.view.is_maintenance is not is_maintenance:
        what = "maintenance" if is_maintenance else "incident"
        raise MissingError(f"there is no {what} {id_[:64]!r}")
    return found


def _touched(found: Found, names: Mapping[str, str]) -> list[Touched]:
    return [
        Touched(
            one.component,
            names.get(one.component, one.component),
            one.state,
            one.from_unix_s,
            one.to_unix_s,
        )
        for one in found.parts
    ]
