"""Heavy use: how much more than others a user has taken lately, as a penalty on the rank.

    penalty = log2(use / mean of all) / 4 - 0.5, within 0 and 1

    use, times the mean   4    8     16   32    64
    penalty               0    0.25  0.5  0.75  1

Up to four times the mean costs nothing: sessions differ by as much. Use is in cost tokens and
halves in ``HALF_LIFE_S``. The mean is over those who used something within as long: it says
what is usual now. At most ``users_max`` are known, whoever was idle for longest is forgotten.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

import math
from collections import OrderedDict
from typing import Final

HALF_LIFE_S: Final = 600.0  # ten minutes: about one long session
FREE_LOG2: Final = 2.0
FULL_LOG2: Final = 6.0


class HeavyUse:
    """What each user has taken lately. Owned by one event loop. Every call is O(1), amortised."""

    __slots__ = ("_total", "_total_at_s", "_used", "_users_max")

    def __init__(self, users_max: int) -> None:
        self._users_max = users_max
        self._used: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, at
        self._total = 0.0
        self._total_at_s = 0.0

    def __len__(self) -> int:
        return len(self._used)

    def record(self, user: str, cost_tokens: float, now_s: float) -> None:
        """Add what an exchange has cost."""
        used = self._of(user, now_s)
        self._total = self._total * _left(now_s - self._total_at_s) + cost_tokens
        self._total_at_s = now_s
        self._used[user] = (used + cost_tokens, now_s)
        self._used.move_to_end(user)
        self._forget(now_s)

    def penalty(self, user: str, now_s: float) -> float:
        """Return the penalty on the user's rank, 0 to 1."""
        used = self._of(user, now_s)
        if used <= 0.0:
            return 0.0
        mean = self._total * _left(now_s - self._total_at_s) / len(self._used)
        if mean <= 0.0:
            return 0.0
        over = math.log2(used / mean) - FREE_LOG2
        return min(1.0, max(0.0, over / (FULL_LOG2 - FREE_LOG2)))

    def _of(self, user: str, now_s: float) -> float:
        used, at_s = self._used.get(user, (0.0, now_s))
        return used * _left(now_s - at_s)

    def _forget(self, now_s: float) -> None:
        table = self._used
        while table:
            used, at_s = next(iter(table.values()))
            if len(table) <= self._users_max and now_s - at_s <= HALF_LIFE_S:
                return
            table.popitem(last=False)
            self._total = max(0.0, self._total - used * _left(now_s - at_s))


def _left(span_s: float) -> float:
    return 0.5 ** (span_s / HALF_LIFE_S)
