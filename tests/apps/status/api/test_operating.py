"""What operators do by the API: it is on the page, in the audit log, and wrong input is named."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.apps.status.ground import Page, id_of
from tests.apps.status.operator import Operator, operator

from penstock.apps.status import tables, viewing
from penstock.apps.status.incidents import incidents as domain
from penstock.apps.status.incidents.incidents import Opening
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.view import View
from penstock.watch.component import State

API = id_of("API")
SAID = {"name": "The API fails", "body": "Most calls fail. We are on it."}


@pytest.fixture
def api(tmp_path: Path) -> Any:
    with operator(tmp_path) as one:
        yield one


def view(api: Operator) -> View:
    with api.page.store.reading() as connection:
        return viewing.read(connection, api.page.parts, api.page.now_s)


def actions(api: Operator) -> list[tuple[str, str]]:
    """Return what the audit log says was done, the oldest first."""
    items = api.done("GET", "/audit")["items"]
    return [(one["actor"], one["action"]) for one in reversed(items)]


def of_the_watch(page: Page, *, is_draft: bool = False) -> str:
    """Open an incident as the watch does."""
    said = Said(status="investigating", body="It fails.", components={API: State.MAJOR})
    opening = Opening(name="The API fails", said=said, origin="watch", is_draft=is_draft)
    with page.writing() as connection:
        return domain.open_(connection, page.parts, opening, page.now_s)


def test_an_incident_from_its_opening_to_its_post_mortem(api: Operator) -> None:
    made = api.done("POST", "/incidents", {**SAID, "components": {API: "major_outage"}})
    assert api.page.state("API") is State.MAJOR
    (shown,) = view(api).incidents
    assert (shown.id, shown.impact, shown.status) == (made["id"], "critical", "investigating")
    place = f"/incidents/{made['id']}"
    api.page.now_s += 60
    update = {"body": "Half works.", "status": "identified", "components": {API: "partial_outage"}}
    api.done("POST", f"{place}/updates", update)
    assert api.page.state("API") is State.PARTIAL
    api.page.now_s += 60
    over = api.done("POST", f"{place}/resolve", {"body": "It works."})
    assert over["status"] == "resolved"
    assert [one["body"] for one in over["updates"]] == ["It works.", "Half works.", SAID["body"]]
    assert {one["to_unix_s"] > 0 for one in over["components"]} == {True}
    assert api.ask("POST", f"{place}/post-mortem/publish")[0] == 422
    drafted = api.done("GET", f"{place}/post-mortem")
    assert drafted["text"].startswith("# Post-mortem: The API fails")
    assert drafted["facts"]["impact_word"] == "critical"
    assert "<h1" in api.raw("GET", f"{place}/post-mortem.html").text
    api.done("PUT", f"{place}/post-mortem", {"text": "# What happened"})
    assert not view(api).incidents[0].postmortem
    api.page.now_s += 60
    api.done("POST", f"{place}/post-mortem/publish")
    (shown,) = view(api).incidents
    assert (shown.status, shown.postmortem) == ("postmortem", "# What happened")
    assert api.ask("POST", f"{place}/post-mortem/publish")[0] == 409
    done = ["open", "update", "resolve", "write", "publish"]
    assert actions(api) == [("break-glass", one) for one in done]
    assert api.touched == len(done)


def test_a_draft_is_published_or_discarded(api: Operator) -> None:
    one, other = (api.done("POST", "/incidents", {**SAID, "is_draft": True}) for _ in range(2))
    assert not view(api).incidents
    assert len(api.done("GET", "/incidents", state="draft")) == 2
    api.done("POST", f"/incidents/{one['id']}/publish")
    api.done("DELETE", f"/incidents/{other['id']}")
    assert [found.id for found in view(api).incidents] == [one["id"]]
    assert api.ask("DELETE", f"/incidents/{one['id']}")[0] == 409
    assert api.ask("GET", f"/incidents/{other['id']}")[0] == 404


def test_the_watchs_incident_is_taken_over_and_handed_back(api: Operator) -> None:
    id_ = of_the_watch(api.page)
    taken = api.done("POST", f"/incidents/{id_}/take-over")
    assert taken["is_taken_over"]
    assert api.page.state("API") is State.MAJOR
    assert api.ask("POST", f"/incidents/{id_}/take-over")[0] == 409
    assert not api.done("POST", f"/incidents/{id_}/hand-back")["is_taken_over"]
    assert api.page.state("API") is State.UNKNOWN
    changed = api.done("PATCH", f"/incidents/{id_}", {"impact_override": "minor"})
    assert (changed["name"], changed["impact"]) == ("The API fails", "minor")


def test_an_update_is_corrected_where_it_belongs(api: Operator) -> None:
    one, other = (api.done("POST", "/incidents", SAID) for _ in range(2))
    mine = one["updates"][0]["id"]
    assert api.ask("PATCH", f"/incidents/{other['id']}/updates/{mine}", {"body": "No."})[0] == 404
    told = api.done("PATCH", f"/incidents/{one['id']}/updates/{mine}", {"body": "Corrected."})
    assert told["updates"][0]["body"] == "Corrected."


def test_an_override_holds_until_it_is_released(api: Operator) -> None:
    told = api.done("PUT", f"/components/{API}/state", {"state": "degraded_performance"})
    assert (told["state"], told["source"]) == ("degraded_performance", "operator")
    assert api.page.state("API") is State.DEGRADED
    assert api.done("DELETE", f"/components/{API}/state")["operator_state"] == ""
    assert api.page.state("API") is State.UNKNOWN
    api.done("PUT", f"/components/{API}/description", {"description": "All dialects"})
    (shown,) = [one for one in view(api).components if one.id == API]
    assert shown.description == "All dialects"
    assert [action for _, action in actions(api)] == ["override", "release", "describe"]


def test_a_maintenance_is_scheduled_moved_begun_and_ended(api: Operator) -> None:
    now_s = api.page.now_s
    times = {"from_unix_s": now_s + 3600, "until_unix_s": now_s + 7200}
    wanted = {"name": "A move", "body": "We move.", "components": [API], **times}
    made = api.done("POST", "/maintenances", wanted)
    place = f"/maintenances/{made['id']}"
    moved = api.done("PATCH", place, {"until_unix_s": now_s + 9000})
    assert (moved["from_unix_s"], moved["until_unix_s"]) == (now_s + 3600, now_s + 9000)
    api.done("POST", f"{place}/start")
    assert api.page.state("API") is State.MAINTENANCE
    assert api.ask("POST", f"{place}/cancel")[0] == 409
    assert api.done("POST", f"{place}/finish")["status"] == "completed"
    assert api.page.state("API") is State.UNKNOWN
    other = api.done("POST", "/maintenances", wanted)
    cancelled = api.done("POST", f"/maintenances/{other['id']}/cancel")
    assert "cancelled" in cancelled["updates"][0]["body"]
    assert api.ask("GET", f"/incidents/{made['id']}")[0] == 404


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/incidents", {**SAID, "name": " "}, "body.name"),
        ("/incidents", {**SAID, "body": "x" * 8001}, "body.body"),
        ("/incidents", {**SAID, "components": {"nothing": "major_outage"}}, "body.components"),
        ("/incidents", {**SAID, "components": {API: "unknown"}}, "body.components[...]"),
        ("/incidents", {**SAID, "status": "resolved"}, "body.status"),
        ("/incidents", {**SAID, "started_unix_s": 1.0}, "body.started_unix_s"),
        ("/incidents", {**SAID, "more": 1}, "body"),
        ("/maintenances", {**SAID, "from_unix_s": 2.0, "until_unix_s": 1.0}, "body.until_unix_s"),
        ("/maintenances", {**SAID, "until_unix_s": 1.0}, "body"),
    ],
)
def test_wrong_input_is_named_and_changes_nothing(
    path: str, body: Any, param: str, api: Operator
) -> None:
    status, told = api.ask("POST", path, body)
    assert status == 422
    assert told["error"].get("param") == param, told
    assert told["error"]["remedy"]
    assert not actions(api)
    assert not api.page.rows("incidents")


def test_reports_are_counted_and_their_words_hidden(api: Operator) -> None:
    with api.page.writing() as connection:
        for at, (words, network) in enumerate((("slow", "a"), ("", "b"), ("rude", "b"))):
            values = {"component": API, "voter": str(at), "network": network, "words": words}
            when = {"at_unix_s": api.page.now_s - at, "is_counted": 1, "category": "slow"}
            connection.execute(insert(tables.reports).values(**values, **when))
    (count,) = [one for one in api.done("GET", "/user-reports/counts") if one["component"] == API]
    assert (count["votes_hour"], count["networks_hour"]) == (3, 2)
    assert count["by_category"] == {"slow": 3}
    found = api.done("GET", "/user-reports", has_words=True)["items"]
    assert [one["words"] for one in found] == ["rude", "slow"]
    assert not {"voter", "network"} & found[0].keys()
    assert api.done("POST", f"/user-reports/{found[0]['id']}/hide")["is_hidden"]
    assert [row.is_hidden for row in api.page.rows("reports")] == [0, 0, 1]
    assert api.ask("POST", "/user-reports/99/hide")[0] == 404
    assert api.ask("POST", "/user-reports/x/hide")[0] == 404


def test_subscribers_are_counted_without_their_addresses_and_removed(api: Operator) -> None:
    with api.page.writing() as connection:
        values = {"id": "s1", "kind": "email", "address": "sealed", "token": "sealed-too"}
        more = {"address_hash": "h", "token_hash": "t", "confirmed_unix_s": 5.0}
        connection.execute(insert(tables.subscribers).values(**values, **more, components="[]"))
    counts = api.done("GET", "/subscribers/counts")
    assert counts == [{"kind": "email", "state": "confirmed", "count": 1}]
    answer = api.raw("GET", "/subscribers")
    assert "sealed" not in answer.text
    assert answer.json()["items"][0]["state"] == "confirmed"
    api.done("DELETE", "/subscribers/s1")
    (row,) = api.page.rows("subscribers")
    assert (row.address, row.token) == ("", "")
    assert api.ask("DELETE", "/subscribers/s1")[0] == 404


def test_who_calls_is_told_and_noted(api: Operator) -> None:
    told = api.ask("GET", "/me", token=api.tokens["operator"])
    assert told == (200, {"name": "account-1", "role": "operator"})
    api.ask("POST", "/incidents", SAID, api.tokens["operator"])
    (entry,) = api.done("GET", "/audit", actor="account-1")["items"]
    assert (entry["role"], entry["action"], entry["kind"]) == ("operator", "open", "incident")
    assert api.done("GET", "/audit", actor="nobody")["items"] == []
