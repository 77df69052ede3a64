"""Admission: the queue of one upstream, by tier, then tenant, then deadline or age.

An exchange waits here while no credit of the upstream is left for it; whoever drives us takes the
next one for each credit that comes back. The order, from the outside in:

    bands      strict: control > enterprise > standard > free > batch
    aside      in a band, one that was moved aside (at_head) before all others, the last one first
    tenants    the lowest virtual counter (fairness.py)
    inside     control, enterprise, standard: the earliest deadline; one without a timeout has
               its tier's bound, so equals go in the order of arrival
               free: in the order of coming while the tenant's oldest has waited for less than
               lifo_after_s; the newest first after that, since the oldest are about to give up
               batch: in the order of coming

    push       there is room in the band          -> waits, True
    push       the band is full, not at_head      -> False: whoever asked sheds it
    take       a band has somebody and may go     -> the next of the first such band
    take       the floor is due                   -> free's next instead of that
    take       nobody who may go                  -> None
    put back   was taken in vain                  -> before all others of its band; no grant
    remove     waits                              -> gone
    remove     does not                           -> nothing

A band that may not go holds back itself only: the ceilings of those below it are lower anyway.

The floor: while free waits it gets one of every 1/floor_ratio grants, in place of whoever else
would have had it; not in place of control, and none at all while ``is_floor_open`` is False, which
whoever drives us sets while the enterprise wait is beyond its budget. Under a backlog of standard
free's own ceiling is always exceeded, if anything is reserved: whoever can let such a one have a
slot of standard's says so by ``floor_as``. ``was_floor`` tells that the last taken was such a one.

Each move costs O(log n). What waits is bounded per band, so that one band cannot fill another's.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
Source: TIERING 3 of the reference shelf. Adaptive LIFO: Maurer, "Fail at Scale", ACM Queue 2015.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic

from penstock.core.fairness import Fairness
from penstock.core.tier import Tier
from penstock.core.waiting_line import Aging, Line, Place, T, Urgent

CONTROL: Final = Tier.CONTROL  # a look into an enumeration costs as much as a call
FREE: Final = Tier.FREE


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """How an upstream's queue orders and counts. TIERING 3, where nothing else is named.

    Costs are in cost tokens; ``wait_max_s`` is by tier, and where a caller has set no timeout of
    its own it is the deadline too.
    """

    w_in: float = 1.0  # an input token that the upstream must read
    w_cached: float = 0.1  # one that it has read before; Anthropic bills a cache read at 0.1
    w_out: float = 4.0  # VTC and llm-d count twice; prices of output are 4 to 5 times input's
    lifo_after_s: float = 4.0  # half of free's wait_max_s
    floor_ratio: float = 0.02  # of grants, for free; 0: none
    queue_max: int = 10_000  # in each band; llm-d: 5,000
    wait_max_s: tuple[float, float, float, float, float] = (1.0, 2.0, 5.0, 8.0, 600.0)

    def cost(self, input_tokens: float, output_tokens: float, cached_tokens: float = 0.0) -> float:
        """Return the cost tokens of an exchange; ``cached_tokens`` are a part of the input's."""
        uncached = input_tokens - cached_tokens
        return self.w_in * uncached + self.w_cached * cached_tokens + self.w_out * output_tokens


class Band(Generic[T]):
    """One tier's part of the queue."""

    __slots__ = ("_lifo_after_s", "_wait_max_s", "aside", "fairness", "places", "tier")

    def __init__(self, tier: Tier, policy: QueuePolicy, weight_of: Callable[[str], float]) -> None:
        self.tier = tier
        self.use(policy)
        make = self._urgent if tier < Tier.FREE else self._aging
        self.fairness: Fairness[Line[T]] = Fairness(weight_of, make)
        self.places: OrderedDict[T, Place[T]] = OrderedDict()  # of all, in the order of coming
        self.aside: dict[T, Place[T]] = {}  # the last one goes first

    def use(self, policy: QueuePolicy) -> None:
        """Take other bounds, for the lines of whoever begins to wait from now on."""
        self._wait_max_s = policy.wait_max_s[self.tier]
        self._lifo_after_s = policy.lifo_after_s if self.tier is Tier.FREE else math.inf

    def first(self, now_s: float) -> Place[T] | None:
        """Return the next one, or None if nobody waits."""
        if self.aside:
            return next(reversed(self.aside.values()))
        line = self.fairness.lowest()
        return None if line is None else line.first(now_s)

    def drop(self, place: Place[T]) -> None:
        """Let one wait no longer, wherever it stands."""
        del self.places[place.item]
        line = place.line
        if line is None:
            del self.aside[place.item]
            return
        line.drop(place)
        if not line:
            self.fairness.leave(line)

    def _urgent(self, tenant: str) -> Line[T]:
        return Urgent(tenant, self._wait_max_s)

    def _aging(self, tenant: str) -> Line[T]:
        return Aging(tenant, self._lifo_after_s)


class TierQueue(Generic[T]):
    """The queue of one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_bands", "_floor_every", "_free", "_policy", "_since_before", "_since_free", "count",
        "is_floor_open", "was_floor",
    )  # fmt: skip

    def __init__(self, policy: QueuePolicy, weight_of: Callable[[str], float]) -> None:
        self._bands: Final = tuple(Band[T](tier, policy, weight_of) for tier in Tier)
        self._free = self._bands[Tier.FREE]
        self.count = 0  # of all who wait: len would cost each exchange a tenth of a microsecond
        self._since_free = 0  # grants to others since free's last, while free waits
        self._since_before = 0  # the same before that last one
        self.is_floor_open = True  # the enterprise wait is within its budget
        self.was_floor = False  # the last that was taken had another band's credit
        self.use(policy)

    def use(self, policy: QueuePolicy) -> None:
        """Obey other settings from now on; whoever waits keeps the place it has."""
        self._policy = policy
        self._floor_every = round(1 / policy.floor_ratio) if policy.floor_ratio > 0 else 0
        for band in self._bands:
            band.use(policy)

    def __len__(self) -> int:
        return self.count

    def __contains__(self, item: T) -> bool:
        return item in self._bands[item.claim.served].places

    @property
    def policy(self) -> QueuePolicy:
        """How it orders and counts."""
        return self._policy

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits."""
        return not self.count

    def fairness(self, tier: Tier) -> Fairness[Line[T]]:
        """Return the counters of a band's tenants, to look at."""
        return self._bands[tier].fairness

    def depth(self, tier: Tier) -> int:
        """Return how many wait in a band."""
        return len(self._bands[tier].places)

    def depth_ahead(self, tier: Tier) -> int:
        """Return how many wait in a band and in those above it."""
        return sum(len(band.places) for band in self._bands[: tier + 1])

    def turns(self, tier: Tier, tenant: str) -> float:
        """Return about how many grants it would take until one more of this tenant is served.

        All of higher bands go first; in its own the others take turns with its tenant.
        """
        band = self._bands[tier]
        waiting = len(band.places)
        above = self.depth_ahead(tier) - waiting
        if not waiting:
            return above + 1.0
        line = band.fairness.waiting.get(tenant)
        own = 1 if line is None else len(line) + 1
        return above + min(waiting + 1.0, len(band.aside) + own / band.fairness.share(tenant))

    def oldest_wait_s(self, tier: Tier, now_s: float) -> float:
        """Return for how long the first to come of a band has waited; 0 if nobody waits."""
        for place in self._bands[tier].places.values():
            return now_s - place.pushed_at_s
        return 0.0

    def push(self, item: T, now_s: float, *, at_head: bool = False) -> bool:
        """Let an item wait, which does not yet; return False if its band is full.

        ``at_head`` is for one that was moved aside: it goes before all others of its band, and a
        full band takes it, since it has been let in before.
        """
        claim = item.claim
        band = self._bands[claim.served]
        assert item not in band.places, "it waits already"
        if len(band.places) >= self._policy.queue_max and not at_head:
            return False
        band.places[item] = place = Place(item, now_s)
        self.count += 1
        if at_head:
            band.aside[item] = place
            return True
        line = band.fairness.waiting.get(claim.tenant)
        if line is None:
            line = band.fairness.enter(claim.tenant)
        place.line = line
        line.add(place)
        return True

    def remove(self, item: T) -> None:
        """Let an item wait no longer, if it does."""
        band = self._bands[item.claim.served]
        place = band.places.get(item)
        if place is not None:
            self.count -= 1
            band.drop(place)

    def take(
        self, may: Callable[[Tier], bool], now_s: float, floor_as: Tier = Tier.FREE
    ) -> T | None:
        """Return the next item whose band may go now, and remove it; None if there is none.

        ``floor_as`` is the tier whose ceiling one of the floor must keep.
        """
        self.was_floor = False
        if not self.count:
            return None
        for band in self._bands:
            if band.places and may(band.tier):
                if self._is_floor_due(band.tier) and may(floor_as):
                    self.was_floor = True
                    return self._grant(self._free, now_s)
                return self._grant(band, now_s)
        return None

    def put_back(self, item: T, now_s: float) -> None:
        """Let an item that was just taken wait at the head again: it could not go after all."""
        if item.claim.served is FREE:
            self._since_free += self._since_before
            self._since_before = 0
        else:
            self._since_free = max(0, self._since_free - 1)
        self.push(item, now_s, at_head=True)

    def first(self, tier: Tier, now_s: float) -> T | None:
        """Return the item that a band would give next, without removing it."""
        place = self._bands[tier].first(now_s)
        return None if place is None else place.item

    def pass_by(self, item: T) -> None:
        """Tell of an item that goes at once and never waits; before its first charge."""
        claim = item.claim
        self._bands[claim.served].fairness.pass_by(claim.tenant)

    def charge(self, tier: Tier, tenant: str, cost: float, now_s: float) -> None:
        """Add cost tokens to what a tenant has had in a band; less than 0 is a refund."""
        del now_s  # counters do not fade: fairness.py says why
        self._bands[tier].fairness.charge(tenant, cost)

    def reweigh(self) -> None:
        """Ask for the weights of tenants again: they were set anew."""
        for band in self._bands:
            band.fairness.reweigh()

    def position(self, item: T) -> int:
        """Return about how many grants it takes until this one is served; 0 if it does not wait.

        All of higher bands go first. In its own band others take turns with its tenant by their
        weights: exact for a tenant alone of whom nobody gave up, else an estimate, never beyond
        the end of its band. O(1): asked once a second for each who waits.
        """
        above = 0
        for band in self._bands:
            place = band.places.get(item)
            if place is not None:
                break
            above += len(band.places)
        else:
            return 0
        line = place.line
        if line is None:
            return above + 1
        share = line.weight / band.fairness.weight
        turns = (line.ahead(place) + 0.5) / share - 0.5  # a turn is as likely early as late in it
        return above + min(len(band.places), 1 + len(band.aside) + int(turns))

    def _is_floor_due(self, tier: Tier) -> bool:
        return (
            self._since_free >= self._floor_every - 1
            and self._floor_every > 0
            and CONTROL < tier < FREE
            and self.is_floor_open
            and bool(self._free.places)
        )

    def _grant(self, band: Band[T], now_s: float) -> T:
        place = band.first(now_s)
        assert place is not None, "a band lost count of who waits"
        self.count -= 1
        is_other = band is not self._free and bool(self._free.places)
        if is_other:
            self._since_free += 1
        else:
            self._since_before, self._since_free = self._since_free, 0
        band.drop(place)
        return place.item
