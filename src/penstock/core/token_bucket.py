"""Token bucket: a rate with a burst.

Tokens flow in at ``rate_per_s`` up to ``burst``; whoever acts takes some. The level is computed
from the time that has passed, so an idle bucket costs nothing.

    try_take   takes if there are as many
    take       takes in any case: below zero lies a debt, which flows in first
    put        gives back, up to the burst
    settle     turns what was taken into what was used: puts or takes the difference
    use        another rate and burst; the level stays, or falls to the new burst

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
Source: RFC 2697, section 3 (the single-rate meter), with a real-valued level.
"""

import math


class TokenBucket:
    """One rate. Owned by one event loop; not thread-safe."""

    __slots__ = ("_at_s", "_burst", "_rate_per_s", "left")

    def __init__(self, rate_per_s: float, burst: float, now_s: float) -> None:
        if rate_per_s < 0 or burst <= 0:
            raise ValueError("rate_per_s must be at least 0, and burst above 0")
        self._rate_per_s = rate_per_s
        self._burst = burst
        self.left = burst  # at the last look: who has just looked may take of it directly
        self._at_s = now_s

    def level(self, now_s: float) -> float:
        """Return how many tokens there are now."""
        if now_s > self._at_s:
            self.left = min(self._burst, self.left + (now_s - self._at_s) * self._rate_per_s)
            self._at_s = now_s
        return self.left

    def try_take(self, tokens: float, now_s: float) -> bool:
        """Take tokens if there are as many. Never waits."""
        if self.level(now_s) < tokens:
            return False
        self.left -= tokens
        return True

    def take(self, tokens: float, now_s: float) -> None:
        """Take tokens whether or not they are there; a debt is paid first."""
        if now_s > self._at_s:
            self.level(now_s)
        self.left -= tokens

    def settle(self, taken: float, used: float, now_s: float) -> None:
        """Put back what was not used of what was taken, or take what was used beyond it."""
        if used > taken:
            self.take(used - taken, now_s)
        elif used < taken:
            self.put(taken - used)

    def wait_s(self, tokens: float, now_s: float) -> float:
        """Return in how many seconds there are so many, if nobody takes any; infinite if never."""
        lacking = tokens - self.level(now_s)
        if lacking <= 0:
            return 0.0
        if tokens > self._burst or self._rate_per_s <= 0:
            return math.inf
        return lacking / self._rate_per_s

    def use(self, rate_per_s: float, burst: float, now_s: float) -> None:
        """Go on at another rate, with another burst."""
        if rate_per_s < 0 or burst <= 0:
            raise ValueError("rate_per_s must be at least 0, and burst above 0")
        self.left = min(burst, self.level(now_s))
        self._rate_per_s = rate_per_s
        self._burst = burst

    def set(self, level: float, at_s: float) -> None:
        """Take a level that was read at some instant, by this or an earlier process."""
        self.left = min(self._burst, level)
        self._at_s = at_s

    def put(self, tokens: float) -> None:
        """Add tokens, up to the burst."""
        self.left = min(self._burst, self.left + tokens)
