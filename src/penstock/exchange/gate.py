"""The gate of one process: who may dial which upstream, and who waits for it.

    ask, one is ready                 -> granted at once: the policy of the route picks
    ask, some are full or cooling     -> waits, if it may: for a slot in the order of asking, for a
                                         cooldown until it is over; never longer than its bound
    ask, nothing that waiting helps   -> refused at once, with the earliest instant that may help
    a slot comes back                 -> the first who waits for that upstream and can use it has
                                         it; whom waiting no longer helps is refused
    a cooldown or a breaker's is over -> those who wait are looked at again, and keep their places
    the bound on waiting has passed   -> refused

Never queue behind an open breaker (TIERING 3.5). The number who wait is bounded by the number of
exchanges in flight, and each waits for a bounded time.

Pure: one timer and chance are given.
"""

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from penstock.config.model import QueueWaits
from penstock.core.errors import RETRY_AFTER_MAX_S, ShedError
from penstock.core.outcome import Outcome
from penstock.core.spent import NOTHING
from penstock.exchange.demand import Demand, Grant, Place
from penstock.exchange.ports import Timer
from penstock.exchange.target import Readiness, UpstreamState

DUE_SPARE: Final = 64  # entries of those who no longer wait, before they are swept out


class LocalGate:
    """Admission, in process. Owned by one event loop; not thread-safe."""

    __slots__ = ("_chance", "_due", "_looks", "_order", "_queues", "_serving", "_timer", "_waits")

    desks: tuple[()] = ()  # it keeps one queue an upstream, without tiers
    consumers: None = None

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        waits = QueueWaits()
        self._waits = (waits.control, waits.enterprise, waits.standard, waits.free, waits.batch)
        self._timer: Timer | None = None
        self._queues: dict[UpstreamState, OrderedDict[Demand, None]] = {}  # of those that are full
        self._looks: dict[Demand, float] = {}  # who waits, and when to look at it again
        self._due: list[tuple[float, int, Demand]] = []  # the same as a heap, with old entries
        self._order = itertools.count()
        self._serving: set[UpstreamState] = set()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._looks)

    def use_timer(self, timer: Timer) -> None:
        """Take the alarm that calls ``on_wake``."""
        self._timer = timer

    def ask(self, demand: Demand, now_s: float) -> None:
        """Grant, queue or refuse."""
        targets, claim = demand.targets, demand.claim
        claim.is_admitted = True
        if demand.route.is_ordered or len(targets) == 1:  # the usual case makes no list
            for target in targets:
                permit = target.acquire(claim, now_s)
                if permit is not None:
                    self._grant(demand, Grant(target, permit, demand, now_s), now_s)
                    return
        else:
            ready = [one for one in targets if one.readiness(claim, now_s) is Readiness.READY]
            if ready:
                target = demand.route.choose(ready, self._chance, now_s)
                permit = target.acquire(claim, now_s)
                assert permit is not None, "readiness and acquire disagree"
                self._grant(demand, Grant(target, permit, demand, now_s), now_s)
                return
        self._wait_or_refuse(demand, [one.readiness(claim, now_s) for one in targets], now_s)

    def withdraw(self, demand: Demand) -> None:
        """Forget one who waits."""
        if demand.is_waiting:
            demand.is_waiting = False
            del self._looks[demand]
            for target in demand.targets:
                queue = self._queues.get(target.upstream)
                if queue is not None:
                    queue.pop(demand, None)

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take a grant back and pass the slot on."""
        assert grant.is_out, "a grant came back twice"
        grant.is_out = False
        target = grant.target
        target.give_back(grant.permit, outcome, NOTHING, now_s, self._chance)
        queue = self._queues.get(target.upstream)
        if queue:
            self._serve(target.upstream, queue, now_s)

    def place(self, demand: Demand, now_s: float) -> Place | None:
        """Return where one who waits stands."""
        del demand, now_s
        return None

    def close(self, demand: Demand, now_s: float) -> None:
        """Settle what the exchange had reserved."""

    def on_wake(self, now_s: float) -> None:
        """Look again at those whose time has come."""
        due: list[Demand] = []
        while self._due and self._due[0][0] <= now_s:
            at_s, _, demand = heapq.heappop(self._due)
            if self._looks.get(demand) == at_s:
                due.append(demand)
        for demand in due:
            if demand.is_waiting:
                self.ask(demand, now_s)
        if self._due and self._timer is not None:
            self._timer.wake_at(self._due[0][0])

    def _serve(
        self,
        upstream: UpstreamState,
        queue: OrderedDict[Demand, None],
        now_s: float,
    ) -> None:
        if upstream in self._serving:
            return  # who was just granted gave it back at once: the loop below us goes on
        self._serving.add(upstream)
        while queue and upstream.limit.is_free:
            # Leaves the queue in any case: an upstream with a free slot is not full.
            self.ask(next(iter(queue)), now_s)
        self._serving.discard(upstream)

    def _grant(self, demand: Demand, grant: Grant, now_s: float) -> None:
        if demand.is_waiting:
            self.withdraw(demand)
        demand.on_granted(grant, now_s)

    def _wait_or_refuse(self, demand: Demand, states: list[Readiness], now_s: float) -> None:
        if not demand.is_waiting and demand.wait_until_s:
            queue_s = demand.route.timeouts.queue_s
            bound_s = self._waits[demand.claim.served] if queue_s is None else queue_s
            demand.wait_until_s = min(demand.wait_until_s, now_s + bound_s)
        full: set[UpstreamState] = set()
        look_at_s = demand.wait_until_s
        helps = False
        for target, state in zip(demand.targets, states, strict=True):
            if state is Readiness.FULL:
                full.add(target.upstream)
                helps = True
                continue
            at_s = target.ready_at_s(demand.claim, now_s)
            if now_s < at_s <= demand.wait_until_s:
                look_at_s = min(look_at_s, at_s)  # who waits for another hears of a breaker too
                helps = helps or state is Readiness.COOLING
        if not helps or now_s >= demand.wait_until_s:
            self.withdraw(demand)
            demand.on_refused(self.refusal(demand, now_s), now_s)
        else:
            self._wait(demand, full, look_at_s)

    def _wait(self, demand: Demand, full: set[UpstreamState], look_at_s: float) -> None:
        """Wait, or wait on: a place that is still of use is kept."""
        demand.is_waiting = True
        for target in demand.targets:
            upstream = target.upstream
            if upstream in full:
                self._queues.setdefault(upstream, OrderedDict()).setdefault(demand)
            elif upstream in self._queues:
                self._queues[upstream].pop(demand, None)
        if self._looks.get(demand) == look_at_s:
            return
        self._looks[demand] = look_at_s
        heapq.heappush(self._due, (look_at_s, next(self._order), demand))
        if len(self._due) > 2 * len(self._looks) + DUE_SPARE:
            looks = self._looks
            fresh = {entry[2]: entry for entry in self._due if looks.get(entry[2]) == entry[0]}
            self._due = list(fresh.values())
            heapq.heapify(self._due)
        if self._timer is not None:
            self._timer.wake_at(self._due[0][0])

    def refusal(self, demand: Demand, now_s: float) -> ShedError:
        """Return the error that says when to come back, and means it."""
        claim = demand.claim
        waits = (t.ready_at_s(claim, now_s) - now_s for t in demand.targets)
        wait_s = min(waits, default=0.0)
        # Whoever is refused for want of a slot is told a second, spread so that not all return
        # at once; TIERING 5 spreads by U(0.8, 1.3).
        wait_s = max(1.0, wait_s * (1.0 + 0.3 * self._chance()))
        if wait_s > RETRY_AFTER_MAX_S:
            message = "No upstream of this route is free, nor will one be soon."
        else:
            message = "No upstream of this route is free."
        return ShedError(message, retry_after_s=wait_s)
