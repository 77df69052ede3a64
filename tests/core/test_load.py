"""A peak counts at once and fades; a newcomer is not flooded."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.load import DECAY_S, PENALTY_S, PeakEwma

LATENCIES = st.floats(0.001, 600.0)


@given(st.lists(st.tuples(st.floats(0.0, 100.0), LATENCIES), min_size=1))
def test_the_average_lies_between_the_last_sample_and_the_peak(
    samples: list[tuple[float, float]],
) -> None:
    now_s = 7.0
    load = PeakEwma(now_s)
    for wait_s, latency_s in samples:
        now_s += wait_s
        before_s = load.latency_s
        load.observe(latency_s, now_s)
        if latency_s > before_s:
            assert load.latency_s == latency_s, "a peak counts at once"
        else:
            assert latency_s * (1 - 1e-9) <= load.latency_s <= before_s * (1 + 1e-9)


def test_a_faster_sample_counts_by_the_time_that_has_passed() -> None:
    load = PeakEwma(0.0)
    load.observe(1.0, 0.0)
    load.observe(0.5, DECAY_S)
    assert load.latency_s == pytest.approx(0.5 + 0.5 / math.e)
    load.observe(0.1, DECAY_S)
    assert load.latency_s == pytest.approx(0.5 + 0.5 / math.e), "no time, no news"


@given(LATENCIES, st.integers(0, 1000), st.floats(0.0, 100.0))
def test_the_load_grows_with_those_under_way_and_fades_with_time(
    latency_s: float, in_flight: int, later_s: float
) -> None:
    load = PeakEwma(0.0)
    load.observe(latency_s, 0.0)
    assert load.load(in_flight, 0.0) == pytest.approx(latency_s * (in_flight + 1))
    assert load.load(in_flight, later_s) <= load.load(in_flight, 0.0)
    assert load.load(in_flight, later_s) <= load.load(in_flight + 1, later_s)
    assert load.load(in_flight, DECAY_S) == pytest.approx(latency_s * (in_flight + 1) / math.e)


def test_a_newcomer_gets_one_and_then_has_to_show_how_fast_it_is() -> None:
    load = PeakEwma(0.0)
    assert load.load(0, 0.0) == 0.0
    assert load.load(3, 1e6) == 3 * PENALTY_S


def test_time_that_goes_back_does_not_raise_the_load() -> None:
    load = PeakEwma(100.0)
    load.observe(1.0, 100.0)
    assert load.load(0, 50.0) == 1.0
