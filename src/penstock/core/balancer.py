"""Balancer: which of the upstreams that are free gets the next attempt.

    in_order    the first of the route
    by_weight   by chance, in proportion to the weights
    by_load     of two picked by chance, the one with less load (one: that one)

Two random choices come close to the least loaded of all, without herding everybody onto one that
looks idle. Pure: chance is given as a function that returns [0, 1).
Source: Mitzenmacher, "The power of two choices in randomized load balancing", 2001.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Weighed(Protocol):
    """Something that can be balanced over."""

    @property
    def weight(self) -> float:
        """The share of traffic it should get, relative to the others."""
        ...

    def load(self, now_s: float) -> float:
        """The wait that one more attempt may expect, in seconds."""
        ...


T = TypeVar("T", bound=Weighed)


def in_order(free: Sequence[T], chance: Callable[[], float], now_s: float) -> T:
    """Return the first."""
    del chance, now_s
    return free[0]


def by_weight(free: Sequence[T], chance: Callable[[], float], now_s: float) -> T:
    """Return one in proportion to the weights; all weights zero means all the same."""
    del now_s
    total = sum(one.weight for one in free)
    if total <= 0:
        return free[int(chance() * len(free))]
    at = chance() * total
    for one in free:
        at -= one.weight
        if at < 0:
            return one
    return next(one for one in reversed(free) if one.weight > 0)  # rounding left a rest


def by_load(free: Sequence[T], chance: Callable[[], float], now_s: float) -> T:
    """Return the less loaded of two picked by chance."""
    count = len(free)
    if count == 1:
        return free[0]
    first = int(chance() * count)
    second = int(chance() * (count - 1))
    if second >= first:
        second += 1
    one, other = free[first], free[second]
    return one if one.load(now_s) <= other.load(now_s) else other
