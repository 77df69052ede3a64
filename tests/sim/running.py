"""Runs of the simulator for its tests: small worlds with seeded dice."""

import random
from functools import cache

import msgspec

from penstock.cli import simulate
from penstock.sim import arrivals, run
from penstock.sim.arrivals import Dice
from penstock.sim.run import Result, Run
from penstock.sim.scenario import Scenario, Traffic, Upstream

traces = cache(simulate.traces)  # what is shipped, read once
SLOTS = Upstream(name="gpu", slots=64)


def draws(seed: int) -> arrivals.Draw:
    """The dice of a seed, as the command makes them."""

    def draw(name: str) -> Dice:
        return random.Random(f"{seed}/{name}")

    return draw


def scenario(*traffic: Traffic, **changes: object) -> Scenario:
    """A scenario of one upstream of 64 slots."""
    made = Scenario(
        name="test", title="", about="", upstreams=(SLOTS,), traffic=traffic, warmup_s=30
    )
    return msgspec.structs.replace(made, **changes)


def prepared(entry: Scenario, policy: str = "penstock", seed: int = 1, x: float = 0.0) -> Run:
    """A run that has not begun."""
    return Run(entry, policy, x, traces(), draws(seed))


def done(entry: Scenario, policy: str = "penstock", seed: int = 1, x: float = 0.0) -> Result:
    """What a run shows."""
    return run.simulate(entry, policy, x, traces(), (seed, draws(seed)))
