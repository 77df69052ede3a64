"""Tier: who is served first when there is not enough for everybody.

    CONTROL      health checks and the operator
    ENTERPRISE   within a contract
    STANDARD     the paid API; enterprise beyond its contract
    FREE         consumers
    BATCH        whoever can wait for minutes

Lower numbers are served first. The key says how high an exchange may stand (``tier_max``), a
request may only lower itself, and overage falls one tier. What is asked for in a word that nobody
knows is no error: it counts, and means what the key says.
Source: TIERING 1 of the reference shelf.
"""

import enum
from typing import Final


class Tier(enum.IntEnum):
    """How urgent an exchange is; the smaller, the earlier it is served."""

    CONTROL = 0
    ENTERPRISE = 1
    STANDARD = 2
    FREE = 3
    BATCH = 4

    @property
    def word(self) -> str:
        """The name in headers, settings and records."""
        return WORDS[self]


WORDS: Final = tuple(tier.name.lower() for tier in Tier)
NAMED: Final[dict[str, Tier]] = {word: Tier(at) for at, word in enumerate(WORDS)}


def served(asked: Tier | None, tier_max: Tier) -> Tier:
    """Return where an exchange stands: what it asked for, but not above what its key may."""
    return tier_max if asked is None or asked < tier_max else asked


def fallen(tier: Tier) -> Tier:
    """Return the tier of what is over its contract: one below, free and batch stay."""
    return tier if tier >= Tier.FREE else Tier(tier + 1)
