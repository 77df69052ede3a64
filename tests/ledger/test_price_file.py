"""A price list as a file: what is written reads back as it was, and what is wrong is named."""

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.ledger import price_file, price_table
from penstock.ledger.book import PriceList, Rate

MICROUSD = st.integers(0, 10**12)
MAYBE = st.none() | MICROUSD
RATES = st.builds(
    Rate,
    model=st.text(min_size=1, max_size=20),
    upstream=st.text(max_size=10),
    input_microusd=MICROUSD,
    output_microusd=MICROUSD,
    cached_microusd=MAYBE,
    cache_write_microusd=MAYBE,
    reasoning_microusd=MAYBE,
    request_microusd=MICROUSD,
    tier_ratios=st.dictionaries(st.sampled_from(["batch", "free"]), st.floats(0, 9)),
    source=st.text(max_size=30),
)
LISTS = st.builds(
    PriceList,
    costs=st.lists(RATES, max_size=4).map(tuple),
    charges=st.lists(RATES, max_size=2).map(tuple),
    markup_ratio=st.floats(0, 100),
)


@given(LISTS)
def test_what_is_written_reads_back_as_it_was(prices: PriceList) -> None:
    assert price_file.read(price_file.write(prices)) == prices


def test_the_list_that_ships_is_such_a_file() -> None:
    text = resources.files("penstock.ledger").joinpath("prices.toml").read_text("utf-8")
    assert price_file.read(text) == price_table.shipped()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[prices]]\nmodel = "m"\ninput = -1', "the price of 'm': -1 is not between 0"),
        ('[[prices]]\nmodel = "m"\ncost = 1', "unknown field `cost`"),
        ("[[prices]\n", "line 1"),
        ("[[prices]]\ninput = 1", "missing required field `model`"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        price_file.read(text)
