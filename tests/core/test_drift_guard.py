"""More in flight that brings more is told from more in flight that does not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.drift_guard import WINDOWS_MIN, DriftGuard


def climbed(capacity: float, windows: int, time_s: float, seed: int) -> DriftGuard:
    """A climb by 5 % a window; an answer takes ``time_s`` and is counted when it ends."""
    chance = random.Random(seed)
    guard = DriftGuard()
    in_flight = 32.0
    history = [in_flight] * 8
    for _ in range(windows):
        began = history[-max(1, round(time_s))]
        guard.add(in_flight, round(min(began, capacity) / time_s * chance.gauss(1.0, 0.05)), 1.0)
        history.append(in_flight)
        in_flight *= 1.05
    return guard


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("time_s", [1.0, 4.0])
def test_a_climb_that_brings_answers_goes_on(time_s: float, seed: int) -> None:
    """Also at its begin, when what ends began before it."""
    assert not any(climbed(1e9, windows, time_s, seed).is_flat for windows in range(17))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("time_s", [1.0, 4.0])
def test_a_climb_that_brings_none_is_flat(time_s: float, seed: int) -> None:
    assert climbed(32.0, 16, time_s, seed).is_flat


def test_a_flat_past_is_forgotten() -> None:
    guard = climbed(32.0, 16, 1.0, 1)
    guard.forget()
    assert not guard.is_flat


@given(st.lists(st.tuples(st.floats(0.0, 1e5), st.integers(0, 10_000)), max_size=20))
def test_little_or_even_history_says_nothing(windows: list[tuple[float, int]]) -> None:
    guard = DriftGuard()
    for at, (in_flight, ended) in enumerate(windows):
        guard.add(in_flight, ended, 1.0)
        if at + 1 < WINDOWS_MIN:
            assert not guard.is_flat
        assert guard.is_flat in (True, False)
    even = DriftGuard()
    for _, ended in windows:
        even.add(40.0, ended, 1.0)
    assert not even.is_flat
