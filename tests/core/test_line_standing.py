"""Standing in a line: what is news, to whom, and how soon it is looked at again."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import NO_NEW_SESSIONS, USER_STREAMS
from penstock.core.line_standing import (
    ETA_CHANGE_RATIO,
    ETA_CHANGE_S,
    NEAR,
    NEWS_S,
    PLACE_CHANGE_RATIO,
    Standing,
    Why,
    is_news,
    pause_s,
    why_of,
    within_s,
)

waits_s = st.one_of(st.just(-1.0), st.floats(0.0, 1e5))
standings = st.builds(Standing, st.integers(0, 10_000), waits_s, st.sampled_from(["capacity", ""]))
places = st.integers(1, 30) | st.integers(1, 10_000)
waiting = st.builds(Standing, places, st.floats(0.0, 1e5), st.just("capacity"))


def test_each_refusal_has_its_reason() -> None:
    assert why_of(USER_STREAMS) is Why.PERSON
    assert why_of(NO_NEW_SESSIONS) is Why.SESSION
    assert why_of("queue_timeout") is Why.CAPACITY


@given(standings)
def test_what_was_just_told_is_no_news(standing: Standing) -> None:
    assert not is_news(standing, standing, 0.0)


@given(waiting, st.floats(0.0, 1e5))
def test_time_that_passes_as_it_was_told_is_no_news(told: Standing, passed_s: float) -> None:
    now = told._replace(eta_s=max(0.0, told.eta_s - passed_s))
    assert not is_news(now, told, passed_s)


@given(waiting, st.floats(0.7, 1.3), st.floats(0.7, 1.3), st.floats(0.0, 100.0))
def test_without_news_what_was_told_is_about_right(
    told: Standing, places_ratio: float, eta_ratio: float, passed_s: float
) -> None:
    now = told._replace(
        position=round(told.position * places_ratio) or 1, eta_s=told.eta_s * eta_ratio
    )
    if is_news(now, told, passed_s):
        return
    left_s = max(0.0, told.eta_s - passed_s)
    assert abs(now.eta_s - left_s) <= max(ETA_CHANGE_S, ETA_CHANGE_RATIO * told.eta_s)
    assert abs(now.position - told.position) <= PLACE_CHANGE_RATIO * told.position
    assert told.position > NEAR or now.position == told.position


@given(standings, standings, st.floats(0.0, 1e5))
def test_another_kind_of_standing_is_always_news(
    now: Standing, told: Standing, passed_s: float
) -> None:
    is_other = (
        now.reason != told.reason
        or (now.position == 0) != (told.position == 0)
        or (now.eta_s < 0.0) != (told.eta_s < 0.0)
    )
    assert is_news(now, told, passed_s) or not is_other


@given(standings)
def test_it_is_looked_at_again_within_bounds(standing: Standing) -> None:
    least, most = NEWS_S
    assert least <= pause_s(standing) <= most


@given(waiting, st.integers(0, 1000), st.floats(0.0, 1e4))
def test_who_waits_longer_is_looked_at_no_sooner(
    standing: Standing, places: int, more_s: float
) -> None:
    later = standing._replace(position=standing.position + places, eta_s=standing.eta_s + more_s)
    assert pause_s(later) >= pause_s(standing)
    unknown, further = standing._replace(eta_s=-1.0), later._replace(eta_s=-1.0)
    assert pause_s(further) >= pause_s(unknown)


@pytest.mark.parametrize("ahead", [1, 2, 3, 5, 10, 30, 100])
def test_eight_of_ten_waits_by_chance_end_within_their_range(ahead: int) -> None:
    random = Random(ahead)
    least, most = within_s(float(ahead), 1.0 / ahead)
    waits = [random.gammavariate(ahead, 1.0) for _ in range(20_000)]
    assert sum(wait < least for wait in waits) / len(waits) == pytest.approx(0.1, abs=0.01)
    assert sum(wait > most for wait in waits) / len(waits) == pytest.approx(0.1, abs=0.01)


@given(st.floats(0.0, 1e5), st.floats(0.001, 3.0))
def test_a_range_is_around_its_figure_and_wider_with_more_doubt(eta_s: float, doubt: float) -> None:
    least, most = within_s(eta_s, doubt)
    wider = within_s(eta_s, 1.1 * doubt)
    assert 0.0 <= wider[0] <= least <= eta_s <= most <= wider[1]


def test_what_cannot_be_said_has_no_range() -> None:
    assert within_s(-1.0, 0.1) == (-1.0, -1.0)
