"""What a webhook of Statuspage's is told: that an incident has changed, or a component's state.

    meta        how to be told no more, where this is documented, when the payload was made
    page        whose status it is, and what is said of everything together
    incident    the whole incident as it stands, its updates with the newest first
    component   the component as it stands, and ``component_update`` with the change itself

Statuspage's v2 vocabulary only: a state that is unknown is told as the last that was known.
"""

from typing import Any

from penstock.apps.status import components
from penstock.apps.status.site import overall, statuspage
from penstock.apps.status.site.statuspage import at, at_or_null
from penstock.apps.status.view import ComponentView, IncidentView, UpdateView, View
from penstock.watch.component import State


def incident_payload(
    view: View, incident: IncidentView, *, unsubscribe: str, generated_unix_s: float
) -> dict[str, Any]:
    """Return what is sent when an incident or a maintenance has got an update."""
    return {**_head(view, unsubscribe, generated_unix_s), "incident": _incident(view, incident)}


def component_payload(
    view: View,
    component: ComponentView,
    change: tuple[str, str],  # from, to
    *,
    unsubscribe: str,
    generated_unix_s: float,
) -> dict[str, Any]:
    """Return what is sent when a component's state has changed."""
    old, new = change
    changed_unix_s = component.updated_unix_s or generated_unix_s
    key = f"component_update {component.id} {old} {new} {changed_unix_s!r}"
    if new == State.UNKNOWN.value:
        new = component.api_state.value
    return {
        **_head(view, unsubscribe, generated_unix_s),
        "component": statuspage.component(view, component),
        "component_update": {
            "old_status": overall.word(old),
            "new_status": overall.word(new),
            "created_at": at(changed_unix_s),
            "component_type": "Component",
            "id": components.id_of(view.page_id, key),
            "component_id": component.id,
        },
    }


def _head(view: View, unsubscribe: str, generated_unix_s: float) -> dict[str, Any]:
    found = overall.of(view)
    return {
        "meta": {
            "unsubscribe": unsubscribe,
            "documentation": f"{view.url}/api",
            "generated_at": at(generated_unix_s),
        },
        "page": {
            "id": view.page_id,
            "status_indicator": found.indicator,
            "status_description": found.description,
        },
    }


def _incident(view: View, one: IncidentView) -> dict[str, Any]:
    """Return an incident as webhooks have it: other keys than the API's, in another order."""
    told = one.postmortem_unix_s if one.postmortem else 0.0
    return {
        "name": one.name,
        "status": one.status,
        "created_at": at(one.created_unix_s),
        "updated_at": at(one.updated_unix_s),
        "monitoring_at": at_or_null(one.monitoring_unix_s),
        "resolved_at": at_or_null(one.resolved_unix_s),
        "impact": statuspage.impact(one),
        "shortlink": statuspage.link(view, one),
        "postmortem_ignored": False,
        "postmortem_body": one.postmortem or None,
        "postmortem_body_last_updated_at": at_or_null(told),
        "postmortem_published_at": at_or_null(told),
        "postmortem_notified_subscribers": bool(told),
        "postmortem_notified_twitter": False,
        "backfilled": False,
        "scheduled_for": at_or_null(one.scheduled_for_unix_s),
        "scheduled_until": at_or_null(one.scheduled_until_unix_s),
        "scheduled_remind_prior": False,
        "scheduled_reminded_at": None,
        "impact_override": one.impact_override or None,
        "scheduled_auto_in_progress": False,
        "scheduled_auto_completed": False,
        "id": one.id,
        "page_id": view.page_id,
        "incident_updates": [_update(each) for each in one.updates],
        "components": statuspage.components(view, one.components),
    }


def _update(one: UpdateView) -> dict[str, Any]:
    return {
        "status": one.status,
        "body": one.body,
        "created_at": at(one.created_unix_s),
        "wants_twitter_update": False,
        "twitter_updated_at": None,
        "updated_at": at(one.updated_unix_s or one.created_unix_s),
        "display_at": at(one.display_unix_s or one.created_unix_s),
        "id": one.id,
        "incident_id": one.incident,
    }
