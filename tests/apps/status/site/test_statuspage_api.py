"""The v2 API has Statuspage's shapes, field for field, for any page whatsoever."""

import functools
import json
import re
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from tests.apps.status.site.views import (
    CLOSED,
    COMPONENTS,
    GROUP,
    INCIDENTS,
    LOGIN,
    NOW,
    OPEN,
    OVER,
    PLANNED,
    QUIET,
    RUNNING,
    VIEW,
    views,
)

from penstock.apps.status.site import overall, statuspage, statuspage_api
from penstock.apps.status.view import IncidentView, View
from penstock.core import rollup
from penstock.watch.component import State

SCHEMA: Final = Path(__file__).parents[3] / "data" / "statuspage-api.schema.json"
ENDPOINTS: Final = (
    "summary", "status", "components", "incidents", "incidents/unresolved",
    "scheduled-maintenances", "scheduled-maintenances/upcoming", "scheduled-maintenances/active",
)  # fmt: skip
# The examples of Statuspage's own documentation, cut down to their keys.
TOP: Final = {
    "summary": ["page", "components", "incidents", "scheduled_maintenances", "status"],
    "status": ["page", "status"],
    "components": ["page", "components"],
    "incidents": ["page", "incidents"],
    "incidents/unresolved": ["page", "incidents"],
    "scheduled-maintenances": ["page", "scheduled_maintenances"],
    "scheduled-maintenances/upcoming": ["page", "scheduled_maintenances"],
    "scheduled-maintenances/active": ["page", "scheduled_maintenances"],
}
PAGE: Final = ["id", "name", "url", "time_zone", "updated_at"]
COMPONENT: Final = [
    "id", "name", "status", "created_at", "updated_at", "position", "description", "showcase",
    "start_date", "group_id", "page_id", "group", "only_show_if_degraded",
]  # fmt: skip
INCIDENT: Final = [
    "id", "name", "status", "created_at", "updated_at", "monitoring_at", "resolved_at", "impact",
    "shortlink", "started_at", "page_id", "incident_updates", "components", "reminder_intervals",
]  # fmt: skip
UPDATE: Final = [
    "id", "status", "body", "incident_id", "created_at", "updated_at", "display_at",
    "affected_components", "deliver_notifications", "custom_tweet", "tweet_id",
]  # fmt: skip


@functools.cache
def _validator(endpoint: str) -> jsonschema_rs.Draft202012Validator:
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    name = endpoint.replace("/", "~1")
    return jsonschema_rs.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})


def _served(view: View) -> dict[str, Any]:
    files = statuspage_api.files(view)
    return {
        path.removeprefix("/api/v2/").removesuffix(".json"): json.loads(file.body)
        for path, file in files.items()
    }


def test_every_endpoint_is_there_and_may_be_read_by_scripts_of_any_site() -> None:
    files = statuspage_api.files(VIEW)
    assert tuple(files) == tuple(f"/api/v2/{name}.json" for name in ENDPOINTS)
    for file in files.values():
        assert file.kind == "application/json; charset=utf-8"
        assert (file.age_s, file.is_for_all) == (30, True)


@given(views())
def test_any_page_has_the_shapes_of_our_schema(view: View) -> None:
    for endpoint, document in _served(view).items():
        _validator(endpoint).validate(document)


@given(views())
def test_the_same_page_is_the_same_bytes(view: View) -> None:
    assert statuspage_api.files(view) == statuspage_api.files(view)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_page_with_everything_has_the_shapes_of_our_schema(endpoint: str) -> None:
    _validator(endpoint).validate(_served(VIEW)[endpoint])


def test_the_schema_refuses_what_statuspage_never_says() -> None:
    document = _served(VIEW)["summary"]
    for place, value in (
        (("components", 0, "status"), "unknown"),
        (("components", 0, "created_at"), "2026-03-02T12:05:00Z"),
        (("components", 0, "extra"), 1),
        (("incidents", 0, "status"), "resolved"),
        (("incidents", 0, "scheduled_for"), None),
        (("status", "description"), "Fine"),
    ):
        wrong: Any = json.loads(json.dumps(document))
        inner = wrong
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        assert not _validator("summary").is_valid(wrong), place


def test_keys_stand_in_statuspages_order() -> None:
    served = _served(VIEW)
    assert {name: list(found) for name, found in served.items()} == TOP
    summary = served["summary"]
    assert list(summary["page"]) == PAGE
    assert list(summary["status"]) == ["indicator", "description"]
    for one in summary["components"]:
        assert list(one) == ([*COMPONENT, "components"] if one["group"] else COMPONENT)
    for one in served["incidents"]["incidents"]:
        assert list(one) == INCIDENT
        assert all(list(each) == UPDATE for each in one["incident_updates"])
    for one in summary["scheduled_maintenances"]:
        assert list(one) == [*INCIDENT, "scheduled_for", "scheduled_until"]


def test_each_endpoint_has_what_is_in_its_state() -> None:
    served = _served(VIEW)

    def ids(endpoint: str, key: str) -> list[str]:
        return [one["id"] for one in served[endpoint][key]]

    assert ids("summary", "incidents") == [OPEN]
    assert ids("incidents", "incidents") == [OPEN, CLOSED]
    assert ids("incidents/unresolved", "incidents") == [OPEN]
    maintenances = "scheduled_maintenances"
    assert ids("summary", maintenances) == [PLANNED, RUNNING]
    assert ids("scheduled-maintenances", maintenances) == [PLANNED, RUNNING, OVER]
    assert ids("scheduled-maintenances/upcoming", maintenances) == [PLANNED]
    assert ids("scheduled-maintenances/active", maintenances) == [RUNNING]


def test_fifty_are_told_the_newest_first() -> None:
    many = tuple(
        msgspec.structs.replace(INCIDENTS[1], id=f"many{number:08}") for number in range(60)
    )
    found = _served(msgspec.structs.replace(VIEW, incidents=many))["incidents"]["incidents"]
    assert [one["id"] for one in found] == [one.id for one in many[:50]]


def test_nulls_stand_where_statuspage_has_them() -> None:
    found = _served(VIEW)["incidents"]["incidents"]
    opened, closed = found
    assert (opened["monitoring_at"], opened["resolved_at"]) == (None, None)
    assert closed["resolved_at"] == "2026-03-01T12:11:40.250Z"
    newest, first = opened["incident_updates"]
    assert first["affected_components"] is None
    assert newest["affected_components"] == [
        {
            "code": "chat00000001",
            "name": "Web chat",
            "old_status": "operational",
            "new_status": "major_outage",
        }
    ]
    assert closed["incident_updates"][0]["deliver_notifications"] is False
    assert (opened["impact"], closed["impact"]) == ("critical", "major")


def test_a_state_that_is_unknown_is_told_as_the_last_that_was_known() -> None:
    by_id = {one["id"]: one for one in _served(VIEW)["components"]["components"]}
    assert by_id[LOGIN]["status"] == "partial_outage"
    nothing = msgspec.structs.replace(COMPONENTS[1], api_state=State.UNKNOWN)
    view = msgspec.structs.replace(VIEW, components=(nothing,))
    assert statuspage.component(view, nothing)["status"] == "operational"


def test_a_group_lists_its_members_and_is_as_its_worst() -> None:
    by_id = {one["id"]: one for one in _served(VIEW)["components"]["components"]}
    group = by_id[GROUP]
    assert group["components"] == ["model0000004", "batch0000005"]
    assert [by_id[one]["group_id"] for one in group["components"]] == [GROUP, GROUP]
    assert group["status"] == "degraded_performance"
    assert (group["showcase"], group["start_date"]) == (False, None)


def test_times_are_told_to_the_millisecond() -> None:
    assert statuspage.at(NOW) == "2026-03-02T12:05:00.250Z"
    assert statuspage.at(0.0) == "1970-01-01T00:00:00.000Z"
    assert re.fullmatch(r"[\d-]+T[\d:]+\.000Z", statuspage.at(1e9))


OK, BAD, HALF, SLOW, WORK = (
    State.OPERATIONAL, State.MAJOR, State.PARTIAL, State.DEGRADED, State.MAINTENANCE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([], rollup.NONE),
        ([OK, OK], rollup.NONE),
        ([OK, State.UNKNOWN], rollup.NONE),
        ([BAD, BAD], rollup.CRITICAL),
        ([BAD, OK], rollup.MAJOR),
        ([BAD, HALF], rollup.MAJOR),
        ([HALF, OK], rollup.MAJOR),
        ([HALF, OK, OK], rollup.MINOR),
        ([HALF, SLOW, OK], rollup.MINOR),
        ([SLOW, WORK], rollup.DEGRADED),
        ([WORK, OK], rollup.MAINTENANCE),
    ],
)
def test_one_word_is_said_for_everything(states: list[State], expected: rollup.Indicator) -> None:
    lines = tuple(msgspec.structs.replace(COMPONENTS[0], api_state=state) for state in states)
    assert overall.of(msgspec.structs.replace(QUIET, components=lines)) == expected


def test_maintenance_that_runs_is_said_though_it_names_no_component() -> None:
    running: IncidentView = VIEW.maintenances[1]
    assert overall.of(msgspec.structs.replace(QUIET, maintenances=(running,))).indicator == (
        "maintenance"
    )
    planned: IncidentView = VIEW.maintenances[0]
    assert overall.of(msgspec.structs.replace(QUIET, maintenances=(planned,))) == rollup.NONE


@given(views())
def test_a_groups_own_state_changes_nothing(view: View) -> None:
    without = tuple(one for one in view.components if not one.is_group)
    assert overall.of(view) == overall.of(msgspec.structs.replace(view, components=without))
