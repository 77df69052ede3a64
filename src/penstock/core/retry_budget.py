"""Retry budget: repeats may be a share of the traffic, so that they never become the traffic.

    first attempt of an exchange       -> deposits ``ratio`` of a token
    first failover of an exchange      -> free: it passes the next upstream's admission
    any further failover, any repeat   -> takes one token, or does not happen
    the same under a contract          -> takes one token if there is one, and happens anyway

A contract has its own bounds, in rate and in attempts of an exchange: were it held to the budget,
a crowd whose provider fails would spend what contracts need to get away from it. A floor of
``floor_per_s`` keeps retries possible when there is little traffic.

Pure: reads no clock. Source: Twitter Finagle's RetryBudget (20 % and 10 a second there); the
10 % is TIERING 2's.
"""

from penstock.core.token_bucket import TokenBucket


class RetryBudget:
    """One worker's. Owned by one event loop; not thread-safe."""

    __slots__ = ("_deposits", "_floor", "_ratio", "exhausted")

    def __init__(self, ratio: float, floor_per_s: float, now_s: float) -> None:
        self._ratio = ratio
        self._floor = TokenBucket(floor_per_s, max(1.0, floor_per_s), now_s)
        self._deposits = 0.0
        self.exhausted = 0  # times, for the metrics

    def deposit(self) -> None:
        """Count a first attempt; bounded, so that a quiet hour does not pay for a storm."""
        self._deposits = min(self._deposits + self._ratio, 100.0)

    def try_spend(self, now_s: float, *, is_owed: bool = False) -> bool:
        """Take one retry, from the floor first; what is owed to a contract is never refused."""
        if self._floor.try_take(1.0, now_s):
            return True
        if self._deposits >= 1.0:
            self._deposits -= 1.0
            return True
        if is_owed:
            return True
        self.exhausted += 1
        return False
