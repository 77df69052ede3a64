"""The prices that ship with us, and those in force: what costing and the snapshot work with.

    shipped    ``prices.toml`` beside this file: list prices, dated, each with its source
    current    the operators' newest list; version 0, and empty, as long as they have none
    in force   what tenants pay on a day, for the gateway's budgets: each name with the rate that
               the ledger would take, so that both agree

A budget goes by the model alone: a rate for one upstream counts there only if there is none for
all. The shipped list is published only while somebody has a budget: reckoning costs the gateway
two microseconds an exchange.
"""

from collections.abc import Iterable
from importlib import resources
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from penstock.config.tenancy import Limits, Price
from penstock.core.calendar import DAY_S
from penstock.core.price import RATIO_ONE
from penstock.ledger import price_file, tables
from penstock.ledger.book import PriceList, Versioned
from penstock.ledger.costing import Costing

FILE: Final = "prices.toml"
BEYOND: Final = "\0"  # no model's name has it, so that only prefixes match


def shipped() -> PriceList:
    """Return the list prices that ship with us."""
    text = resources.files("penstock.ledger").joinpath(FILE).read_text("utf-8")
    return price_file.read(text)


def current(connection: Connection) -> Versioned:
    """Return the operators' newest list; version 0 if there is none."""
    lists = tables.price_lists
    query = select(lists.c.version, lists.c.document).order_by(lists.c.version.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return Versioned(0, PriceList())
    return Versioned(row.version, msgspec.json.decode(row.document, type=PriceList))


def costing(connection: Connection) -> Costing:
    """Return what costs are decided by now: made anew whenever a list has been stored."""
    return Costing(current(connection), shipped())


def in_force(
    costing: Costing, prices: Versioned, limits: Iterable[Limits], now_unix_s: float
) -> tuple[Price, ...]:
    """Return what tenants pay today, by model; see the header for what is left out."""
    if not prices.version and not any(_has_budget(one) for one in limits):
        return ()
    day = int(now_unix_s // DAY_S)
    found: list[Price] = []
    for model in costing.models():
        price = _price(costing, model, day)
        if price is not None:
            found.append(price)
    return tuple(found)


def _price(costing: Costing, model: str, day: int) -> Price | None:
    asked = model[:-1] + BEYOND if model.endswith("*") else model
    priced = costing.priced("", asked, day)
    for upstream in costing.upstreams():
        priced = priced or costing.priced(upstream, asked, day)
    if priced is None:
        return None
    rates = priced.rates
    return Price(
        model=model,
        input_microusd=rates.input,
        output_microusd=rates.output,
        cached_microusd=rates.cached,
        cache_write_microusd=rates.cache_write,
        request_microusd=rates.request,
        reasoning_microusd=rates.reasoning,
        tier_ratios={tier: ratio / RATIO_ONE for tier, ratio in priced.ratios.items()},
    )


def _has_budget(limits: Limits) -> bool:
    return limits.budget_day_microusd is not None or limits.budget_month_microusd is not None
