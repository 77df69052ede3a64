"""Reserves cover their sum, and little more; the quantile is what it says."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.estimate import (
    BYTES_PER_TOKEN,
    PRIOR_MEAN,
    OutputEstimate,
    OutputEstimates,
    tokens,
)


def test_nothing_is_no_token() -> None:
    assert tokens(0) == 0


@given(st.integers(1, 10**9))
def test_it_is_a_quarter_rounded_up(size_bytes: int) -> None:
    estimate = tokens(size_bytes)
    assert 1 <= estimate <= size_bytes
    assert (estimate - 1) * BYTES_PER_TOKEN < size_bytes <= estimate * BYTES_PER_TOKEN


def lengths(chance: random.Random, cv: float) -> int:
    """Return the length of an answer: mean 211, as the Azure conversations have it."""
    sigma2 = math.log(1 + cv * cv)
    return max(1, round(chance.lognormvariate(math.log(211) - sigma2 / 2, math.sqrt(sigma2))))


@pytest.mark.parametrize("cv", [0.5, 0.77, 1.0])
@pytest.mark.parametrize("n", [64, 256])
def test_what_is_reserved_covers_what_is_used_and_little_more(n: int, cv: float) -> None:
    chance = random.Random(f"{n} {cv}")
    estimate = OutputEstimate()
    for _ in range(1_000):
        estimate.learn(lengths(chance, cv))
    reserved = used = covered = 0
    for _ in range(300):
        actual = [lengths(chance, cv) for _ in range(n)]
        reserve = n * estimate.reserve(n)
        covered += reserve >= sum(actual)
        reserved += reserve
        used += sum(actual)
        for one in actual:
            estimate.learn(one)
    assert covered / 300 > 0.95
    assert 1.0 < reserved / used < 1.3


@given(st.integers(1, 10_000), st.integers(0, 100_000), st.lists(st.integers(0, 10**6)))
def test_a_reserve_is_never_more_than_the_caller_bounds(
    n: int, output_tokens_max: int, learned: list[int]
) -> None:
    estimate = OutputEstimate()
    for one in learned:
        estimate.learn(one)
    reserve = estimate.reserve(n, output_tokens_max)
    assert reserve >= 1
    assert not output_tokens_max or reserve <= output_tokens_max
    assert estimate.reserve(n) >= estimate.mean
    assert estimate.reserve(n) >= estimate.reserve(n + 1)


@given(st.integers(1, 100_000), st.integers(8, 2_000))
def test_the_mean_goes_to_what_it_is_told(length: int, times: int) -> None:
    estimate = OutputEstimate()
    for _ in range(times):
        estimate.learn(length)
    started = PRIOR_MEAN - length
    assert estimate.mean == pytest.approx(length + started * 8 / (8 + times), abs=abs(started) / 50)


def test_old_answers_are_forgotten() -> None:
    estimate = OutputEstimate()
    for _ in range(10_000):
        estimate.learn(100)
    for _ in range(2_000):
        estimate.learn(5_000)
    assert estimate.mean == pytest.approx(5_000, rel=0.03)


def test_a_new_pair_begins_as_its_model_is_for_everybody() -> None:
    estimates = OutputEstimates()
    assert estimates.of("a", "m").mean == PRIOR_MEAN
    for _ in range(60):
        estimates.learn("a", "m", 2_000)
    assert estimates.of("b", "m").mean > 1_500
    assert estimates.of("b", "other").mean == PRIOR_MEAN
    estimates.learn("b", "m", 10)
    assert estimates.of("a", "m").mean > estimates.of("b", "m").mean > 1_300


def test_one_tenant_does_not_speak_for_all() -> None:
    estimates = OutputEstimates()
    for _ in range(10_000):
        estimates.learn("large", "m", 5_000)
    for at in range(200):
        estimates.learn(f"small {at % 20}", "m", 100)
    assert estimates.of("new", "m").mean < 2_000


def test_the_number_of_pairs_is_bounded_and_the_busy_ones_stay() -> None:
    estimates = OutputEstimates(entries_max=10)
    estimates.learn("busy", "m", 1_000)
    busy = estimates.of("busy", "m")
    for at in range(200):  # the busy one soon no longer teaches everybody's
        estimates.learn("busy", "m", 1_000)
        estimates.learn(f"{at}", "m", 10)
        assert len(estimates) <= 10
        assert estimates.of("busy", "m") is busy
