"""Which sums add up to a span of time, as few of them as there can be.

There are sums of several grains, all of the same events; each grain divides the next coarser one.
A span from one multiple of the finest to another is covered once, without gap or overlap, by the
coarsest sums that lie in it whole, then by finer ones at both ends. Where the span is cut, no sum
reaches across: what begins at a cut can be added up alone.

    10:58 to 13:07, grains of 60, 300 and 3600 s
    60 s   10:58 to 11:00, 13:05 to 13:07
    300 s  13:00 to 13:05
    3600 s 11:00 to 13:00
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple


class Patch(NamedTuple):
    """Sums of one grain, all that begin from ``since_s`` on and before ``until_s``."""

    grain_s: int
    since_s: int
    until_s: int


def patches(cuts: Sequence[int], grains_s: Sequence[int]) -> list[Patch]:
    """Return what covers the spans between cuts in rising order, multiples of the finest grain."""
    finest_first = sorted(grains_s)
    return [
        one for since_s, until_s in pairwise(cuts) for one in _cover(since_s, until_s, finest_first)
    ]


def _cover(since_s: int, until_s: int, grains_s: Sequence[int]) -> Iterator[Patch]:
    if since_s >= until_s:
        return
    *finer, grain_s = grains_s
    inner_s, outer_s = -(-since_s // grain_s) * grain_s, until_s // grain_s * grain_s
    if not finer:
        yield Patch(grain_s, since_s, until_s)
    elif inner_s >= outer_s:
        yield from _cover(since_s, until_s, finer)
    else:
        yield from _cover(since_s, inner_s, finer)
        yield Patch(grain_s, inner_s, outer_s)
        yield from _cover(outer_s, until_s, finer)
