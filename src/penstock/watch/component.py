"""Components: what a public page speaks of, and what a verdict is given for.

    surface   what people use: web chat, log-in, API, streaming, console ...
    route     an alias of the gateway's; it rests on models, and works while one of them does
    model     a provider and a family of its models: "anthropic", "claude-opus"
    shared    what several rest on: network and names, the status page itself

A surface that fails while everything that it rests on works is our own fault; one model of a
provider that fails alone is that model's; most models of one provider are the provider's.
"""

import enum

import msgspec


class Layer(enum.Enum):
    """What kind of thing a component is."""

    SURFACE = "surface"
    ROUTE = "route"
    MODEL = "model"
    SHARED = "shared"


class State(enum.Enum):
    """How a component is, in the words of status pages; unknown where nothing can be said."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"
    MAINTENANCE = "under_maintenance"
    UNKNOWN = "unknown"


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One component, as the watch sees it."""

    id: str  # opaque: 12 lower-case letters and digits
    name: str
    layer: Layer
    surface: str = ""  # of a surface: web, login, api, streaming, console, coding, batch
    provider: str = ""  # of a model
    family: str = ""  # of a model: claude-opus
    rests_on: tuple[str, ...] = ()  # ids; of a route and of surfaces: the models behind them
    # Without it, it fails only together with all that it rests on (a route with failover).
    fails_with_any: bool = False
