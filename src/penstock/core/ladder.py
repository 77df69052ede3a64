"""The ladder: how much is taken from consumers before anybody is refused, level by level.

    level  pressure  what is taken from free and batch
    0      -         nothing
    1      0.70      retries and hedges
    2      0.86      the length of answers
    3      0.92      more of it, the larger model, all streams of a user but one
    4      0.96      the wait is told
    5      1.00      new sessions (``free_share.py`` says how many)

The whole machine; there are no other moves:

    up      the pressure has been at the next level's entry for ``up_s`` (2 s), and the last move is
            ``down_s`` ago: straight to the highest level whose entry the pressure is at
    down    the pressure has been 0.05 below this level's entry for ``down_s`` (10 s), and the last
            move is as long ago: one level

So no load, however noisy, moves the ladder more than once in ``down_s``, and a crowd that comes
into a calm is met in ``up_s``; one that grows meets the queue's own bound in between. Level 5 is
not left while users are refused: whoever drives us holds the pressure up until the share of new
users is whole again.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
Source of levels and dwell times: TIERING 4 of the reference shelf; of thresholds: simulation, so
that no answer is cut at 0.8 times the capacity, and few are at just enough.
"""

import math
from typing import Final, NamedTuple

LEVEL_MAX: Final = 5
HYSTERESIS: Final = 0.05


class LadderPolicy(NamedTuple):
    """Entries of levels 1 to 5, rising, as pressure; how long it must last, in seconds."""

    entries: tuple[float, float, float, float, float] = (0.70, 0.86, 0.92, 0.96, 1.00)
    up_s: float = 2.0
    down_s: float = 10.0


class Ladder:
    """The level of one pool of capacity. Owned by one event loop; not thread-safe."""

    __slots__ = ("_below_since_s", "_moved_at_s", "_over_since_s", "_policy", "level", "moves")

    def __init__(self, policy: LadderPolicy) -> None:
        self._policy = policy
        self.level = 0
        self.moves = 0  # for the metrics
        self._moved_at_s = -math.inf
        self._over_since_s = math.inf  # at the next level's entry or above
        self._below_since_s = math.inf  # below what this level is left at

    def use(self, policy: LadderPolicy) -> None:
        """Move by other settings from now on; the level stays until the pressure moves it."""
        self._policy = policy

    def observe(self, pressure: float, now_s: float) -> int:
        """Take the pressure of now; return the level."""
        entries, level = self._policy.entries, self.level
        is_over = level < LEVEL_MAX and pressure >= entries[level]
        is_below = level > 0 and pressure < entries[level - 1] - HYSTERESIS
        self._over_since_s = min(self._over_since_s, now_s) if is_over else math.inf
        self._below_since_s = min(self._below_since_s, now_s) if is_below else math.inf
        is_settled = now_s - self._moved_at_s >= self._policy.down_s
        if not is_settled:
            return level
        if now_s - self._over_since_s >= self._policy.up_s:
            self._move(sum(pressure >= entry for entry in entries), now_s)
        elif now_s - self._below_since_s >= self._policy.down_s:
            self._move(level - 1, now_s)
        return self.level

    def restore(self, level: int, now_s: float) -> None:
        """Go on from the level of another process, as if it had moved there now."""
        self.level = level
        self._moved_at_s = now_s
        self._over_since_s = self._below_since_s = math.inf

    def _move(self, level: int, now_s: float) -> None:
        self.level = level
        self.moves += 1
        self._moved_at_s = now_s
        self._over_since_s = self._below_since_s = math.inf
