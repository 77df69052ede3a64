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

from penstock.core.token_bucket import TokenBucket

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


class _Meter:
    """One limit of one account: a bucket that holds a minute's worth."""

    __slots__ = ("_bucket", "_limit")

    def __init__(self, limit: int, now_s: float) -> None:
        self._limit = limit
        self._bucket = TokenBucket(limit / MINUTE_S, limit, now_s)

    def missing_s(self, amount: float, now_s: float) -> float:
        """Return seconds until so much is there; more than all of it counts as all of it."""
        missing = min(amount, self._limit) - self._bucket.level(now_s)
        return max(0.0, missing) * MINUTE_S / self._limit

    def take(self, amount: float, now_s: float) -> None:
        """Charge so much; the caller has seen that it is there."""
        self._bucket.try_take(min(amount, self._limit), now_s)

    def gauge(self, now_s: float) -> Gauge:
        level = self._bucket.level(now_s)
        return Gauge(self._limit, int(level), (self._limit - level) * MINUTE_S / self._limit)


class RateLimits:
    """The accounts of all providers. Owned by one event loop."""

    def __init__(self, limits: dict[str, RateLimit]) -> None:
        self.limits = limits
        self._accounts: OrderedDict[tuple[str, bytes], dict[str, _Meter]] = OrderedDict()

    def replace(self, limits: dict[str, RateLimit]) -> None:
        """Set other limits; every account starts anew."""
        self.limits = limits
        self._accounts.clear()

    def take(self, provider: str, credential: str, tokens: int, now_s: float) -> Standing:
        """Charge one request to an account, unless it must wait."""
        meters = self._meters(provider, credential, now_s)
        if not meters:
            return AT_EASE
        amounts = {"requests": 1, "tokens": tokens}
        waits = {name: meter.missing_s(amounts[name], now_s) for name, meter in meters.items()}
        exhausted = max(waits, key=lambda name: waits[name])
        if not waits[exhausted]:
            exhausted = ""
            for name, meter in meters.items():
                meter.take(amounts[name], now_s)
        gauges = {name: meter.gauge(now_s) for name, meter in meters.items()}
        return Standing(
            gauges.get("requests", FULL),
            gauges.get("tokens", FULL),
            exhausted,
            waits[exhausted] if exhausted else 0.0,
        )

    def _meters(self, provider: str, credential: str, now_s: float) -> dict[str, _Meter]:
        limit = self.limits.get(provider)
        if limit is None:
            return {}
        account = (provider, hashlib.sha256(credential.encode()).digest())
        meters = self._accounts.get(account)
        if meters is None:
            sizes = {"requests": limit.requests_per_min, "tokens": limit.tokens_per_min}
            meters = {name: _Meter(size, now_s) for name, size in sizes.items() if size}
            self._accounts[account] = meters
            if len(self._accounts) > ACCOUNTS_MAX:
                self._accounts.popitem(last=False)
        return meters
