"""The objects of Statuspage's public API, v2: their keys in its order, their words and their nulls.

ids     opaque; times in ISO 8601, UTC, with milliseconds and Z; a time that has not come is null
text    that nobody gave is null: a component's description, the group of one without
lists   an incident's updates have the newest first; ``affected_components`` of an update that names
        none is null, an incident's ``components`` may be empty
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from penstock.apps.status.site import overall
from penstock.apps.status.view import (
    Affected,
    ComponentView,
    IncidentView,
    UpdateView,
    View,
)

Json = dict[str, Any]
INDICATORS: Final = ("none", "minor", "major", "critical", "maintenance")
STATUSES: Final = ("investigating", "identified", "monitoring", "resolved", "postmortem")
MAINTENANCE_STATUSES: Final = ("scheduled", "in_progress", "verifying", "completed")


def page(view: View) -> Json:
    """Return whose status it is."""
    return {
        "id": view.page_id,
        "name": view.name,
        "url": view.url,
        "time_zone": view.time_zone,
        "updated_at": at(view.updated_unix_s),
    }


def status(view: View) -> Json:
    """Return what is said of everything together."""
    found = overall.of(view)
    return {"indicator": found.indicator, "description": found.description}


def component(view: View, one: ComponentView) -> Json:
    """Return a component or a group."""
    found: Json = {
        "id": one.id,
        "name": one.name,
        "status": overall.state_of(view, one).value,
        "created_at": at(one.created_unix_s),
        "updated_at": at(one.updated_unix_s),
        "position": one.position,
        "description": one.description or None,
        "showcase": not one.is_group,
        "start_date": None if one.is_group else day(one.start_unix_s),
        "group_id": one.group_id or None,
        "page_id": view.page_id,
        "group": one.is_group,
        "only_show_if_degraded": one.only_show_if_degraded,
    }
    if one.is_group:
        found["components"] = list(one.members)
    return found


def components(view: View, ids: tuple[str, ...]) -> list[Json]:
    """Return the components that an incident names, in its order, as they are now."""
    by_id: Mapping[str, ComponentView] = {one.id: one for one in view.components}
    return [component(view, by_id[id_]) for id_ in ids if id_ in by_id]


def incident(view: View, one: IncidentView) -> Json:
    """Return an incident."""
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "created_at": at(one.created_unix_s),
        "updated_at": at(one.updated_unix_s),
        "monitoring_at": at_or_null(one.monitoring_unix_s),
        "resolved_at": at_or_null(one.resolved_unix_s),
        "impact": impact(one),
        "shortlink": link(view, one),
        "started_at": at(one.started_unix_s or one.created_unix_s),
        "page_id": view.page_id,
        "incident_updates": [update(each) for each in one.updates],
        "components": components(view, one.components),
        "reminder_intervals": None,
    }


def maintenance(view: View, one: IncidentView) -> Json:
    """Return a scheduled maintenance: an incident, and when it is to be."""
    return {
        **incident(view, one),
        "scheduled_for": at(one.scheduled_for_unix_s),
        "scheduled_until": at(one.scheduled_until_unix_s),
    }


def update(one: UpdateView) -> Json:
    """Return one update of an incident."""
    return {
        "id": one.id,
        "status": one.status,
        "body": one.body,
        "incident_id": one.incident,
        "created_at": at(one.created_unix_s),
        "updated_at": at(one.updated_unix_s or one.created_unix_s),
        "display_at": at(one.display_unix_s or one.created_unix_s),
        "affected_components": [affected(each) for each in one.affected] or None,
        "deliver_notifications": one.is_delivered,
        "custom_tweet": None,
        "tweet_id": None,
    }


def affected(one: Affected) -> Json:
    """Return what an update says of a component."""
    return {
        "code": one.code,
        "name": one.name,
        "old_status": overall.word(one.old_status),
        "new_status": overall.word(one.new_status),
    }


def impact(one: IncidentView) -> str:
    """Return how bad it is: what an operator says, else what its components came to."""
    return one.impact_override or one.impact or ("maintenance" if one.is_maintenance else "none")


def link(view: View, one: IncidentView) -> str:
    """Return where an incident's page is."""
    return f"{view.url}/incidents/{one.id}"


def at(unix_s: float) -> str:
    """Return an instant as the API writes it."""
    instant = dt.datetime.fromtimestamp(unix_s, dt.UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def at_or_null(unix_s: float) -> str | None:
    """Return an instant, or null if it has not come."""
    return at(unix_s) if unix_s else None


def day(unix_s: float) -> str | None:
    """Return a day of UTC; null: not known."""
    return dt.datetime.fromtimestamp(unix_s, dt.UTC).date().isoformat() if unix_s else None
