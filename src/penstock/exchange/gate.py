"""The gate: who may dial which upstream, who waits for it, and who is told to come back later.

    ask, the first time        limits of key and tenant, contract, tickets: admitted, or refused
    ask, one is ready          granted at once: the policy of the route picks
    ask, some are full         waits in the queue of each, by tier, tenant and deadline; refused at
                               once if that would take longer than its tier waits
    ask, some are cooling      waits until they are not; never longer than its tier waits
    ask, nothing that helps    refused at once, with the earliest instant that may help
    a contract has to wait     the newest free attempt without a first byte is moved aside
    a slot or credit is back   the first in the order of the queue that can use it has it; whom
                               waiting no longer helps is refused
    a cooldown or a breaker's  those who wait are looked at again, and keep their places
    the bound has passed       refused
    the exchange is over       what it had reserved is settled
    an attempt is adopted      booked, never decided: another gate has granted it

Never queue behind an open breaker (TIERING 3.5). The number who wait is bounded by ``queue_max``,
each for a bounded time. ``on_tick`` once a second: reserves, ladder, charges of what streams.

Pure: one timer and chance are given.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Iterable
from typing import Final

from penstock.config.model import Admission
from penstock.core.admission import QueuePolicy
from penstock.core.circuit_breaker import Permit
from penstock.core.claim import Claim
from penstock.core.errors import (
    PREEMPTED,
    QUEUE_TIMEOUT,
    RETRY_AFTER_MAX_S,
    TIER_CAPACITY,
    LimitError,
    ShedError,
)
from penstock.core.outcome import IGNORED, SUCCESS, Outcome
from penstock.core.price import Used
from penstock.core.standing import Standing
from penstock.core.tier import Tier
from penstock.exchange.consumers import Consumers
from penstock.exchange.demand import Demand, Grant, Place
from penstock.exchange.desk import Desk, queue_of
from penstock.exchange.ports import Timer
from penstock.exchange.target import Readiness, Target, TargetState, UpstreamState
from penstock.exchange.tenancy import Tenancy

DUE_SPARE: Final = 64  # entries of those who no longer wait, before they are swept out
COSTS: Final = QueuePolicy()  # what tokens cost, for how heavily a consumer uses us
SHORT_MAX: Final = 64  # who wait for credit, and are looked past for others
FLOOR_AS: Final = Tier.STANDARD  # whose slots the floor of free is taken from
FREE: Final = Tier.FREE  # a look into an enumeration costs as much as a call
CREDIT_S: Final = 0.005  # between two looks at credit that is about to come


class LocalGate:
    """Admission, in process. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_chance", "_desks", "_due", "_has_quotas", "_looks", "_order", "_out", "_timer", "_waits",
        "admission", "consumers", "tenancy",
    )  # fmt: skip

    def __init__(
        self,
        chance: Callable[[], float],
        admission: Admission | None = None,
        tenancy: Tenancy | None = None,
        consumers: Consumers | None = None,
    ) -> None:
        self.tenancy = tenancy or Tenancy()
        self.consumers: Consumers | None = None  # none: nobody is let in by ladder and ticket
        self._chance = chance
        self._timer: Timer | None = None
        self._desks: dict[UpstreamState, Desk] = {}
        self._looks: dict[Demand, float] = {}  # who waits, and when to look at it again
        self._due: list[tuple[float, int, Demand]] = []  # the same as a heap, with old entries
        self._order = itertools.count()
        self._out: dict[Grant, None] = {}
        self._has_quotas = False  # some upstream's: then all exchanges reserve tokens
        self.use(admission or Admission())
        self.consumers = consumers  # who have been made with settings of their own

    def use(self, admission: Admission, upstreams: Iterable[UpstreamState] | None = None) -> None:
        """Take other settings; who waits goes on waiting.

        ``upstreams`` are all that there are now: desks of others go, once nobody stands there.
        """
        self.admission = admission
        if self.consumers is not None:
            self.consumers.use(admission)
        if upstreams is not None:
            kept = set(upstreams)
            for desk in list(self._desks.values()):
                if desk.upstream not in kept and desk.is_deserted:
                    del self._desks[desk.upstream]
            self._has_quotas |= any(upstream.quota.is_known for upstream in kept)
        waits = admission.queue_wait_max_s
        self._waits = (waits.control, waits.enterprise, waits.standard, waits.free, waits.batch)
        for desk in self._desks.values():
            desk.use(admission)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._looks)

    @property
    def in_flight(self) -> int:
        """How many grants are out."""
        return len(self._out)

    @property
    def entries(self) -> int:
        """How many looks are noted, with those of who no longer wait."""
        return len(self._due)

    @property
    def desks(self) -> Iterable[Desk]:
        """The desks of the upstreams that have been asked for."""
        return self._desks.values()

    def use_timer(self, timer: Timer) -> None:
        """Take the alarm that calls ``on_wake``."""
        self._timer = timer

    # --- the port

    def ask(self, demand: Demand, now_s: float) -> None:
        """Grant, queue or refuse."""
        claim = demand.claim
        if not claim.is_admitted:
            if claim.tier >= FREE and self.consumers is not None:
                error = self._admit(demand, now_s)
            else:
                targets = demand.targets
                model = targets[0].model if targets else ""
                error = self.tenancy.admit(claim, model, now_s, reserves=self._has_quotas)
            if error is not None:
                demand.on_refused(error, now_s)
                return
        self._try(demand, claim, now_s)

    def withdraw(self, demand: Demand) -> None:
        """Forget one who waits."""
        if demand.is_waiting:
            demand.is_waiting = False
            del self._looks[demand]
            for target in demand.targets:
                desk = self._desks.get(target.upstream)
                if desk is not None:
                    desk.queue.remove(demand)

    def began(self, grant: Grant, now_s: float) -> None:
        """Let a probe count as soon as its answer begins: the next need not wait for its end."""
        grant.target.state.breaker.on_begun(grant.permit, now_s)

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take a grant back and pass the slot on."""
        assert grant.is_out, "a grant came back twice"
        grant.is_out = False
        del self._out[grant]
        target = grant.target
        spent = grant.spent
        target.give_back(grant.permit, outcome, spent, now_s, self._chance)
        if spent.seen is not None:
            self._has_quotas = True
        desk = self._desks[target.upstream]
        desk.on_returned(grant, now_s, is_good=outcome is SUCCESS)
        if grant.charged >= 0:
            self._charge(desk, grant, spent.output_tokens, now_s)
            claim = grant.demand.claim
            if claim.was_moved and outcome is IGNORED and not spent.output_tokens:
                cost = desk.queue.policy.cost(claim.input_tokens, 0)
                desk.queue.charge(claim.served, claim.tenant, -cost, now_s)  # it has had nothing
        if desk.queue.count:
            self._serve(desk, now_s)

    def place(self, demand: Demand, now_s: float) -> Place | None:
        """Return the best of the places that one who waits has."""
        tier = demand.claim.served
        best: Place | None = None
        for target in demand.targets:
            desk = self._desks.get(target.upstream)
            position = desk.queue.position(demand) if desk is not None else 0
            if desk is not None and position and (best is None or position < best.position):
                best = Place(position, desk.eta_s(tier, position, now_s))
        return best

    def close(self, demand: Demand, now_s: float) -> None:
        """Settle what the exchange had reserved."""
        claim = demand.claim
        if claim.tier >= FREE and self.consumers is not None:
            used = claim.used
            cost_tokens = COSTS.cost(used.input_tokens, used.output_tokens, used.cached_tokens)
            self.consumers.leave(claim, now_s, cost_tokens, is_served=used.output_tokens > 0)
        if claim.model:
            self.tenancy.close(claim, now_s)
        else:
            self.tenancy.withdraw(claim, now_s)

    def standing(self, claim: Claim, now_s: float) -> Standing:
        """Return what is left of the limits of key and tenant."""
        return self.tenancy.standing(claim.tenant, claim.key, now_s)

    def adopt(self, demand: Demand, target: Target, now_s: float) -> Grant:
        """Book an attempt that another gate has granted: it is under way, so nothing is decided.

        It counts even where it is one too many; where that is a limit of a key or tenant, the
        exchange is not admitted here.
        """
        if not demand.claim.is_admitted:
            self._admit(demand, now_s)
        desk = self._desks.get(target.upstream) or self._open(target.upstream, now_s)
        grant = Grant(target, target.adopt(now_s), demand, now_s)
        demand.claim.model = target.model
        self._out[grant] = None
        desk.on_granted(grant)
        return grant

    def on_stayed(self, target: Target, now_s: float) -> None:
        """Look for another victim: one that was to be moved aside could not be."""
        desk = self._desks.get(target.upstream)
        if desk is not None and self.admission.preempts and desk.queue.depth(Tier.ENTERPRISE):
            self._move_aside(desk.victim(), now_s)

    def may_degrade(self, claim: Claim) -> bool:
        """Tell whether a smaller model may answer now: load is high, and its tenant has agreed."""
        consumers = self.consumers
        return consumers is not None and consumers.may_degrade(claim)

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt may be repeated: the ladder takes this from consumers first."""
        return self.consumers is None or self.consumers.may_retry(claim)

    # --- the clock

    def on_wake(self, now_s: float) -> None:
        """Look again at those whose time has come."""
        due: list[Demand] = []
        while self._due and self._due[0][0] <= now_s:
            at_s, _, demand = heapq.heappop(self._due)
            if self._looks.get(demand) == at_s:
                due.append(demand)
        for desk in tuple(self._desks.values()):  # who is told may ask for another
            if desk.wake_at_s <= now_s:
                desk.wake_at_s = math.inf
                self._serve(desk, now_s)
        due.sort(key=_tier_of)  # a cooldown that ends lets higher tiers go first, too
        for demand in due:
            if demand.is_waiting:
                self._try(demand, demand.claim, now_s)
        self._arm()

    def on_tick(self, now_s: float) -> None:
        """Once a second: charge what streams, size the reserves, serve where a limit has risen."""
        for grant in self._out:
            output_tokens = grant.demand.output_tokens_now()
            if grant.charged >= 0:
                self._charge(self._desks[grant.target.upstream], grant, output_tokens, now_s)
            claim = grant.demand.claim
            used = Used(claim.input_tokens, output_tokens)
            self.tenancy.settle(claim, used, claim.model, now_s, is_final=False)
        if self.consumers is not None:
            self.consumers.observe(*self._pressure(now_s), now_s)
        for desk in tuple(self._desks.values()):
            desk.on_tick(now_s)
            if desk.queue:
                self._serve(desk, now_s)
        self._sweep()

    # --- admission

    def _admit(self, demand: Demand, now_s: float) -> ShedError | LimitError | None:
        """Look at limits, contract and tickets, once an exchange."""
        claim = demand.claim
        model = demand.targets[0].model if demand.targets else ""
        if claim.tier < FREE or self.consumers is None:
            return self.tenancy.admit(claim, model, now_s, reserves=self._has_quotas)
        shed = self.consumers.admit(claim, now_s)
        if shed is not None:
            return shed
        error = self.tenancy.admit(claim, model, now_s, reserves=self._has_quotas)
        if error is not None:
            self.consumers.leave(claim, now_s, is_served=False)
        return error

    def _pressure(self, now_s: float) -> tuple[float, float]:
        """Return how full all upstreams are, and how long free waits as a share of its bound."""
        slots = full = waiting = waits = 0.0
        for desk in self._desks.values():
            limit = desk.upstream.limit.limit
            slots += limit
            full += limit * desk.upstream.saturation(now_s)
            depth = desk.queue.depth(Tier.FREE)
            if depth:
                waiting += depth
                position = desk.queue.depth_ahead(Tier.FREE) + 1
                waits += depth * desk.eta_s(Tier.FREE, position, now_s)
        wait_s = waits / waiting if waiting else 0.0
        return full / slots if slots else 0.0, wait_s / self._waits[Tier.FREE]

    def _try(self, demand: Demand, claim: Claim, now_s: float) -> None:
        route, targets = demand.route, demand.targets
        if route.is_ordered or len(targets) == 1:  # the usual case makes no list
            for target in targets:
                desk = self._desks.get(target.upstream) or self._open(target.upstream, now_s)
                if desk.queue.count and self._is_behind(desk, demand):
                    continue
                permit = target.acquire(claim, now_s)
                if permit is not None:
                    self._grant(demand, desk, target, permit, now_s)
                    return
        else:
            ready = [one for one in targets if self._is_ready(one, demand, now_s)]
            if ready:
                target = route.choose(ready, self._chance, now_s)
                permit = target.acquire(claim, now_s)
                assert permit is not None, "readiness and acquire disagree"
                self._grant(demand, self._desks[target.upstream], target, permit, now_s)
                return
        self._wait_or_refuse(demand, now_s)

    def _is_ready(self, target: Target, demand: Demand, now_s: float) -> bool:
        desk = self._desks.get(target.upstream) or self._open(target.upstream, now_s)
        if desk.queue.count and self._is_behind(desk, demand):
            return False
        return target.readiness(demand.claim, now_s) is Readiness.READY

    def _is_behind(self, desk: Desk, demand: Demand) -> bool:
        """Tell whether somebody else of its tier or above has been waiting here."""
        ahead = desk.queue.depth_ahead(demand.claim.served)
        return ahead > (demand in desk.queue)

    def _open(self, upstream: UpstreamState, now_s: float) -> Desk:
        self._has_quotas |= upstream.quota.is_known
        queue = queue_of(self.admission, self.tenancy.weight_of)
        desk = self._desks[upstream] = Desk(upstream, queue, self.admission, now_s)
        return desk

    def _grant(
        self, demand: Demand, desk: Desk, target: Target, permit: Permit, now_s: float
    ) -> None:
        grant = Grant(target, permit, demand, now_s)
        demand.claim.model = target.model
        if demand.is_waiting:
            self.withdraw(demand)
            self._charge(desk, grant, 0, now_s)  # who never waited took nothing from others
        self._out[grant] = None
        desk.on_granted(grant)
        demand.on_granted(grant, now_s)

    def _charge(self, desk: Desk, grant: Grant, output_tokens: int, now_s: float) -> None:
        """Charge a tenant's turn: the input at the dispatch, the output as it streams."""
        claim, policy = grant.demand.claim, desk.queue.policy
        if grant.charged < 0:
            grant.charged = 0
            cost = policy.cost(claim.input_tokens, output_tokens)
        else:
            cost = policy.cost(0, output_tokens - grant.charged)
        grant.charged = output_tokens
        if cost:
            desk.queue.charge(claim.served, claim.tenant, cost, now_s)

    def _serve(self, desk: Desk, now_s: float) -> None:
        """Pass on what is free, in the order of the queue.

        Who lacks only credit for its model does not hold up the others: a few are looked past, but
        nobody of the same model, whose credit would never come together then. Credit of the whole
        account is that of all its models: nobody at all goes before who is first and lacks that,
        but for the floor of free, which holds up nobody.
        """
        if desk.is_serving:
            return  # who was just granted gave it back at once: the loop below us goes on
        desk.is_serving = True
        short: list[Demand] = []
        try:
            self._pass_on(desk, short, now_s)
        finally:
            desk.is_serving = False
            for demand in reversed(short):
                if demand.is_waiting and demand not in desk.queue:  # another desk may have had it
                    desk.queue.put_back(demand, now_s)
        if short:
            self._arm()

    def _pass_on(self, desk: Desk, short: list[Demand], now_s: float) -> None:
        """Grant until nobody is left who can go; whoever lacks credit is put into ``short``."""
        models: set[TargetState | UpstreamState] = set()
        while len(short) < SHORT_MAX and desk.upstream.limit.is_free:
            demand = desk.queue.take(desk.may_start, now_s, floor_as=FLOOR_AS)
            if demand is None:
                return
            if not self._start(desk, demand, models, now_s):
                short.append(demand)
                if desk.upstream in models or len(models) >= len(desk.models):
                    return  # no model is left whose credit may do

    def _start(
        self,
        desk: Desk,
        demand: Demand,
        short: set[TargetState | UpstreamState],
        now_s: float,
    ) -> bool:
        """Grant to who stands first; False if it has to go on waiting at the head, for credit."""
        claim = demand.claim
        lacks_credit = False
        for target in demand.targets:
            if target.upstream is not desk.upstream:
                continue
            state = target.state
            if state in short:  # behind one of its model, whose credit has to come together
                lacks_credit = True
                continue
            as_tier = FLOOR_AS if desk.queue.was_floor else claim.served
            permit = target.acquire(claim, now_s, as_tier)
            if permit is not None:
                self._grant(demand, desk, target, permit, now_s)
                return True
            at_s = self._credit_at_s(target, demand, now_s)
            if at_s:
                short.add(state)
                if target.lacks_account_credit(claim, now_s) and not desk.queue.was_floor:
                    short.add(desk.upstream)
                desk.wake_at_s = min(desk.wake_at_s, at_s)
                desk.is_short = lacks_credit = True
        if not lacks_credit:
            # A breaker or a cooldown: it leaves this queue; others may be free.
            self._try(demand, claim, now_s)
        return not lacks_credit

    def _credit_at_s(self, target: Target, demand: Demand, now_s: float) -> float:
        """Return when there will be credit, if that is what lacks and will come in time; else 0."""
        if target.readiness(demand.claim, now_s) is not Readiness.SHORT:
            return 0.0
        at_s = target.ready_at_s(demand.claim, now_s)
        return max(at_s, now_s + CREDIT_S) if at_s <= demand.wait_until_s else 0.0

    # --- waiting

    def _wait_or_refuse(self, demand: Demand, now_s: float) -> None:
        if not demand.is_waiting and demand.wait_until_s:
            demand.wait_until_s = min(demand.wait_until_s, now_s + self._bound_s(demand))
        full, cool_at_s, helps = self._prospects(demand, now_s)
        if not (full or helps) or now_s >= demand.wait_until_s:
            self._refuse(demand, now_s)
        elif (
            demand.is_waiting
            or demand.claim.was_moved
            or not self._is_hopeless(demand, full, now_s)
        ):
            self._wait(demand, full, min(cool_at_s, demand.wait_until_s), now_s)

    def _prospects(self, demand: Demand, now_s: float) -> tuple[list[Desk], float, bool]:
        """Return in whose queues to stand, when to look again, and whether that alone may help."""
        claim, until_s = demand.claim, demand.wait_until_s
        full: list[Desk] = []
        look_at_s = math.inf
        helps = False
        for target in demand.targets:
            state = target.readiness(claim, now_s)
            desk = self._desks.get(target.upstream) or self._open(target.upstream, now_s)
            at_s = target.ready_at_s(claim, now_s)
            desk.models.add(target.state)
            if state in (Readiness.FULL, Readiness.READY):  # ready, but others are before it
                full.append(desk)
            elif state is Readiness.SHORT and at_s <= until_s:
                full.append(desk)
                desk.wake_at_s = min(desk.wake_at_s, max(at_s, now_s + CREDIT_S))
                desk.is_short = True
            elif state is Readiness.COOLING and at_s <= until_s:
                look_at_s = min(look_at_s, target.cool_until_s)  # credit is waited for in a queue
                helps = True
            elif state is Readiness.BROKEN and now_s < at_s <= until_s:
                look_at_s = min(look_at_s, at_s)  # who waits for another hears of a breaker too
        return full, look_at_s, helps

    def _bound_s(self, demand: Demand) -> float:
        queue_s = demand.route.timeouts.queue_s
        return self._waits[demand.claim.served] if queue_s is None else queue_s

    def _is_hopeless(self, demand: Demand, full: list[Desk], now_s: float) -> bool:
        """Refuse at once whoever would wait for longer than its tier does, or finds no room."""
        if not full:
            return False
        claim = demand.claim
        if self._victim(claim, full) is not None:
            return False
        wait_s = min(desk.wait_s(claim.served, claim.tenant, now_s) for desk in full)
        has_room = any(desk.has_room(claim.served) for desk in full)
        if has_room and wait_s <= demand.wait_until_s - now_s:
            return False
        tier = claim.served.word
        message = f"There is no room for the tier {tier!r} now: it would wait {wait_s:.0f} s."
        error = ShedError(message, retry_after_s=self._spread(wait_s), code=TIER_CAPACITY)
        demand.on_refused(error, now_s)
        return True

    def _wait(self, demand: Demand, full: list[Desk], look_at_s: float, now_s: float) -> None:
        """Wait, or wait on: a place that is still of use is kept."""
        is_new = not demand.is_waiting
        is_queued = self._queue(demand, full, now_s)
        if full and not is_queued and look_at_s >= demand.wait_until_s:
            self._refuse(demand, now_s)  # the bands are full of others
            return
        demand.is_waiting = True
        if self._looks.get(demand) != look_at_s:
            self._looks[demand] = look_at_s
            heapq.heappush(self._due, (look_at_s, next(self._order), demand))
            self._sweep()
            self._arm()
        if is_new:
            self._make_way(demand, full, now_s)

    def _make_way(self, demand: Demand, full: list[Desk], now_s: float) -> None:
        """Let one begin who has just come, if it is only credit of others that it waits behind."""
        self._move_aside(self._victim(demand.claim, full), now_s)
        for desk in full:
            if demand.is_waiting and desk.may_start(demand.claim.served):
                self._serve(desk, now_s)

    def _queue(self, demand: Demand, full: list[Desk], now_s: float) -> bool:
        """Stand in the queues of those that are full, and in no others; False: in none."""
        is_queued = False
        for target in demand.targets:
            desk = self._desks[target.upstream]
            if desk not in full:
                desk.queue.remove(demand)
            elif demand in desk.queue or desk.queue.push(
                demand, now_s, at_head=demand.claim.was_moved
            ):
                is_queued = True
        return is_queued

    def _victim(self, claim: Claim, full: list[Desk]) -> Grant | None:
        """Return what may be moved aside for this claim, where it is slots that are short."""
        if claim.is_in_contract and self.admission.preempts:
            for desk in full:
                grant = None if desk.may_start(Tier.ENTERPRISE) else desk.victim()
                if grant is not None:
                    return grant
        return None

    def _move_aside(self, grant: Grant | None, now_s: float) -> None:
        if grant is not None:
            grant.demand.on_moved_aside(now_s)

    def _sweep(self) -> None:
        looks = self._looks
        if len(self._due) > 2 * len(looks) + DUE_SPARE:
            fresh = {entry[2]: entry for entry in self._due if looks.get(entry[2]) == entry[0]}
            self._due = list(fresh.values())
            heapq.heapify(self._due)

    def _arm(self) -> None:
        at_s = min((desk.wake_at_s for desk in self._desks.values()), default=math.inf)
        if self._due:
            at_s = min(at_s, self._due[0][0])
        if self._timer is not None and at_s < math.inf:
            self._timer.wake_at(at_s)

    # --- refusals

    def _refuse(self, demand: Demand, now_s: float) -> None:
        """Tell when to come back, and mean it."""
        self.withdraw(demand)
        claim = demand.claim
        wait_s = min((self._back_in_s(one, claim, now_s) for one in demand.targets), default=0.0)
        wait_s = max(1.0, wait_s * (1.0 + 0.3 * self._chance()))
        message = "No upstream of this route is free."
        code = ""
        if wait_s > RETRY_AFTER_MAX_S:
            message = "No upstream of this route is free, nor will one be soon."
        if claim.was_moved:
            code = PREEMPTED
        elif demand.wait_until_s and now_s >= demand.wait_until_s:
            code = QUEUE_TIMEOUT
        demand.on_refused(ShedError(message, retry_after_s=wait_s, code=code), now_s)

    def _back_in_s(self, target: Target, claim: Claim, now_s: float) -> float:
        """Return in how many seconds a target may be had, behind those who wait for it now."""
        wait_s = target.ready_at_s(claim, now_s) - now_s
        desk = self._desks.get(target.upstream)
        if desk is None or desk.may_start(claim.served):
            return wait_s
        return max(wait_s, desk.wait_s(claim.served, claim.tenant, now_s))

    def _spread(self, wait_s: float) -> float:
        """Return a Retry-After about a wait, spread so that not all return at once (TIERING 5)."""
        return max(1.0, wait_s * (0.8 + 0.5 * self._chance()))


def _tier_of(demand: Demand) -> Tier:
    return demand.claim.served
