"""A list that would not do what it seems to say is refused, by field."""

import pytest

from penstock.ledger.book import PriceList, Rate
from penstock.ledger.costing import Costing, Versioned
from penstock.ledger.price_check import RATES_MAX, wrongs


@pytest.mark.parametrize(
    ("rate", "place"),
    [
        (Rate(model=""), "costs[0].model"),
        (Rate(model="gpt-*-mini"), "costs[0].model"),
        (Rate(model="m", from_day="2026-02-30"), "costs[0].from_day"),
        (Rate(model="m", from_day="next week"), "costs[0].from_day"),
        (Rate(model="m", input_microusd=-1), "costs[0].input_microusd"),
        (Rate(model="m", reasoning_microusd=10**16), "costs[0].reasoning_microusd"),
        (Rate(model="m", tier_ratios={"gold": 0.5}), "costs[0].tier_ratios"),
        (Rate(model="m", tier_ratios={"batch": -0.5}), "costs[0].tier_ratios.batch"),
    ],
)
def test_what_is_wrong_is_named(rate: Rate, place: str) -> None:
    assert [one.place for one in wrongs(PriceList(costs=(rate,)))] == [place]
    named = place.replace("costs", "charges")
    assert [one.place for one in wrongs(PriceList(charges=(rate,)))] == [named]


def test_markup_and_size_are_bounded() -> None:
    assert [one.place for one in wrongs(PriceList(markup_ratio=-1.0))] == ["markup_ratio"]
    many = PriceList(costs=(Rate(model="m"),) * (RATES_MAX + 1))
    assert [one.place for one in wrongs(many)] == ["costs"]


def test_what_passes_can_be_used() -> None:
    good = PriceList(costs=(Rate(model="m*", tier_ratios={"batch": 0.5}, from_day="2026-03-02"),))
    assert not list(wrongs(good))
    assert Costing(Versioned(1, good)).priced("a", "m1", 30_000)
