"""Small simulated drills for their tests: one strike, two hundred seconds, a few calls a second."""

import random
from functools import cache

import msgspec

from penstock.cli import simulate
from penstock.sim.arrivals import Dice, Draw
from penstock.sim.drills import shapes, simulated, simulated_set_up
from penstock.sim.drills.shapes import Counts, Strike, Timetable, Window
from penstock.sim.drills.simulated import Plan, Played
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC, Traffic

LASTS_S = 200.0
FROM_S, TO_S = 50.0, 150.0

traces = cache(simulate.traces)


def draws(seed: int) -> Draw:
    """The dice of a seed."""

    def draw(name: str) -> Dice:
        return random.Random(f"{seed}/{name}")

    return draw


def strike(kind: str, share: float = 1.0, **changes: object) -> Strike:
    """Claude fails from 50 s to 150 s."""
    made = Strike(
        place="api",
        kind=kind,
        share=share,
        from_s=FROM_S,
        to_s=TO_S,
        surface="api",
        provider="claude",
    )
    return msgspec.structs.replace(made, **changes)


def table(*strikes: Strike) -> Timetable:
    """One window."""
    window = Window(from_s=0.0, to_s=LASTS_S, from_unix_s=1e9, to_unix_s=1e9 + LASTS_S)
    return Timetable(windows=(window,), strikes=strikes, played_s=LASTS_S, true_s=LASTS_S)


def plan(
    *strikes: Strike, traffic: tuple[Traffic, ...] = DEFAULT_TRAFFIC, more: float = 3.0
) -> Plan:
    """What all arms have in common; callers are bound to Claude."""
    set_up = simulated_set_up.sized(traffic, traces(), "claude", frozenset({"claude"}), more)
    return Plan(timetable=table(*strikes), set_up=set_up)


def played(
    arm: str,
    *strikes: Strike,
    seed: int = 1,
    traffic: tuple[Traffic, ...] = DEFAULT_TRAFFIC,
    more: float = 3.0,
) -> Played:
    """One arm that is over."""
    made = plan(*strikes, traffic=traffic, more=more)
    return simulated.play(made, arm, traces(), draws(seed))


def counts(one: Played, tier: str = "", place: str = "api") -> Counts:
    """The counts of a tier."""
    return next(
        each
        for each in one.recorder.counts(one.arm)
        if (each.tier, each.place, each.window) == (tier, place, -1)
    )


def calls(one: Played) -> int:
    """How many calls were counted, at all places."""
    return sum(
        each.calls for each in one.recorder.counts(one.arm) if not each.tier and each.window < 0
    )


ARMS = shapes.ARMS
