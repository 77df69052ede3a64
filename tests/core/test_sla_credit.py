"""What is given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.sla_credit import credit_microusd, credit_ratio

STEPS = ((0.999, 0.10), (0.99, 0.25), (0.95, 1.0))


@pytest.mark.parametrize(
    ("ratio", "credit"),
    [
        (None, 0.0), (1.0, 0.0), (0.999, 0.0), (0.9989999, 0.10), (0.99, 0.10), (0.98999, 0.25),
        (0.95, 0.25), (0.94, 1.0), (0.0, 1.0),
    ],
)  # fmt: skip
def test_steps(ratio: float | None, credit: float) -> None:
    assert credit_ratio(ratio, STEPS) == credit
    assert credit_ratio(ratio, reversed(STEPS)) == credit


def test_clauses_add_up_to_the_fee_at_most() -> None:
    assert credit_microusd(1_000_000, (0.10, 0.10)) == 200_000
    assert credit_microusd(1_000_000, (1.0, 0.10)) == 1_000_000
    assert credit_microusd(0, (1.0,)) == 0


def test_small_credits_may_not_be_paid() -> None:
    assert credit_microusd(10_000_000, (0.10,), 1_000_000) == 0
    assert credit_microusd(10_000_010, (0.10,), 1_000_000) == 1_000_001


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**15))
def test_worse_never_gets_less(one: float, other: float, fee: int) -> None:
    worse, better = sorted((one, other))
    assert credit_ratio(worse, STEPS) >= credit_ratio(better, STEPS)
    due = credit_microusd(fee, (credit_ratio(worse, STEPS),))
    assert 0 <= due <= fee
