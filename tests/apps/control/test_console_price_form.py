"""Prices as text: what is written is read again as it was, and mistakes are named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.control.console import price_form
from penstock.core.errors import ConfigError
from penstock.ledger.book import PriceList, Rate

AMOUNT = st.integers(0, 10**12)
MAYBE = st.none() | AMOUNT
WORDS = st.text(max_size=12)
RATES = st.builds(
    Rate,
    model=WORDS,
    upstream=WORDS,
    from_day=st.dates().map(str),
    input_microusd=AMOUNT,
    output_microusd=AMOUNT,
    cached_microusd=MAYBE,
    cache_write_microusd=MAYBE,
    reasoning_microusd=MAYBE,
    request_microusd=AMOUNT,
    tier_ratios=st.dictionaries(st.sampled_from(["batch", "free"]), st.floats(0, 10)),
    source=WORDS,
)
LISTS = st.builds(
    PriceList,
    costs=st.lists(RATES, max_size=3).map(tuple),
    charges=st.lists(RATES, max_size=2).map(tuple),
    markup_ratio=st.sampled_from([1.0, 1.2, 0.5]),
)


@given(LISTS)
def test_what_is_written_is_read_again_as_it_was(prices: PriceList) -> None:
    assert price_form.read(price_form.written(prices)) == prices


def test_json_has_the_same_names() -> None:
    text = '{"costs": [{"model": "m", "input": 0.15, "request": "0.01"}], "markup_ratio": 1.5}'
    rate = Rate(model="m", input_microusd=150_000, request_microusd=10_000)
    assert price_form.read(text) == PriceList(costs=(rate,), markup_ratio=1.5)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[[costs]]\nmodel = 'm'\ninput = -1", "costs[0].input"),
        ("[[costs]]\nmodel = 'm'\ninput = 'x'", "costs[0].input"),
        ("[[costs]]\nmodel = 'm'\noutput = [1]", "costs[0].output"),
        ("[[charges]]\ninput = 1", "charges[0]"),
        ("[[costs]]\nmodel = 'm'\nprice = 1", "costs[0]"),
        ("costs = 3", "costs"),
        ("costs = [", "the text"),
        ("{", "the text"),
        ("x" * 300_000, "the text"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, place: str) -> None:
    with pytest.raises(ConfigError) as caught:
        price_form.read(text)
    assert caught.value.problems[0].place == place
