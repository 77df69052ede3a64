"""A hall before the gate: guests of all tiers who do everything that the port allows, in any order.

Tenancy, consumers, targets and upstreams are the real ones; only the exchange is a guest.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec
from tests.exchange.world import START_S, FakeTimer, Spec, World

from penstock import is_compiled
from penstock.config.model import Admission, Breaker, Ladder, Policy, QueueWaits, Quota, Upstream
from penstock.config.model import Target as TargetEntry
from penstock.config.tenancy import Contract, Limits, Price, Tenant, TierName
from penstock.core.circuit_breaker import Permit
from penstock.core.claim import Claim
from penstock.core.errors import TIER_CAPACITY, WAIT_S_MAX, LimitError, ShedError
from penstock.core.limits_seen import Level, LimitsSeen
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Outcome
from penstock.core.price import Used
from penstock.core.spent import Spent
from penstock.core.tier import Tier
from penstock.exchange.consumers import Consumers
from penstock.exchange.demand import Grant
from penstock.exchange.desk import Desk
from penstock.exchange.gate import DUE_SPARE, FLOOR_AS, SHORT_MAX, LocalGate
from penstock.exchange.route import Route
from penstock.exchange.target import Readiness, Target, TargetState, UpstreamState
from penstock.exchange.tenancy import Tenancy

TICK_S: Final = 1.0
SLACK_S: Final = 1e-6
LOOKS_MAX: Final = 4000  # of all targets together, in one step: beyond it the gate goes round
GUESTS_MAX: Final = 30
WAIT_S: Final = 5.0  # of a route that says so
KINDS: Final = tuple(FailureKind)
BREAKER: Final = Breaker(failures_min=3.0, cooldown_s=2.0, cooldown_max_s=4.0, probes_to_close=2)
WAITS: Final = QueueWaits(control=1.0, enterprise=2.0, standard=3.0, free=4.0, batch=9.0)
ADMISSIONS: Final = (
    Admission(queue_wait_max_s=WAITS, ladder=Ladder(is_enabled=True)),
    Admission(queue_wait_max_s=WAITS, queue_max=2, preempts=False, floor_ratio=0.3),
    Admission(
        queue_wait_max_s=WAITS, reserve=1, batch_ratio=0.5, floor_ratio=0.5, lifo_after_s=0.5
    ),
    Admission(queue_wait_max_s=QueueWaits(), queue_max=3, streams_per_user_max=2),
)
TENANTS: Final = (
    Tenant(id="ops", tier=TierName.CONTROL),
    Tenant(id="big", tier=TierName.ENTERPRISE),
    Tenant(
        id="owed",
        tier=TierName.ENTERPRISE,
        contract=Contract(tokens_per_min=20_000, requests_per_min=60, concurrency=3),
        limits=Limits(concurrency=6),
    ),
    Tenant(id="paid", tier=TierName.STANDARD, limits=Limits(tokens_per_min=100_000), weight=3.0),
    Tenant(id="poor", tier=TierName.STANDARD, limits=Limits(budget_day_microusd=20_000)),
    Tenant(id="crowd", tier=TierName.FREE, limits=Limits(requests_per_min=200)),
    Tenant(id="night", tier=TierName.BATCH),
)
TIERS: Final = {one.id: Tier[one.tier.name] for one in TENANTS}
PRICES: Final = (Price(model="m*", input_microusd=3_000_000, output_microusd=15_000_000),)


def watched(look: Callable[[], None], *of: Any) -> Target:
    """Return a target that tells how often it is looked at, unless it is compiled."""
    if is_compiled():
        return Target(*of)

    class Watched(Target):
        """Tells each look."""

        __slots__ = ()

        def readiness(self, claim: Claim, now_s: float) -> Readiness:
            look()
            return super().readiness(claim, now_s)

        def acquire(self, claim: Claim, now_s: float, as_tier: Tier | None = None) -> Permit | None:
            look()
            return super().acquire(claim, now_s, as_tier)

    return Watched(*of)


class Guest:
    """A demand that holds its half of the port, and fails where the gate breaks its own."""

    def __init__(self, hall: "Hall", route: Route, claim: Claim) -> None:
        self.hall = hall
        self.route = route
        self.targets = list(route.targets)
        self.claim = claim
        self.is_waiting = False
        self.wait_until_s = 0.0
        self.asked_at_s = hall.now_s
        self.grant: Grant | None = None
        self.has_begun = False
        self.is_over = False
        self.is_told = True  # of what was asked for last
        self.tries = 3
        self.output_tokens = 0

    @property
    def may_be_moved(self) -> bool:
        return self.grant is not None and not self.has_begun and not self.claim.was_moved

    def output_tokens_now(self) -> int:
        return self.output_tokens if self.grant is not None else 0

    def ask(self, *, waits: bool = True) -> None:
        self.tries -= 1
        self.asked_at_s = self.hall.now_s
        self.wait_until_s = self.hall.now_s + 15.0 if waits else 0.0
        self.is_told = False
        self.hall.gate.ask(self, self.hall.now_s)
        assert self.is_told or self.is_waiting, "neither granted nor refused, nor waiting"

    def on_granted(self, grant: Grant, now_s: float) -> None:
        assert not self.is_told
        assert not self.is_waiting
        assert self.grant is None
        assert not self.is_over
        assert grant.target in self.targets
        self.is_told = True
        self.grant = grant
        self.hall.check_grant(self, grant, now_s)
        mood = self.hall.mood()
        if mood < 0.04:  # its deadline has passed
            self.give_back(IGNORED)
            self.end()
        elif mood < 0.07:  # another ends before this call returns
            for other in self.hall.guests:
                if other.grant is not None and other is not self:
                    other.give_back(SUCCESS)
                    other.end()
                    break
        elif mood < 0.12:  # cannot be translated for this one
            target = grant.target
            self.give_back(IGNORED)
            self.targets = [one for one in self.targets if one is not target]
            self.go_on(waits=True)

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        assert not self.is_told
        assert not self.is_waiting
        assert self.grant is None
        assert not self.is_over
        self.is_told = True
        self.hall.check_refusal(self, error, now_s)
        if self.claim.is_admitted and self.hall.mood() < 0.3:
            self.go_on(waits=self.hall.mood() < 0.5)
        else:
            self.end()

    def on_moved_aside(self, now_s: float) -> None:
        del now_s
        assert self.may_be_moved
        assert self.claim.served >= Tier.FREE
        self.claim.was_moved = True
        self.hall.moved += 1
        self.give_back(IGNORED)
        self.go_on(waits=True)

    def go_on(self, *, waits: bool) -> None:
        if self.targets and self.tries > 0:
            self.ask(waits=waits)
        else:
            self.end()

    def give_back(self, outcome: Outcome, spent: Spent | None = None) -> None:
        grant = self.grant
        assert grant is not None
        self.grant = None
        self.has_begun = False
        if spent is not None:
            grant.spent = spent
        self.hall.gate.give_back(grant, outcome, self.hall.now_s)

    def hang_up(self) -> None:
        if self.is_waiting:
            self.hall.gate.withdraw(self)
            self.is_told = True
        elif self.grant is not None:
            self.give_back(IGNORED, Spent(output_tokens=self.output_tokens))
        self.end()

    def end(self) -> None:
        assert not self.is_over
        self.is_over = True
        del self.hall.guests[self]
        claim = self.claim
        if claim.is_admitted:
            claim.used = Used(claim.input_tokens if self.output_tokens else 0, self.output_tokens)
            self.hall.gate.close(self, self.hall.now_s)
            assert not claim.is_admitted


class Hall:
    """The gate with all that belongs to it, and whoever stands before it."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self.world = world = World(seed=seed, breaker=BREAKER)
        self.admission = self.pick.choice(ADMISSIONS)
        self.tenancy = Tenancy()
        self.consumers = Consumers(self.admission, b"salt", 1e9, world.chance, START_S)
        self.gate = LocalGate(world.chance, self.admission, self.tenancy, self.consumers)
        self.gate.use_timer(FakeTimer(world, self.gate.on_wake))
        self.guests: dict[Guest, None] = {}
        self.looks = 0
        self.moved = self.granted = self.refused = 0
        self.codes: Counter[str] = Counter()
        self.is_moody = True
        self.passed_over: set[tuple[Guest, Desk]] = set()
        self.good_ratio = self.pick.choice([0.5, 0.9, 0.99])
        self.reload_tenants(everybody=True)
        self.entries = {name: self.entry(name) for name in ("a", "b", "c")}
        self.upstreams = {
            name: UpstreamState(entry, world.upstream(name).dialect)
            for name, entry in self.entries.items()
        }
        self.states: dict[tuple[str, str], TargetState] = {}
        self.routes = [
            self.route(("a", "m1"), ("b", "m1")),
            self.route(("a", "m1"), ("b", "m2"), ("c", "m1"), policy=Policy.LOAD),
            self.route(("a", "m1")),
            self.route(("a", "m2"), ("a", "m1")),
            self.route(("c", "m1"), ("b", "m1"), policy=Policy.WEIGHT),
            self.route(("b", "m2"), queue_s=None),
            self.route(("a", "m3"), ("c", "m3"), queue_s=None),
        ]
        self.ticker = FakeTimer(world, self.tick)
        self.ticker.wake_at(START_S + TICK_S)

    @property
    def now_s(self) -> float:
        return self.world.now_s

    def mood(self) -> float:
        """Return a draw for what a guest does; 1 once nobody is to begin anything."""
        return self.pick.random() if self.is_moody else 1.0

    # --- what is configured

    def entry(self, name: str) -> Upstream:
        """Return settings of an upstream."""
        pick = self.pick
        quota = Quota()
        if name == "b":
            quota = Quota(requests_per_min=pick.choice([30, 300]), tokens_per_min=30_000)
        return msgspec.structs.replace(
            self.world.upstream(name).entry,
            concurrency_max=pick.choice([1, 2, 3, 8]),
            is_adaptive=name == "c" or pick.random() < 0.3,
            quota=quota,
        )

    def route(
        self,
        *pairs: tuple[str, str],
        policy: Policy = Policy.ORDER,
        queue_s: float | None = WAIT_S,
    ) -> Route:
        """Return a route over these upstreams and models."""
        route = self.world.route(*(Spec(*pair) for pair in pairs), policy=policy)
        route.timeouts = msgspec.structs.replace(route.timeouts, queue_s=queue_s)
        route.targets = [self.target(*pair) for pair in pairs]
        return route

    def target(self, upstream: str, model: str) -> Target:
        known = self.states.setdefault((upstream, model), TargetState(BREAKER, START_S))
        entry = TargetEntry(upstream=upstream, model=model)
        return watched(self.look, entry, self.upstreams[upstream], known, model)

    def reload_tenants(self, *, everybody: bool = False) -> None:
        """Take other tenants and limits of keys; now and then one has gone."""
        pick = self.pick
        tenants = [one for one in TENANTS if everybody or pick.random() < 0.85]
        keys = {
            "k1": Limits(),
            "k2": pick.choice([Limits(), Limits(concurrency=2), Limits(tokens_per_min=50_000)]),
        }
        self.tenancy.use(tenants, keys, PRICES, self.now_s, 1e9)

    # --- what happens

    def step(self) -> None:
        """Let chance choose what happens next, and see that everything holds."""
        self.looks = 0
        pick, kind = self.pick, self.pick.random()
        guests = list(self.guests)
        holders = [one for one in guests if one.grant is not None]
        if kind < 0.45 and len(guests) < GUESTS_MAX:
            self.come()
        elif kind < 0.62 and holders:
            self.answer(pick.choice(holders))
        elif kind < 0.72 and holders:
            one = pick.choice(holders)
            if not one.has_begun and one.grant is not None:
                self.gate.began(one.grant, self.now_s)
            one.has_begun = True
            one.output_tokens += pick.choice([1, 100])
        elif kind < 0.75 and guests:
            pick.choice(guests).hang_up()
        elif kind < 0.97:
            self.wait(pick.choice([0.001, 0.05, 0.05, 0.3, 0.3, 1.1]))
        elif kind < 0.985:
            self.reload()
        else:
            pick.choice(list(self.upstreams.values())).on_engine(pick.random() * 2.5, self.now_s)
        self.check()

    def come(self) -> None:
        """Let another guest come and ask."""
        pick = self.pick
        tenant = pick.choice(TENANTS).id
        tier = max(TIERS[tenant], pick.choice([Tier.CONTROL, Tier.CONTROL, *Tier]))
        claim = Claim(tenant, pick.choice(["k1", "k2"]), tier, pick.choice([5, 800]), self.now_s)
        claim.output_tokens_max = pick.choice([0, 0, 100, 4000])
        claim.user = pick.choice(["", "", "u1", "u2"])
        claim.ttft_timeout_s = pick.choice([0.0, 0.0, 0.7])
        guest = Guest(self, pick.choice(self.routes), claim)
        self.guests[guest] = None
        guest.ask()

    def answer(self, guest: Guest) -> None:
        """Let an attempt end in some way."""
        pick = self.pick
        if pick.random() < self.good_ratio:
            tokens = guest.output_tokens = guest.output_tokens + pick.choice([1, 50, 900])
            spent = Spent(pick.random(), guest.claim.input_tokens, tokens, self.seen(), self.now_s)
            guest.give_back(SUCCESS, spent)
            guest.end()
            return
        failure = Failure(pick.choice(KINDS), retry_after_s=pick.choice([0.0, 0.0, 0.4, 3.0, 90.0]))
        grant, has_begun = guest.grant, guest.has_begun
        assert grant is not None
        guest.give_back(failure, Spent(seen=self.seen()))
        if has_begun:
            guest.end()
            return
        if pick.random() < 0.7:
            guest.targets = [one for one in guest.targets if one is not grant.target]
        guest.go_on(waits=pick.random() < 0.5)

    def seen(self) -> LimitsSeen | None:
        """Return limits as headers tell them, or nothing."""
        pick = self.pick
        if pick.random() < 0.8:
            return None
        limit = pick.choice([20, 200])
        left, reset_s = pick.choice([(0, 2.0), (0, 40.0), (1, 0.0), (limit, 0.0)])
        return LimitsSeen(Level(limit, left, reset_s), Level(20_000, pick.choice([0, 500, 20_000])))

    def wait(self, by_s: float) -> None:
        """Let time pass."""
        self.world.advance(by_s)

    def tick(self, now_s: float) -> None:
        self.ticker.wake_at(now_s + TICK_S)
        self.looks = 0
        self.gate.on_tick(now_s)
        self.check_nobody_is_passed_over()
        self.check_memory()

    def reload(self) -> None:
        """Let an operator change something."""
        pick, what = self.pick, self.pick.random()
        if what < 0.4:
            self.admission = pick.choice(ADMISSIONS)
            self.gate.use(self.admission, [*self.upstreams.values()][pick.randrange(2) :])
        elif what < 0.8:
            name = pick.choice("abc")
            self.upstreams[name].use(self.entry(name))
        else:
            self.reload_tenants()

    def empty(self) -> None:
        """Let everybody leave, and see that everything has come back."""
        self.is_moody = False
        for guest in list(self.guests):
            if guest in self.guests:
                guest.hang_up()
        self.check()
        assert not self.guests
        self.world.advance(30.0)
        self.check()

    # --- what must be true at a call of ours

    def look(self) -> None:
        self.looks += 1
        assert self.looks < LOOKS_MAX, "the gate goes round in circles"

    def desk_of(self, upstream: UpstreamState) -> Desk:
        return next(desk for desk in self.gate.desks if desk.upstream is upstream)

    def check_grant(self, guest: Guest, grant: Grant, now_s: float) -> None:
        """Hold what must be true of a grant at its instant."""
        self.granted += 1
        upstream, served = grant.target.upstream, guest.claim.served
        desk = self.desk_of(upstream)
        assert guest not in desk.queue
        assert upstream.limit.in_flight <= upstream.limit.limit
        is_floor = served is Tier.FREE and desk.queue.was_floor
        assert upstream.limit.in_flight <= upstream.ceilings[FLOOR_AS if is_floor else served]
        assert now_s >= max(grant.target.state.cooldown.until_s, upstream.account.until_s)
        for other in self.queued(desk):
            is_above = other.claim.served < (Tier.ENTERPRISE if is_floor else served)
            if is_above and other.claim.served <= Tier.FREE:
                assert not self.could_start(other, desk, now_s), "a higher tier was overtaken"

    def check_refusal(self, guest: Guest, error: ShedError | LimitError, now_s: float) -> None:
        """Hold what must be true of a refusal at its instant."""
        self.refused += 1
        self.codes[error.code] += 1
        assert 0.0 < error.retry_after_s <= WAIT_S_MAX
        if isinstance(error, LimitError):
            assert not guest.claim.is_admitted
            assert guest.claim.tenant in {"owed", "paid", "poor", "crowd"} or error.whose
            return
        if error.code == TIER_CAPACITY and guest.claim.is_in_contract and self.admission.preempts:
            for target in guest.targets:
                if target.readiness(guest.claim, now_s) is Readiness.FULL:
                    free = [
                        one
                        for one in self.guests
                        if one.may_be_moved
                        and one.grant is not None
                        and one.grant.target.upstream is target.upstream
                        and one.claim.served >= Tier.FREE
                    ]
                    assert not free, "a contract was refused while free attempts could be moved"

    def could_start(self, guest: Guest, desk: Desk, now_s: float) -> bool:
        """Tell whether all but a slot is there for one who waits at a desk."""
        for target in guest.targets:
            if target.upstream is not desk.upstream or not self.has_all_but_slot(
                target, guest.claim, now_s
            ):
                continue
            if not self.is_behind_short(guest, target, now_s):
                return True
        return False

    def has_all_but_slot(self, target: Target, claim: Claim, now_s: float) -> bool:
        state = Target.readiness(target, claim, now_s)
        return state in (Readiness.READY, Readiness.FULL)

    def is_behind_short(self, guest: Guest, target: Target, now_s: float) -> bool:
        """Tell whether another whose model is the same lacks credit, or may stand before it."""
        return any(
            one.state is target.state
            and Target.readiness(one, other.claim, now_s) is Readiness.SHORT
            for other in self.guests
            if other is not guest and other.is_waiting
            for one in other.targets
        )

    # --- what must be true between any two

    def queued(self, desk: Desk) -> list[Guest]:
        return [guest for guest in self.guests if guest in desk.queue]

    def check(self) -> None:
        """Hold what must be true after each step."""
        self.check_accounts()
        self.check_slots()
        self.check_waiting()

    def check_accounts(self) -> None:
        admitted = [one.claim for one in self.guests if one.claim.is_admitted]
        for name, account in self.tenancy.tenants.items():
            own = [one for one in admitted if one.tenant == name]
            allowance = account.allowance
            assert allowance.in_flight == len(own)
            assert allowance.reserved_tokens == sum(one.reserved_tokens for one in own)
            assert allowance.purse.reserved == sum(one.reserved_microusd for one in own)
            assert account.meter.in_flight == sum(one.is_in_contract for one in own)
        for name, allowance in self.tenancy.keys.items():
            own = [one for one in admitted if one.key == name]
            assert allowance.in_flight == len(own)
            assert allowance.reserved_tokens == sum(one.reserved_tokens for one in own)
        assert self.consumers.streams == sum(one.tier >= Tier.FREE for one in admitted)

    def check_slots(self) -> None:
        grants = [one.grant for one in self.guests if one.grant is not None]
        assert all(grant.is_out for grant in grants)
        assert self.gate.in_flight == len(grants)
        for upstream in self.upstreams.values():
            used = [one for one in grants if one.target.upstream is upstream]
            assert upstream.limit.in_flight == len(used)
        for state in self.states.values():
            assert state.in_flight == sum(one.target.state is state for one in grants)
        for desk in self.gate.desks:
            assert not desk.is_serving
            own = [one for one in grants if one.target.upstream is desk.upstream]
            for tier in Tier:
                used = sum(one.demand.claim.served is tier for one in own)
                assert desk.load.tiers[tier].in_use == used

    def check_waiting(self) -> None:
        waiting = [one for one in self.guests if one.is_waiting]
        assert self.gate.waiting == len(waiting)
        for desk in self.gate.desks:
            queued = self.queued(desk)
            assert len(desk.queue) == len(queued), "somebody stands in a queue who is gone"
            assert all(one.is_waiting for one in queued)
        for one in waiting:
            assert one.grant is None
            queue_s = one.route.timeouts.queue_s
            bound_s = 600.0 if queue_s is None else queue_s
            assert one.wait_until_s <= one.asked_at_s + bound_s + SLACK_S
            assert self.now_s < one.wait_until_s + SLACK_S, "somebody waits beyond its bound"
            place = self.gate.place(one, self.now_s)
            assert place is None or 0 < place.position <= len(waiting)

    def check_memory(self) -> None:
        """See, right after a tick, that who has left is let go of."""
        assert self.gate.entries <= 2 * self.gate.waiting + DUE_SPARE + 1

    def check_nobody_is_passed_over(self) -> None:
        """Right after a tick nobody waits who could go.

        But for whom another let pass in that tick, by going elsewhere.
        """
        passed_over: set[tuple[Guest, Desk]] = set()
        for desk in self.gate.desks:
            now_s = self.now_s
            short = 0
            for one in self.queued(desk):
                states = [
                    Target.readiness(target, one.claim, now_s)
                    for target in one.targets
                    if target.upstream is desk.upstream
                ]
                short += Readiness.SHORT in states
            if short >= SHORT_MAX:
                continue
            for one in self.queued(desk):
                is_free = desk.upstream.has_slot(one.claim.served)
                is_next = is_free and not self.is_owed_to_another(one, desk)
                if is_next and self.could_start(one, desk, now_s):
                    assert (one, desk) not in self.passed_over, "not woken in two ticks"
                    passed_over.add((one, desk))
        self.passed_over = passed_over
        for one in self.guests:
            if one.is_waiting:
                self.check_not_forgotten(one)

    def is_owed_to_another(self, guest: Guest, desk: Desk) -> bool:
        """Say whether credit of the whole account comes together for one of its tier or above."""
        return any(
            target.lacks_account_credit(one.claim, self.now_s)
            for one in self.queued(desk)
            if one is not guest and one.claim.served <= guest.claim.served
            for target in one.targets
            if target.upstream is desk.upstream
        )

    def check_not_forgotten(self, guest: Guest) -> None:
        """See that who waits for a target stands in a queue, unless it came back just now.

        In one of them: where the band of another is full it goes without that one.
        """
        if any(guest in desk.queue for desk in self.gate.desks):
            return
        just_now_s = self.now_s - 0.01
        states = [Target.readiness(one, guest.claim, just_now_s) for one in guest.targets]
        if Readiness.COOLING not in states and Readiness.BROKEN not in states:
            has_opened = any(target.state.breaker.opened for target in guest.targets)
            assert has_opened, "it stands in no queue, and nobody will wake it"
