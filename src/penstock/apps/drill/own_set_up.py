"""A set-up made of a user's own configuration (``own.py``), and of their tenants.

callers   ask for the user's routes: those whose model is of the size that their traffic names
bound     without a gateway they ask the first upstream of the route, in its own dialect
tenants   of each tier the one with the largest weight, as the last snapshot has it; of a tier
          that has none, one of ours
limits    the quotas that are declared; none, where none are
money     what a route costs is what its models do that the user names, or their stand-ins
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from penstock.apps.drill.driving.plan import (
    DIALECTS,
    EMULATED_KEY,
    EMULATED_PATHS,
    GATEWAY_PATHS,
    OWN_DIALECTS,
    Place,
)
from penstock.apps.drill.own import Asked, Own
from penstock.apps.drill.set_up import TIERS, Emulated, Keys, Places
from penstock.apps.drill.whose import is_apart
from penstock.config.model import Config
from penstock.config.tenancy import Tenant, TierName
from penstock.sim.drills.shapes import Room
from penstock.sim.drills.traffic import Traffic

WORDS: Final = "{}, with every upstream played by an emulator"
UNCUT: Final = (
    "the whole outage in virtual time is watched at the components of a set-up like that of the "
    "detector's study, not at yours"
)


class OwnSetUp:
    """A user's configuration as a set-up of a drill."""

    def __init__(
        self, traffic: Sequence[Traffic], own: Own, tenants: Iterable[Tenant], name: str
    ) -> None:
        self._traffic = traffic
        self._own = own
        self.words = WORDS.format(name)
        self.limits = own.quotas()
        self.rooms: tuple[Room, ...] = own.rooms()
        self.models = own.models
        self.names = own.names
        self.apart = own.apart
        self.providers = own.providers
        self.has_engines = own.has_engines
        known = tuple(tenants)
        self.tenants = _by_tier(known)
        ours = [tier.value for tier in TIERS if self.tenants[tier].id == _made(tier).id]
        told = f"no tenant is {', '.join(ours)}: the drill brings one of each" if ours else ""
        self.notes = (*own.notes, *([told] if told else []), *_shared(known), UNCUT)

    def config(self, emulated: Emulated) -> Config:
        """Return the configuration with everything on."""
        return self._own.emulated(emulated)

    def bound_places(self, emulated: Emulated) -> Places:
        """Return where callers ask who are bound to one provider."""
        return {
            one.name: tuple(
                _bound(asked, emulated)
                for asked in self._own.of(one.route)
                for _ in DIALECTS  # as many as with a gateway: the same user draws the same route
            )
            for one in self._traffic
        }

    def gateway_places(self, gateway_url: str, keys: Keys) -> Places:
        """Return where callers of a gateway ask."""
        return {
            one.name: tuple(
                Place(
                    base_url=gateway_url + GATEWAY_PATHS[dialect],
                    dialect=dialect,
                    model=asked.model,
                    key=keys.secrets[one.tier],
                    tenant=keys.tenants[one.tier],
                    route=asked.model,
                    provider=asked.provider,
                )
                for asked in self._own.of(one.route)
                for dialect in DIALECTS
            )
            for one in self._traffic
            if one.tier in keys.secrets
        }


def _bound(asked: Asked, emulated: Emulated) -> Place:
    provider = asked.catalogue
    dialect = OWN_DIALECTS[provider]
    emulator = emulated.engines if is_apart(asked.provider) else emulated.providers
    return Place(
        base_url=emulator.url + EMULATED_PATHS[dialect],
        dialect=dialect,
        model=asked.bound_model,
        key=EMULATED_KEY,
        route=asked.model,
        provider=asked.provider,
    )


def _shared(tenants: Sequence[Tenant]) -> Iterator[str]:
    """Yield which tenant stands for several."""
    for tier, mine in _by_tier(tenants).items():
        count = sum(one.tier is tier for one in tenants)
        if count > 1:
            yield f'of {count} tenants of the {tier.value} tier "{mine.id}" makes all calls'


def _by_tier(tenants: Iterable[Tenant]) -> dict[TierName, Tenant]:
    known = sorted(tenants, key=lambda one: one.weight)  # the largest of a tier stays
    return {tier: _made(tier) for tier in TIERS} | {
        one.tier: one for one in known if one.tier in TIERS
    }


def _made(tier: TierName) -> Tenant:
    return Tenant(id=f"drill-{tier.value}", tier=tier)
