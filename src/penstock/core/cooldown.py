"""Cooldown: leave an upstream alone until the instant that it named.

A Retry-After, a quota that resets, a spent account: each names a time before which asking again is
useless or makes things worse. A later instant replaces an earlier one, never the other way round.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""


class Cooldown:
    """One upstream's, or one account's. Owned by one event loop; not thread-safe."""

    __slots__ = ("until_s",)

    def __init__(self) -> None:
        self.until_s = 0.0

    def rest_until(self, at_s: float) -> None:
        """Ask for nothing before this instant."""
        self.until_s = max(self.until_s, at_s)

    def is_over(self, now_s: float) -> bool:
        """Tell whether asking is allowed."""
        return now_s >= self.until_s
