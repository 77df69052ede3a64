"""Phases: the time between two events, and what capacity there was in each.

Capacity is 1 for all upstreams as they were built; an event takes or gives a part of it. It is
constant in a phase, since phases end where events begin or end. Who refuses a share of what it gets
serves the rest as fast as ever, and so has all of its capacity.
"""

import bisect
import itertools
import math
from collections.abc import Callable, Mapping
from typing import Final

from penstock.sim.scenario import Event, EventKind, Scenario
from penstock.sim.tally import Phase

LEFT: Final = frozenset({EventKind.CAPACITY, EventKind.QUOTA})  # the value is what is left
ENDS: Final = 2  # of the time that is measured: then there is one phase
GONE: Final = frozenset({EventKind.OUTAGE, EventKind.HANG})


def is_on(event: Event, at_s: float) -> bool:
    """Tell whether an event is under way, in seconds from the start."""
    return event.at_s <= at_s < (event.until_s or math.inf)


def left_ratio(event: Event) -> float:
    """Return what an event leaves of an upstream's capacity."""
    if event.what in GONE:
        return 0.0
    return event.value if event.what in LEFT else 1.0


def capacity_ratio(scenario: Scenario, parts: Mapping[str, float], at_s: float) -> float:
    """Return how much of all capacity there is; ``parts`` are the upstreams', 1 in all."""
    left = dict(parts)
    for event in scenario.events:
        if event.upstream in left and is_on(event, at_s):
            left[event.upstream] *= left_ratio(event)
    return sum(left.values())


def cut(scenario: Scenario, parts: Mapping[str, float]) -> list[Phase]:
    """Return the phases from the warm-up to the end."""
    cuts = {scenario.warmup_s, scenario.duration_s, *scenario.cuts}
    for event in scenario.events:
        cuts |= {event.at_s, event.until_s}
    inside = sorted(at for at in cuts if scenario.warmup_s <= at <= scenario.duration_s)
    found: list[Phase] = []
    for from_s, to_s in itertools.pairwise(inside):
        name = "all"
        if len(inside) > ENDS:
            on = "".join(f", {_words(one)}" for one in scenario.events if is_on(one, from_s))
            name = f"{from_s:g}-{to_s:g} s{on}"
        capacity_s = (to_s - from_s) * capacity_ratio(scenario, parts, from_s)
        found.append(Phase(name, from_s, to_s, capacity_s))
    return found


def _words(event: Event) -> str:
    whose = event.upstream or event.traffic
    value = f" {event.value:g}" if event.value else ""
    return f"{event.what.value}{value} of {whose}" if whose else event.what.value


def finder(phases: list[Phase], start_s: float) -> Callable[[float], int]:
    """Return what tells in which phase an instant lies; -1 outside of all."""
    starts = [start_s + one.from_s for one in phases]
    end_s = start_s + phases[-1].to_s

    def phase_at(now_s: float) -> int:
        return bisect.bisect_right(starts, now_s) - 1 if now_s <= end_s else -1

    return phase_at
