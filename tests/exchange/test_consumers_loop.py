"""The loop that consumers close: slots stay full, sessions whole, and the ladder still."""

import itertools
import math
from collections.abc import Callable
from random import Random

import pytest
from tests.exchange.consumer_loop import SERVICE_MEAN_S, Load, Loop, Tally, steady

from penstock.config.model import Admission, Ladder
from penstock.core.ladder import LEVEL_MAX

THINK_S = 20.0
Thinks = Callable[[Random], float]


def scattered(random: Random) -> float:
    """A think time without memory."""
    return random.expovariate(1 / THINK_S)


def skewed(random: Random) -> float:
    """Mostly short, at times very long: log-normal."""
    return random.lognormvariate(math.log(THINK_S) - 0.5, 1.0)


def of_a_clock(_: Random) -> float:
    """Always the same, as of a program: nothing dampens the waves of its sessions."""
    return THINK_S


def check_full(tally: Tally, slots: int) -> None:
    """Goodput and utilisation of TIERING 10, 3 and 5; and hardly a session is broken off."""
    ideal = slots / SERVICE_MEAN_S * 700.0
    in_time = sum(wait_s <= 10.0 for wait_s in tally.waits_s)
    assert in_time >= 0.95 * ideal
    assert tally.busy_s >= 0.98 * tally.slots_s
    assert tally.broken <= 0.025 * tally.whole


@pytest.mark.parametrize("phi", [0.05, 0.15, 0.5])
@pytest.mark.parametrize(
    "think_s",
    [scattered, *[pytest.param(one, marks=pytest.mark.slow) for one in (skewed, of_a_clock)]],
)
def test_a_steady_load_keeps_slots_full_and_sessions_whole(phi: float, think_s: Thinks) -> None:
    loop = Loop(steady(1, phi, 45, think_s))
    tally = loop.run()
    check_full(tally, 45)
    # The ideal: the share phi of all users, each with all turns. Waves make the count uncertain.
    assert tally.whole >= (0.85 if think_s is of_a_clock else 0.93) * phi * tally.came
    moved = [at_s for at_s in tally.moved_at_s if at_s > 60.0]
    assert all(later - at_s >= 10.0 for at_s, later in itertools.pairwise(moved))
    assert len(moved) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("slots", [16, 100])
@pytest.mark.parametrize("phi", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("seed", range(2, 7))
def test_other_sizes_and_other_dice(slots: int, phi: float, seed: int) -> None:
    tally = Loop(steady(seed, phi, slots, scattered)).run()
    ideal = slots / SERVICE_MEAN_S * 700.0
    assert sum(wait_s <= 10.0 for wait_s in tally.waits_s) >= 0.95 * ideal
    assert tally.busy_s >= 0.98 * tally.slots_s
    assert tally.whole >= 0.85 * phi * tally.came


def test_without_the_ladder_hardly_a_session_is_whole() -> None:
    """What all this is good for; and the test above can fail."""
    entry = Admission(ladder=Ladder(is_enabled=False))
    tally = Loop(steady(1, 0.1, 45, scattered), entry).run()
    assert tally.whole < 0.2 * 0.1 * tally.came


def test_half_of_the_capacity_is_lost_and_comes_back() -> None:
    load = steady(3, 0.3, 60, scattered)
    load.slots = lambda at_s: 30 if 400.0 <= at_s < 600.0 else 60
    loop = Loop(load)
    tally = loop.run()
    kept = {at_s: kept for at_s, _, _, kept in loop.trace}
    assert min(kept[at_s] for at_s in kept if 400.0 < at_s < 500.0) < 0.8
    assert min(kept[at_s] for at_s in kept if at_s > 620.0) == 1.0
    assert tally.busy_s >= 0.98 * tally.slots_s
    late = [wait_s for wait_s in tally.waits_s if wait_s > 16.0]
    assert not late


def test_a_crowd_of_ten_times_is_over_when_it_is_gone() -> None:
    base = 45 / (SERVICE_MEAN_S * 5) * 0.6
    load = Load(
        4, lambda _: 45, lambda at_s: base * (10.0 if 300.0 <= at_s < 360.0 else 1.0), scattered
    )
    loop = Loop(load)
    tally = loop.run()
    levels = {at_s: level for at_s, level, _, _ in loop.trace}
    first_s = min(at_s for at_s in levels if at_s > 300.0 and levels[at_s] == LEVEL_MAX)
    assert first_s <= 320.0
    assert levels[700.0] < LEVEL_MAX
    assert max(tally.waits_s) <= 16.0
    # All who came before and after it are served whole, but for few in its wake.
    assert tally.whole >= 0.9 * base * (400.0 - 60.0) + base * 60.0


@pytest.mark.parametrize(
    "seed", [5, *[pytest.param(one, marks=pytest.mark.slow) for one in (6, 7)]]
)
def test_capacity_that_comes_back_is_filled_within_twenty_seconds(seed: int) -> None:
    load = steady(seed, 0.1, 40, scattered)
    load.slots = lambda at_s: 40 if at_s < 450.0 else 80
    load.until_s = 470.0
    loop = Loop(load)
    loop.run()
    assert loop.busy >= 0.95 * 80
    assert loop.consumers.kept_ratio == 1.0
