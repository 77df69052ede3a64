"""Uncut: which part of the true outage each played second stands for.

A drill plays what lies around changes and leaves the steady parts out. So the end of a window,
once what changed in it has settled, stands for itself and for all that is left out until the next:

    window        |--before--|change........|--settled--|   left out   |--next window
    stands for    itself                    |------------- all of this ---------------|

    settled   from SETTLE_S after the window's last change on; never later than halfway between this
              change and the window's end. A window without a change is settled from its begin
    last      what lies behind the last window is no part of the outage

A change is what ``moments.changes`` calls one.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from penstock.sim.drills.moments import changes
from penstock.sim.drills.shapes import Timetable, Window

# Breakers open, callers give up and queues drain within this; the issue's own bound on added wait
# leaves out the first 3 s, and SDKs' retries are over after about 8.
SETTLE_S: Final = 10.0
HALF: Final = 0.5


class Part(NamedTuple):
    """Played seconds, and what they stand for."""

    from_s: float
    to_s: float
    from_unix_s: float
    to_unix_s: float

    @property
    def played_s(self) -> float:
        """How long it was played."""
        return self.to_s - self.from_s

    @property
    def true_s(self) -> float:
        """How long it was."""
        return self.to_unix_s - self.from_unix_s

    @property
    def scale(self) -> float:
        """For how many seconds one played second stands."""
        return self.true_s / self.played_s if self.played_s > 0.0 else 0.0

    def overlap_s(self, from_s: float, to_s: float) -> float:
        """Return how much of a played span lies in this."""
        return max(0.0, min(to_s, self.to_s) - max(from_s, self.from_s))


def parts(timetable: Timetable) -> tuple[Part, ...]:
    """Return all parts, in order; together they are the outage, uncut."""
    return tuple(one for one in _all(timetable) if one.played_s > 0.0)


def _all(timetable: Timetable) -> Iterator[Part]:
    windows = timetable.windows
    changed = changes(timetable)
    for window, following in pairwise(windows):
        settled_s = _settled_s(changed, window)
        settled_unix_s = window.from_unix_s + settled_s - window.from_s
        yield Part(window.from_s, settled_s, window.from_unix_s, settled_unix_s)
        yield Part(settled_s, window.to_s, settled_unix_s, following.from_unix_s)
    for window in windows[-1:]:
        yield Part(window.from_s, window.to_s, window.from_unix_s, window.to_unix_s)


def _settled_s(changed: list[float], window: Window) -> float:
    last_s = max((at for at in changed if window.from_s <= at < window.to_s), default=None)
    if last_s is None:
        return window.from_s
    return min(last_s + SETTLE_S, last_s + (window.to_s - last_s) * HALF)
