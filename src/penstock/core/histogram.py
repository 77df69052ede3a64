"""Histogram: quantiles and shares of what was only counted between bounds.

``counts[N]`` is how many values were at most ``bounds[N]`` and above the bound before; one more
count is of those above the last bound.

    quantile   straight between the two bounds that it lies between; above the last bound, that
    at_most    how many are at most a threshold, and how many lie in the bucket that it cuts: these
               may be on either side. A threshold that is a bound cuts none
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from penstock.core.interval import Interval, wilson


class Within(NamedTuple):
    """How many values keep a threshold, and how many may or may not."""

    sure: int
    unclear: int
    total: int

    @property
    def ratio(self) -> float | None:
        """The share that surely keeps it; None without values."""
        return self.sure / self.total if self.total else None

    @property
    def interval(self) -> Interval:
        """Where the share lies, chance and unclear values together."""
        if not self.total:
            return wilson(0.0, 0.0)
        low = wilson(self.sure / self.total, self.total).low
        high = wilson((self.sure + self.unclear) / self.total, self.total).high
        return Interval(low, high)


def at_most(counts: Sequence[int], bounds: Sequence[float], threshold: float) -> Within:
    """Return how many values are at most the threshold."""
    whole = bisect_right(bounds, threshold)  # buckets that end at or before it
    is_cut = not whole or bounds[whole - 1] != threshold
    return Within(sum(counts[:whole]), counts[whole] if is_cut else 0, sum(counts))


def above(counts: Sequence[int], bounds: Sequence[float], threshold: float) -> Within:
    """Return how many values are above the threshold."""
    below = at_most(counts, bounds, threshold)
    return Within(below.total - below.sure - below.unclear, below.unclear, below.total)


def quantile(counts: Sequence[int], bounds: Sequence[float], share: float) -> float | None:
    """Return the value that this share of all is at most; None without values."""
    total = sum(counts)
    if not total:
        return None
    wanted = share * total
    passed = 0
    for at, count in enumerate(counts):
        if count and passed + count >= wanted:
            if at == len(bounds):
                return bounds[-1]
            low = bounds[at - 1] if at else 0.0
            return low + (bounds[at] - low) * max(0.0, wanted - passed) / count
        passed += count
    return bounds[-1]


def bucket(bounds: Sequence[float], value: float) -> int:
    """Return which count a value belongs to."""
    return bisect_left(bounds, value)
