"""Incidents as people handle them."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.apps.status.ground import Page, id_of

from penstock.apps.status.incidents import incidents, saying, states
from penstock.apps.status.incidents.incidents import Edit, Opening, Past
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.queries import document
from penstock.apps.status.subscriptions import noticing
from penstock.watch.component import State
from penstock.web.endpoint import ConflictError, InvalidError, MissingError

API, WEB = id_of("API"), id_of("Web chat")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the updates that subscribers are told of."""
    found: list[str] = []

    def updated(*given: Any) -> int:
        found.append(given[2])
        return 1

    monkeypatch.setattr(noticing, "incident_updated", updated)
    return found


def said(status: str = "investigating", body: str = "We look at it.", **more: Any) -> Said:
    return Said(status=status, body=body, **more)


def opened(page: Page, name: str = "The API fails", **more: Any) -> str:
    first = more.pop("said", said(components={API: State.PARTIAL}))
    with page.writing() as connection:
        opening = Opening(name=name, said=first, **more)
        return incidents.open_(connection, page.parts, opening, page.now_s)


def post(page: Page, incident: str, one: Said) -> str:
    page.now_s += 60
    with page.writing() as connection:
        return incidents.update(connection, page.parts, incident, one, page.now_s)


def row(page: Page, incident: str) -> Any:
    (found,) = page.rows("incidents", id=incident)
    return found


def affected(page: Page, update: str) -> list[tuple[str, str, str]]:
    (found,) = page.rows("incident_updates", id=update)
    return [
        (one["name"], one["old_status"], one["new_status"])
        for one in msgspec.json.decode(found.affected)
    ]


def test_from_open_to_resolved(page: Page, told: list[str]) -> None:
    one = opened(page)
    assert re.fullmatch("[0-9a-z]{12}", one)
    assert page.state("API") is State.PARTIAL
    both = {API: State.MAJOR, WEB: State.DEGRADED}
    second = post(page, one, said("identified", "It is the network.", components=both))
    assert (page.state("API"), page.state("Web chat")) == (State.MAJOR, State.DEGRADED)
    assert affected(page, second) == [
        ("Web chat", "operational", "degraded_performance"),
        ("API", "partial_outage", "major_outage"),
    ]
    third = post(page, one, said("monitoring", "Better.", components={API: State.DEGRADED}))
    assert affected(page, third)[0] == ("Web chat", "degraded_performance", "operational")
    last = post(page, one, said("resolved", "Over."))
    assert affected(page, last) == [("API", "degraded_performance", "operational")]
    assert page.api_state("API") is State.OPERATIONAL
    assert [update.id for update in page.rows("incident_updates")] != []
    assert told[1:] == [second, third, last]
    found = row(page, one)
    assert (found.status, found.impact) == ("resolved", "critical")
    assert found.started_unix_s < found.identified_unix_s < found.resolved_unix_s
    assert all(part.to_unix_s for part in page.rows("incident_parts"))


def test_several_at_once_and_the_worst_decides(page: Page) -> None:
    first = opened(page)
    second = opened(page, "More", said=said(components={API: State.MAJOR}))
    assert row(page, second).number > row(page, first).number
    assert page.state("API") is State.MAJOR
    post(page, second, said("resolved"))
    assert page.state("API") is State.PARTIAL
    post(page, first, said("resolved"))
    assert page.state("API") is State.UNKNOWN


def test_a_draft_has_one_text_and_touches_nothing(page: Page, told: list[str]) -> None:
    one = opened(page, is_draft=True)
    assert page.state("API") is State.UNKNOWN
    post(page, one, said(body="Rather this.", components={WEB: State.MAJOR}))
    (draft,) = page.rows("incident_updates")
    assert draft.body == "Rather this."
    assert told == []
    page.now_s += 60
    with page.writing() as connection:
        incidents.publish(connection, page.parts, one, page.now_s)
    assert told == [draft.id]
    assert (page.state("Web chat"), page.state("API")) == (State.MAJOR, State.UNKNOWN)
    (shown,) = page.rows("incident_updates")
    assert shown.display_unix_s == page.now_s
    with page.writing() as connection, pytest.raises(ConflictError):
        incidents.publish(connection, page.parts, one, page.now_s)
    with page.writing() as connection, pytest.raises(ConflictError):
        incidents.discard(connection, one)
    assert told == [draft.id]


def test_a_draft_can_be_discarded(page: Page, told: list[str]) -> None:
    one = opened(page, is_draft=True)
    with page.writing() as connection:
        incidents.discard(connection, one)
    assert told == []
    for table in ("incidents", "incident_updates", "incident_parts"):
        assert not page.rows(table)


def test_what_is_not_to_be_told_is_not(page: Page, told: list[str]) -> None:
    opened(page, said=said(is_delivered=False))
    assert told == []


def test_an_incident_of_the_watch_leaves_states_to_it_until_people_take_over(page: Page) -> None:
    with page.writing() as connection:
        states.watched(connection, page.parts, {API: State.MAJOR}, page.now_s)
    one = opened(page, origin="watch")
    assert page.state("API") is State.MAJOR
    page.now_s += 60
    with page.writing() as connection:
        incidents.take_over(connection, page.parts, one, page.now_s)
    assert page.state("API") is State.PARTIAL  # what the incident says is people's word now
    with page.writing() as connection, pytest.raises(ConflictError):
        incidents.take_over(connection, page.parts, one, page.now_s)
    page.now_s += 60
    with page.writing() as connection:
        incidents.hand_back(connection, page.parts, one, page.now_s)
    assert page.state("API") is State.MAJOR
    with page.writing() as connection, pytest.raises(ConflictError):
        incidents.hand_back(connection, page.parts, one, page.now_s)


def test_who_posts_takes_over(page: Page) -> None:
    one = opened(page, origin="watch")
    post(page, one, said("identified"))
    assert row(page, one).is_taken_over == 1


def test_what_is_over_is_not_touched_again(page: Page) -> None:
    one = opened(page)
    post(page, one, said("resolved"))
    with pytest.raises(ConflictError):
        post(page, one, said("investigating"))
    with pytest.raises(MissingError):
        post(page, "nothing", said())


def test_an_update_can_be_corrected(page: Page, told: list[str]) -> None:
    one = opened(page)
    count = len(told)
    (update,) = page.rows("incident_updates", incident=one)
    page.now_s += 60
    with page.writing() as connection:
        change = Edit(body="Corrected.", display_unix_s=page.now_s - 300)
        incidents.edit(connection, update.id, change, page.now_s)
    (after,) = page.rows("incident_updates", incident=one)
    assert (after.body, after.display_unix_s) == ("Corrected.", page.now_s - 300)
    assert len(told) == count
    with page.writing() as connection:
        incidents.amend(connection, one, "Renamed", "none", page.now_s)
    assert (row(page, one).name, row(page, one).impact_override) == ("Renamed", "none")


def test_the_past_becomes_uptime(page: Page, told: list[str]) -> None:
    page.now_s += 7200
    past = Past(
        name="It was down",
        body="For half an hour.",
        components={API: State.MAJOR},
        from_unix_s=page.now_s - 3600,
        to_unix_s=page.now_s - 1800,
    )
    with page.writing() as connection:
        one = incidents.backfill(connection, past, page.now_s)
    (piece,) = page.rows("intervals", component=API)
    assert (piece.state, piece.from_unix_s, piece.to_unix_s) == (
        "major_outage",
        past.from_unix_s,
        past.to_unix_s,
    )
    assert row(page, one).impact == "critical"
    assert told == []


def test_people_are_a_detector_of_their_own(page: Page) -> None:
    kept = document.read(row(page, opened(page)).document)
    assert [one.detector for one in kept.noticed] == ["people"]
    assert kept.published_unix_s == page.now_s


WRONG: list[tuple[str, Callable[[Page], object]]] = [
    ("name", lambda page: opened(page, "  ")),
    ("name", lambda page: opened(page, "x" * (saying.NAME_MAX + 1))),
    ("body", lambda page: opened(page, said=said(body=""))),
    ("body", lambda page: opened(page, said=said(body="x" * (saying.BODY_MAX + 1)))),
    ("body", lambda page: opened(page, said=said(body="a\0b"))),
    ("status", lambda page: opened(page, said=said("postmortem"))),
    ("components", lambda page: opened(page, said=said(components={"none": State.MAJOR}))),
    ("components", lambda page: opened(page, said=said(components={API: State.UNKNOWN}))),
    ("impact_override", lambda page: opened(page, impact_override="huge")),
    ("started_unix_s", lambda page: opened(page, started_unix_s=page.now_s + 9)),
    ("display_unix_s", lambda page: opened(page, said=said(display_unix_s=page.now_s + 9))),
]


@pytest.mark.parametrize(("param", "attempt"), WRONG)
def test_an_error_names_the_field_and_leaves_nothing(
    page: Page, param: str, attempt: Callable[[Page], object]
) -> None:
    with pytest.raises(InvalidError) as caught:
        attempt(page)
    assert caught.value.param == param
    assert not page.rows("incidents")


def test_there_is_room_for_so_many(page: Page) -> None:
    for _ in range(saying.OPEN_MAX):
        opened(page)
    with pytest.raises(ConflictError):
        opened(page)
