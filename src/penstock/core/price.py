"""Price: what an exchange costs, in whole micro-dollars.

    cost = (fresh x input + cached x cached + written x cache write
            + visible x output + thought x reasoning) / 1 M, rounded up, + per request

    fresh     input tokens that were neither read from a cache nor written to one
    visible   output tokens that were no reasoning

Rates are micro-dollars a million tokens, so everything is whole numbers and two processes that add
up the same exchanges agree to the micro-dollar. The sum is rounded up: an exchange that costs
something is never free, and rounding overruns no budget. Input includes cached and written tokens,
output includes reasoning, as ``dialects.message.Usage`` has it.

What a tier pays differs by a ratio, in millionths; so may what a tenant pays from what a provider
takes. ``scaled`` makes rates of their own of it, each rounded up to the next whole micro-dollar, so
that such an exchange is reckoned as any other.

A model without a price costs nothing, and whoever asks is told so: None is not zero.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

TOKENS_PER_PRICE: Final = 1_000_000
RATIO_ONE: Final = 1_000_000  # ratios are counted in millionths
RATIO_MAX: Final = 1_000.0  # a typing mistake beyond
CACHED_MAX: Final = 1024  # models that callers name; the answers to them are found again by name


class Rates(NamedTuple):
    """Prices in micro-dollars: a request, and a million tokens of each kind."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    request: int = 0
    reasoning: int | None = None  # None: as output


class Used(NamedTuple):
    """Tokens of an exchange so far, as ``dialects.message.Usage`` counts them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @classmethod
    def of(cls, tokens: "Tokens") -> "Used":
        """Return the tokens of a record, or of whatever else counts them so."""
        return cls(
            tokens.input_tokens,
            tokens.output_tokens,
            tokens.cached_tokens,
            tokens.cache_write_tokens,
            tokens.reasoning_tokens,
        )


class Tokens(Protocol):
    """Whatever counts tokens as ``Used`` does, such as a record."""

    @property
    def input_tokens(self) -> int:
        """With cached and written ones."""
        ...

    @property
    def output_tokens(self) -> int:
        """With reasoning."""
        ...

    @property
    def cached_tokens(self) -> int:
        """Read from a cache."""
        ...

    @property
    def cache_write_tokens(self) -> int:
        """Written to one."""
        ...

    @property
    def reasoning_tokens(self) -> int:
        """Thought, and not told."""
        ...


NOTHING_USED: Final = Used()


def cost_microusd(rates: Rates, used: Used) -> int:
    """Return what this costs, rounded up to a micro-dollar."""
    input_tokens, output_tokens, cached, written, thought = used
    total = input_tokens * rates.input + output_tokens * rates.output
    if cached or written:
        fresh = max(0, input_tokens - cached - written)
        total += (fresh - input_tokens) * rates.input
        total += cached * rates.cached + written * rates.cache_write
    if thought and rates.reasoning is not None:
        visible = max(0, output_tokens - thought)
        total += (visible - output_tokens) * rates.output + thought * rates.reasoning
    return -(-total // TOKENS_PER_PRICE) + rates.request


def reserve_microusd(rates: Rates, input_tokens: int, output_tokens: int) -> int:
    """Return what an exchange will cost about; what a cache will serve of it is not known yet."""
    total = input_tokens * rates.input + output_tokens * rates.output
    return -(-total // TOKENS_PER_PRICE) + rates.request


def millionths(ratio: float) -> int:
    """Return a ratio as whole millionths, the nearest; raises ValueError if it cannot be one."""
    if not 0.0 <= ratio <= RATIO_MAX:
        raise ValueError(f"{ratio} is not between 0 and {RATIO_MAX}")
    return round(ratio * RATIO_ONE)


def scaled(rates: Rates, ratio_millionths: int) -> Rates:
    """Return rates times a ratio, each rounded up to a whole micro-dollar."""
    if ratio_millionths == RATIO_ONE:
        return rates
    thought = rates.reasoning
    return Rates(
        _scaled(rates.input, ratio_millionths),
        _scaled(rates.output, ratio_millionths),
        _scaled(rates.cached, ratio_millionths),
        _scaled(rates.cache_write, ratio_millionths),
        _scaled(rates.request, ratio_millionths),
        None if thought is None else _scaled(thought, ratio_millionths),
    )


def _scaled(rate: int, ratio_millionths: int) -> int:
    return -(-rate * ratio_millionths // RATIO_ONE)


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
