"""Traffic of a drill: who asks, how often, for what, and how they behave.

    per_s      calls a second, were all sessions whole: sessions begin ``per_s / turns`` a second
    place      api: with a key, in a dialect; chat: a person at the web chat, with an account
    client     a habit of ``sim.clients``
    provider   whom the caller is bound to without a gateway; empty: whom the outage struck
    route      a key of ``MODELS``: what it is in each provider's catalogue. A gateway of a drill
               has a route of that name, with the caller's own provider first

The same mix is sent to every arm. In the default one all tiers ask for the same models, so that
they compete for the same quotas.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

API: Final = "api"
CHAT: Final = "chat"
FRONTIER: Final = "frontier"
BALANCED: Final = "balanced"
FAST: Final = "fast"

MODELS: Final[Mapping[str, Mapping[str, str]]] = {
    FRONTIER: {"claude": "claude-opus-5-5", "gpt": "gpt-5.6", "gemini": "gemini-3-pro"},
    BALANCED: {"claude": "claude-sonnet-5-5", "gpt": "gpt-5.6", "gemini": "gemini-3.7-flash"},
    FAST: {"claude": "claude-haiku-4-5", "gpt": "gpt-5.6-mini", "gemini": "gemini-3.5-flash-lite"},
}

RATE_MAX: Final = 100.0  # calls a second: more than one laptop can emulate
USERS_MAX: Final = 100_000  # with an account or a name each
TURNS_MAX: Final = 200  # the median agent session has 48 calls
OUTPUT_MAX: Final = 8_000  # tokens; one answer longer than that outlasts a window

Rate = Annotated[float, msgspec.Meta(ge=0.0, le=RATE_MAX)]
Ratio = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Traffic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One class of callers."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]  # of the class
    tier: Literal["control", "enterprise", "standard", "free", "batch"] = "standard"  # of its key
    place: Literal["api", "chat"] = "api"  # with a key, or a person at the web chat
    per_s: Rate  # calls a second, were all sessions whole
    client: Literal["patient", "impatient", "sdk", "naive", "person"] = (
        "sdk"  # what it does when refused
    )
    arrivals: Literal["poisson", "azure_code"] = "poisson"  # or the gaps of a trace
    lengths: Literal["azure_conv", "azure_code", "agentic"] = "azure_conv"  # of that trace
    route: Literal["frontier", "balanced", "fast"] = "balanced"  # what it asks for
    provider: Literal["", "claude", "gpt", "gemini"] = (
        ""  # whom it is bound to; empty: whom the outage struck
    )
    turns: Annotated[int, msgspec.Meta(ge=1, le=TURNS_MAX)] = 1  # calls of a session
    think_s: Annotated[float, msgspec.Meta(ge=0.0, le=600.0)] = 10.0  # mean pause between them
    users: Annotated[int, msgspec.Meta(ge=0, le=USERS_MAX)] = 0  # 0: the key is the user
    stream_ratio: Ratio = 1.0  # of calls; the rest wait for the whole answer
    input_tokens_max: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 4_000  # longer ones are cut
    output_tokens_max: Annotated[int, msgspec.Meta(ge=1, le=OUTPUT_MAX)] = 300  # of an answer


DEFAULT_TRAFFIC: Final[tuple[Traffic, ...]] = (
    Traffic(
        name="products",  # of companies, with a contract
        tier="enterprise",
        per_s=1.0,
        stream_ratio=0.7,
    ),
    Traffic(
        name="agents",  # loops of tool calls: one that breaks loses all of its work
        tier="enterprise",
        per_s=0.5,
        lengths="agentic",
        route=FRONTIER,
        turns=8,
        think_s=1.0,
    ),
    Traffic(name="apps", tier="standard", per_s=0.8, stream_ratio=0.8),
    Traffic(name="helpers", tier="standard", per_s=0.2, route=FAST),
    Traffic(
        name="subscribers",
        tier="standard",
        place=CHAT,
        per_s=0.3,
        client="person",
        turns=4,
        think_s=8.0,
        users=20,
    ),
    Traffic(
        name="people",
        tier="free",
        place=CHAT,
        per_s=0.5,
        client="person",
        turns=4,
        think_s=8.0,
        users=40,
    ),
    Traffic(
        name="hobbyists",
        tier="free",
        per_s=1.0,
        client="impatient",
        turns=5,
        think_s=5.0,
        users=200,
    ),
    Traffic(name="scripts", tier="free", per_s=0.2, route=FAST, client="naive", users=5),
    Traffic(
        name="nightly",
        tier="batch",
        per_s=0.5,
        client="patient",
        arrivals="azure_code",  # in bursts: minutes of none, and of several times the mean
        lengths="azure_code",
        stream_ratio=0.0,
    ),
)


def model_of(route: str, provider: str) -> str:
    """Return what a route is at one provider."""
    return MODELS[route][provider]
