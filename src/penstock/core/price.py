"""Price: what an exchange costs, in whole micro-dollars.

    cost = (uncached x input + cached x cached + written x cache write + output x output) / 1 M
           + per request

Rates are micro-dollars a million tokens, so everything is whole numbers and two processes that add
up the same exchanges agree to the micro-dollar. The sum is rounded up: an exchange that costs
something is never free, and rounding overruns no budget. Input includes cached and written tokens,
output includes reasoning, as ``dialects.message.Usage`` has it.

A model without a price costs nothing, and whoever asks is told so: None is not zero.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

TOKENS_PER_PRICE: Final = 1_000_000
CACHED_MAX: Final = 1024  # models that callers name; the answers to them are found again by name


class Rates(NamedTuple):
    """Prices in micro-dollars: a request, and a million tokens of each kind."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    request: int = 0


class Used(NamedTuple):
    """Tokens of an exchange so far, as ``dialects.message.Usage`` counts them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0


def cost_microusd(rates: Rates, used: Used) -> int:
    """Return what this costs, rounded up to a micro-dollar."""
    input_tokens, output_tokens, cached, written = used
    total = input_tokens * rates.input + output_tokens * rates.output
    if cached or written:
        fresh = max(0, input_tokens - cached - written)
        total += (fresh - input_tokens) * rates.input
        total += cached * rates.cached + written * rates.cache_write
    return -(-total // TOKENS_PER_PRICE) + rates.request


def reserve_microusd(rates: Rates, input_tokens: int, output_tokens: int) -> int:
    """Return what an exchange will cost about; what a cache will serve of it is not known yet."""
    total = input_tokens * rates.input + output_tokens * rates.output
    return -(-total // TOKENS_PER_PRICE) + rates.request


class PriceList:
    """Rates by a model's name, or by a prefix of it that ends in ``*``: the longest wins."""

    __slots__ = ("_prefixes", "_rates", "found")

    def __init__(self, entries: Iterable[tuple[str, Rates]] = ()) -> None:
        listed = list(entries)
        self._rates = {name: rates for name, rates in listed if not name.endswith("*")}
        prefixes = [(name[:-1], rates) for name, rates in listed if name.endswith("*")]
        self._prefixes = sorted(prefixes, key=lambda entry: len(entry[0]), reverse=True)
        self.found: dict[str, Rates | None] = {}

    def of(self, model: str) -> Rates | None:
        """Return a model's rates; None if nobody has said what it costs."""
        rates = self._rates.get(model)
        if rates is not None or not self._prefixes:
            return rates
        if model in self.found:
            return self.found[model]
        for prefix, one in self._prefixes:
            if model.startswith(prefix):
                rates = one
                break
        if len(self.found) >= CACHED_MAX:
            self.found.clear()
        self.found[model] = rates
        return rates

    def __bool__(self) -> bool:
        return bool(self._rates or self._prefixes)
