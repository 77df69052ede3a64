"""Drift guard: do more attempts at once bring more answers?

    too few windows, or about as many in flight in all of them   -> nothing is known: grow
    twice as many in flight bring nearly as few answers          -> flat: do not grow
    otherwise                                                    -> grow

Latency that creeps up with its own baseline is seen by nobody; this sees it. Answers are compared
with what was in flight an answer's time before, as Little's law tells it.

Pure: reads no clock. Source: failsafe-go's adaptive limiter, which correlates the same two series.
"""

from collections import deque
from typing import Final

WINDOWS_MAX: Final = 16
WINDOWS_MIN: Final = 6
LAG_MAX: Final = 6
SPREAD_MIN: Final = 0.05  # standard deviation of what was in flight, as a share of its mean
GAIN_MIN: Final = 0.2  # a share more in flight must bring this share of it in answers


class DriftGuard:
    """The last windows of one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = ("_windows",)

    def __init__(self) -> None:
        self._windows: deque[tuple[float, float, float]] = deque(maxlen=WINDOWS_MAX)

    def add(self, in_flight: float, ended: int, window_s: float) -> None:
        """Note one window: how many were in flight on average, how many ended well."""
        self._windows.append((in_flight, ended / window_s, window_s))

    def forget(self) -> None:
        """Begin anew: the upstream is no longer what it was."""
        self._windows.clear()

    @property
    def is_flat(self) -> bool:
        """Whether more in flight has brought no more answers."""
        windows = list(self._windows)
        if len(windows) < WINDOWS_MIN:
            return False
        mean_in_flight = sum(one[0] for one in windows) / len(windows)
        mean_per_s = sum(one[1] for one in windows) / len(windows)
        mean_window_s = sum(one[2] for one in windows) / len(windows)
        if mean_per_s <= 0.0:
            return False
        lag = min(LAG_MAX, round(mean_in_flight / mean_per_s / mean_window_s))
        if len(windows) - lag < WINDOWS_MIN:
            return False
        before = [one[0] for one in windows[: len(windows) - lag]]
        after = [one[1] for one in windows[lag:]]
        middle = sum(before) / len(before)
        variance = sum((one - middle) ** 2 for one in before) / len(before)
        if variance <= (SPREAD_MIN * middle) ** 2:
            return False
        mean_after = sum(after) / len(after)
        pairs = zip(before, after, strict=True)
        common = sum((f - middle) * (n - mean_after) for f, n in pairs) / len(before)
        return common / variance * middle < GAIN_MIN * mean_after
