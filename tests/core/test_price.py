"""Costs are exact, rounded up once, and of the model that is meant."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.price import (
    PriceList,
    Rates,
    Used,
    cost_microusd,
    millionths,
    reserve_microusd,
    scaled,
)

COUNT = st.integers(0, 10_000_000)
RATE = st.integers(0, 100_000_000)
RATES = st.builds(Rates, RATE, RATE, RATE, RATE, st.integers(0, 10_000), st.none() | RATE)


@given(RATES, st.tuples(COUNT, COUNT, COUNT, COUNT, COUNT))
def test_a_cost_is_the_sum_rounded_up(rates: Rates, counts: tuple[int, ...]) -> None:
    fresh, visible, cached, written, thought = counts
    used = Used(fresh + cached + written, visible + thought, cached, written, thought)
    reasoning = rates.output if rates.reasoning is None else rates.reasoning
    exact = Fraction(fresh * rates.input + visible * rates.output, 1_000_000)
    exact += Fraction(thought * reasoning, 1_000_000)
    exact += Fraction(cached * rates.cached + written * rates.cache_write, 1_000_000)
    assert exact <= cost_microusd(rates, used) - rates.request < exact + 1


@given(RATES, COUNT, COUNT)
def test_a_reserve_is_the_cost_without_a_cache(rates: Rates, given: int, output: int) -> None:
    assert reserve_microusd(rates, given, output) == cost_microusd(rates, Used(given, output))


def test_a_dollar_a_million_is_a_micro_dollar_a_token() -> None:
    rates = Rates(input=3_000_000, output=15_000_000, cached=300_000, cache_write=3_750_000)
    assert cost_microusd(rates, Used(1_000, 10)) == 3_150
    assert cost_microusd(rates, Used(1_000, 10, 900)) == 300 + 270 + 150
    assert cost_microusd(rates, Used(1_000, 0, 0, 1_000)) == 3_750
    assert cost_microusd(rates, Used(1, 0, 1)) == 1
    assert cost_microusd(rates, Used()) == 0


def test_counts_that_contradict_each_other_cost_no_less_than_nothing() -> None:
    rates = Rates(input=3_000_000, cached=300_000)
    assert cost_microusd(rates, Used(10, 0, 100)) == 30
    thinking = Rates(output=3_000_000, reasoning=1_000_000)
    assert cost_microusd(thinking, Used(0, 10, 0, 0, 100)) == 100


@given(RATES, st.integers(0, 10_000_000))
def test_rates_of_a_tier_are_rounded_up(rates: Rates, ratio_millionths: int) -> None:
    for one, other in zip(rates, scaled(rates, ratio_millionths), strict=True):
        if one is None or other is None:
            assert one is other is None
            continue
        exact = Fraction(one * ratio_millionths, 1_000_000)
        assert exact <= other < exact + 1
    assert scaled(rates, millionths(1.0)) == rates


def test_ratios_are_counted_in_millionths() -> None:
    assert [millionths(one) for one in (0.0, 0.1, 0.5, 1.0, 1.2)] == [
        0, 100_000, 500_000, 1_000_000, 1_200_000,
    ]  # fmt: skip
    for wrong in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="is not between"):
            millionths(wrong)


def test_the_exact_name_wins_then_the_longest_prefix() -> None:
    prices = PriceList(
        [("*", Rates(1)), ("gpt-*", Rates(2)), ("gpt-5*", Rates(3)), ("gpt-5-mini", Rates(4))]
    )
    found = {name: prices.of(name) for name in ("claude", "gpt-4", "gpt-5", "gpt-5-mini")}
    assert found == {
        "claude": Rates(1), "gpt-4": Rates(2), "gpt-5": Rates(3), "gpt-5-mini": Rates(4),
    }  # fmt: skip
    assert prices.of("gpt-4") == Rates(2)
    assert prices


def test_a_model_without_a_price_has_none() -> None:
    assert PriceList().of("m") is None
    assert PriceList([("n", Rates(1)), ("o*", Rates(1))]).of("m") is None
    assert not PriceList()


def test_what_callers_name_is_not_remembered_without_end() -> None:
    prices = PriceList([("a*", Rates(1))])
    for at in range(5_000):
        assert prices.of(f"a{at}") == Rates(1)
        assert prices.of(f"b{at}") is None
        assert len(prices.found) <= 1_024
