"""What probes have cost today, in UTC: a probe whose budget is spent is asked no more that day.

What an answer will cost is reckoned before with what such answers cost; what it has cost is added
after. A model without a price is reckoned at DEAR, for a budget that nobody can reckon with is
none. Kept over restarts (``Spent``), or each of them would begin with a full budget.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.price import PriceList, Rates, Used, cost_microusd

DEAR: Final = Rates(input=15_000_000, output=75_000_000)  # above every list price of 2026
USUAL: Final = Used(input_tokens=40, output_tokens=16)  # of one canary
DAY_S: Final = 86_400


class Spent(msgspec.Struct, frozen=True):
    """What a day has cost so far, by the name of the probe."""

    day: int = 0  # since 1970, in UTC
    microusd: dict[str, int] = {}


class Budget:
    """Reckons. Owned by one event loop."""

    def __init__(self, spent: Spent | None = None) -> None:
        self.spent = spent or Spent()

    def is_spent(self, name: str, cost: int, budget_usd: float, now_unix_s: float) -> bool:
        """Tell whether a probe that will cost about so much would go beyond its budget."""
        self._roll(now_unix_s)
        return self.spent.microusd.get(name, 0) + cost > budget_usd * 1_000_000

    def add(self, name: str, cost: int, now_unix_s: float) -> None:
        """Note what a probe has cost."""
        self._roll(now_unix_s)
        if cost:
            microusd = self.spent.microusd | {name: self.spent.microusd.get(name, 0) + cost}
            self.spent = Spent(self.spent.day, microusd)

    def _roll(self, now_unix_s: float) -> None:
        day = int(now_unix_s // DAY_S)
        if day != self.spent.day:
            self.spent = Spent(day)


def rates_of(prices: PriceList, model: str) -> Rates:
    """Return what a model costs; of one without a price, what the dearest do."""
    return prices.of(model) or DEAR


def estimate(rates: Sequence[Rates]) -> int:
    """Return what one question costs about, at the dearest of those that may answer."""
    return max((cost_microusd(one, USUAL) for one in rates), default=0)
