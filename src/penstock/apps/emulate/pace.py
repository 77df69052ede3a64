"""Pace: how long until the first token, and between tokens.

Gaps between tokens are log-normal around ``1 / tokens_per_s``: most a little shorter, some much
longer, with the mean where it was set. They come from one table that is drawn from the seed; each
answer walks it from a place of its own, so that the same request has the same pace again.
"""

import math
from random import Random
from typing import Final

import msgspec

from penstock.apps.emulate.catalogue import Model

TABLE_SIZE: Final = 4096  # a power of two; longer than most answers
SPREAD: Final = 0.3  # jitter as seen from afar: a third up or down
RATE_MAX: Final = 1e6


class PaceSetting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pace of one provider; None leaves it to the model. ``spread`` is a log-scale sigma."""

    ttft_s: float | None = None
    tokens_per_s: float | None = None
    spread: float = SPREAD
    is_instant: bool = False


def pace_problems(pace: PaceSetting, at: str) -> list[str]:
    """Return what is wrong with a setting."""
    bounds = {
        "ttft_s": (pace.ttft_s, 0.0, 3600.0),
        "tokens_per_s": (pace.tokens_per_s, 0.001, RATE_MAX),
        "spread": (pace.spread, 0.0, 3.0),
    }
    return [
        f"{at}.{name}: {value!r} is not within {low:g} to {high:g}"
        for name, (value, low, high) in bounds.items()
        if value is not None and not low <= value <= high
    ]


class Tempo:
    """The pace of one answer."""

    __slots__ = ("_at", "_mean_s", "_spread", "_table", "ttft_s")

    def __init__(self, pace: PaceSetting, model: Model, table: tuple[float, ...], at: int) -> None:
        rate = pace.tokens_per_s or model.tokens_per_s
        spread = pace.spread
        self._table = table
        self._at = at % TABLE_SIZE
        self._spread = spread
        # The mean of a log-normal is exp(s**2 / 2) times its median.
        self._mean_s = 0.0 if pace.is_instant else math.exp(-spread * spread / 2) / rate
        ttft_s = model.ttft_s if pace.ttft_s is None else pace.ttft_s
        self.ttft_s = 0.0 if pace.is_instant else ttft_s * self._factor()

    def gap_s(self) -> float:
        """Return the time until the next token."""
        return self._mean_s * self._factor() if self._mean_s else 0.0

    def total_s(self, tokens: int) -> float:
        """Return the time for an answer of so many tokens."""
        return self.ttft_s + sum(self.gap_s() for _ in range(tokens - 1))

    def _factor(self) -> float:
        self._at = (self._at + 1) & (TABLE_SIZE - 1)
        return math.exp(self._spread * self._table[self._at])


class Pacer:
    """The pace of all providers. Settings may be replaced while answers are under way."""

    def __init__(self, seed: int, settings: dict[str, PaceSetting]) -> None:
        rng = Random(seed)
        self._table = tuple(rng.gauss(0.0, 1.0) for _ in range(TABLE_SIZE))
        self.settings = settings

    def tempo(self, model: Model, at: int) -> Tempo:
        """Return the pace for an answer; ``at`` says where in the table it begins."""
        return Tempo(self.settings.get(model.provider, PaceSetting()), model, self._table, at)
