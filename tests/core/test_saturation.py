"""Saturation: full slots alone take nothing from an answer; from there the queue decides."""

import math

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.ladder import LadderPolicy
from penstock.core.saturation import SLOTS_MAX, Saturation, Smoothed

STEPS = st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 1.0)), min_size=1, max_size=30)


@given(STEPS)
def test_a_mean_is_what_was_seen_weighted_by_age(steps: list[tuple[float, float]]) -> None:
    smoothed = Smoothed(2.0)
    now_s = 100.0
    expected, is_first = 0.0, True
    for span_s, value in steps:
        now_s += span_s
        old = 0.0 if is_first else math.exp(-span_s / 2.0)
        expected = expected * old + value * (1.0 - old)
        is_first = False
        assert math.isclose(smoothed.observe(value, now_s), expected, abs_tol=1e-9)


@given(STEPS, STEPS)
def test_pressure_stays_in_its_bounds(
    slots: list[tuple[float, float]], waits: list[tuple[float, float]]
) -> None:
    saturation = Saturation()
    now_s = 0.0
    for (span_s, used), (_, wait) in zip(slots, waits, strict=False):
        now_s += span_s
        pressure = saturation.observe(used, wait, now_s)
        assert 0.0 <= pressure <= 1.7
        assert pressure >= min(SLOTS_MAX, 0.0)


def settled(used: float, wait: float) -> float:
    """The pressure after a long time of the same."""
    saturation = Saturation()
    return max(saturation.observe(used, wait, float(at)) for at in range(60))


def test_full_slots_alone_take_nothing_from_answers() -> None:
    assert settled(1.0, 0.0) == SLOTS_MAX < LadderPolicy().entries[1]
    assert settled(0.5, 0.0) == 0.5
    assert math.isclose(settled(1.0, 0.5), 1.0)
    assert settled(1.0, 0.2) > LadderPolicy().entries[1]
    assert settled(0.2, 0.5) == settled(1.0, 0.5), "others may be idle that cannot be used"
    assert settled(0.2, 0.75) > 1.0


def test_nonsense_is_bounded() -> None:
    assert settled(7.0, -1.0) == SLOTS_MAX
    assert settled(-1.0, math.inf) <= 1.7


def test_a_peak_is_smoothed_over_a_second() -> None:
    saturation = Saturation()
    saturation.observe(0.0, 0.0, 0.0)
    assert math.isclose(saturation.observe(0.7, 0.0, 1.0), 0.7 * (1 - math.exp(-1.0)))
    assert saturation.wait_ratio == 0.0
