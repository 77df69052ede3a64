"""What is usual: shrunk while young, by hour of week when grown, robust against odd blocks."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.watch.baseline import (
    BLOCK_S,
    WEEK_START_UNIX_S,
    RateBaseline,
    RatioBaseline,
)
from penstock.watch.settings import Settings

SETTINGS = Settings()
PRIOR = SETTINGS.telemetry_failed
WEEK_S = 604_800.0


def learned(blocks: int, events: float, bad: float) -> RatioBaseline:
    baseline = RatioBaseline()
    for _ in range(blocks):
        baseline.learn((events, bad), (0.0, 0.0), PRIOR, SETTINGS)
    return baseline


def test_a_young_ratio_is_above_its_prior_and_a_grown_one_is_what_it_saw() -> None:
    assert RatioBaseline().usual_ratio(PRIOR, SETTINGS) > PRIOR.prior_ratio
    assert learned(500, 600.0, 12.0).usual_ratio(PRIOR, SETTINGS) == pytest.approx(0.02, rel=0.05)


@given(st.integers(0, 400), st.floats(0.0, 1e4), st.floats(0.0, 1.0))
def test_a_ratio_stays_between_its_floor_and_its_most(
    blocks: int, events: float, share: float
) -> None:
    usual = learned(blocks, events, events * share).usual_ratio(PRIOR, SETTINGS)
    assert PRIOR.floor_ratio <= usual <= 0.3


def test_one_odd_block_hardly_moves_a_ratio() -> None:
    baseline = learned(500, 600.0, 6.0)
    baseline.learn((600.0, 600.0), (0.0, 0.0), PRIOR, SETTINGS)
    assert baseline.usual_ratio(PRIOR, SETTINGS) < 0.0105


def test_bursts_are_found_by_their_moments() -> None:
    plain, bursty = learned(100, 6000.0, 60.0), learned(100, 6000.0, 60.0)
    for _ in range(200):
        for bad in (4, 8):  # less than Poisson's variance
            squares, excess = plain.moments(600.0, bad, PRIOR, SETTINGS)
            plain.learn((600.0, bad), (squares, excess), PRIOR, SETTINGS)
        for bad in (0, 12):
            squares, excess = bursty.moments(600.0, bad, PRIOR, SETTINGS)
            bursty.learn((600.0, bad), (squares, excess), PRIOR, SETTINGS)
    assert plain.size(PRIOR, SETTINGS) > 100.0
    assert bursty.size(PRIOR, SETTINGS) == pytest.approx(36.0 / 30.0, rel=0.2)
    assert math.isinf(bursty.size(SETTINGS.probe_failed, SETTINGS))


def test_bursts_tell_less_of_what_is_usual() -> None:
    def young(squares: float, excess: float) -> float:
        baseline = RatioBaseline()
        baseline.learn((6000.0, 24.0), (squares, excess), PRIOR, SETTINGS)
        return baseline.usual_ratio(PRIOR, SETTINGS)

    assert young(60.0, 85.0) > young(60.0, 0.0) > 24.0 / 6000.0


def weeks_of(day: float, night: float) -> RateBaseline:
    baseline = RateBaseline()
    for block in range(8 * 1008):
        start = WEEK_START_UNIX_S + block * BLOCK_S
        is_day = 8 <= (start - WEEK_START_UNIX_S) % 86_400.0 / 3600.0 < 20
        baseline.learn(start, (day if is_day else night) * 10.0, SETTINGS)
    return baseline


def test_a_grown_rate_knows_day_from_night() -> None:
    baseline = weeks_of(2.0, 0.1)
    noon = WEEK_START_UNIX_S + 100 * WEEK_S + 12 * 3600.0
    assert baseline.per_min(noon, SETTINGS) == pytest.approx(2.0, rel=0.2)
    assert baseline.per_min(noon + 12 * 3600.0, SETTINGS) < 0.4
    flat = Settings(has_seasonality=False)
    assert baseline.per_min(noon, flat) == baseline.per_min(noon + 12 * 3600.0, flat)


@given(st.floats(0.0, 2e9), st.lists(st.floats(0.0, 500.0), max_size=20))
def test_a_rate_is_never_below_its_floor_and_its_size_is_bounded(
    at: float, blocks: list[float]
) -> None:
    baseline = RateBaseline()
    for block, votes in enumerate(blocks):
        baseline.learn(at + block * BLOCK_S, votes, SETTINGS)
    assert baseline.per_min(at, SETTINGS) >= SETTINGS.report_floor_per_min
    assert 0.05 <= baseline.dispersion(SETTINGS) <= 100.0


def test_without_dispersion_it_is_poisson() -> None:
    assert math.isinf(RateBaseline().dispersion(Settings(has_dispersion=False)))
