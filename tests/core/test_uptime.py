"""Merged outage time by day: checked against counting instant by instant."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core import uptime
from penstock.core.calendar import DAY_S
from penstock.core.rollup import Condition
from penstock.core.uptime import Span

STEP_S = 3 * 3600  # whole steps: counting by them is exact
TICKS = st.integers(0, 40)
INSTANTS = TICKS.map(lambda tick: float(tick * STEP_S))
SPANS = st.lists(
    st.builds(Span, st.sampled_from(Condition), INSTANTS, INSTANTS),
    max_size=12,
)


def at(spans: list[Span], instant: float) -> Condition:
    """Return the worst condition of an instant, by looking at all spans."""
    return max(
        (one.condition for one in spans if one.from_unix_s <= instant < one.to_unix_s),
        default=Condition.UNKNOWN,
    )


@given(SPANS)
def test_what_is_merged_is_the_worst_of_each_instant(spans: list[Span]) -> None:
    merged = uptime.merged(spans)
    for tick in range(41):
        instant = (tick + 0.5) * STEP_S
        assert at(merged, instant) is at(spans, instant)
    for before, after in itertools.pairwise(merged):
        assert before.to_unix_s <= after.from_unix_s
        touches = before.to_unix_s == after.from_unix_s
        assert not (touches and before.condition is after.condition)
    assert uptime.merged(merged) == merged


@given(SPANS, TICKS, TICKS, st.integers(1, 7))
def test_days_count_each_instant_once(
    spans: list[Span], start: int, length: int, count: int
) -> None:
    start_s, now_s = float(start * STEP_S), float((start + length) * STEP_S)
    found = uptime.days(uptime.merged(spans), start_s, now_s, count)
    assert [one.day for one in found] == list(
        range(int(now_s // DAY_S) - count + 1, int(now_s // DAY_S) + 1)
    )
    for day in found:
        ticks = [
            (tick + 0.5) * STEP_S
            for tick in range(start, start + length)
            if tick * STEP_S // DAY_S == day.day
        ]
        seen = [at(spans, tick) for tick in ticks]
        assert day.total_s == len(ticks) * STEP_S
        assert day.major_s == seen.count(Condition.MAJOR) * STEP_S
        assert day.partial_s == seen.count(Condition.PARTIAL) * STEP_S
        assert day.degraded_s == seen.count(Condition.DEGRADED) * STEP_S
        assert day.maintenance_s == seen.count(Condition.MAINTENANCE) * STEP_S
        assert day.unknown_s == seen.count(Condition.UNKNOWN) * STEP_S


@given(SPANS, SPANS, st.integers(1, 7))
def test_ratios_are_ratios_and_more_outage_is_never_better(
    spans: list[Span], more: list[Span], count: int
) -> None:
    now_s = 39.5 * STEP_S
    ratios = uptime.ratios(uptime.days(uptime.merged(spans), 0.0, now_s, count))
    for one in ratios:
        assert one is None or 0.0 <= one <= 1.0
    if ratios.weighted is not None and ratios.clear is not None:
        assert ratios.weighted >= ratios.clear - 1e-9
    known = [Span(Condition.OPERATIONAL, 0.0, now_s), *spans]
    outage = [one for one in more if one.condition >= Condition.PARTIAL]
    before = uptime.ratios(uptime.days(uptime.merged(known), 0.0, now_s, count))
    after = uptime.ratios(uptime.days(uptime.merged(known + outage), 0.0, now_s, count))
    assert before.known == after.known == 1.0
    assert before.weighted is not None
    assert after.weighted is not None
    assert after.weighted <= before.weighted + 1e-9


def test_the_formulas_by_hand() -> None:
    """The page's own example of a bad day: 3 h 58 min and 4 h 01 min down, half an hour partly."""
    day = 20_514
    start_s = float(day * DAY_S)
    spans = [
        Span(Condition.OPERATIONAL, start_s, start_s + DAY_S),
        Span(Condition.MAJOR, start_s + 36_000, start_s + 36_000 + 238 * 60),
        Span(Condition.MAJOR, start_s + 36_100, start_s + 36_100 + 60),  # its member: once
        Span(Condition.PARTIAL, start_s + 80_000, start_s + 80_000 + 1800),
    ]
    (found,) = uptime.days(uptime.merged(spans), 0.0, start_s + DAY_S - 1, 1)
    assert (found.major_s, found.partial_s, found.unknown_s) == (238 * 60, 1800, 0)
    ratios = uptime.ratios([found])
    total_s = DAY_S - 1
    assert ratios.weighted == pytest.approx(1 - (14_280 + 0.3 * 1800) / total_s)
    assert ratios.clear == pytest.approx(1 - (14_280 + 1800) / total_s)
    assert ratios.known == 1.0


def test_unmeasured_time_is_neither_up_nor_down() -> None:
    half = float(DAY_S // 2)
    (found,) = uptime.days([Span(Condition.MAJOR, 0.0, half / 2)], 0.0, half, 1)
    assert found.total_s == half
    assert found.unknown_s == half / 2
    assert uptime.ratios([found]) == (0.0, 0.0, 0.5)


@pytest.mark.parametrize("start_s", [0.0, math.inf])
def test_no_time_at_all_has_no_ratio(start_s: float) -> None:
    found = uptime.days([], start_s, 0.0, 3)
    assert len(found) == 3
    assert uptime.ratios(found) == (None, None, None)
