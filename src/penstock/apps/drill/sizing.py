"""How much the emulated providers carry: room for the contracts when one of them fails.

    struck     the provider that the outage strikes carries all that is asked of it, ``AMPLE``
               times, so that nobody waits before the outage
    survivors  the others carry their own callers' calls as amply, and together what enterprise
               and standard ask of the struck one, ``SPARE`` times; each an equal part
    room       of a provider: its limit

A provider's limit is a bucket that holds a minute's worth, so bursts within a minute pass. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.apps.drill.driving.asking import HISTORY_TURNS
from penstock.sim.arrivals import Length
from penstock.sim.drills.shapes import Room
from penstock.sim.drills.traffic import Traffic

AMPLE: Final = 2.0
SPARE: Final = 2.0  # a bursty minute asks for nearly twice its mean
SURE: Final = frozenset({"control", "enterprise", "standard"})
MINUTE_S: Final = 60.0
OTHERS: Final = 20_000  # tokens a minute for probes of the status page
TOKENS: Final = "tokens_per_min"


class Asked(NamedTuple):
    """What a class of traffic asks for."""

    tier: str
    provider: str
    per_s: float
    tokens: float  # of a call, input and output together

    @property
    def tokens_per_min(self) -> float:
        """All of it."""
        return self.per_s * self.tokens * MINUTE_S


def mean_tokens(traffic: Traffic, lengths: Mapping[str, Sequence[Length]]) -> float:
    """Return how many tokens a call of a class has at its mean, within the class's bounds.

    Later turns of a session bring the last few along.
    """
    known = lengths[traffic.lengths]
    asked = sum(min(one[0], traffic.input_tokens_max) for one in known) / len(known)
    told = sum(min(one[1], traffic.output_tokens_max) for one in known) / len(known)
    earlier = sum(min(at, HISTORY_TURNS) for at in range(traffic.turns)) / traffic.turns
    return asked + told + earlier * (asked + told)


def limits(
    asked: Sequence[Asked], struck: str, providers: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return each provider's limit."""
    sure = sum(one.tokens_per_min for one in asked if one.provider == struck and one.tier in SURE)
    spare = SPARE * sure / max(1, len(providers) - 1)
    found: dict[str, dict[str, int]] = {}
    for provider in providers:
        own = AMPLE * sum(one.tokens_per_min for one in asked if one.provider == provider)
        found[provider] = {TOKENS: int(own + (0.0 if provider == struck else spare)) + OTHERS}
    return found


def rooms(found: Mapping[str, Mapping[str, int]]) -> tuple[Room, ...]:
    """Return what each provider takes when it is well."""
    return tuple(
        Room(provider=provider, tokens_per_s=limit[TOKENS] / MINUTE_S)
        for provider, limit in found.items()
        if TOKENS in limit
    )
