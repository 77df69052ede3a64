"""Whether a price list can be used: asked before one is stored."""

from collections.abc import Iterator
from typing import Final

from penstock.config.money import DOLLARS_MAX, PER_DOLLAR
from penstock.core.errors import Problem
from penstock.core.price import millionths
from penstock.core.tier import NAMED
from penstock.ledger.book import PriceList, Rate
from penstock.ledger.costing import day_of

AMOUNT_MAX_MICROUSD: Final = DOLLARS_MAX * PER_DOLLAR
RATES_MAX: Final = 10_000  # of a list: ten times what all providers offer
AMOUNTS: Final = (
    "input_microusd",
    "output_microusd",
    "cached_microusd",
    "cache_write_microusd",
    "reasoning_microusd",
    "request_microusd",
)


def wrongs(prices: PriceList) -> Iterator[Problem]:
    """Yield what is wrong with a list, by field: whoever stores one asks first."""
    try:
        millionths(prices.markup_ratio)
    except ValueError as error:
        yield Problem("markup_ratio", str(error), "1.0 charges what it costs, 1.2 a fifth more")
    for which, rates in (("costs", prices.costs), ("charges", prices.charges)):
        if len(rates) > RATES_MAX:
            yield Problem(which, f"has {len(rates)} rates", f"{RATES_MAX} at most")
            continue
        for at, rate in enumerate(rates):
            yield from _wrongs_of(f"{which}[{at}]", rate)


def _wrongs_of(where: str, rate: Rate) -> Iterator[Problem]:
    if not rate.model or "*" in rate.model[:-1]:
        yield Problem(
            f"{where}.model",
            f"{rate.model!r} is neither a name nor a prefix",
            "name a model as the upstream calls it, or end a prefix in *",
        )
    try:
        day_of(rate.from_day)
    except ValueError:
        yield Problem(f"{where}.from_day", f"{rate.from_day!r} is no day", "write 2026-03-02")
    for name in AMOUNTS:
        amount: int | None = getattr(rate, name)
        if amount is not None and not 0 <= amount <= AMOUNT_MAX_MICROUSD:
            remedy = "write micro-dollars a million tokens: 3000000 is $3 a million"
            yield Problem(f"{where}.{name}", f"{amount} is out of range", remedy)
    for tier, ratio in rate.tier_ratios.items():
        if tier not in NAMED:
            remedy = f"the tiers are {', '.join(NAMED)}"
            yield Problem(f"{where}.tier_ratios", f"there is no tier {tier!r}", remedy)
        try:
            millionths(ratio)
        except ValueError as error:
            yield Problem(f"{where}.tier_ratios.{tier}", str(error), "write 0.5 for half the price")
