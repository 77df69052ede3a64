"""The set-up that a drill brings along: Claude, GPT and Gemini, all emulated, in own dialects.

routes   one for each that the traffic asks for: whom its callers are bound to comes first, the
         other two follow; a break is gone on with
tenants  one of each tier; enterprise has a contract that its traffic stays within
limits   survivors carry the contracts when one provider fails (``sizing``), and the gateway
         knows: they are its upstreams' quotas
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from penstock.apps.drill import sizing
from penstock.apps.drill.driving import plan
from penstock.apps.drill.set_up import DRAIN_S, TIERS, Emulated, Keys, Places
from penstock.config.model import (
    Config,
    DialectName,
    Gateway,
    OnBreak,
    Quota,
    Route,
    Target,
    Upstream,
)
from penstock.config.tenancy import Contract, Tenant, TierName
from penstock.sim.drills.shapes import Room
from penstock.sim.drills.traffic import MODELS, Traffic, model_of
from penstock.sim.drills.truth import NOBODY

WORDS: Final = "the set-up that a drill brings along: three providers, all emulated"
CONTRACT: Final = Contract(tokens_per_min=10_000_000)  # beyond what the drill's own traffic asks
# Provider -> its upstream's dialect, the emulator's surface, and what follows it.
PROVIDERS: Final[Mapping[str, tuple[DialectName, str, str]]] = MappingProxyType(
    {
        "claude": (DialectName.ANTHROPIC_MESSAGES, "claude", ""),
        "gpt": (DialectName.OPENAI_CHAT, "gpt", ""),
        "gemini": (DialectName.GEMINI_GENERATE, "gemini_native", "/v1beta"),
    }
)


class Brought:
    """A set-up that follows from the traffic; callers are bound to ``struck`` unless they say."""

    words = WORDS
    notes: tuple[str, ...] = ()
    has_engines = False
    models = MODELS
    names: Mapping[str, str] = MappingProxyType({})
    apart = NOBODY

    def __init__(
        self, traffic: Sequence[Traffic], struck: str, mean_tokens: Callable[[Traffic], float]
    ) -> None:
        self._traffic = traffic
        self._struck = struck
        asked = [
            sizing.Asked(one.tier, one.provider or struck, one.per_s, mean_tokens(one))
            for one in traffic
        ]
        self.limits = sizing.limits(asked, struck, tuple(PROVIDERS))
        self.rooms: tuple[Room, ...] = sizing.rooms(self.limits)
        self.providers = {name: name for name in PROVIDERS}
        self.tenants = {
            tier: Tenant(
                id=tier.value,
                tier=tier,
                contract=CONTRACT if tier is TierName.ENTERPRISE else None,
            )
            for tier in TIERS
        }

    def config(self, emulated: Emulated) -> Config:
        """Return the configuration with everything on."""
        urls = emulated.providers.urls
        return Config(
            gateway=Gateway(drain_s=DRAIN_S),
            upstreams=tuple(
                Upstream(
                    name=name,
                    dialect=dialect,
                    base_url=urls[surface] + more,
                    api_key_file=emulated.key_files[name],
                    quota=Quota(**self.limits[name]),
                )
                for name, (dialect, surface, more) in PROVIDERS.items()
            ),
            routes=tuple(self._routes()),
        )

    def bound_places(self, emulated: Emulated) -> Places:
        """Return where callers ask who are bound to one provider."""
        return plan.bound_places(self._traffic, emulated.providers.url, self._struck)

    def gateway_places(self, gateway_url: str, keys: Keys) -> Places:
        """Return where callers of a gateway ask: each class its own route."""
        known = {tier: (keys.tenants[tier], secret) for tier, secret in keys.secrets.items()}
        places = plan.gateway_places(self._traffic, gateway_url, known, self._struck)
        return {
            one.name: tuple(replace(place, model=self.route_of(one)) for place in places[one.name])
            for one in self._traffic
            if one.name in places
        }

    def route_of(self, traffic: Traffic) -> str:
        """Return the gateway's route of a class of callers."""
        provider = traffic.provider or self._struck
        return traffic.route if provider == self._struck else f"{traffic.route}-{provider}"

    def _routes(self) -> list[Route]:
        wanted = {
            self.route_of(one): (one.route, one.provider or self._struck) for one in self._traffic
        }
        return [
            Route(
                name=name,
                targets=tuple(
                    Target(upstream=provider, model=model_of(route, provider))
                    for provider in (first, *(one for one in PROVIDERS if one != first))
                ),
                on_break=OnBreak.CONTINUE,
            )
            for name, (route, first) in wanted.items()
        ]
