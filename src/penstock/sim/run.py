"""One run: a scenario, a policy, a value of the sweep and the dice, made into figures.

    made    world, servers, the gate's own objects (upstreams, targets, route), gate, sources
    begins  arrivals and events are in the world's heap; a sample is taken every ``SAMPLE_S``
    ends    at ``duration_s`` nothing more is sent; ``drain_s`` later whoever is not done is counted
            as unfinished

The gate gets the same objects, built from the same configuration structs, as in the gateway.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.core.retry_budget import RetryBudget
from penstock.core.tier import Tier
from penstock.exchange.target import UpstreamState
from penstock.sim import building, phases, policies
from penstock.sim.arrivals import Draw, Rate
from penstock.sim.building import Traces
from penstock.sim.events import arm, factors
from penstock.sim.exchange import Plant
from penstock.sim.invariants import Watch
from penstock.sim.scenario import EventKind, Scenario
from penstock.sim.tally import Phase, Sample, Tally
from penstock.sim.world import START_S, World

SAMPLE_S: Final = 0.5
TICK_S: Final = 1.0
ENGINE_S: Final = 0.2  # between two looks at an engine's metrics: 5 Hz (TIERING 2)
CROWD: Final = 2000
SAMPLES_MAX: Final = 20_000  # a longer run is sampled more rarely
BUDGET: Final = (0.1, 10.0)  # as config.model.Retry


class Class(msgspec.Struct):
    """What a class of traffic was, and what became of it."""

    name: str
    tenant: str
    tier: int
    weight: float
    load_ratio: float
    rate_per_s: float
    goal_s: float
    tallies: list[Tally]  # by phase
    minutes: list[float]  # work by the minute in which it was done, from the start on


class Result(msgspec.Struct):
    """What one run has shown."""

    scenario: str
    policy: str
    x: float
    seed: int
    phases: list[Phase]
    classes: list[Class]
    samples: list[Sample]
    exchanges: int
    events: int
    breaches: int
    breach_words: list[str]
    checks: int
    contract_sheds: int
    waiting_max: int
    slots: int
    is_slotted: bool  # all upstreams are of slots, without quotas: use is busy slots over slots


class Run:
    """One run; ``go`` returns its result."""

    def __init__(
        self, scenario: Scenario, policy: str, x: float, traces: Traces, draw: Draw
    ) -> None:
        self.scenario = scenario
        self.policy = policy
        self.x = x
        self.world = world = World()
        chance = draw("gate").random
        self.plant = plant = Plant(world, RetryBudget(*BUDGET, world.now_s), chance)
        self.upstreams: list[UpstreamState] = []
        for entry in scenario.upstreams:
            upstream = building.upstream_of(entry)
            self.upstreams.append(upstream)
            server = building.server_of(entry, world, draw(f"{entry.name}/upstream").random)
            plant.servers[upstream] = server
        self.servers = {one.name: one for one in plant.servers.values()}
        route = building.route_of(scenario, self.upstreams, world.now_s)
        for server in self.servers.values():
            server.timeout_s = route.timeouts.first_token_s
        self.sources = building.sources_of(scenario, plant, route, traces, draw, x)
        if policy == "oracle":
            self.sources = building.without_lower(self.sources)
        admission = policies.admission_of(policy, scenario.admission)
        self.gate = plant.gate = policies.gate_of(policy, admission, plant, self.sources)
        queue_max = admission.queue_max if policies.is_ours(policy) else 1 << 60
        self._admission = admission
        self.watch = plant.watch = Watch(plant, queue_max, first_waits=policies.is_ours(policy))
        self.samples: list[Sample] = []
        self.phases = phases.cut(scenario, self._parts())
        self._draw = draw
        self._sample_s = max(SAMPLE_S, scenario.duration_s / SAMPLES_MAX)

    def go(self, seed: int) -> Result:
        """Run to the end."""
        world, scenario = self.world, self.scenario
        world.inspect = self.watch.inspect
        arm(scenario, self.servers, world, START_S)
        self._start_sources()
        for event in scenario.events:
            if event.what is EventKind.RESTART:
                world.at(START_S + event.at_s, self._restart)
        for phase in self.phases:
            self._measure_use(phase)
        world.at(START_S, self._sample)
        world.at(START_S + TICK_S, self._tick)
        world.at(START_S + ENGINE_S, self._look_at_engines)
        world.run(START_S + scenario.duration_s)
        world.run(START_S + scenario.duration_s + scenario.drain_s)
        self.watch.inspect(world.now_s)
        for exchange in list(self.plant.live):
            exchange.told.cut()
        return self._result(seed)

    def _restart(self, now_s: float) -> None:
        """Lose the process, with all it had under way and all it knew; another takes over."""
        plant = self.plant
        for exchange in list(plant.live):
            exchange.drop(now_s)
        self.watch.forget()
        servers = list(self.servers.values())
        self.upstreams = [building.upstream_of(entry) for entry in self.scenario.upstreams]
        plant.servers = dict(zip(self.upstreams, servers, strict=True))
        route = building.route_of(self.scenario, self.upstreams, now_s)
        for one in self.sources:
            one.route = route
        self.gate = plant.gate = policies.gate_of(self.policy, self._admission, plant, self.sources)

    def _parts(self) -> dict[str, float]:
        total = sum(one.load_ratio for one in self.sources) or 1.0
        means = [
            sum(one.means[at] * one.load_ratio for one in self.sources) / total for at in (0, 1)
        ]
        return building.parts_of(list(self.servers.values()), (means[0], means[1]))

    def _start_sources(self) -> None:
        servers = list(self.servers.values())
        phase_at = phases.finder(self.phases, START_S)
        until_s = START_S + self.scenario.duration_s
        work_s = building.work_of(servers)
        for one in self.sources:
            one.count_by(phase_at, work_s, len(self.phases))
            changes = factors(self.scenario, one.entry.name, START_S)
            dice = self._draw(f"{one.entry.name}/clients")
            one.run(one.gaps, Rate(one.rate_per_s, changes), dice, until_s=until_s)

    def _measure_use(self, phase: Phase) -> None:
        def begin(now_s: float) -> None:
            phase.busy_s -= sum(one.busy(now_s) for one in self.servers.values())

        def end(now_s: float) -> None:
            phase.busy_s += sum(one.busy(now_s) for one in self.servers.values())

        self.world.at(START_S + phase.from_s, begin)
        self.world.at(START_S + phase.to_s, end)

    def _tick(self, now_s: float) -> None:
        self.gate.on_tick(now_s)
        if now_s < START_S + self.scenario.duration_s + self.scenario.drain_s:
            self.world.at(now_s + TICK_S, self._tick)

    def _look_at_engines(self, now_s: float) -> None:
        told = [
            (one, server)
            for one, entry in zip(self.upstreams, self.scenario.upstreams, strict=True)
            for server in [self.plant.servers[one]]
            if entry.has_metrics and server.has_metrics and not server.is_down
        ]
        for upstream, server in told:
            upstream.on_engine(server.saturation(), now_s)
        if told or self.scenario.events:
            self.world.at(now_s + ENGINE_S, self._look_at_engines)

    def _sample(self, now_s: float) -> None:
        waiting = [0] * len(Tier)
        for one in self.plant.live:
            if one.is_waiting:
                waiting[one.claim.tier] += 1
        up = [one for one in self.servers.values() if not one.is_down]
        self.samples.append(
            Sample(
                now_s - START_S,
                list(self.plant.in_flight),
                waiting,
                float(sum(one.limit.limit for one in self.upstreams)),
                float(sum(one.slots for one in up)),
                self.gate.level,
            )
        )
        if now_s < START_S + self.scenario.duration_s:
            # Where thousands wait, a look costs more, and shows no more.
            rarely = 1 + len(self.plant.live) // CROWD
            self.world.at(now_s + self._sample_s * rarely, self._sample)

    def _result(self, seed: int) -> Result:
        watch = self.watch
        classes = [
            Class(
                one.entry.name, one.tenant, int(one.tier), one.entry.weight, one.load_ratio,
                one.rate_per_s, one.goal_s, one.tallies, one.minutes,
            )
            for one in self.sources
        ]  # fmt: skip
        return Result(
            self.scenario.name, self.policy, self.x, seed, self.phases, classes, self.samples,
            sum(one.tries for one in self.sources), self.world.events, watch.breaches, watch.words,
            watch.checks, watch.contract_sheds, watch.waiting_max,
            sum(one.slots for one in self.servers.values()),
            all(one.is_slotted and one.buckets is None for one in self.servers.values()),
        )  # fmt: skip


def simulate(
    scenario: Scenario, policy: str, x: float, traces: Traces, dice: tuple[int, Draw]
) -> Result:
    """Run once; ``dice`` are the seed's number and what draws by it."""
    seed, draw = dice
    return Run(scenario, policy, x, traces, draw).go(seed)


def values(scenario: Scenario) -> Sequence[float]:
    """Return the values of X that a scenario is run at; 0: it has none."""
    return scenario.sweep or (0.0,)
