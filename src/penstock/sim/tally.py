"""What is counted while a run goes on: one tally per class of traffic and phase.

A phase lies between two events. A request belongs to the phase in which it was first sent, with all
that becomes of it; what is sent before the warm-up is over, or after the end, is not counted.
Seconds and tokens; waits and times to the first token are kept whole, for exact quantiles.
"""

from array import array
from collections import Counter

import msgspec


class Tally:
    """One class in one phase. Plain counts, so that tallies of seeds can be added."""

    __slots__ = (
        "answered", "answered_s", "attempts", "fates", "good", "good_s", "moved", "offered",
        "offered_s", "quota_refused", "reserved_tokens", "retried", "retried_good", "sessions",
        "sessions_whole", "sheds", "taken_tokens", "tokens", "tries", "truncated", "ttft_s",
        "waits_s", "wasted_tokens",
    )  # fmt: skip

    def __init__(self) -> None:
        self.offered = 0  # requests
        self.offered_s = 0.0  # slot-seconds that they ask for
        self.tries = 0
        self.attempts = 0
        self.answered = 0
        self.answered_s = 0.0
        self.good = 0  # answered, and begun in time
        self.good_s = 0.0
        self.fates: Counter[str] = Counter()  # of requests
        self.sheds: Counter[str] = Counter()  # of tries, by code
        self.truncated = 0  # answered, but capped by the ladder
        self.moved = 0
        self.quota_refused = 0
        self.tokens = 0  # served and wasted
        self.wasted_tokens = 0
        self.retried = 0  # came back when told to
        self.retried_good = 0
        self.reserved_tokens = 0
        self.taken_tokens = 0
        self.sessions = 0
        self.sessions_whole = 0
        self.waits_s = array("d")
        self.ttft_s = array("d")

    def add(self, other: "Tally") -> None:
        """Add what another has counted."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, array | Counter):
                mine += theirs
                setattr(self, name, mine)
            else:
                setattr(self, name, mine + theirs)


class Phase(msgspec.Struct):
    """The time between two events, in seconds from the start."""

    name: str
    from_s: float
    to_s: float
    capacity_s: float = 0.0  # slot-seconds that there were
    busy_s: float = 0.0  # and were used


class Sample(msgspec.Struct, array_like=True):
    """The state at one instant, in seconds from the start; lists are by tier."""

    at_s: float
    in_flight: list[int]
    waiting: list[int]
    limit: float
    capacity: float
    level: int = 0
    use: int = 0
