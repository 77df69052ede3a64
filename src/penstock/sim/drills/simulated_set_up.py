"""The set-up of a simulated drill: providers with slots, and who is asked for what.

    load       slots that a class keeps busy: its calls a second times what one takes
    the own    a provider has slots for what is bound to it, at ``USE_RATIO`` of them
    survivors  the others of the outage's provider have, together, slots for all of enterprise and
               standard at ``SURVIVORS_USE_RATIO``, besides what is bound to them: consumers do
               not fit, and that is the point. A slower one has more slots
    speeds     plausible ones of such models, as in the emulator's catalogue

What a slot is in hardware is chosen, and said: ``STREAMS_PER_GPU`` answers at once on one GPU.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from penstock.sim.building import Traces
from penstock.sim.drills.shapes import Struct
from penstock.sim.drills.simulated_crowd import Bounds
from penstock.sim.drills.surfaces import CLAUDE, EMULATED, GEMINI, GPT
from penstock.sim.drills.traffic import Traffic
from penstock.sim.upstreams import Speed

USE_RATIO: Final = 0.7
SURVIVORS_USE_RATIO: Final = 0.85
STREAMS_PER_GPU: Final = 16  # an engine of 8 GPUs has 128 sequences in its batch (TIERING 2)
SLOTS_MIN: Final = 4
SPEEDS: Final[Mapping[str, Speed]] = {
    CLAUDE: Speed(ttft_s=0.8, token_s=1 / 60),
    GPT: Speed(ttft_s=0.6, token_s=1 / 80),
    GEMINI: Speed(ttft_s=0.5, token_s=1 / 100),
}
PAID: Final = frozenset({"control", "enterprise", "standard"})


class Provider(Struct, frozen=True, kw_only=True):
    """One provider's account."""

    name: str
    slots: int
    speed: Speed
    call_s: float  # that a call takes there, on average of all but batch, which comes last

    @property
    def calls_per_s(self) -> float:
        """How many calls it takes."""
        return self.slots / self.call_s


class SetUp(Struct, frozen=True, kw_only=True):
    """What the outage meets; ``more`` times the traffic as it is written."""

    traffic: tuple[Traffic, ...]
    providers: tuple[Provider, ...]
    home: str  # whom callers are bound to unless they say
    more: float = 1.0

    def home_of(self, traffic: Traffic) -> str:
        """Return whom a class is bound to."""
        return traffic.provider or self.home

    @property
    def slots(self) -> int:
        """How many answers are under way at once, at most."""
        return sum(one.slots for one in self.providers)


def sized(
    traffic: Sequence[Traffic], traces: Traces, home: str, struck: frozenset[str], more: float
) -> SetUp:
    """Return providers that carry the traffic, and the paid part of it without who is struck."""
    slots = dict.fromkeys(EMULATED, 0.0)
    others = [name for name in EMULATED if name not in struck]
    for one in traffic:
        bound = one.provider or home
        slots[bound] += _busy(one, traces, bound, more) / USE_RATIO
        if one.tier in PAID and bound in struck:
            for name in others:
                busy = _busy(one, traces, name, more)
                slots[name] += busy / len(others) / SURVIVORS_USE_RATIO
    return SetUp(
        traffic=tuple(traffic),
        providers=tuple(
            Provider(
                name=name,
                slots=max(SLOTS_MIN, round(count)),
                speed=SPEEDS[name],
                call_s=_call_s(traffic, traces, name),
            )
            for name, count in slots.items()
        ),
        home=home,
        more=more,
    )


def _call_s(traffic: Sequence[Traffic], traces: Traces, name: str) -> float:
    """Return how long a call takes at a provider, on average of all but batch."""
    soon = [one for one in traffic if one.tier != "batch"] or traffic
    per_s = sum(one.per_s for one in soon)
    return sum(_busy(one, traces, name, 1.0) for one in soon) / per_s if per_s else 1.0


def _busy(one: Traffic, traces: Traces, name: str, more: float) -> float:
    """Return how many slots a class keeps busy at a provider, which is as fast as it is."""
    taken, made = Bounds(one, traces).means
    return one.per_s * more * SPEEDS[name].service_s(round(taken), made)
