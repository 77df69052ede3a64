"""What ships is sound and prices what is emulated; what is published is what the ledger takes."""

from pathlib import Path
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.catalogue import ALL_MODELS
from penstock.config.tenancy import Limits
from penstock.core.calendar import DAY_S
from penstock.core.price import scaled
from penstock.core.tier import NAMED, Tier
from penstock.exchange.tenancy import by_tier
from penstock.ledger import price_table
from penstock.ledger.book import PriceList, Rate, Versioned
from penstock.ledger.costing import Costing, day_of
from penstock.ledger.price_check import wrongs
from penstock.ledger.store import migrate, open_store
from penstock.ledger.tables import price_lists

TODAY: Final = day_of("2026-11-22")
BUDGET: Final = (Limits(budget_day_microusd=1),)
NONE: Final = Versioned(0, PriceList())


def test_the_list_that_ships_is_sound_and_says_where_it_comes_from() -> None:
    shipped = price_table.shipped()
    assert not list(wrongs(shipped))
    assert all(rate.source for rate in shipped.costs)
    for rate in shipped.costs:
        cached, written = rate.cached_microusd, rate.cache_write_microusd
        assert rate.input_microusd >= 20_000
        assert rate.output_microusd == 0 or rate.output_microusd > rate.input_microusd
        assert cached is None or cached < rate.input_microusd
        assert written is None or written == rate.input_microusd * 5 // 4


@pytest.mark.parametrize("model", [model.name for model in ALL_MODELS])
def test_whatever_is_emulated_has_a_price(model: str) -> None:
    assert Costing(NONE, price_table.shipped()).priced("a", model, TODAY)


def test_known_figures() -> None:
    costing = Costing(NONE, price_table.shipped())
    dear = costing.priced("", "claude-sonnet-4-6", TODAY)
    assert dear
    assert dear.rates == (3_000_000, 15_000_000, 300_000, 3_750_000, 0, None)
    before, after = (costing.priced("", "claude-sonnet-5-5", day) for day in (20_000, TODAY))
    assert before
    assert after
    assert (before.rates.cached, after.rates.cached) == (200_000, 100_000)


def test_operators_lists_are_versions_and_the_newest_counts(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    migrate(store)
    with store.reading() as connection:
        assert price_table.current(connection) == NONE
    lists = [PriceList(costs=(Rate(model="m", input_microusd=dollars),)) for dollars in (1, 2)]
    with store.writing() as connection:
        for one in lists:
            document = msgspec.json.encode(one).decode()
            connection.execute(price_lists.insert().values(actor="ann", document=document))
    with store.reading() as connection:
        assert price_table.current(connection) == Versioned(2, lists[1])
        found = price_table.costing(connection)
    store.close()
    assert found.version == 2
    assert found.priced("", "claude-sonnet-4-6", TODAY)


def test_without_a_budget_and_a_list_nothing_is_published() -> None:
    costing = Costing(NONE, price_table.shipped())
    now_unix_s = float(TODAY * DAY_S)
    assert price_table.in_force(costing, NONE, [Limits()], now_unix_s) == ()
    assert price_table.in_force(costing, NONE, BUDGET, now_unix_s)
    own = Versioned(1, PriceList(costs=(Rate(model="m", input_microusd=5),)))
    assert price_table.in_force(Costing(own), own, [], now_unix_s)


NAMES: Final = st.sampled_from(["*", "a*", "ab*", "abc*", "a", "ab", "abc", "abd"])
AMOUNTS: Final = st.integers(0, 90_000_000)
RATES: Final = st.lists(
    st.builds(
        Rate,
        model=NAMES,
        from_day=st.sampled_from(["1970-01-01", "2026-11-22", "2026-11-23"]),
        input_microusd=AMOUNTS,
        reasoning_microusd=st.none() | AMOUNTS,
        tier_ratios=st.dictionaries(st.sampled_from(list(NAMED)), st.sampled_from([0.5, 1.3, 2.0])),
    ),
    max_size=5,
).map(tuple)
LISTS: Final = st.builds(
    PriceList, costs=RATES, charges=RATES, markup_ratio=st.sampled_from([1.0, 1.07])
)


@given(LISTS, RATES, st.sampled_from(["a", "ab", "abc", "abd", "abcd", "x"]), st.sampled_from(Tier))
def test_budgets_reckon_with_the_rates_that_the_ledger_takes(
    prices: PriceList, shipped: tuple[Rate, ...], model: str, tier: Tier
) -> None:
    own = Versioned(1, prices)
    costing = Costing(own, PriceList(costs=shipped))
    published = price_table.in_force(costing, own, BUDGET, TODAY * DAY_S + 5.0)
    ledgers = costing.priced("", model, TODAY)
    rates = by_tier(published)[tier].of(model)
    assert rates == (None if ledgers is None else ledgers.of(tier.word))
    assert rates is None or scaled(rates, 1_000_000) == rates
