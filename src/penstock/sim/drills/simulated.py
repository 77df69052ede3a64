"""A drill in virtual time: one arm of it, from the first call to the last.

    world      the simulator's: virtual seconds, modelled providers, the gateway's own gate
    routes     one for each class of traffic: the provider it is bound to, then the others
    arms       bound      each class asks its own provider, and there is no gate
               failover   the gateway's gate with one tier for all, no ladder, no contracts, as many
                          slots as anybody asks for; a break is an error
               penstock   tiers, contracts, the ladder, limits that follow; goes on after a break
    strikes    begin and end at their played seconds: at providers, at the chat's door, at its
               log-in. Nobody here asks for the console
    ends       at ``played_s`` nothing more is sent; ``DRAIN_S`` later who is not done is unfinished

Every arm sees the same arrivals, people and lengths: the dice go by name, not by arm.
"""

from collections.abc import Sequence
from typing import Final

from penstock.config.model import Admission, Breaker, DialectName, Ladder, Timeouts
from penstock.config.model import Route as RouteEntry
from penstock.config.model import Target as TargetEntry
from penstock.config.model import Upstream as UpstreamEntry
from penstock.config.tenancy import Contract, Tenant, TierName
from penstock.core.claim import Claim
from penstock.core.retry_budget import RetryBudget
from penstock.core.tier import Tier
from penstock.dialects.registry import DIALECTS
from penstock.exchange.route import Route
from penstock.exchange.target import Target, TargetState, UpstreamState
from penstock.sim import policies
from penstock.sim.arrivals import Draw
from penstock.sim.building import ATTEMPTS_MAX, Traces
from penstock.sim.drills.shapes import BOUND, FAILOVER, PENSTOCK, Strike, Struct, Timetable
from penstock.sim.drills.simulated_count import Recorder
from penstock.sim.drills.simulated_crowd import Bounds, Crowd
from penstock.sim.drills.simulated_exchange import (
    BoundExchange,
    ContinuingExchange,
    DirectGate,
    DrillExchange,
)
from penstock.sim.drills.simulated_faults import Struck, StruckServer
from penstock.sim.drills.simulated_set_up import SetUp
from penstock.sim.drills.surfaces import API, CHAT, LOGIN
from penstock.sim.drills.traffic import MODELS
from penstock.sim.exchange import Plant, SimExchange, Told
from penstock.sim.invariants import Watch
from penstock.sim.policies import OurGate
from penstock.sim.run import BUDGET, TICK_S
from penstock.sim.world import START_S, World

DRAIN_S: Final = 60.0
QUEUE_MAX: Final = 1 << 60
STATIC: Final = 1000  # slots of an upstream that nobody has bounded: the default
SDK_TIMEOUT_S: Final = 600.0  # how long official SDKs wait for an answer
CONTRACT: Final = Contract(tokens_per_min=1 << 40)  # all that enterprise asks for is owed
EVERYBODY: Final = "callers"
KINDS: Final[dict[str, type[DrillExchange]]] = {
    BOUND: BoundExchange, FAILOVER: DrillExchange, PENSTOCK: ContinuingExchange,
}  # fmt: skip


class Plan(Struct, frozen=True, kw_only=True):
    """What all arms have in common."""

    timetable: Timetable
    set_up: SetUp


class Played(Struct, frozen=True, kw_only=True):
    """One arm that is over."""

    arm: str
    recorder: Recorder
    exchanges: int  # tries, of all calls
    breaches: tuple[str, ...] = ()  # of the gate's invariants
    breach_count: int = 0
    contract_sheds: int = 0


class ArmRun:
    """One arm; ``go`` plays it."""

    def __init__(self, plan: Plan, arm: str, traces: Traces, draw: Draw) -> None:
        self.arm = arm
        self._plan = plan
        self._traces = traces
        self._draw = draw
        self.world = world = World()
        chance = draw("gate").random
        self.plant = plant = Plant(world, RetryBudget(*BUDGET, world.now_s), chance)
        self.door, self.login = Struck(), Struck()
        self._chat: set[Route] = set()
        plant.exchange = self._exchange
        self._upstreams: dict[str, UpstreamState] = {}
        self._states: dict[tuple[str, str], TargetState] = {}
        self.servers: dict[str, StruckServer] = {}
        for one in plan.set_up.providers:
            dice = draw(f"{one.name}/upstream")
            server = StruckServer(one.name, world, dice.random, one.slots, one.speed)
            server.overload_status = 529
            server.timeout_s = SDK_TIMEOUT_S if arm == BOUND else Timeouts().first_token_s
            self.servers[one.name] = server
            upstream = self._upstreams[one.name] = _upstream(one.name, one.slots, arm)
            plant.servers[upstream] = server
        self.recorder = Recorder(plan.timetable)
        self.crowds = [self._crowd(index) for index in range(len(plan.set_up.traffic))]
        plant.gate = _gate(arm, plant)
        self.watch = plant.watch = Watch(plant, QUEUE_MAX, first_waits=arm == PENSTOCK)

    def go(self) -> Played:
        """Play to the end."""
        world, timetable = self.world, self._plan.timetable
        if self.arm != BOUND:  # where nobody admits, there is nothing to look after
            world.inspect = self.watch.inspect
        for strike in timetable.strikes:
            self._arm(strike)
        until_s = START_S + timetable.played_s
        for crowd in self.crowds:
            bounds = Bounds(crowd.traffic, self._traces)
            crowd.run(bounds, self._traces.code_gaps, self._draw, self._plan.set_up.more, until_s)
        world.at(START_S + TICK_S, self._tick)
        world.run(until_s)
        world.run(until_s + DRAIN_S)
        for exchange in list(self.plant.live):
            exchange.told.cut()
        is_gated = self.arm != BOUND
        return Played(
            arm=self.arm,
            recorder=self.recorder,
            exchanges=sum(one.exchanges for one in self.crowds),
            breaches=tuple(self.watch.words) if is_gated else (),
            breach_count=self.watch.breaches if is_gated else 0,
            contract_sheds=self.watch.contract_sheds,
        )

    def _tick(self, now_s: float) -> None:
        self.plant.gate.on_tick(now_s)
        if now_s < START_S + self._plan.timetable.played_s + DRAIN_S:
            self.world.at(now_s + TICK_S, self._tick)

    def _arm(self, strike: Strike) -> None:
        struck = self._struck(strike)
        if struck is not None:
            self.world.at(START_S + strike.from_s, lambda _: struck.begin(strike))
            self.world.at(START_S + strike.to_s, lambda _: struck.end(strike))

    def _struck(self, strike: Strike) -> Struck | None:
        if strike.place == API:
            server = self.servers.get(strike.provider)
            return server.struck if server is not None else None
        return {CHAT: self.door, LOGIN: self.login}.get(strike.place)

    def _crowd(self, index: int) -> Crowd:
        traffic = self._plan.set_up.traffic[index]
        route = self._route(index)
        is_tiered = self.arm == PENSTOCK
        tenant = traffic.tier if is_tiered else EVERYBODY
        crowd = Crowd(traffic, tenant, self.plant, route, self.recorder)
        if not is_tiered:
            crowd.claimed = Tier.STANDARD
        if traffic.place == CHAT:
            crowd.login = self.login
            self._chat.add(route)
        return crowd

    def _route(self, index: int) -> Route:
        traffic = self._plan.set_up.traffic[index]
        home = self._plan.set_up.home_of(traffic)
        models = MODELS[traffic.route]
        names = [home, *(name for name in self._upstreams if name != home)]
        targets = [self._target(name, models[name]) for name in names]
        attempts_max = ATTEMPTS_MAX
        if self.arm == BOUND:
            targets, attempts_max = targets[:1], 1
        return Route(RouteEntry(name=traffic.name, targets=()), targets, Timeouts(), attempts_max)

    def _target(self, name: str, model: str) -> Target:
        state = self._states.get((name, model))
        if state is None:
            state = self._states[name, model] = TargetState(Breaker(), self.world.now_s)
        entry = TargetEntry(upstream=name, model=model)
        return Target(entry, self._upstreams[name], state, model)

    def _exchange(
        self, plant: Plant, told: Told, route: Route, claim: Claim, lengths: tuple[int, int]
    ) -> SimExchange:
        made = KINDS[self.arm](plant, told, route, claim, lengths)
        if route in self._chat:
            made.door = self.door
        return made


def play(plan: Plan, arm: str, traces: Traces, draw: Draw) -> Played:
    """Play one arm."""
    return ArmRun(plan, arm, traces, draw).go()


def _upstream(name: str, slots: int, arm: str) -> UpstreamState:
    is_ours = arm == PENSTOCK
    entry = UpstreamEntry(
        name=name,
        dialect=DialectName.OPENAI_CHAT,
        base_url="http://upstream.test/v1",
        concurrency_max=slots if is_ours else max(STATIC, slots),
        is_adaptive=is_ours,
    )
    return UpstreamState(entry, DIALECTS["openai_chat"])


def _gate(arm: str, plant: Plant) -> OurGate | DirectGate:
    if arm == BOUND:
        return DirectGate()
    return OurGate(policies.local_gate(_admission(arm), plant, _tenants(arm)))


def _admission(arm: str) -> Admission:
    if arm == PENSTOCK:
        return Admission()
    return Admission(ladder=Ladder(is_enabled=False), preempts=False, reserve=0)


def _tenants(arm: str) -> Sequence[Tenant]:
    if arm != PENSTOCK:
        return (Tenant(id=EVERYBODY),)
    return tuple(
        Tenant(id=tier.value, tier=tier, contract=CONTRACT if tier is TierName.ENTERPRISE else None)
        for tier in TierName
    )
