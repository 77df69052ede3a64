"""Webhook payloads have Statuspage's keys, in its order, and words of its vocabulary only."""

import json
from typing import Any, Final

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.apps.status.site.views import CHAT, NOW, OPEN, VIEW, views

from penstock.apps.status.site import statuspage
from penstock.apps.status.site.webhook_payloads import component_payload, incident_payload
from penstock.apps.status.view import View
from penstock.watch.component import State

UNSUBSCRIBE: Final = "https://status.example/unsubscribe/x"
COMPONENT: Final = """
{"meta":{"unsubscribe":"https://status.example/unsubscribe/x",
  "documentation":"https://status.example/api","generated_at":"2026-03-02T12:05:00.250Z"},
 "page":{"id":"page00000000","status_indicator":"major",
  "status_description":"Partial System Outage"},
 "component":{"id":"chat00000001","name":"Web chat","status":"major_outage",
  "created_at":"2025-12-02T12:05:00.250Z","updated_at":"2026-03-02T11:50:00.250Z","position":1,
  "description":"What people open","showcase":true,"start_date":"2025-12-02","group_id":null,
  "page_id":"page00000000","group":false,"only_show_if_degraded":false},
 "component_update":{"old_status":"operational","new_status":"major_outage",
  "created_at":"2026-03-02T11:50:00.250Z","component_type":"Component","id":"ID",
  "component_id":"chat00000001"}}
"""
INCIDENT: Final = [
    "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact",
    "shortlink", "postmortem_ignored", "postmortem_body", "postmortem_body_last_updated_at",
    "postmortem_published_at", "postmortem_notified_subscribers", "postmortem_notified_twitter",
    "backfilled", "scheduled_for", "scheduled_until", "scheduled_remind_prior",
    "scheduled_reminded_at", "impact_override", "scheduled_auto_in_progress",
    "scheduled_auto_completed", "id", "page_id", "incident_updates", "components",
]  # fmt: skip
UPDATE: Final = [
    "status", "body", "created_at", "wants_twitter_update", "twitter_updated_at", "updated_at",
    "display_at", "id", "incident_id",
]  # fmt: skip


def _component(view: View, number: int, change: tuple[str, str]) -> dict[str, Any]:
    one = view.components[number]
    return component_payload(view, one, change, unsubscribe=UNSUBSCRIBE, generated_unix_s=NOW)


def test_a_components_change_is_told_as_statuspage_tells_it() -> None:
    found = _component(VIEW, 0, ("operational", "major_outage"))
    expected = json.loads(COMPONENT.replace("ID", found["component_update"]["id"]))
    assert json.dumps(found) == json.dumps(expected)


def test_an_incidents_change_is_told_as_statuspage_tells_it() -> None:
    found = incident_payload(VIEW, VIEW.incidents[0], unsubscribe=UNSUBSCRIBE, generated_unix_s=NOW)
    assert list(found) == ["meta", "page", "incident"]
    incident = found["incident"]
    assert list(incident) == INCIDENT
    assert [list(one) for one in incident["incident_updates"]] == [UPDATE, UPDATE]
    assert [one["status"] for one in incident["incident_updates"]] == [
        "identified", "investigating",
    ]  # fmt: skip
    assert incident["shortlink"] == f"https://status.example/incidents/{OPEN}"
    assert incident["postmortem_body"] is None
    assert incident["scheduled_for"] is None
    assert incident["components"][0] == statuspage.component(VIEW, VIEW.components[0])
    assert incident["components"][0]["id"] == CHAT


def test_a_maintenance_tells_when_it_is_to_be_and_a_postmortem_what_it_says() -> None:
    planned = incident_payload(
        VIEW, VIEW.maintenances[0], unsubscribe=UNSUBSCRIBE, generated_unix_s=NOW
    )["incident"]
    assert planned["scheduled_for"] == "2026-03-03T12:05:00.250Z"
    assert planned["scheduled_until"] == "2026-03-03T13:05:00.250Z"
    assert planned["impact"] == "maintenance"
    told = incident_payload(VIEW, VIEW.incidents[1], unsubscribe=UNSUBSCRIBE, generated_unix_s=NOW)[
        "incident"
    ]
    assert (told["impact"], told["impact_override"]) == ("major", "major")
    assert told["postmortem_body"] == "# What happened"


@given(views(), st.sampled_from(State), st.sampled_from(State))
def test_a_component_is_never_told_to_be_unknown(view: View, old: State, new: State) -> None:
    assume(view.components)
    found = _component(view, 0, (old.value, new.value))
    told = found["component_update"]
    assert "unknown" not in (told["old_status"], told["new_status"], found["component"]["status"])


def test_the_same_change_has_the_same_id_and_another_has_another() -> None:
    first = _component(VIEW, 0, ("operational", "major_outage"))["component_update"]["id"]
    again = _component(VIEW, 0, ("operational", "major_outage"))["component_update"]["id"]
    other = _component(VIEW, 1, ("operational", "major_outage"))["component_update"]["id"]
    assert first == again != other
    assert len(first) == 12
