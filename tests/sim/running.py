"""Runs of the simulator for its tests: small worlds with seeded dice."""

import random
from functools import cache
from importlib import resources

import msgspec

from penstock.sim import arrivals, run
from penstock.sim.arrivals import Dice
from penstock.sim.building import Traces
from penstock.sim.run import Result, Run
from penstock.sim.scenario import Scenario, Traffic, Upstream

SLOTS = Upstream(name="gpu", slots=64)


def draws(seed: int) -> arrivals.Draw:
    """The dice of a seed, as the command makes them."""

    def draw(name: str) -> Dice:
        return random.Random(f"{seed}/{name}")

    return draw


@cache
def traces() -> Traces:
    """What is shipped."""
    folder = resources.files("penstock.sim") / "data"

    def text(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    return Traces(
        arrivals.parse_lengths(text("azure2023_conv_lengths.csv")),
        arrivals.parse_lengths(text("azure2023_code_lengths.csv")),
        arrivals.parse_lengths(text("agentic_calls.csv")),
        arrivals.parse_column(text("azure2023_code_gaps.csv"), 0),
    )


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
