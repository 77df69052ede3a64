"""What the data plane needs to know, in one file: configuration, keys, tenants and prices."""

import msgspec

from penstock.config.model import Config
from penstock.config.tenancy import NO_LIMITS, Limits, Price, Tenant, TierName

FORMAT = 1


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A caller's credential: the SHA-256 of it in hex, never the key itself."""

    id: str
    tenant: str
    sha256: str
    routes: tuple[str, ...] = ()  # empty: all routes
    may_keep: bool = True  # its answers may be held in memory, if it asks for that
    tier_max: TierName | None = None  # lower than its tenant's, if it is to be
    may_assert_user: bool = False  # says by x-penstock-user for whom it asks
    limits: Limits = NO_LIMITS
    expires_unix_s: float | None = None  # from then on it is refused; None: never


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A consistent state of everything; ``version`` only grows."""

    version: int
    built_unix_s: float
    config: Config
    keys: tuple[Key, ...]
    tenants: tuple[Tenant, ...] = ()  # a key's tenant that is not here is a standard one
    prices: tuple[Price, ...] = ()  # a model that is not here costs nothing
    is_emulated: bool = False  # the upstreams are stand-ins, and every surface says so
