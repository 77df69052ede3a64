"""Heavy use: how much more than others a user has taken lately, as a penalty on the rank.

    penalty = log2(use / mean of all) / 4 - 0.5, within 0 and 1

    use, times the mean   4    8     16   32    64
    penalty               0    0.25  0.5  0.75  1

Up to four times the mean costs nothing: sessions differ by as much. Use is in cost tokens and
halves in ``HALF_LIFE_S``. The mean is over those who used something within as long: it says
what is usual now. At most ``users_max`` are known, whoever was idle for longest is forgotten.

Old use does not shrink here, new use counts for more: twice as much with each half-life. Only
ratios are looked at, so it is the same, without touching what is old. Before a number could
overflow, after six days, all is forgotten.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

import math
from collections import OrderedDict
from typing import Final

HALF_LIFE_S: Final = 600.0  # ten minutes: about one long session
FREE_LOG2: Final = 2.0
FULL_LOG2: Final = 6.0
HALF_LIVES_MAX: Final = 900.0  # a float holds 2 to the 1023


class HeavyUse:
    """What each user has taken lately. Owned by one event loop. Every call is O(1), amortised."""

    __slots__ = ("_since_s", "_total", "_used", "_users_max")

    def __init__(self, users_max: int, now_s: float) -> None:
        self._users_max = users_max
        self._since_s = now_s
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()  # weighted tokens, at
        self._total = 0.0

    def __len__(self) -> int:
        return len(self._used)

    def record(self, user: str, cost_tokens: float, now_s: float) -> None:
        """Add what an exchange has cost; ``expire`` makes room now and then."""
        half_lives = (now_s - self._since_s) / HALF_LIFE_S
        if half_lives > HALF_LIVES_MAX:
            self._used.clear()
            self._total, self._since_s, half_lives = 0.0, now_s, 0.0
        weighted = cost_tokens * 2.0**half_lives
        self._total += weighted
        used = self._used.get(user)
        if used is not None:
            self._used[user] = (used[0] + weighted, now_s)
            self._used.move_to_end(user)
            return
        self._used[user] = (weighted, now_s)
        if len(self._used) > self._users_max:
            self.expire(now_s)

    def penalty(self, user: str) -> float:
        """Return the penalty on the user's rank, 0 to 1."""
        used = self._used.get(user)
        if used is None or used[0] <= 0.0:
            return 0.0
        over = math.log2(used[0] * len(self._used) / max(self._total, used[0])) - FREE_LOG2
        return min(1.0, max(0.0, over / (FULL_LOG2 - FREE_LOG2)))

    def expire(self, now_s: float) -> None:
        """Forget who has taken nothing for a half-life, and who are too many."""
        table = self._used
        while table:
            user, (used, at_s) = next(iter(table.items()))
            if len(table) <= self._users_max and now_s - at_s <= HALF_LIFE_S:
                return
            del table[user]
            self._total -= used
