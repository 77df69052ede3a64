"""Waiting line: what waits of one tenant in one band of an upstream's queue, and who of it is next.

    Urgent   the earliest deadline first: arrival plus the caller's timeout to the first token, or
             plus the tier's bound, so that those without a timeout go in the order of arrival
    Aging    in the order of coming while the oldest has waited for less than ``lifo_after_s``; the
             newest first after that: the oldest are about to give up, and would be served in vain

Each move costs O(log n). Pure: reads no clock. ``now_s`` is monotonic seconds.
Source: adaptive LIFO: Maurer, "Fail at Scale", ACM Queue 2015.
"""

from collections import OrderedDict
from heapq import heapify, heappop, heappush
from typing import Final, Generic, Protocol, TypeVar

from penstock.core.claim import Claim
from penstock.core.fairness import Counter

GONE_SPARE: Final = 8  # who left and is still held, before a sweep; each holds an exchange


class Claimant(Protocol):
    """Whatever waits; hashable, and its claim does not change while it does."""

    @property
    def claim(self) -> Claim:
        """Who asks, how urgently, and for how much."""
        ...


T = TypeVar("T", bound=Claimant)


class Place(Generic[T]):
    """Where one item waits."""

    __slots__ = ("is_gone", "item", "line", "pushed_at_s", "seq")

    def __init__(self, item: T, pushed_at_s: float) -> None:
        self.item = item
        self.pushed_at_s = pushed_at_s
        self.line: Line[T] | None = None  # None: it was moved aside
        self.is_gone = False
        self.seq = 0  # in its line


class Line(Counter, Generic[T]):
    """What waits of one tenant, in one band."""

    __slots__ = ("_seq",)

    def __init__(self, tenant: str) -> None:
        super().__init__(tenant)
        self._seq = 0

    def __len__(self) -> int:
        raise NotImplementedError

    def add(self, place: Place[T]) -> None:
        """Let one more wait."""
        raise NotImplementedError

    def drop(self, place: Place[T]) -> None:
        """Let one wait no longer, wherever it stands."""
        raise NotImplementedError

    def first(self, now_s: float) -> Place[T]:
        """Return the next one. There is one."""
        raise NotImplementedError

    def ahead(self, place: Place[T]) -> float:
        """Return about how many of this line go before it."""
        raise NotImplementedError


class Urgent(Line[T]):
    """A line in the order of deadlines."""

    __slots__ = ("_bound_s", "_count", "_heap", "_left")

    def __init__(self, tenant: str, bound_s: float) -> None:
        super().__init__(tenant)
        self._bound_s = bound_s
        self._heap: list[tuple[float, int, Place[T]]] = []  # some of them gone
        self._count = 0
        self._left = 0

    @property
    def entries(self) -> int:
        """How long the heap is, with those who left."""
        return len(self._heap)

    def __len__(self) -> int:
        return self._count

    def add(self, place: Place[T]) -> None:
        """Let one more wait, until its deadline."""
        claim = place.item.claim
        deadline_s = claim.arrived_at_s + (claim.ttft_timeout_s or self._bound_s)
        self._seq += 1
        self._count += 1
        place.seq = self._seq
        heappush(self._heap, (deadline_s, self._seq, place))

    def drop(self, place: Place[T]) -> None:
        """Take it out, or mark it and sweep later: few of those who left are held on to."""
        place.is_gone = True
        self._count -= 1
        self._left += 1
        heap = self._heap
        if not self._count:
            heap.clear()
        elif heap[0][2] is place:
            heappop(heap)
        elif len(heap) > 2 * self._count + GONE_SPARE:
            self._heap = [entry for entry in heap if not entry[2].is_gone]
            heapify(self._heap)

    def first(self, now_s: float) -> Place[T]:
        """Return the one with the earliest deadline."""
        del now_s
        heap = self._heap
        while heap[0][2].is_gone:
            heappop(heap)
        return heap[0][2]

    def ahead(self, place: Place[T]) -> float:
        """Return how many came before, if all who left had come before."""
        return min(self._count - 1, max(0, place.seq - 1 - self._left))


class Aging(Line[T]):
    """A line in the order of coming, or the other way round once the oldest has waited long."""

    __slots__ = ("_is_reversed", "_lifo_after_s", "_places")

    def __init__(self, tenant: str, lifo_after_s: float) -> None:
        super().__init__(tenant)
        self._lifo_after_s = lifo_after_s
        self._is_reversed = False  # as of the last look
        self._places: OrderedDict[Place[T], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._places)

    def add(self, place: Place[T]) -> None:
        """Let one more wait, as the newest."""
        self._seq += 1
        place.seq = self._seq
        self._places[place] = None

    def drop(self, place: Place[T]) -> None:
        """Take it out."""
        del self._places[place]

    def first(self, now_s: float) -> Place[T]:
        """Return the oldest, or the newest if the oldest has waited for too long."""
        oldest = next(iter(self._places))
        self._is_reversed = now_s - oldest.pushed_at_s >= self._lifo_after_s
        return next(reversed(self._places)) if self._is_reversed else oldest

    def ahead(self, place: Place[T]) -> float:
        """Return how many go before it, if those who left had stood evenly spread."""
        oldest, newest = next(iter(self._places)).seq, next(reversed(self._places)).seq
        steps = newest - place.seq if self._is_reversed else place.seq - oldest
        return steps * len(self._places) / (newest - oldest + 1)
