"""The closed forms against the tables of TIERING 9, and against what must hold for all inputs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.reserve import (
    ceilings,
    consumer_ideal,
    erlang_c,
    held,
    jain,
    lower_ratio,
    max_min,
    reserve,
    vtc_gap,
    wait_preempting_s,
    wait_s,
)

SERVICE_S = 4.48
SHARES = st.floats(0.01, 0.99)
SIZES = st.floats(0.0, 1e6)


@pytest.mark.parametrize(
    ("k", "waits_s"),
    [
        (4, (6.45, 7.37, 10.3, 17.2, 51.6)),
        (8, (3.22, 3.68, 5.16, 8.60, 25.8)),
        (16, (1.61, 1.84, 2.58, 4.30, 12.9)),
        (32, (0.81, 0.92, 1.29, 2.15, 6.45)),
        (64, (0.40, 0.46, 0.64, 1.07, 3.22)),
        (128, (0.20, 0.23, 0.32, 0.54, 1.61)),
        (256, (0.10, 0.12, 0.16, 0.27, 0.81)),
        (512, (0.05, 0.06, 0.08, 0.13, 0.40)),
    ],
)
def test_the_table_of_waits_without_a_reserve(k: int, waits_s: tuple[float, ...]) -> None:
    found = [wait_s(0.99, k, rho, SERVICE_S) for rho in (0.2, 0.3, 0.5, 0.7, 0.9)]
    assert found == pytest.approx(waits_s, rel=0.004, abs=0.0051)


@pytest.mark.parametrize(
    ("rho", "percents"),
    [
        (0.2, ((4.1, 2.7), (0.2, 5.8), (0.0, 12.1), (0.0, 18.3))),
        (0.3, ((9.1, 2.5), (0.9, 5.6), (0.0, 11.7), (0.0, 17.9))),
        (0.5, ((25.2, 1.9), (6.6, 4.7), (0.6, 10.7), (0.1, 16.6))),
        (0.7, ((49.2, 1.3), (25.0, 3.4), (7.5, 8.5), (2.8, 13.7))),
    ],
)
def test_the_table_of_reserves(rho: float, percents: tuple[tuple[float, float], ...]) -> None:
    for r, (waits, idles) in zip((2, 4, 8, 12), percents, strict=True):
        found = held(64, rho, r)
        assert 100 * found.wait_ratio == pytest.approx(waits, abs=0.051)
        assert 100 * found.idle_ratio == pytest.approx(idles, abs=0.051)


def test_without_a_reserve_all_wait_and_nothing_idles() -> None:
    assert held(64, 0.3, 0) == (1.0, 0.0)
    assert lower_ratio(64, 0.3, 0) == 1.0


def test_a_whole_machine_reserved_is_the_queue_of_enterprise_alone() -> None:
    assert held(16, 0.7, 16).wait_ratio == pytest.approx(erlang_c(16, 16 * 0.7))


@given(st.integers(2, 200), SHARES, st.data())
def test_one_more_slot_makes_fewer_wait_and_more_idle(
    k: int, rho: float, data: st.DataObject
) -> None:
    r = data.draw(st.integers(1, k))
    less, more = held(k, rho, r - 1), held(k, rho, r)
    assert more.wait_ratio <= less.wait_ratio * (1 + 1e-9)
    assert more.idle_ratio >= less.idle_ratio * (1 - 1e-9)


@pytest.mark.parametrize(
    ("k", "load", "chance"),
    [(1, 0.3, 0.3), (2, 1.0, 1 / 3), (3, 2.0, 4 / 9), (5, 5.0, 1.0), (5, 9.0, 1.0), (4, 0.0, 0.0)],
)
def test_erlang_c(k: int, load: float, chance: float) -> None:
    assert erlang_c(k, load) == pytest.approx(chance)


@given(st.integers(1, 60), SHARES)
def test_erlang_c_is_the_sum_in_the_books(k: int, rho: float) -> None:
    load = k * rho
    top = load**k / math.factorial(k) / (1 - rho)
    below = sum(load**at / math.factorial(at) for at in range(k))
    assert erlang_c(k, load) == pytest.approx(top / (below + top))


def test_full_preemption_leaves_no_wait_at_64_slots_up_to_seven_tenths() -> None:
    assert wait_preempting_s(0.99, 64, 0.7, SERVICE_S) == 0.0
    late_s = wait_preempting_s(0.99, 64, 0.9, SERVICE_S)
    assert 0.0 < late_s < wait_s(0.99, 64, 0.9, SERVICE_S)
    tail = erlang_c(64, 57.6) * math.exp(-6.4 * late_s / SERVICE_S)
    assert tail == pytest.approx(0.01)


def test_a_load_of_all_slots_never_ends() -> None:
    assert wait_s(0.99, 64, 1.0, SERVICE_S) == math.inf
    assert wait_preempting_s(0.99, 64, 1.0, SERVICE_S) == math.inf


@pytest.mark.parametrize(
    ("k", "rho", "preempts", "r"),
    [
        (64, 0.3, True, 2),
        (64, 0.3, False, 4),
        (64, 0.2, True, 2),
        (64, 0.5, True, 2),  # more would take too much from the tiers below
        (64, 0.5, False, 8),
        (64, 0.7, False, 8),  # 1 % is out of reach: what is bearable
        (16, 0.3, True, 0),
        (16, 0.3, False, 2),
        (4, 0.3, False, 0),
        (128, 0.3, True, 0),  # 0.23 s is within the budget
        (128, 0.5, False, 7),
        (255, 0.9, True, 4),
        (256, 0.9, True, 0),
        (256, 0.9, False, 0),
        (1, 0.3, True, 0),
        (0, 0.3, True, 0),
    ],
)
def test_how_many_are_reserved(*, k: int, rho: float, preempts: bool, r: int) -> None:
    assert reserve(k, rho, SERVICE_S, preempts=preempts) == r


def test_a_wait_within_its_budget_needs_no_reserve() -> None:
    assert reserve(64, 0.3, SERVICE_S, wait_budget_s=0.47) == 0
    assert reserve(64, 0.3, SERVICE_S, wait_budget_s=0.45) == 2
    assert reserve(64, 0.3, 0.5) == 0


@given(k=st.integers(0, 300), rho=st.floats(0.0, 2.0), preempts=st.booleans())
def test_a_reserve_is_bearable(*, k: int, rho: float, preempts: bool) -> None:
    r = reserve(k, rho, SERVICE_S, preempts=preempts)
    assert 0 <= r <= k / 8
    if preempts and rho <= 0.95 and r:
        assert held(k, rho, r).idle_ratio <= 0.05
        assert lower_ratio(k, rho, r) >= 0.95 - 1e-12


@pytest.mark.parametrize(
    ("limit", "reserved", "slots"),
    [
        (64, 2, (65, 64, 62, 62, 51)),
        (64, 3, (65, 64, 62, 61, 51)),
        (64, 4, (65, 64, 62, 60, 51)),
        (64, 0, (65, 64, 64, 64, 51)),
        (64, 20, (65, 64, 54, 44, 44)),
        (4, 1, (5, 4, 3, 3, 3)),
        (2, 4, (3, 2, 1, 1, 1)),
        (1, 1, (2, 1, 1, 1, 1)),
        (0, 0, (1, 0, 0, 0, 0)),
    ],
)
def test_ceilings(limit: int, reserved: int, slots: tuple[int, ...]) -> None:
    assert ceilings(limit, reserved) == slots


@given(st.integers(0, 500), st.integers(0, 60), st.floats(0.0, 1.0))
def test_no_ceiling_is_above_that_of_a_higher_tier(limit: int, reserved: int, ratio: float) -> None:
    slots = ceilings(limit, reserved, ratio)
    assert list(slots) == sorted(slots, reverse=True)
    assert slots[1] == limit


@pytest.mark.parametrize(
    ("rho", "ideals"),
    [(0.3, (0.412, 0.149, 0.072)), (0.5, (0.333, 0.111, 0.053)), (0.7, (0.231, 0.070, 0.032))],
)
def test_the_table_of_what_consumers_ideally_get(rho: float, ideals: tuple[float, ...]) -> None:
    found = [consumer_ideal(rho, load - rho) for load in (2, 5, 10)]
    assert found == pytest.approx(ideals, abs=0.0005)


def test_consumers_ideally_get_all_if_there_is_enough_and_nothing_if_there_is_none() -> None:
    assert consumer_ideal(0.3, 0.0) == 1.0
    assert consumer_ideal(0.3, 0.7) == 1.0
    assert consumer_ideal(1.2, 0.7) == 0.0


def test_max_min_in_numbers() -> None:
    assert max_min([1, 4, 10], [1, 1, 1], 12) == [1, 4, 7]
    assert max_min([10, 10, 1], [1, 3, 1], 9) == [2, 6, 1]
    assert max_min([1, 2], [1, 1], 9) == [1, 2]
    assert max_min([], [], 9) == []


@given(st.lists(st.tuples(SIZES, st.floats(0.1, 10.0)), min_size=1, max_size=12), SIZES)
def test_max_min_wastes_nothing_and_nobody_envies(
    tenants: list[tuple[float, float]], capacity: float
) -> None:
    demands, weights = [one[0] for one in tenants], [one[1] for one in tenants]
    shares = max_min(demands, weights, capacity)
    assert sum(shares) == pytest.approx(min(capacity, sum(demands)))
    highest = max(share / weight for share, weight in zip(shares, weights, strict=True))
    for share, demand, weight in zip(shares, demands, weights, strict=True):
        assert share <= demand
        assert share == pytest.approx(demand) or share / weight == pytest.approx(highest)


def test_jain() -> None:
    assert jain([3.0, 3.0, 3.0]) == 1.0
    assert jain([1.0, 0.0, 0.0, 0.0]) == 0.25
    assert jain([1.0, 3.0]) == pytest.approx(0.8)
    assert jain([]) == jain([0.0, 0.0]) == 1.0


def test_the_gap_of_the_reference_model() -> None:
    assert vtc_gap(1.0, 8000, 4.0, 64 * 424) == pytest.approx(217_000, rel=0.001)
    assert vtc_gap(1.0, 200_000, 4.0, 64 * 424) == 400_000
