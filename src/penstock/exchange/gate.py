"""The gate of one process: who may dial which upstream, and who waits for it.

    ask, one is ready                 -> granted at once: the policy of the route picks
    ask, some are full or cooling     -> waits, if it may: for a slot in the order of asking, for a
                                         cooldown until it is over; never longer than its bound
    ask, nothing that waiting helps   -> refused at once, with the earliest instant that may help
    a slot comes back                 -> the first who waits for that upstream has it
    the bound on waiting has passed   -> refused

Never queue behind an open breaker (TIERING 3.5). The number who wait is bounded by the number of
exchanges in flight, and each waits for a bounded time.

Pure: one timer and chance are given.
"""

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Callable

from penstock.core.errors import RETRY_AFTER_MAX_S, ShedError
from penstock.core.outcome import Outcome
from penstock.exchange.demand import Demand, Grant
from penstock.exchange.ports import Timer
from penstock.exchange.target import Readiness, Target


class LocalGate:
    """The capacity owner, in process. Owned by one event loop; not thread-safe."""

    __slots__ = ("_chance", "_due", "_order", "_queues", "_timer", "waiting")

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._timer: Timer | None = None
        self._queues: dict[str, OrderedDict[Demand, None]] = {}  # by upstream that is full
        self._due: list[tuple[float, int, Demand]] = []  # when to look again at who waits
        self._order = itertools.count()
        self.waiting = 0

    def use_timer(self, timer: Timer) -> None:
        """Take the alarm that calls ``on_wake``."""
        self._timer = timer

    def ask(self, demand: Demand, now_s: float) -> None:
        """Grant, queue or refuse."""
        targets = demand.targets
        if len(targets) == 1:  # the usual case makes no list
            target = targets[0]
            readiness = target.readiness(now_s)
            if readiness is Readiness.READY:
                self._grant(demand, target, now_s)
                return
            states = [readiness]
        else:
            states = [target.readiness(now_s) for target in targets]
            ready = [t for t, s in zip(targets, states, strict=True) if s is Readiness.READY]
            if ready:
                self._grant(demand, demand.route.choose(ready, self._chance, now_s), now_s)
                return
        self._wait_or_refuse(demand, states, now_s)

    def withdraw(self, demand: Demand) -> None:
        """Forget one who waits."""
        if demand.is_waiting:
            demand.is_waiting = False
            self.waiting -= 1
            for target in demand.targets:
                queue = self._queues.get(target.upstream.name)
                if queue is not None:
                    queue.pop(demand, None)

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take a grant back and pass the slot on."""
        assert grant.is_out, "a grant came back twice"
        grant.is_out = False
        target = grant.target
        target.give_back(grant.permit, outcome, now_s, self._chance)
        queue = self._queues.get(target.upstream.name)
        while queue and target.upstream.limit.is_free:
            demand = next(iter(queue))
            self.withdraw(demand)
            self.ask(demand, now_s)
            if demand.is_waiting:
                break  # its own target cools or is broken; it has queued again

    def on_wake(self, now_s: float) -> None:
        """Look again at those whose time has come."""
        due: list[Demand] = []
        while self._due and self._due[0][0] <= now_s:
            due.append(heapq.heappop(self._due)[2])
        for demand in due:
            if demand.is_waiting:
                self.withdraw(demand)
                self.ask(demand, now_s)
        if self._due and self._timer is not None:
            self._timer.wake_at(self._due[0][0])

    def _grant(self, demand: Demand, target: Target, now_s: float) -> None:
        permit = target.acquire(now_s)
        assert permit is not None, "readiness and acquire disagree"
        demand.on_granted(Grant(target, permit), now_s)

    def _wait_or_refuse(self, demand: Demand, states: list[Readiness], now_s: float) -> None:
        full: list[Target] = []
        look_at_s = demand.wait_until_s
        helps = False
        for target, state in zip(demand.targets, states, strict=True):
            if state is Readiness.FULL:
                full.append(target)
                helps = True
            elif state is Readiness.COOLING:
                at_s = target.ready_at_s(now_s)
                if at_s <= demand.wait_until_s:
                    look_at_s = min(look_at_s, at_s)
                    helps = True
        if not helps or now_s >= demand.wait_until_s:
            demand.on_refused(self.refusal(demand.targets, now_s), now_s)
            return
        demand.is_waiting = True
        self.waiting += 1
        for target in full:
            self._queues.setdefault(target.upstream.name, OrderedDict())[demand] = None
        heapq.heappush(self._due, (look_at_s, next(self._order), demand))
        if self._timer is not None:
            self._timer.wake_at(self._due[0][0])

    def refusal(self, targets: list[Target], now_s: float) -> ShedError:
        """Return the error that says when to come back, and means it."""
        wait_s = min((t.ready_at_s(now_s) - now_s for t in targets), default=0.0)
        # Whoever is refused for want of a slot is told a second, spread so that not all return
        # at once; TIERING 5 spreads by U(0.8, 1.3).
        wait_s = max(1.0, wait_s * (1.0 + 0.3 * self._chance()))
        if wait_s > RETRY_AFTER_MAX_S:
            message = "No upstream of this route is free, nor will one be soon."
        else:
            message = "No upstream of this route is free."
        return ShedError(message, retry_after_s=wait_s)
