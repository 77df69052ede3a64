"""Lines that front ends keep before us: newcomers let in by a rate, in the front end's own order.

    count    how many more people have joined a line since it was last heard of: they want in as
             much as anybody who comes without a line, and are counted once, as those are
    take     a newcomer of a line takes one place; places come at the rate that the share gives to
             all lines, split by the people who have joined each of late
    wait     until the next place, at most ``WAIT_MAX_S``: the rate moves meanwhile

Places that nobody takes are kept for ``KEPT_S``, as a line that was told to come back in a second
comes back in one or two. A line that counts backwards has been started anew.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

import math
from collections import OrderedDict
from typing import Final

LINES_MAX: Final = 64  # front ends; the one that has not been heard of for longest is forgotten
JOINED_MAX: Final = 10_000  # at once: more is a front end that counts wrongly
WEIGHT_S: Final = 300.0  # people who joined in about so long say how large a line is
ASKS_S: Final = 12.0  # a line that has not asked for so long has nobody; twice the longest wait
KEPT_S: Final = 2.0
WAIT_MIN_S: Final = 1.0  # the shortest that a header can say
WAIT_MAX_S: Final = 5.0  # the share of a pool moves within as long
WAITS_S: Final = WAIT_MAX_S + 3.0  # a line that was refused so lately has somebody in it


class _Line:
    __slots__ = ("asked_at_s", "joined", "places", "weighed_at_s", "weight")

    def __init__(self, joined: int, now_s: float) -> None:
        self.joined = joined
        self.places = 1.0
        self.asked_at_s = self.weighed_at_s = now_s
        self.weight = 1.0


class KeptLines:
    """All lines of one pool. Owned by one event loop. A call costs O(lines) at most."""

    __slots__ = ("_lines", "_refused_at_s")

    def __init__(self) -> None:
        self._lines: OrderedDict[str, _Line] = OrderedDict()  # the last heard of stands last
        self._refused_at_s = -math.inf

    def __len__(self) -> int:
        return len(self._lines)

    def count(self, name: str, joined: int, now_s: float) -> int:
        """Take how many have joined a line since it began; return how many are new."""
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line(joined, now_s)
            if len(self._lines) > LINES_MAX:
                self._lines.popitem(last=False)
            return 1
        self._lines.move_to_end(name)
        more = joined - line.joined
        fresh = min(JOINED_MAX, more if more >= 0 else 1)
        line.joined = joined
        passed_s = now_s - line.weighed_at_s
        line.weight = line.weight * math.exp(-passed_s / WEIGHT_S) + fresh
        line.weighed_at_s = now_s
        return fresh

    def take(self, name: str, per_s: float, now_s: float) -> bool:
        """Let one of a line in, if there is a place; all lines get ``per_s`` together."""
        line = self._lines[name]
        own_per_s = per_s * self._part(line, now_s)
        most = 1.0 + own_per_s * KEPT_S
        line.places = min(most, line.places + own_per_s * (now_s - line.asked_at_s))
        line.asked_at_s = now_s
        if line.places >= 1.0:
            line.places -= 1.0
            return True
        self._refused_at_s = now_s
        return False

    def wait_s(self, name: str, per_s: float, now_s: float) -> float:
        """Return when one who was not let in has a place."""
        line = self._lines[name]
        own_per_s = per_s * self._part(line, now_s)
        wait_s = (1.0 - line.places) / own_per_s if own_per_s > 0.0 else WAIT_MAX_S
        return min(WAIT_MAX_S, max(WAIT_MIN_S, wait_s))

    def is_waiting(self, now_s: float) -> bool:
        """Tell whether somebody has been kept waiting in a line just now."""
        return now_s - self._refused_at_s <= WAITS_S

    def _part(self, line: _Line, now_s: float) -> float:
        if len(self._lines) == 1:
            return 1.0
        weights = sum(
            one.weight
            for one in self._lines.values()
            if one is line or now_s - one.asked_at_s <= ASKS_S
        )
        return line.weight / weights
