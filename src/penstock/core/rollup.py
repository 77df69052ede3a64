"""Rollup: from the states of components to one state, one indicator, one impact.

    worst       major > partial > degraded > maintenance > operational > unknown: whatever is known
                outranks what is not, so a group is unknown only where all of it is
    indicator   of a page, in the words of Statuspage's API:
                    critical      every component has a major outage
                    major         some have; or half of them or more have a partial one
                    minor         fewer have a partial one; or some are degraded
                    maintenance   some are under maintenance, and nothing is worse
                    none          else, also without components; unknown counts as operational
    impact      of an incident, by its worst component: degraded minor, partial major, major
                critical; ``heavier`` keeps the worst that it ever had

Statuspage does not publish its indicator's rule; this one is ours.
"""

import enum
from collections.abc import Iterable
from typing import Final, NamedTuple


class Condition(enum.IntEnum):
    """How a component is, the better before the worse."""

    UNKNOWN = 0
    OPERATIONAL = 1
    MAINTENANCE = 2
    DEGRADED = 3
    PARTIAL = 4
    MAJOR = 5

    @property
    def word(self) -> str:
        """As status pages name it."""
        return WORDS[self]

    @classmethod
    def of(cls, word: str) -> "Condition":
        """Return the condition of a word; what is not one of ours is unknown."""
        return CONDITIONS.get(word, cls.UNKNOWN)


WORDS: Final = {
    Condition.UNKNOWN: "unknown",
    Condition.OPERATIONAL: "operational",
    Condition.MAINTENANCE: "under_maintenance",
    Condition.DEGRADED: "degraded_performance",
    Condition.PARTIAL: "partial_outage",
    Condition.MAJOR: "major_outage",
}
CONDITIONS: Final = {word: condition for condition, word in WORDS.items()}


class Indicator(NamedTuple):
    """What a page says of all its components."""

    indicator: str
    description: str


NONE: Final = Indicator("none", "All Systems Operational")
DEGRADED: Final = Indicator("minor", "Partially Degraded Service")
MINOR: Final = Indicator("minor", "Minor Service Outage")
MAJOR: Final = Indicator("major", "Partial System Outage")
CRITICAL: Final = Indicator("critical", "Major Service Outage")
MAINTENANCE: Final = Indicator("maintenance", "Service Under Maintenance")
IMPACTS: Final = ("none", "minor", "major", "critical")  # the lighter before the heavier
IMPACT: Final = {
    Condition.DEGRADED: "minor",
    Condition.PARTIAL: "major",
    Condition.MAJOR: "critical",
}


def worst(states: Iterable[str]) -> str:
    """Return the worst of some states, as a word; unknown without any."""
    return max((Condition.of(state) for state in states), default=Condition.UNKNOWN).word


def indicator(states: Iterable[str]) -> Indicator:
    """Return what a page says, from the states of its components without its groups."""
    found = [Condition.of(state) for state in states]
    partial = found.count(Condition.PARTIAL)
    match max(found, default=Condition.UNKNOWN):
        case Condition.MAJOR:
            is_all = found.count(Condition.MAJOR) == len(found)
            return CRITICAL if is_all else MAJOR
        case Condition.PARTIAL:
            return MAJOR if 2 * partial >= len(found) else MINOR
        case Condition.DEGRADED:
            return DEGRADED
        case Condition.MAINTENANCE:
            return MAINTENANCE
        case Condition.OPERATIONAL | Condition.UNKNOWN:
            return NONE


def impact(states: Iterable[str]) -> str:
    """Return the impact of an incident with components in these states."""
    return IMPACT.get(Condition.of(worst(states)), "none")


def heavier(before: str, after: str) -> str:
    """Return the heavier of two impacts; one that is none of ours counts as the lightest."""
    return max(before, after, key=lambda one: IMPACTS.index(one) if one in IMPACTS else -1)
