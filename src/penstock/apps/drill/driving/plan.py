"""What synthetic users are told: where to ask, in which dialect, with whose key, and when.

    bound     each class of traffic asks one provider, in that provider's own dialect
    gateway   each class asks the gateway's route of its name, in any of the dialects: which one
              a user speaks is drawn by the user

The plan of each arm has dice from the same seed: the same people come at the same time with the
same questions, and expect the same words.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.apps.drill.driving.traces import Traces
from penstock.sim.arrivals import Draw
from penstock.sim.drills.shapes import Timetable
from penstock.sim.drills.traffic import Traffic, model_of

OPENAI_CHAT: Final = "openai_chat"
ANTHROPIC: Final = "anthropic_messages"
GEMINI: Final = "gemini_generate"
DIALECTS: Final = (OPENAI_CHAT, ANTHROPIC, GEMINI)
OWN_DIALECTS: Final = {"gpt": OPENAI_CHAT, "claude": ANTHROPIC, "gemini": GEMINI}
# Behind the base URL of an emulator or a gateway; the dialect's own path follows.
EMULATED_PATHS: Final = {OPENAI_CHAT: "/gpt/v1", ANTHROPIC: "/claude", GEMINI: "/gemini"}
GATEWAY_PATHS: Final = {OPENAI_CHAT: "/v1", ANTHROPIC: "/anthropic", GEMINI: "/genai"}
EMULATED_KEY: Final = "sk-drill"  # the emulator takes any
LINGER_S: Final = 20.0  # for what was begun; longer than most answers take


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a class of traffic asks, in one dialect."""

    base_url: str
    dialect: str
    model: str  # or route
    key: str
    tenant: str = ""
    route: str = ""  # of theirs; empty: as the traffic names it
    provider: str = ""  # to which the caller is bound, or would be


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One arm's traffic.

    ``places`` are by the name of a class of traffic; a class without any is not driven. ``zero_s``
    is the instant of ``wire.clock`` at which played time is 0; None: at once. ``stop`` ends it.
    """

    arm: str
    mix: Sequence[Traffic]
    timetable: Timetable
    places: Mapping[str, Sequence[Place]]
    traces: Traces
    draw: Draw
    stop: asyncio.Event
    zero_s: float | None = None
    linger_s: float = LINGER_S


def bound_places(
    mix: Sequence[Traffic], emulator_url: str, provider: str
) -> dict[str, tuple[Place, ...]]:
    """Return where callers ask that are bound to one provider; those unbound to this one."""
    found: dict[str, tuple[Place, ...]] = {}
    for one in mix:
        own = one.provider or provider
        dialect = OWN_DIALECTS[own]
        place = Place(
            base_url=emulator_url + EMULATED_PATHS[dialect],
            dialect=dialect,
            model=model_of(one.route, own),
            key=EMULATED_KEY,
            provider=own,
        )
        found[one.name] = (place,)
    return found


def gateway_places(
    mix: Sequence[Traffic],
    gateway_url: str,
    keys: Mapping[str, tuple[str, str]],
    provider: str,
    dialects: Sequence[str] = DIALECTS,
) -> dict[str, tuple[Place, ...]]:
    """Return where callers of a gateway ask; ``keys`` are tenant and secret by tier.

    The route of callers of another provider than the struck one is named after both.
    """
    found: dict[str, tuple[Place, ...]] = {}
    for one in mix:
        if one.tier not in keys:
            continue
        tenant, secret = keys[one.tier]
        own = one.provider or provider
        found[one.name] = tuple(
            Place(
                base_url=gateway_url + GATEWAY_PATHS[dialect],
                dialect=dialect,
                model=one.route if own == provider else f"{one.route}-{own}",
                key=secret,
                tenant=tenant,
                provider=own,
            )
            for dialect in dialects
        )
    return found
