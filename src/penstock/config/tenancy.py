"""Who may do what: tenants with their tiers, contracts and limits, as ``keys.toml`` has them.

    tier       how high the tenant's exchanges may stand; its keys may stand lower
    contract   what is owed to an enterprise tenant: within it strict priority, beyond it one tier
               lower
    limits     what a tenant or a key may not exceed: beyond it 429
    price      what a model costs, so that budgets mean something; ``prices.toml`` has them

None is without limit. Money is in micro-dollars; a dollar per million tokens is a million of them.
"""

import enum

import msgspec

from penstock.config.struct import Struct


class TierName(enum.Enum):
    """The tiers by name (``core.tier``)."""

    CONTROL = "control"
    ENTERPRISE = "enterprise"
    STANDARD = "standard"
    FREE = "free"
    BATCH = "batch"


class Contract(Struct, frozen=True, kw_only=True):
    """What is owed to a tenant, all at once; what is None is not bounded."""

    tokens_per_min: int | None = None  # input and output together
    requests_per_min: int | None = None
    concurrency: int | None = None  # exchanges under way at once


class Limits(Struct, frozen=True, kw_only=True):
    """What a tenant or a key may not exceed."""

    requests_per_min: int | None = None
    tokens_per_min: int | None = None  # input and output together
    concurrency: int | None = None  # exchanges under way at once, those that wait included
    budget_day_microusd: int | None = None  # of a day of UTC
    budget_month_microusd: int | None = None  # of a month of UTC

    @property
    def is_empty(self) -> bool:
        """Whether nothing is limited."""
        return self == NO_LIMITS


class Tenant(Struct, frozen=True, kw_only=True):
    """Whoever has the contract that keys belong to."""

    id: str
    tier: TierName = TierName.STANDARD  # the highest of its exchanges
    weight: float = 1.0  # share inside a tier, relative to the other tenants
    contract: Contract | None = None  # of an enterprise tenant; None: nothing is ever beyond it
    limits: Limits = Limits()
    may_degrade_model: bool = False  # under load a smaller model may answer, and says so
    ttft_timeout_s: float | None = None  # deadline for the first token, in the queue's order


class Price(Struct, frozen=True, kw_only=True):
    """What an upstream's model costs: a million tokens of each kind, and a request."""

    model: str  # as the upstream calls it, or a prefix that ends in *
    input_microusd: int = 0
    output_microusd: int = 0
    cached_microusd: int | None = None  # read from a prompt cache; None: as input
    cache_write_microusd: int | None = None  # written to one; None: as input
    request_microusd: int = 0
    reasoning_microusd: int | None = None  # output that is not shown; None: as output
    tier_ratios: dict[str, float] = msgspec.field(
        default_factory=dict
    )  # multipliers by tier, as batch = 0.5; missing: 1


NO_LIMITS = Limits()
