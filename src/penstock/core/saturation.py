"""Saturation: one number for how full it is, smoothed, from slots and from the queue behind them.

    pressure = 0.79 * max(min(s / 0.79, 1), min(w / 0.02, 1)) + 0.21 * w / 0.5

    s   used / limit on the tightest dimension, smoothed over a second
    w   the wait that an exchange of the free tier can expect, relative to the longest that it may
        wait, smoothed alike

Slots alone say little: at just enough load and at ten times the capacity they are equally full.
While nobody waits nothing need be taken from anybody's answer, or capacity stands idle while
answers are cut; so full slots count for just under the level at which that begins, which leaves
the first level, retries and hedges. From there on the queue decides: it stands for 1 when an
exchange waits for half of what it may. Whoever waits does so for slots that are full, however many
others stand idle at upstreams that it cannot use.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

import math
from typing import Final

SMOOTHING_S: Final = 1.0  # half of the ladder's dwell: noise of one answer is gone within it
SLOTS_MAX: Final = 0.79  # what full slots count for without a queue: under the ladder's level 2
WAIT_RATIO_FELT: Final = 0.02  # a sixth of a second of eight: the slots are full
WAIT_RATIO_FULL: Final = 0.5  # half the bound left: time to act before anybody is refused by it
WAIT_RATIO_MAX: Final = 2.0  # a wait predicted by a dead upstream may be infinite


class Smoothed:
    """An exponential mean over time of what is observed at any pace. Not thread-safe."""

    __slots__ = ("_at_s", "_over_s", "value")

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._at_s = -math.inf
        self.value = 0.0

    def observe(self, value: float, now_s: float) -> float:
        """Take a value that has held since the last one; the first is taken as it is."""
        share = 1.0 - math.exp(min(0.0, self._at_s - now_s) / self._over_s)
        self.value += (value - self.value) * share
        self._at_s = now_s
        return self.value


class Saturation:
    """Slots and queue as one pressure. Owned by one event loop; not thread-safe."""

    __slots__ = ("_slots", "_wait")

    def __init__(self) -> None:
        self._slots = Smoothed(SMOOTHING_S)
        self._wait = Smoothed(SMOOTHING_S)

    @property
    def slots(self) -> float:
        """The smoothed share of slots that are taken."""
        return self._slots.value

    @property
    def wait_ratio(self) -> float:
        """The smoothed wait relative to its bound."""
        return self._wait.value

    def observe(self, saturation: float, wait_ratio: float, now_s: float) -> float:
        """Take what is measured now; return the pressure, 0 to 1.63."""
        slots = self._slots.observe(min(max(saturation, 0.0), 1.0), now_s)
        wait = self._wait.observe(min(max(wait_ratio, 0.0), WAIT_RATIO_MAX), now_s)
        full = max(min(slots, SLOTS_MAX), SLOTS_MAX * min(wait / WAIT_RATIO_FELT, 1.0))
        return full + (1.0 - SLOTS_MAX) * wait / WAIT_RATIO_FULL
