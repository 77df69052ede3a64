"""What an exchange costs, as the ledger's reading asks for it."""

from typing import Protocol

import msgspec

from penstock.exchange.record import Record


class Costs(msgspec.Struct, frozen=True, gc=False):
    """What one exchange costs, in micro-dollars, by which version of the prices."""

    cost_microusd: int
    charge_microusd: int
    price_version: int
    by_attempt: tuple[int, ...]  # cost of each
    is_unpriced: bool  # something that was used has no price: the figures are too low


class Pricing(Protocol):
    """Says what exchanges cost; decided once, when they are recorded."""

    def of(self, record: Record) -> Costs:
        """Return what an exchange costs."""
        ...


class NullPricing:
    """Everything costs nothing."""

    def of(self, record: Record) -> Costs:
        """Return that it costs nothing."""
        return Costs(0, 0, 0, (0,) * len(record.attempts), is_unpriced=False)
