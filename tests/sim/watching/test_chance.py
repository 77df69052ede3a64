"""Counts by chance have the mean and the spread that they claim."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.watching.given import dice

from penstock.sim.watching import chance

MANY = 4000


@pytest.mark.parametrize("mean", [0.2, 3.0, 19.0, 60.0])
def test_a_poisson_count_has_its_mean_as_its_variance(mean: float) -> None:
    rolled = dice(mean)
    drawn = [chance.poisson(rolled, mean) for _ in range(MANY)]
    assert statistics.fmean(drawn) == pytest.approx(mean, rel=0.08)
    assert statistics.variance(drawn) == pytest.approx(mean, rel=0.15)


@pytest.mark.parametrize(("count", "share"), [(8, 0.3), (200, 0.01), (200, 0.4), (200, 0.97)])
def test_a_binomial_count_has_its_mean_and_variance(count: int, share: float) -> None:
    rolled = dice((count, share))
    drawn = [chance.binomial(rolled, count, share) for _ in range(MANY)]
    assert statistics.fmean(drawn) == pytest.approx(count * share, rel=0.05)
    assert statistics.variance(drawn) == pytest.approx(count * share * (1 - share), rel=0.2)


@given(st.integers(0, 500), st.floats(0, 1), st.integers())
def test_a_binomial_count_is_never_impossible(count: int, share: float, seed: int) -> None:
    assert 0 <= chance.binomial(dice(seed), count, share) <= count
    assert chance.binomial(dice(seed), count, 0.0) == 0
    assert chance.binomial(dice(seed), count, 1.0) == count


def test_an_overdispersed_count_varies_as_a_negative_binomial() -> None:
    rolled = dice("nb")
    drawn = [chance.overdispersed(rolled, 4.0, 2.0) for _ in range(4 * MANY)]
    assert statistics.fmean(drawn) == pytest.approx(4.0, rel=0.05)
    assert statistics.variance(drawn) == pytest.approx(4.0 + 16.0 / 2.0, rel=0.15)


@given(st.integers(1, 50), st.integers())
def test_a_pick_is_one_of_them(count: int, seed: int) -> None:
    assert 0 <= chance.pick(dice(seed), count) < count
