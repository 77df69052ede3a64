"""Our own document says what Statuspage's API has no words for."""

import json
from typing import Any

import msgspec
from hypothesis import given
from tests.apps.status.site.views import CHAT, LOGIN, MODEL, OPEN, VIEW, views

from penstock.apps.status.site import own_api
from penstock.apps.status.view import View


def _served(view: View) -> dict[str, Any]:
    file = own_api.files(view)["/api/status.json"]
    assert file.is_for_all
    return json.loads(file.body)


@given(views())
def test_any_page_can_be_read_back_as_what_it_is_documented_to_be(view: View) -> None:
    file = own_api.files(view)["/api/status.json"]
    assert msgspec.json.decode(file.body, type=own_api.Document) == own_api.document(view)
    assert file == own_api.files(view)["/api/status.json"]


def test_unknown_is_said_and_the_last_that_was_known_beside_it() -> None:
    found = {one["id"]: one for one in _served(VIEW)["components"]}
    assert (found[LOGIN]["state"], found[LOGIN]["last_known_state"]) == (
        "unknown",
        "partial_outage",
    )
    assert _served(VIEW)["status"]["states"] == {
        "degraded_performance": 1,
        "major_outage": 1,
        "operational": 1,
        "unknown": 1,
    }


def test_a_verdict_has_its_reasons_and_a_failing_model_who_carries_it() -> None:
    found = {one["id"]: one for one in _served(VIEW)["components"]}
    chat = found[CHAT]
    assert (chat["verdict"], chat["culprit"]) == ("problem", "login")
    assert chat["reasons"] == ["9 of 12 probes failed in the last 3 minutes: timeout"]
    assert chat["reports"] == {"last_hour": 41, "by_hour": [*[0] * 22, 1, 40]}
    assert chat["response"][1] == {
        "at": "2026-03-02T12:00:00.250Z",
        "p50_s": None,
        "p95_s": None,
        "count": 0,
    }
    assert (chat["carried_by"], found[MODEL]["carried_by"]) == (None, "gpt-5.2")


def test_every_figure_names_its_formula_and_one_that_is_not_known_is_null() -> None:
    found = _served(VIEW)["components"][0]["figures"]
    assert list(found) == ["weighted", "clear", "exchanges", "known"]
    assert found["weighted"] == {
        "ratio": 0.99,
        "formula": "1 - (major outage + 0.3 x partial outage) / time",
    }
    assert found["exchanges"]["ratio"] is None


def test_an_incident_says_who_noticed_when_and_how_long_before_the_provider() -> None:
    found = next(one for one in _served(VIEW)["incidents"] if one["id"] == OPEN)
    assert [one["detector"] for one in found["detections"]] == ["probes", "people"]
    assert found["lead_s"] == found["detections"][0]["lead_s"] == 610.0
    assert found["provider_posted_at"] == "2026-03-02T12:00:00.250Z"
    assert found["provider_url"] == "https://status.example/incidents/1"
