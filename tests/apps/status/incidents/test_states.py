"""Who decides in which state a component is, and the history that it leaves."""

from typing import Any

import pytest
from tests.apps.status.ground import START_S, Page, id_of

from penstock.apps.status.incidents import states
from penstock.apps.status.incidents.states import Piece, Source, Wanted
from penstock.apps.status.subscriptions import noticing
from penstock.watch.component import State
from penstock.web.endpoint import MissingError

API = id_of("API")


def watch(page: Page, state: State, name: str = "API") -> set[str]:
    with page.writing() as connection:
        return states.watched(connection, page.parts, {id_of(name): state}, page.now_s)


def override(page: Page, state: State | None) -> bool:
    with page.writing() as connection:
        return states.override(connection, page.parts, API, state, page.now_s)


def history(page: Page, component: str = API) -> list[tuple[str, str, float, float]]:
    rows = sorted(page.rows("intervals", component=component), key=lambda row: row.from_unix_s)
    return [
        (
            row.state,
            row.source,
            row.from_unix_s - START_S,
            row.to_unix_s - START_S if row.to_unix_s else 0.0,
        )
        for row in rows
    ]


def test_what_the_watch_says_is_kept_as_intervals(page: Page) -> None:
    assert watch(page, State.OPERATIONAL) == {API}
    page.now_s += 60
    assert watch(page, State.OPERATIONAL) == set()
    page.now_s += 60
    assert watch(page, State.MAJOR) == {API}
    assert history(page) == [
        ("operational", "watch", 0, 120),
        ("major_outage", "watch", 120, 0),
    ]
    assert page.state("API") is State.MAJOR
    assert page.state("Log-in") is State.UNKNOWN


def test_unknown_keeps_what_the_api_says(page: Page) -> None:
    watch(page, State.PARTIAL)
    page.now_s += 60
    watch(page, State.UNKNOWN)
    assert page.state("API") is State.UNKNOWN
    assert page.api_state("API") is State.PARTIAL


def test_a_choice_of_people_holds_until_it_is_released(page: Page) -> None:
    watch(page, State.OPERATIONAL)
    page.now_s += 10
    assert override(page, State.DEGRADED)
    page.now_s += 10
    assert watch(page, State.MAJOR) == set()
    assert page.state("API") is State.DEGRADED
    page.now_s += 10
    assert override(page, None)
    assert page.state("API") is State.MAJOR
    assert [one[:2] for one in history(page)] == [
        ("operational", "watch"),
        ("degraded_performance", "operator"),
        ("major_outage", "watch"),
    ]


def test_what_people_release_counts_as_working_until_something_is_known(page: Page) -> None:
    override(page, State.MAJOR)
    page.now_s += 10
    override(page, None)
    assert page.state("API") is State.UNKNOWN
    assert page.api_state("API") is State.OPERATIONAL


def test_only_components_of_the_page_can_be_set(page: Page) -> None:
    group = next(row.id for row in page.rows("components") if row.is_group)
    for component in ("nothing", group):
        with page.writing() as connection, pytest.raises(MissingError):
            states.override(connection, page.parts, component, State.MAJOR, page.now_s)


def test_a_watch_that_falls_silent_leaves_unknown_from_its_last_word_on(page: Page) -> None:
    watch(page, State.OPERATIONAL)
    page.now_s += 120
    watch(page, State.OPERATIONAL)
    page.now_s += 3600
    with page.writing() as connection:
        assert states.silence(connection, page.parts, page.now_s) == {API}
    page.now_s += 10
    watch(page, State.OPERATIONAL)
    assert history(page) == [
        ("operational", "watch", 0, 120),
        ("unknown", "watch", 120, 3730),
        ("operational", "watch", 3730, 0),
    ]


def test_subscribers_hear_of_known_states_only(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []

    def changed(*given: Any) -> int:
        heard.append(given[3])
        return 1

    monkeypatch.setattr(noticing, "component_changed", changed)
    for state in (State.UNKNOWN, State.OPERATIONAL, State.UNKNOWN, State.OPERATIONAL, State.MAJOR):
        page.now_s += 10
        watch(page, state)
    page.now_s += 10
    watch(page, State.UNKNOWN)
    page.now_s += 10
    watch(page, State.OPERATIONAL)
    assert heard == [(State.OPERATIONAL, State.MAJOR), (State.MAJOR, State.OPERATIONAL)]


def test_a_clock_that_is_set_back_makes_no_overlap(page: Page) -> None:
    watch(page, State.OPERATIONAL)
    page.now_s += 100
    watch(page, State.MAJOR)
    page.now_s -= 50
    watch(page, State.OPERATIONAL)
    assert history(page) == [("operational", "watch", 0, 100), ("operational", "watch", 100, 0)]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((10, 20), [("o", 0, 10), ("X", 10, 20), ("o", 20, 100), ("m", 100, 0)]),
        ((90, 110), [("o", 0, 90), ("X", 90, 110), ("m", 110, 0)]),
        ((0, 100), [("X", 0, 100), ("m", 100, 0)]),
        ((110, 120), [("o", 0, 100), ("m", 100, 110), ("X", 110, 120), ("m", 120, 0)]),
        ((-50, 5), [("X", -50, 5), ("o", 5, 100), ("m", 100, 0)]),
    ],
)
def test_the_past_can_be_written_anew(
    page: Page, span: tuple[float, float], expected: list[Any]
) -> None:
    watch(page, State.OPERATIONAL)
    page.now_s += 100
    watch(page, State.MAJOR)
    piece = Piece(Wanted(State.PARTIAL, Source.OPERATOR), START_S + span[0], START_S + span[1])
    with page.writing() as connection:
        states.rewrite(connection, API, piece)
    names = {"operational": "o", "major_outage": "m", "partial_outage": "X"}
    assert [(names[one[0]], one[2], one[3]) for one in history(page)] == expected
