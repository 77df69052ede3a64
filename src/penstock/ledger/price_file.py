"""A price list as a file that people write: TOML, in dollars a million tokens. Pure.

markup_ratio = 1.2               # charges are costs times this, where no charge is said
[[prices]]                       # what providers take; [[charges]]: what tenants pay
model = "claude-sonnet-*"        # as the upstream calls it; * at the end: a prefix
upstream = "eu"                  # left out: at any
from_day = "2026-11-01"          # in UTC; left out: always
input = 3.00
output = 15.00
cached = 0.30                    # left out: as input; so cache_write
reasoning = 15.00                # left out: as output
request = 0                      # dollars each
tier_ratios = {batch = 0.5}
source = "..."
"""

import tomllib
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from penstock.config import money, toml
from penstock.ledger.book import PriceList, Rate


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the file, in dollars."""

    model: str
    source: str = ""
    upstream: str = ""
    from_day: str = "1970-01-01"
    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    reasoning: Decimal | None = None
    request: Decimal = Decimal(0)
    tier_ratios: dict[str, float] = {}


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    prices: list[Entry] = []
    charges: list[Entry] = []
    markup_ratio: float = 1.0


def read(text: str) -> PriceList:
    """Return the list of a file's text; raises ValueError that says what is wrong."""
    table = tomllib.loads(text, parse_float=Decimal)
    file = msgspec.convert(table, File, strict=False)
    return PriceList(
        costs=tuple(map(_rate, file.prices)),
        charges=tuple(map(_rate, file.charges)),
        markup_ratio=file.markup_ratio,
    )


def write(prices: PriceList) -> str:
    """Return a list as a file's text, which reads back as it was."""
    head = [f"markup_ratio = {prices.markup_ratio!r}\n"] if prices.markup_ratio != 1.0 else []
    costs = ["[[prices]]\n" + "".join(_lines(rate)) for rate in prices.costs]
    charges = ["[[charges]]\n" + "".join(_lines(rate)) for rate in prices.charges]
    return "\n".join([*head, *costs, *charges])


def amount(microusd: int) -> str:
    """Return micro-dollars as dollars, as a file has them."""
    return money.dollars(microusd).replace(",", "")


def _lines(rate: Rate) -> Iterator[str]:
    for name, value in toml.unusual(rate):
        if name.endswith("_microusd"):
            yield f"{name.removesuffix('_microusd')} = {amount(value)}\n"
        else:
            yield f"{name} = {toml.value(value)}\n"


def _rate(entry: Entry) -> Rate:
    try:
        return Rate(
            model=entry.model,
            upstream=entry.upstream,
            from_day=entry.from_day,
            input_microusd=money.microusd(entry.input),
            output_microusd=money.microusd(entry.output),
            cached_microusd=_maybe(entry.cached),
            cache_write_microusd=_maybe(entry.cache_write),
            reasoning_microusd=_maybe(entry.reasoning),
            request_microusd=money.microusd(entry.request),
            tier_ratios=entry.tier_ratios,
            source=entry.source,
        )
    except ValueError as error:
        raise ValueError(f"the price of {entry.model!r}: {error}") from error


def _maybe(dollars: Decimal | None) -> int | None:
    return None if dollars is None else money.microusd(dollars)
