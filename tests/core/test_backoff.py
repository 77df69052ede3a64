"""Waits grow, are spread, and are bounded."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.backoff import FIRST_S, MAX_S, backoff_s


@given(st.integers(1, 10_000), st.floats(0.0, 1.0, exclude_max=True))
def test_a_wait_lies_between_a_quarter_and_the_whole_of_its_step(
    repeat: int, chance: float
) -> None:
    step_s = min(MAX_S, FIRST_S * 2.0 ** min(repeat - 1, 60))
    assert step_s / 4 <= backoff_s(repeat, lambda: chance) <= step_s


@given(st.integers(1, 100), st.floats(0.0, 0.99))
def test_later_repeats_wait_no_less(repeat: int, chance: float) -> None:
    assert backoff_s(repeat, lambda: chance) <= backoff_s(repeat + 1, lambda: chance)


def test_chance_spreads_the_waits() -> None:
    assert backoff_s(1, lambda: 0.0) == FIRST_S / 4
    assert backoff_s(1, lambda: 1.0) == FIRST_S
    assert backoff_s(100, lambda: 1.0) == MAX_S
