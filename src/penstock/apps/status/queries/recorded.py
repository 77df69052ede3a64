"""Incidents as they are shown: read with their updates and parts, a query for each table."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.status.queries import document
from penstock.apps.status.queries.document import Document
from penstock.apps.status.tables import incident_parts, incident_updates, incidents
from penstock.apps.status.view import Affected, IncidentView, UpdateView


class Part(msgspec.Struct, frozen=True):
    """A component in an incident, for a while."""

    component: str
    state: str
    from_unix_s: float
    to_unix_s: float  # 0: it still is


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An incident with what the public page does not show."""

    view: IncidentView
    document: Document
    parts: tuple[Part, ...]
    origin: str  # watch, operator
    is_draft: bool
    is_taken_over: bool
    auto_in_progress: bool
    auto_completed: bool

    @property
    def is_the_watchs(self) -> bool:
        """Whether the watch posts its updates."""
        return self.origin == "watch" and not self.is_taken_over


def listed(connection: Connection, where: Any = None) -> list[Found]:
    """Return incidents and maintenances, the newest first; ``where`` of the incidents' table."""
    chosen = select(incidents.c.id) if where is None else select(incidents.c.id).where(where)
    statement = select(incidents).where(incidents.c.id.in_(chosen))
    rows = connection.execute(
        statement.order_by(incidents.c.started_unix_s.desc(), incidents.c.number.desc())
    ).all()
    if not rows:
        return []
    updates = _by_incident(
        connection.execute(
            select(incident_updates)
            .where(incident_updates.c.incident.in_(chosen))
            .order_by(incident_updates.c.display_unix_s.desc(), incident_updates.c.position.desc())
        )
    )
    parts = _by_incident(
        connection.execute(
            select(incident_parts)
            .where(incident_parts.c.incident.in_(chosen))
            .order_by(incident_parts.c.id)
        )
    )
    return [_found(row, updates.get(row.id, []), parts.get(row.id, [])) for row in rows]


def one(connection: Connection, incident: str) -> Found | None:
    """Return one incident; None if there is none."""
    return next(iter(listed(connection, incidents.c.id == incident)), None)


def _by_incident(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.incident, []).append(row)
    return found


def _found(row: Any, updates: Sequence[Any], parts: Sequence[Any]) -> Found:
    kept = document.read(row.document)
    view = IncidentView(
        id=row.id,
        number=row.number,
        name=row.name,
        status=row.status,
        impact=row.impact_override or row.impact,
        impact_override=row.impact_override,
        is_maintenance=row.kind == "maintenance",
        components=tuple(dict.fromkeys(part.component for part in parts)),
        updates=tuple(map(_update, updates)),
        created_unix_s=row.created_unix_s,
        updated_unix_s=row.updated_unix_s,
        started_unix_s=row.started_unix_s,
        monitoring_unix_s=row.monitoring_unix_s,
        resolved_unix_s=row.resolved_unix_s,
        scheduled_for_unix_s=row.scheduled_for_unix_s,
        scheduled_until_unix_s=row.scheduled_until_unix_s,
        culprit=kept.culprit,
        culprit_name=kept.culprit_name,
        detections=kept.detections(),
        provider_posted_unix_s=kept.provider_posted_unix_s,
        provider_link=kept.provider_link,
        evidence=kept.evidence,
        postmortem=kept.postmortem if kept.postmortem_unix_s else "",
        postmortem_unix_s=kept.postmortem_unix_s,
    )
    return Found(
        view=view,
        document=kept,
        parts=tuple(
            Part(part.component, part.state, part.from_unix_s, part.to_unix_s) for part in parts
        ),
        origin=row.origin,
        is_draft=bool(row.is_draft),
        is_taken_over=bool(row.is_taken_over),
        auto_in_progress=bool(row.auto_in_progress),
        auto_completed=bool(row.auto_completed),
    )


def _update(row: Any) -> UpdateView:
    return UpdateView(
        id=row.id,
        incident=row.incident,
        status=row.status,
        body=row.body,
        affected=msgspec.json.decode(row.affected or "[]", type=tuple[Affected, ...]),
        is_delivered=bool(row.deliver),
        created_unix_s=row.created_unix_s,
        updated_unix_s=row.updated_unix_s,
        display_unix_s=row.display_unix_s,
    )
