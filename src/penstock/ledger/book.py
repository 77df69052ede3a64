"""What operators own, as it is stored: tenants, keys and prices with what only control needs.

The gateway's part of an entry is a struct of ``config.tenancy`` or ``snapshot.model`` and goes into
the snapshot as it is; what stands beside it never does.
"""

import msgspec

from penstock.config.struct import Struct
from penstock.config.tenancy import Tenant
from penstock.snapshot.model import Key


class SlaTerms(Struct, frozen=True, kw_only=True):
    """What a tenant is promised by the month, and what it gets back if that is not kept."""

    calculator: str = "request_ratio"  # core.sla: how availability is counted
    target_ratio: float = 0.999
    credits: tuple[tuple[float, float], ...] = ((0.999, 0.10), (0.99, 0.25))  # below -> share back
    ttft_s: float | None = None  # latency clause: so fast ...
    ttft_ratio: float = 0.99  # ... for this share of answers
    speed_per_s: float | None = None  # output tokens a second
    speed_ratio: float = 0.99
    latency_credit_ratio: float = 0.10  # back if the latency clause is missed
    fee_microusd: int | None = None  # a month's fixed fee; none: what was charged


class TenantEntry(Struct, frozen=True, kw_only=True):
    """A tenant and what only operators see of it."""

    tenant: Tenant
    name: str = ""  # for people; empty: the id
    note: str = ""
    sla: SlaTerms | None = None


class KeyEntry(Struct, frozen=True, kw_only=True):
    """A key and its life. The key itself is shown once and kept nowhere."""

    key: Key
    hint: str = ""  # its first characters, to tell keys apart
    note: str = ""
    revoked_unix_s: float = 0.0  # 0: it is not
    replaced_by: str = ""  # after a rotation: both work until this one expires


class Rate(Struct, frozen=True, kw_only=True):
    """What a model costs from a day on: micro-dollars a million tokens, and a request."""

    model: str  # as the upstream calls it, or a prefix that ends in *
    upstream: str = ""  # empty: at any
    from_day: str = "1970-01-01"  # in UTC
    input_microusd: int = 0
    output_microusd: int = 0
    cached_microusd: int | None = None  # none: as input
    cache_write_microusd: int | None = None  # none: as input
    reasoning_microusd: int | None = None  # none: as output
    request_microusd: int = 0
    tier_ratios: dict[str, float] = msgspec.field(
        default_factory=dict
    )  # multipliers by tier, as batch = 0.5; missing: 1
    source: str = ""  # where the price was read, and when


class PriceList(Struct, frozen=True, kw_only=True):
    """All prices of one version.

    ``costs`` is what providers take; ``charges`` what tenants pay, where that differs. A model
    without a charge is charged its cost times ``markup_ratio``.
    """

    costs: tuple[Rate, ...] = ()
    charges: tuple[Rate, ...] = ()
    markup_ratio: float = 1.0


class Versioned(msgspec.Struct, frozen=True):
    """A price list with its version; 0 is the list that ships with us."""

    version: int
    prices: PriceList
