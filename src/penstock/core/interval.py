"""Interval: how sure a share is that was counted from few events (Wilson, 95 %).

    centre = (p + z^2 / 2n) / (1 + z^2 / n)
    half   = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2)

It is never empty, never leaves 0 to 1, and holds p. Without events it is all of 0 to 1: nothing is
known. ``n`` may be a fraction: the effective count of a weighted mean.

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
JASA 22, 1927; why not the textbook's: Brown, Cai, DasGupta, Statistical Science 16(2), 2001.
"""

import math
from typing import Final, NamedTuple

Z_95: Final = 1.959963984540054  # a normal value lies within so many deviations in 95 of 100 cases


class Interval(NamedTuple):
    """Where a share lies with 95 % confidence."""

    low: float
    high: float


UNKNOWN: Final = Interval(0.0, 1.0)


def wilson(ratio: float, count: float) -> Interval:
    """Return the interval of a share that was seen in ``count`` events."""
    if count <= 0.0:
        return UNKNOWN
    square = Z_95 * Z_95
    shrink = 1.0 + square / count
    centre = (ratio + square / (2.0 * count)) / shrink
    spread = ratio * (1.0 - ratio) / count + square / (4.0 * count * count)
    half = Z_95 / shrink * math.sqrt(max(0.0, spread))
    return Interval(max(0.0, min(ratio, centre - half)), min(1.0, max(ratio, centre + half)))
