"""Policies by name: which gate admits, with which settings.

penstock                 the gateway's gate, as the scenario sets it
penstock-no-reserve      without slots kept free for enterprise
penstock-no-preemption   without moving free attempts aside
penstock-plain           without either: strict priority, contracts, ladder and tickets
fifo, partition, rate, priority, oracle    ``sim.baselines``
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from penstock.config.model import Admission
from penstock.config.tenancy import Tenant
from penstock.core.claim import Claim
from penstock.core.errors import ConfigError, Problem
from penstock.core.outcome import Outcome
from penstock.core.tier import Tier
from penstock.exchange.consumers import Consumers
from penstock.exchange.demand import Grant
from penstock.exchange.gate import LocalGate
from penstock.exchange.tenancy import Tenancy
from penstock.sim.baselines import POLICIES as BASELINES
from penstock.sim.baselines import BaselineGate
from penstock.sim.exchange import Gate, Plant, SimExchange
from penstock.sim.source import Source
from penstock.sim.world import START_S, Alarm

OURS: Final[dict[str, dict[str, object]]] = {
    "penstock": {},
    "penstock-no-reserve": {"reserve": 0},
    "penstock-no-preemption": {"preempts": False},
    "penstock-plain": {"reserve": 0, "preempts": False},
}
NAMES: Final = (*OURS, *BASELINES)
WALL_OFFSET_S: Final = 1_700_000_000.0 - START_S
SALT: Final = b"simulated"
CONTRACT_RATIO: Final = 0.8  # of what is set aside for a contract is used (TIERING 1.4)


class OurGate:
    """The gateway's gate, as the simulator asks it."""

    def __init__(self, gate: LocalGate) -> None:
        self._gate = gate

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._gate.waiting

    def ask(self, demand: SimExchange, now_s: float) -> None:
        """Grant, queue or refuse."""
        self._gate.ask(demand, now_s)

    def withdraw(self, demand: SimExchange) -> None:
        """Forget one who waits."""
        self._gate.withdraw(demand)

    def began(self, grant: Grant, now_s: float) -> None:
        """Learn that an answer has begun."""
        self._gate.began(grant, now_s)

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take a grant back."""
        self._gate.give_back(grant, outcome, now_s)

    def close(self, demand: SimExchange, now_s: float) -> None:
        """Settle."""
        self._gate.close(demand, now_s)

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt may be repeated."""
        return self._gate.may_retry(claim)

    def on_tick(self, now_s: float) -> None:
        """Do what is done once a second."""
        self._gate.on_tick(now_s)

    @property
    def level(self) -> int:
        """The ladder's level for consumers."""
        return self._gate.consumers.level if self._gate.consumers is not None else 0


def is_ours(policy: str) -> bool:
    """Tell whether it is the gateway's own gate that admits."""
    return policy in OURS


def check(policies: Sequence[str]) -> None:
    """Raise ConfigError if there is a policy that does not exist."""
    unknown = [name for name in policies if name not in NAMES]
    if unknown:
        remedy = f"one of {', '.join(NAMES)}"
        raise ConfigError([Problem("policy", f"there is no {name!r}", remedy) for name in unknown])


def admission_of(policy: str, admission: Admission) -> Admission:
    """Return the gate's settings under a policy."""
    changes = OURS.get(policy)
    return msgspec.structs.replace(admission, **changes) if changes else admission


def gate_of(policy: str, admission: Admission, plant: Plant, sources: Sequence[Source]) -> Gate:
    """Return the gate of a policy."""
    if is_ours(policy):
        return OurGate(local_gate(admission, plant, tenants_of(sources)))
    loads = {one.tier: 0.0 for one in sources}
    for one in sources:
        loads[one.tier] += one.load_ratio
    return BaselineGate(policy, plant.world, shares(loads), rates(sources))


def tenants_of(sources: Sequence[Source]) -> list[Tenant]:
    """Return a scenario's tenants."""
    tenants = {one.tenant: one.entry for one in sources}
    return [
        Tenant(
            id=name,
            tier=entry.tier,
            weight=entry.weight,
            contract=entry.contract,
            limits=entry.limits,
        )
        for name, entry in tenants.items()
    ]


def local_gate(admission: Admission, plant: Plant, tenants: Sequence[Tenant]) -> LocalGate:
    """Return the gateway's gate, with these tenants."""
    world = plant.world
    tenancy = Tenancy()
    tenancy.use(tenants, {}, (), world.now_s, WALL_OFFSET_S)
    consumers = Consumers(admission, SALT, WALL_OFFSET_S, plant.chance, world.now_s)
    gate = LocalGate(plant.chance, admission, tenancy, consumers)
    gate.use_timer(Alarm(world, gate.on_wake))
    return gate


def shares(loads: Mapping[Tier, float]) -> dict[Tier, float]:
    """Return each tier's part of the slots: contracts with headroom, the rest by load."""
    first = {tier: load / CONTRACT_RATIO for tier, load in loads.items() if tier <= Tier.ENTERPRISE}
    rest = {tier: load for tier, load in loads.items() if tier > Tier.ENTERPRISE}
    left = max(0.0, 1.0 - sum(first.values()))
    total = sum(rest.values()) or 1.0
    return first | {tier: left * load / total for tier, load in rest.items()}


def rates(sources: Sequence[Source]) -> dict[str, float]:
    """Return each tenant's requests a second: contracts with headroom, the rest in equal parts."""
    known: dict[str, float] = {}
    left = 1.0
    others: list[Source] = []
    for one in sources:
        if one.tier <= Tier.ENTERPRISE:
            known[one.tenant] = known.get(one.tenant, 0.0) + one.rate_per_s / CONTRACT_RATIO
            left -= one.load_ratio
        else:
            others.append(one)
    for one in others:
        share = one.rate_per_s / one.load_ratio * max(0.0, left) / len(others)
        known[one.tenant] = known.get(one.tenant, 0.0) + share
    return known
