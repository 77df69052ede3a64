"""Order is kept, weights are kept, and the busiest is never picked while there is another."""

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.balancer import by_load, by_weight, in_order


@dataclass(frozen=True)
class Place:
    """An upstream that is as busy as we say."""

    name: int
    weight: float = 1.0
    wait_s: float = 0.0

    def load(self, now_s: float) -> float:
        assert now_s == 7.0
        return self.wait_s


CHANCE = st.floats(0.0, 1.0, exclude_max=True)
WEIGHTS = st.lists(st.floats(0.0, 10.0), min_size=1, max_size=6)


def places(values: list[float], *, are_waits: bool = False) -> list[Place]:
    if are_waits:
        return [Place(at, wait_s=value) for at, value in enumerate(values)]
    return [Place(at, weight=value) for at, value in enumerate(values)]


@given(WEIGHTS, CHANCE)
def test_order_takes_the_first(weights: list[float], chance: float) -> None:
    assert in_order(places(weights), lambda: chance, 7.0).name == 0


@given(WEIGHTS, CHANCE)
def test_weight_takes_whose_part_of_the_whole_chance_falls_into(
    weights: list[float], chance: float
) -> None:
    free = places(weights)
    picked = by_weight(free, lambda: chance, 7.0)
    assert picked in free
    total = sum(weights)
    if total > 0:
        assert picked.weight > 0, "a weight of zero is no traffic"
        before = sum(weights[: picked.name])
        assert before <= chance * total + 1e-9 <= before + picked.weight + 2e-9


@given(st.integers(1, 6), CHANCE)
def test_all_weights_zero_means_all_the_same(count: int, chance: float) -> None:
    picked = by_weight(places([0.0] * count), lambda: chance, 7.0)
    assert picked.name == int(chance * count)


def test_what_rounding_leaves_goes_to_who_has_a_weight() -> None:
    free = places([0.1, 0.2, 0.3, 0.0])
    assert by_weight(free, lambda: 1.0, 7.0).name == 2


@given(st.lists(st.floats(0.0, 100.0), min_size=2, max_size=6, unique=True), st.integers())
def test_load_never_takes_the_busiest_of_several(waits: list[float], seed: int) -> None:
    free = places(waits, are_waits=True)
    picked = by_load(free, random.Random(seed).random, 7.0)
    assert picked.wait_s < max(waits)


def test_load_takes_the_only_one() -> None:
    assert by_load(places([1.0]), lambda: 0.5, 7.0).name == 0


@pytest.mark.parametrize("count", [2, 3, 5])
def test_with_the_same_load_all_are_taken_about_as_often(count: int) -> None:
    free = places([1.0] * count, are_waits=True)
    chance = random.Random(1).random
    taken = Counter(by_load(free, chance, 7.0).name for _ in range(6000))
    assert set(taken) == set(range(count))
    assert min(taken.values()) > 0.85 * 6000 / count
