"""What models cost, from ``prices.toml`` of the state directory; no file, no prices.

    [[prices]]
    model = "claude-sonnet-*"   # as the upstream calls it; * at the end: a prefix, the longest wins
    input = 3.00                # dollars a million tokens, as vendors list them
    output = 15.00
    cached = 0.30               # read from a prompt cache; left out: as input
    cache_write = 3.75          # written to one; left out: as input
    request = 0                 # dollars each

Without a price a model costs nothing, and no budget stops it; ``penstock check`` says so.
"""

import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from penstock.config import money
from penstock.config.model import Config
from penstock.config.tenancy import Limits, Price
from penstock.core.errors import Problem, StoreError
from penstock.core.price import PriceList
from penstock.exchange.tenancy import rates_of

FILE_BYTES_MAX: Final = 1024 * 1024  # ten thousand models


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the file, in dollars."""

    model: str
    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    request: Decimal = Decimal(0)


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    prices: list[Entry] = []


def read(path: Path) -> tuple[Price, ...]:
    """Return the prices, none if there is no file; raises StoreError that names the entry."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > FILE_BYTES_MAX:
        raise StoreError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        table = tomllib.loads(raw.decode("utf-8"), parse_float=Decimal)
        entries = msgspec.convert(table, File).prices
        return tuple(_price(entry) for entry in entries)
    except ValueError as error:  # TOMLDecodeError, UnicodeDecodeError and ValidationError are some
        raise StoreError(f"{path} cannot be understood: {error}") from error


def missing(config: Config, prices: Iterable[Price], limits: Iterable[Limits]) -> Iterator[Problem]:
    """Yield what makes budgets blind: models that routes ask for, and that have no price."""
    if not any(_has_budget(one) for one in limits):
        return
    listed = PriceList((one.model, rates_of(one)) for one in prices)
    asked = {
        target.model or route.name
        for route in config.routes
        for target in route.targets
        if target.model or not route.name.endswith("*")
    }
    without = sorted(model for model in asked if listed.of(model) is None)
    if without:
        shown = ", ".join(without[:5]) + (", ..." if len(without) > len(without[:5]) else "")
        remedy = "penstock prices set FILE: model, input, output in dollars a million tokens"
        yield Problem("prices", f"there are budgets, but no price for {shown}", remedy)


def _price(entry: Entry) -> Price:
    cached, written = entry.cached, entry.cache_write
    try:
        return Price(
            model=entry.model,
            input_microusd=money.microusd(entry.input),
            output_microusd=money.microusd(entry.output),
            cached_microusd=None if cached is None else money.microusd(cached),
            cache_write_microusd=None if written is None else money.microusd(written),
            request_microusd=money.microusd(entry.request),
        )
    except ValueError as error:
        raise ValueError(f"the price of {entry.model!r}: {error}") from error


def _has_budget(limits: Limits) -> bool:
    return limits.budget_day_microusd is not None or limits.budget_month_microusd is not None
