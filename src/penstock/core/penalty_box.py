"""The penalty box: clients that ignore Retry-After are refused from memory for a while.

    told    a refusal goes out with a time           -> known; expected no earlier than that
    early   a known one comes before its time        -> a strike, and judged like anybody
    early   for the ``STRIKES_MAX``-th time          -> in the box for ``BOX_S``
    boxed   it comes while in the box                -> refused, with the time left
    out     ``BOX_S`` are over                       -> judged like anybody, without strikes
    on time a known one comes when told, or later    -> without strikes
    idle    nothing for ``memory_s``, or too many    -> forgotten

The box does not last longer for coming again, so nobody is kept out for good: a key that many
people share looks like one impatient client.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

from collections import OrderedDict
from typing import Final

STRIKES_MAX: Final = 3  # an SDK that ignores headers tries twice again; more is a loop
BOX_S: Final = 60.0  # the longest Retry-After that we give (TIERING 5)


class Known:
    """One who was refused."""

    __slots__ = ("boxed_until_s", "expected_at_s", "refused_at_s", "strikes")

    def __init__(self) -> None:
        self.refused_at_s = 0.0
        self.expected_at_s = 0.0
        self.boxed_until_s = 0.0
        self.strikes = 0


class PenaltyBox:
    """Who was refused lately. Owned by one event loop. Every call is O(1), amortised."""

    __slots__ = ("_memory_s", "_users_max", "known")

    def __init__(self, memory_s: float, users_max: int) -> None:
        self._memory_s = memory_s
        self._users_max = users_max
        self.known: OrderedDict[str, Known] = OrderedDict()  # the last refused stands last

    def __len__(self) -> int:
        return len(self.known)

    def is_known(self, user: str, now_s: float) -> bool:
        """Tell whether the user was refused within ``memory_s``."""
        known = self.known.get(user)
        return known is not None and now_s - known.refused_at_s <= self._memory_s

    def left_s(self, user: str, now_s: float) -> float:
        """Take note that the user has come; return how long it is still in the box, 0: it is not.

        Call it once for each exchange.
        """
        known = self.known.get(user)
        if known is None:
            return 0.0
        if now_s < known.boxed_until_s:
            return known.boxed_until_s - now_s
        if now_s >= known.expected_at_s:
            known.strikes = 0
            return 0.0
        known.strikes += 1
        if known.strikes < STRIKES_MAX:
            return 0.0
        known.strikes = 0
        known.expected_at_s = known.boxed_until_s = now_s + BOX_S
        return BOX_S

    def told(self, user: str, retry_after_s: float, now_s: float) -> None:
        """Take note that the user was refused, and told when to come again."""
        known = self.known.get(user)
        if known is None:
            known = self.known[user] = Known()
        known.refused_at_s = now_s
        known.expected_at_s = now_s + min(retry_after_s, BOX_S)
        self.known.move_to_end(user)
        table = self.known
        while table:
            oldest = next(iter(table.values()))
            if len(table) <= self._users_max and now_s - oldest.refused_at_s <= self._memory_s:
                return
            table.popitem(last=False)

    def forgive(self, user: str) -> None:
        """Forget a user who got in."""
        self.known.pop(user, None)
