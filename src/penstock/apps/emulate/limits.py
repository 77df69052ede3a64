"""Rate limits of the emulated accounts: shown in headers always, held only where they are set.

One account is one credential at one provider. Requests and tokens each have a token bucket that
holds a minute's worth and fills evenly; tokens are charged when the request comes, input and output
together, because the emulator knows its answers beforehand.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import msgspec

ACCOUNTS_MAX: Final = 1_000  # the oldest goes; a test uses a handful
UNLIMITED: Final = 1_000_000  # what headers show where no limit is set
MINUTE_S: Final = 60.0


class RateLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one account may use of a provider in a minute; None is without limit."""

    requests_per_min: int | None = None
    tokens_per_min: int | None = None


@dataclass(frozen=True, slots=True)
class Gauge:
    """One limit as an account sees it: ``reset_s`` until it is whole again."""

    limit: int
    remaining: int
    reset_s: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands; ``retry_after_s`` is set if it must wait, for ``exhausted``."""

    requests: Gauge
    tokens: Gauge
    exhausted: str = ""
    retry_after_s: float = 0.0

    def spent(self, retry_after_s: float) -> "Standing":
        """Return it with nothing left, as a scripted 429 shows it."""
        requests, tokens = (
            Gauge(gauge.limit, 0, retry_after_s) for gauge in (self.requests, self.tokens)
        )
        return Standing(requests, tokens, "requests", retry_after_s)


FULL: Final = Gauge(UNLIMITED, UNLIMITED - 1, 0.0)
AT_EASE: Final = Standing(FULL, FULL)


class _Bucket:
    __slots__ = ("_at_s", "_level", "limit")

    def __init__(self, limit: int, now_s: float) -> None:
        self.limit = limit
        self._level = float(limit)
        self._at_s = now_s

    def fill(self, now_s: float) -> None:
        grown = (now_s - self._at_s) * self.limit / MINUTE_S
        self._level = min(float(self.limit), self._level + grown)
        self._at_s = now_s

    def missing_s(self, amount: float) -> float:
        """Return seconds until so much is there; more than all of it counts as all of it."""
        return max(0.0, min(amount, self.limit) - self._level) * MINUTE_S / self.limit

    def take(self, amount: float) -> None:
        self._level -= amount

    def gauge(self) -> Gauge:
        missing = self.limit - self._level
        return Gauge(self.limit, max(0, int(self._level)), missing * MINUTE_S / self.limit)


class RateLimits:
    """The accounts of all providers. Owned by one event loop."""

    def __init__(self, limits: dict[str, RateLimit]) -> None:
        self.limits = limits
        self._accounts: OrderedDict[tuple[str, bytes], dict[str, _Bucket]] = OrderedDict()

    def replace(self, limits: dict[str, RateLimit]) -> None:
        """Set other limits; every account starts anew."""
        self.limits = limits
        self._accounts.clear()

    def take(self, provider: str, credential: str, tokens: int, now_s: float) -> Standing:
        """Charge one request to an account, unless it must wait."""
        buckets = self._buckets(provider, credential, now_s)
        if not buckets:
            return AT_EASE
        amounts = {"requests": 1, "tokens": tokens}
        waits = {name: bucket.missing_s(amounts[name]) for name, bucket in buckets.items()}
        exhausted = max(waits, key=lambda name: waits[name])
        if not waits[exhausted]:
            exhausted = ""
            for name, bucket in buckets.items():
                bucket.take(amounts[name])
        gauges = {name: bucket.gauge() for name, bucket in buckets.items()}
        return Standing(
            gauges.get("requests", FULL),
            gauges.get("tokens", FULL),
            exhausted,
            waits[exhausted] if exhausted else 0.0,
        )

    def _buckets(self, provider: str, credential: str, now_s: float) -> dict[str, _Bucket]:
        limit = self.limits.get(provider)
        if limit is None:
            return {}
        account = (provider, hashlib.sha256(credential.encode()).digest())
        buckets = self._accounts.get(account)
        if buckets is None:
            sizes = {"requests": limit.requests_per_min, "tokens": limit.tokens_per_min}
            buckets = {name: _Bucket(size, now_s) for name, size in sizes.items() if size}
            self._accounts[account] = buckets
            if len(self._accounts) > ACCOUNTS_MAX:
                self._accounts.popitem(last=False)
        for bucket in buckets.values():
            bucket.fill(now_s)
        return buckets
