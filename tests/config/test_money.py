"""Dollars are exact both ways, and what is no amount is refused with a reason."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config import money


@given(st.integers(0, 10**15))
def test_what_is_shown_is_read_again(amount: int) -> None:
    assert money.microusd(money.dollars(amount).replace(",", "")) == amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12.50", 12_500_000), ("12", 12_000_000), ("0.000001", 1), ("0.1", 100_000), ("1e3", 10**9)],
)
def test_dollars_are_exact(text: str, amount: int) -> None:
    assert money.microusd(text) == amount
    assert money.microusd(Decimal(text)) == amount


def test_people_see_two_decimals_or_as_many_as_there_are() -> None:
    shown = [money.dollars(amount) for amount in (0, 1, 12_500_000, 1_234_567_890_000)]
    assert shown == ["0.00", "0.000001", "12.50", "1,234,567.89"]


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "nan", "inf", "-inf", "0.0000001", "1000000001", "1,5"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"dollar"):
        money.microusd(text)
