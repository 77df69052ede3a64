"""What the arms of a drill are made of, whoever's configuration it is.

    a set-up    the configuration with everything on, once the emulators' addresses are known;
                tenants with keys; where callers ask, with a gateway and without
    plain       what is left of a configuration that fails over and no more: the same routes and
                upstreams; one tier for all, an error at a break, static limits

The one that a drill brings along is ``brought.py``, a user's own ``own.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from penstock.apps.drill.driving.plan import Place
from penstock.config.model import Admission, Config, Gateway, Ladder, OnBreak, Quota
from penstock.config.operations import Control
from penstock.config.tenancy import Tenant, TierName
from penstock.config.watching import Status
from penstock.sim.drills.shapes import Room
from penstock.sim.drills.truth import Apart
from penstock.snapshot.keys import Book, new_key, sha256
from penstock.snapshot.model import Key

DRAIN_S: Final = 2.0  # at the end nobody waits for an answer any more
STATIC: Final = 1000  # slots that are never fewer: as a proxy without a limiter of its own
TIERS: Final = (TierName.ENTERPRISE, TierName.STANDARD, TierName.FREE, TierName.BATCH)
ONE_FOR_ALL: Final = "callers"
LOW: Final = frozenset({TierName.FREE, TierName.BATCH})  # whose keys stand for many users
Limits = Mapping[str, Mapping[str, int]]  # provider -> requests_per_min, tokens_per_min
Places = Mapping[str, Sequence[Place]]  # by the name of a class of traffic


@dataclass(frozen=True, slots=True)
class Emulator:
    """Where an emulator is."""

    url: str
    urls: Mapping[str, str]  # by surface


@dataclass(frozen=True, slots=True)
class Emulated:
    """Who plays the upstreams of an arm, and the files of the keys that they are shown."""

    providers: Emulator
    engines: Emulator  # who does not fail; the providers again, if nobody needs one
    key_files: Mapping[str, str]  # by upstream


@dataclass(frozen=True, slots=True)
class Keys:
    """Callers' keys by tier; the book holds their hashes, with their tenants."""

    book: Book
    secrets: Mapping[str, str]
    tenants: Mapping[str, str]  # tier -> whose key it is


class SetUp(Protocol):
    """What a drill's arms are made of."""

    @property
    def words(self) -> str:
        """Whose configuration it is."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as its owner has it."""
        ...

    @property
    def limits(self) -> Limits:
        """What accounts at the emulated providers may use."""
        ...

    @property
    def rooms(self) -> tuple[Room, ...]:
        """What each provider takes when it is well."""
        ...

    @property
    def providers(self) -> Mapping[str, str]:
        """Whose each upstream is: claude, gpt, gemini, own."""
        ...

    @property
    def models(self) -> Mapping[str, Mapping[str, str]]:
        """What each route asks for, by whose it is: what answers cost."""
        ...

    @property
    def names(self) -> Mapping[str, str]:
        """What the owner calls a model that is played by this one."""
        ...

    @property
    def apart(self) -> Apart:
        """Which models do not fail with the provider whose they are."""
        ...

    @property
    def has_engines(self) -> bool:
        """Whether an emulator that does not fail is needed."""
        ...

    @property
    def tenants(self) -> Mapping[TierName, Tenant]:
        """Whom the callers of each tier belong to."""
        ...

    def config(self, emulated: Emulated) -> Config:
        """Return the configuration with everything on."""
        ...

    def bound_places(self, emulated: Emulated) -> Places:
        """Return where callers ask who are bound to one provider."""
        ...

    def gateway_places(self, gateway_url: str, keys: Keys) -> Places:
        """Return where callers of a gateway ask."""
        ...


def plain(config: Config) -> Config:
    """Return a configuration that fails over, and no more."""
    return Config(
        gateway=Gateway(drain_s=DRAIN_S),
        timeouts=config.timeouts,
        admission=Admission(ladder=Ladder(is_enabled=False), preempts=False),
        upstreams=tuple(
            msgspec.structs.replace(
                one, is_adaptive=False, concurrency_max=STATIC, quota=Quota(), itl_goal_s=None
            )
            for one in config.upstreams
        ),
        routes=tuple(msgspec.structs.replace(one, on_break=OnBreak.ERROR) for one in config.routes),
        control=Control(is_enabled=False),
        status=Status(is_enabled=False),
    )


def tiered_keys(tenants: Mapping[TierName, Tenant]) -> Keys:
    """Return a fresh key for a tenant of each tier."""
    return _keys(tuple(tenants.values()), {tier: one.id for tier, one in tenants.items()})


def equal_keys() -> Keys:
    """Return a fresh key for each tier; all belong to one tenant, and none comes first."""
    return _keys((Tenant(id=ONE_FOR_ALL),), dict.fromkeys(TIERS, ONE_FOR_ALL))


def _keys(tenants: tuple[Tenant, ...], tenant_of: Mapping[TierName, str]) -> Keys:
    secrets = {tier: new_key() for tier in tenant_of}
    made = tuple(
        Key(
            id=f"drill-{tier.value}",
            tenant=tenant,
            sha256=sha256(secrets[tier]),
            may_assert_user=tier in LOW,
        )
        for tier, tenant in tenant_of.items()
    )
    return Keys(
        Book(keys=made, tenants=tenants),
        {tier.value: secret for tier, secret in secrets.items()},
        {tier.value: tenant for tier, tenant in tenant_of.items()},
    )
