"""Quantiles and shares from counts between bounds, against the values themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.histogram import above, at_most, bucket, quantile

BOUNDS = (0.1, 0.2, 0.5, 1.0, 2.0)
VALUES = st.lists(st.floats(0.001, 4.0), min_size=1, max_size=60)


def counted(values: list[float]) -> list[int]:
    counts = [0] * (len(BOUNDS) + 1)
    for value in values:
        counts[bucket(BOUNDS, value)] += 1
    return counts


def test_a_value_at_a_bound_is_below_it() -> None:
    assert counted([0.1, 0.5, 0.51, 2.0, 2.1]) == [1, 0, 1, 1, 1, 1]


def test_without_values_nothing_is_known() -> None:
    assert quantile([0] * 6, BOUNDS, 0.5) is None
    assert at_most([0] * 6, BOUNDS, 0.5).ratio is None
    assert at_most([0] * 6, BOUNDS, 0.5).interval == (0.0, 1.0)


@given(VALUES, st.sampled_from(BOUNDS))
def test_at_a_bound_the_share_is_exact(values: list[float], threshold: float) -> None:
    within = at_most(counted(values), BOUNDS, threshold)
    assert within == (sum(one <= threshold for one in values), 0, len(values))
    over = above(counted(values), BOUNDS, threshold)
    assert over == (sum(one > threshold for one in values), 0, len(values))


@given(VALUES, st.floats(0.01, 5.0))
def test_elsewhere_the_truth_lies_between(values: list[float], threshold: float) -> None:
    for found, true in (
        (at_most(counted(values), BOUNDS, threshold), sum(one <= threshold for one in values)),
        (above(counted(values), BOUNDS, threshold), sum(one > threshold for one in values)),
    ):
        assert found.sure <= true <= found.sure + found.unclear
        low, high = found.interval
        assert low <= true / len(values) <= high


@given(VALUES, st.floats(0.0, 1.0))
def test_a_quantile_lies_in_the_bucket_of_its_value(values: list[float], share: float) -> None:
    found = quantile(counted(values), BOUNDS, share)
    assert found is not None
    rank = max(1, -int(-(share * len(values)) // 1))
    true = sorted(values)[min(rank, len(values)) - 1]
    at = bucket(BOUNDS, true)
    assert (BOUNDS[at - 1] if at else 0.0) <= found <= BOUNDS[min(at, len(BOUNDS) - 1)]


def test_halfway() -> None:
    assert quantile([0, 10, 0, 0, 0, 0], BOUNDS, 0.5) == pytest.approx(0.15)
    assert quantile([0, 0, 0, 0, 0, 3], BOUNDS, 0.5) == 2.0
