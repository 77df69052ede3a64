"""What a user states of a drill: what a minute costs, and how many people report when.

Money is in dollars, as people write it; the figures that come of it are in millionths.
"""

from typing import Annotated, Final, Literal

import msgspec

TIERS: Final = ("control", "enterprise", "standard", "free", "batch")
DOLLARS_MAX: Final = 1e9  # what is more is a slip of the pen
REQUESTS_MAX: Final = 1e9  # a minute; the same
PER_DOLLAR: Final = 1_000_000
REPORTS_MAX: Final = 100_000.0  # a minute: an order above the largest that is known

Dollars = Annotated[float, msgspec.Meta(ge=0.0, le=DOLLARS_MAX)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Steps = Annotated[tuple[tuple[Share, Share], ...], msgspec.Meta(max_length=10)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class TierTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tier is worth; what is not stated is not reckoned."""

    per_minute_usd: Dollars | None = None  # lost while nothing of the tier is served
    per_request_usd: Dollars | None = None  # lost with each request that is not answered
    requests_per_minute: Annotated[float, msgspec.Meta(gt=0.0, le=REQUESTS_MAX)] | None = (
        None  # of theirs; none: the drill's own calls stand for them
    )
    monthly_fee_usd: Dollars | None = None  # of the contract, which credits are a share of
    calculator: Literal["request_ratio", "interval_mean", "downtime_minutes"] = (
        "request_ratio"  # how the contract counts availability
    )
    credits: Steps = ((0.999, 0.10), (0.99, 0.25))  # below this availability, this share back

    @property
    def per_minute_microusd(self) -> int | None:
        """What a minute costs in which nothing is served."""
        return _microusd(self.per_minute_usd)

    @property
    def per_request_microusd(self) -> int | None:
        """What a request costs that is not served."""
        return _microusd(self.per_request_usd)

    @property
    def fee_microusd(self) -> int | None:
        """What is paid a month."""
        return _microusd(self.monthly_fee_usd)


class Impact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an outage costs the business, by tier."""

    enterprise: TierTerms = TierTerms()
    standard: TierTerms = TierTerms()
    free: TierTerms = TierTerms()
    batch: TierTerms = TierTerms()
    control: TierTerms = TierTerms()

    def of(self, tier: str) -> TierTerms:
        """Return what is stated of a tier; nothing of one that is not known."""
        known = {
            "enterprise": self.enterprise,
            "standard": self.standard,
            "free": self.free,
            "batch": self.batch,
            "control": self.control,
        }
        return known.get(tier, TierTerms())


class Wave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """People report that something fails; seconds from the begin of the first phase."""

    from_s: Seconds  # from the begin of the first phase
    to_s: Seconds  # the same
    per_min: Annotated[float, msgspec.Meta(gt=0.0, le=REPORTS_MAX)]  # reports a minute
    surfaces: tuple[str, ...] = ()  # that they complain of; none: those that fail


def _microusd(stated: float | None) -> int | None:
    return None if stated is None else round(stated * PER_DOLLAR)
