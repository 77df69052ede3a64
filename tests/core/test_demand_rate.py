"""The measured load against a sum over all that was held, and its use: rho, E[S], the wait."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.demand_rate import SERVICE_S, LoadEstimate
from penstock.core.tier import Tier

WINDOW_S = 60.0


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.5, 3.0, 40.0]), st.booleans()), max_size=60),
    st.sampled_from([0.0, 1.0, 100.0]),
)
def test_the_load_is_the_fading_mean_of_the_slots_in_use(
    moves: list[tuple[float, bool]], rest_s: float
) -> None:
    now_s = 1000.0
    estimate = LoadEstimate(now_s, WINDOW_S)
    spans: list[tuple[float, float, int]] = []
    in_use = 0
    for passed_s, is_grant in [*moves, (rest_s, True)]:
        spans.append((now_s, now_s + passed_s, in_use))
        now_s += passed_s
        estimate.on_tick(now_s)
        if is_grant:
            estimate.granted(Tier.ENTERPRISE, now_s)
            in_use += 1
        elif in_use:
            estimate.given_back(Tier.ENTERPRISE, 1.0, now_s)
            in_use -= 1

    def weight(begin_s: float, end_s: float) -> float:
        return math.exp((end_s - now_s) / WINDOW_S) - math.exp((begin_s - now_s) / WINDOW_S)

    whole = weight(1000.0, now_s)
    mean = sum(weight(begin, end) * used for begin, end, used in spans) / whole if whole else in_use
    assert estimate.load(Tier.ENTERPRISE, now_s) == pytest.approx(mean, rel=1e-6, abs=1e-9)
    assert estimate.tiers[Tier.ENTERPRISE].in_use == in_use
    assert estimate.load(Tier.FREE, now_s) == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(-2, 2)), max_size=60), st.floats(0, 9))
def test_between_two_ticks_every_instant_counts_alike(
    moves: list[tuple[float, int]], rest_s: float
) -> None:
    now_s = 1000.0
    estimate = LoadEstimate(now_s, WINDOW_S)
    held_s = in_use = 0.0
    for passed_s, more in [*moves, (rest_s, 0)]:
        held_s += in_use * passed_s
        now_s += passed_s
        for _ in range(abs(more)):
            if more > 0:
                estimate.granted(Tier.FREE, now_s)
                in_use += 1
            elif in_use:
                estimate.given_back(Tier.FREE, None, now_s)
                in_use -= 1
    if now_s > 1000.0 + 1e-3:
        mean = pytest.approx(held_s / (now_s - 1000.0), rel=1e-6, abs=1e-6)
        assert estimate.load(Tier.FREE, now_s) == mean
        estimate.on_tick(now_s)
        assert estimate.load(Tier.FREE, now_s) == mean


def test_it_follows_a_load_that_changes() -> None:
    dice = random.Random(5)
    estimate = LoadEstimate(0.0)
    ends: list[float] = []
    now_s = 0.0
    found: dict[int, float] = {}
    while now_s < 900.0:
        rate = 4.3 if now_s < 450.0 else 8.6  # 0.3 and 0.6 of 64 slots at 4.48 s
        now_s += dice.expovariate(rate)
        for end_s in sorted(end for end in ends if end <= now_s):
            ends.remove(end_s)
            estimate.given_back(Tier.ENTERPRISE, SERVICE_S, end_s)
        estimate.on_tick(now_s)
        estimate.granted(Tier.ENTERPRISE, now_s)
        ends.append(now_s + SERVICE_S)
        found[int(now_s)] = estimate.rho(Tier.ENTERPRISE, 64, now_s)
    assert found[60] == pytest.approx(0.3, abs=0.06)  # without a long way up from nothing
    assert found[449] == pytest.approx(0.3, abs=0.05)
    assert found[899] == pytest.approx(0.6, abs=0.06)


def test_the_mean_of_times_held_fades_and_forgets_where_it_began() -> None:
    estimate = LoadEstimate(0.0, WINDOW_S)
    assert estimate.mean_service_s == SERVICE_S
    for at in range(600):
        estimate.on_tick(float(at))
        estimate.granted(Tier.FREE, float(at))
        estimate.given_back(Tier.FREE, 1.0 if at < 300 else 9.0, float(at))
        if at == 299:
            assert estimate.mean_service_s == pytest.approx(1.0, abs=0.01)
    assert estimate.mean_service_s == pytest.approx(9.0, abs=0.1)


def test_a_wait_is_who_is_ahead_over_what_the_tiers_above_leave() -> None:
    estimate = LoadEstimate(0.0)
    for _ in range(20):
        estimate.granted(Tier.ENTERPRISE, 0.0)
    for _ in range(12):
        estimate.granted(Tier.STANDARD, 0.0)
    assert estimate.load_above(Tier.STANDARD, 600.0) == pytest.approx(20.0)
    assert estimate.load_above(Tier.FREE, 600.0) == pytest.approx(32.0)
    assert estimate.wait_s(Tier.FREE, 99, 62, 600.0) == pytest.approx(100 * SERVICE_S / 30)
    assert estimate.wait_s(Tier.ENTERPRISE, 0, 64, 600.0) == pytest.approx(SERVICE_S / 64)


def test_a_tier_that_is_left_nothing_waits_for_the_floor_and_without_slots_for_ever() -> None:
    estimate = LoadEstimate(0.0)
    for _ in range(64):
        estimate.granted(Tier.STANDARD, 0.0)
    assert estimate.wait_s(Tier.FREE, 0, 50, 600.0) == pytest.approx(SERVICE_S)
    assert estimate.wait_s(Tier.FREE, 0, 0, 600.0) == math.inf


def test_without_slots_nothing_is_divided_by_zero() -> None:
    assert LoadEstimate(0.0).rho(Tier.FREE, 0, 0.0) == 0.0


def test_a_slot_comes_back_once() -> None:
    estimate = LoadEstimate(0.0)
    with pytest.raises(AssertionError, match="twice"):
        estimate.given_back(Tier.FREE, 1.0, 0.0)
