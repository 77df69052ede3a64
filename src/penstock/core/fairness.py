"""Fairness: which tenant of a band goes next, by a virtual counter of tokens (VTC).

Each tenant has a counter ``v``, of cost tokens divided by its weight. Of those who wait, the one
with the lowest goes first; what it gets is charged when it gets it: input when it is dispatched,
output while it streams, a correction at the end. The whole machine; there are no other moves:

    begins to wait, others wait   -> v := max(v, lowest v of those who wait)      the lift
    begins to wait, nobody waits  -> v := max(v, v of the last who waited or passed by)
    passes by (goes at once)      -> lifted in the same way, and the last from now on
    waits no longer               -> v is remembered, and is the last
    is charged                    -> v += cost / weight, whether it waits or not
    is charged less than nothing  -> v falls; if it waits its place is moved at once
    is unknown and charged        -> begins at the level, as if it had just passed by

The lift is why an idle tenant saves nothing up, and why one that had an empty upstream for itself
owes nothing to those who come later. So counters need no half-life: who is ahead is ahead by no
more than what it has in flight, 2 * max(w_in * L_in, w_out * M) cost tokens at most (``vtc_gap``
in reserve.py), and forgetting a part of that would only widen the gap. A refund after a lift may
put a tenant below the others, by no more than was charged for what it has in flight.

Counters of tenants who do not wait are kept for the ``IDLE_MAX`` who were served last; an older one
begins again at the level. Those who wait are in a heap in the order of v. A charge leaves the entry
where it is, too low, and it is put right once it comes to the top; a refund makes a new one. An
entry is valid if its stamp is its counter's. So each move costs O(log n), over many of them.

Pure: reads no clock, and is told nothing of requests.
Source: Sheng et al., "Fairness in Serving Large Language Models" (VTC), OSDI 2024.
"""

from collections import OrderedDict
from collections.abc import Callable
from heapq import heapify, heappop, heappush, heapreplace
from typing import Final, Generic, TypeVar

IDLE_MAX: Final = 1024  # as many as are expected to be in flight at one upstream; about 0.7 MB
SPARE: Final = 64  # entries in the heap that are no longer valid, before they are swept out
WEIGHT_MIN: Final = 1e-3  # a tenant without weight gets little, but its counter stays finite
GONE: Final = -1  # the stamp of a counter that is in no heap


class Counter:
    """The counter of one tenant; the queue hangs what waits of it on this."""

    __slots__ = ("entry_v", "stamp", "tenant", "v", "weight")

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.v = 0.0  # cost tokens over weight
        self.weight = 1.0
        self.entry_v = 0.0  # as the heap has it: at most v
        self.stamp = GONE


C = TypeVar("C", bound=Counter)


class Fairness(Generic[C]):
    """The counters of one band of one upstream. Owned by one event loop; not thread-safe.

    ``make`` makes the counter of a tenant who is not remembered.
    """

    __slots__ = (
        "_heap", "_idle", "_last", "_make", "_stamp", "_weight_of", "waiting", "weight",
    )  # fmt: skip

    def __init__(self, weight_of: Callable[[str], float], make: Callable[[str], C]) -> None:
        self._weight_of = weight_of
        self._make = make
        self._heap: list[tuple[float, int, C]] = []
        self._idle: OrderedDict[str, C] = OrderedDict()  # the last served last
        self._last: C | None = None  # who waited or passed by last
        self._stamp = 0
        self.waiting: dict[str, C] = {}  # by tenant
        self.weight = 0.0  # of all who wait

    @property
    def remembered(self) -> int:
        """How many counters there are, of those who wait and of those who do not."""
        return len(self.waiting) + len(self._idle)

    @property
    def entries(self) -> int:
        """How long the heap is, with entries that are no longer valid."""
        return len(self._heap)

    def v(self, tenant: str) -> float | None:
        """Return a tenant's counter, in cost tokens over weight; None if it is not remembered."""
        counter = self.waiting.get(tenant)
        if counter is None:
            counter = self._idle.get(tenant)
        return None if counter is None else counter.v

    def level(self) -> float:
        """Return the lowest counter of those who wait; if nobody does, of the last who did."""
        counter = self.lowest()
        if counter is None:
            counter = self._last
        return 0.0 if counter is None else counter.v

    def lowest(self) -> C | None:
        """Return the tenant who goes next, or None if nobody waits."""
        heap = self._heap
        while heap:
            v, stamp, counter = heap[0]
            if stamp != counter.stamp:
                heappop(heap)
            elif v != counter.v:
                counter.entry_v = counter.v
                heapreplace(heap, (counter.v, stamp, counter))
            else:
                return counter
        return None

    def share(self, tenant: str) -> float:
        """Return the share of the turns that a tenant has, or would have if it waited."""
        counter = self.waiting.get(tenant)
        if counter is not None:
            return counter.weight / self.weight
        weight = max(self._weight_of(tenant), WEIGHT_MIN)
        return weight / (self.weight + weight)

    def enter(self, tenant: str) -> C:
        """Let a tenant begin to wait, which does not yet; return its counter."""
        counter = self._idle.pop(tenant, None)
        if counter is None:
            counter = self._new(tenant)
        elif counter is not self._last or self.waiting:
            counter.v = max(counter.v, self.level())
        weight = self._weight_of(tenant)
        counter.weight = weight = max(WEIGHT_MIN, weight)
        self.waiting[tenant] = counter
        self.weight += weight
        self._place(counter)
        return counter

    def leave(self, counter: C) -> None:
        """Let a tenant wait no longer; it is waiting."""
        del self.waiting[counter.tenant]
        counter.stamp = GONE
        heap = self._heap
        if heap[0][2] is counter:
            heappop(heap)
        if self.waiting:
            self.weight -= counter.weight
            self._sweep()
        else:
            self.weight = 0.0  # no drift stays
            if heap:
                heap.clear()
        self._last = counter
        self._idle[counter.tenant] = counter
        if len(self._idle) > IDLE_MAX:
            self._idle.popitem(last=False)

    def pass_by(self, tenant: str) -> None:
        """Lift a tenant who goes at once, as if it had waited for no time."""
        if tenant in self.waiting:
            return
        counter = self._idle.get(tenant)
        if counter is None:
            counter = self._new(tenant)
        elif counter is not self._last or self.waiting:
            counter.v = max(counter.v, self.level())
        self._last = counter
        self._remember(counter)

    def charge(self, tenant: str, cost: float) -> None:
        """Add cost tokens to a tenant's counter; less than 0 is a refund."""
        counter = self.waiting.get(tenant)
        if counter is not None:
            counter.v += cost / counter.weight
            if counter.v < counter.entry_v:
                self._place(counter)
                self._sweep()
            return
        counter = self._idle.get(tenant)
        if counter is None:
            counter = self._new(tenant)
        counter.v += cost / counter.weight
        self._remember(counter)

    def reweigh(self) -> None:
        """Ask for all weights again: they were set anew."""
        for counter in (*self.waiting.values(), *self._idle.values()):
            counter.weight = max(self._weight_of(counter.tenant), WEIGHT_MIN)
        self.weight = sum(counter.weight for counter in self.waiting.values())

    def _new(self, tenant: str) -> C:
        counter = self._make(tenant)
        counter.weight = max(self._weight_of(tenant), WEIGHT_MIN)
        counter.v = self.level()
        return counter

    def _place(self, counter: C) -> None:
        self._stamp = counter.stamp = stamp = self._stamp + 1
        counter.entry_v = v = counter.v
        heappush(self._heap, (v, stamp, counter))

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self.waiting) + SPARE:
            self._heap = [entry for entry in self._heap if entry[1] == entry[2].stamp]
            heapify(self._heap)

    def _remember(self, counter: C) -> None:
        idle = self._idle
        tenant = counter.tenant
        if tenant in idle:
            idle.move_to_end(tenant)
            return
        idle[tenant] = counter
        if len(idle) > IDLE_MAX:
            idle.popitem(last=False)
