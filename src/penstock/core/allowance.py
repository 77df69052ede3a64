"""Allowance: what one key or one tenant may not exceed, and what it has used of it.

    requests/min, tokens/min   token buckets that hold a minute's worth, and start full: over any
                               t seconds at most limit x (1 + t/60), as Anthropic's API has it
    concurrency                exchanges under way at once
    day, month                 money in micro-dollars, by UTC's calendar

The whole life of an exchange here; there are no other moves:

    enter      every dimension has room -> the estimates are reserved in all of them
               one has none             -> nothing is taken; denied: which, and until when
    settle     while it streams and at its end: what is reserved becomes what was used
    leave      settled, and the place comes back; the purse spends, in the day and month of now
    withdraw   as if it had not been: it was refused elsewhere, or shed before it was dialled

What is reserved never exceeds a limit. What was used beyond its reserve is owed: nobody enters
before it has flowed in. An exchange larger than a whole minute's tokens enters when the bucket is
full, and owes the rest. A budget admits while anything is left of it, so it may go one exchange
below zero, and then stops hard (TIERING 7.2). All is counted without a limit too, so that a limit
which comes later knows what is under way and what this day has cost.

Pure: reads no clock. ``now_s`` is monotonic seconds, ``now_unix_s`` is wall time; a wall clock that
is set back opens no new day.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from penstock.core.calendar import DAY_S, month_of
from penstock.core.token_bucket import TokenBucket

MINUTE_S: Final = 60.0
CONCURRENCY_RETRY_S: Final = 1.0  # nobody knows when one ends; the least that SDKs are told

REQUESTS: Final = "requests_per_min"
TOKENS: Final = "tokens_per_min"
CONCURRENCY: Final = "concurrency"
DAY: Final = "budget_day_microusd"
MONTH: Final = "budget_month_microusd"


class Bounds(Protocol):
    """The limits (``config.tenancy.Limits``); None: not limited."""

    @property
    def requests_per_min(self) -> int | None:
        """Exchanges begun."""
        ...

    @property
    def tokens_per_min(self) -> int | None:
        """Input and output together."""
        ...

    @property
    def concurrency(self) -> int | None:
        """Exchanges under way at once."""
        ...

    @property
    def budget_day_microusd(self) -> int | None:
        """Of a day of UTC."""
        ...

    @property
    def budget_month_microusd(self) -> int | None:
        """Of a month of UTC."""
        ...


class Denial(NamedTuple):
    """Which limit stands in the way, what is left of it, and when there is enough again."""

    dimension: str
    limit: int
    remaining: int
    retry_after_s: float


class Remaining(NamedTuple):
    """What is left of one limit; ``reset_s`` is until all of it is back, if unused."""

    dimension: str
    limit: int
    remaining: int
    reset_s: float


class Allowance:
    """The limits of one key or tenant. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_bounds", "_concurrency_max", "_requests", "_tokens", "_tokens_max", "in_flight",
        "is_limited", "purse", "reserved_tokens",
    )  # fmt: skip

    def __init__(self, bounds: Bounds, now_s: float) -> None:
        self.in_flight = 0
        self.reserved_tokens = 0
        self.purse = Purse()
        self._requests: TokenBucket | None = None
        self._tokens: TokenBucket | None = None
        self.use(bounds, now_s)

    def use(self, bounds: Bounds, now_s: float) -> None:
        """Take new limits; what has been used of the old ones still counts."""
        self._bounds = bounds
        self._requests = _turned(self._requests, bounds.requests_per_min, self.in_flight, now_s)
        self._tokens = _turned(self._tokens, bounds.tokens_per_min, self.reserved_tokens, now_s)
        self._tokens_max = bounds.tokens_per_min or 0
        self._concurrency_max = math.inf if bounds.concurrency is None else bounds.concurrency
        self.purse.use(bounds.budget_day_microusd, bounds.budget_month_microusd)
        limits = (bounds.requests_per_min, bounds.tokens_per_min, bounds.concurrency)
        self.is_limited = self.purse.is_limited or any(limit is not None for limit in limits)

    def try_enter(
        self, tokens: int, microusd: int, now_s: float, now_unix_s: float
    ) -> Denial | None:
        """Reserve the estimates in every dimension, or say what stands in the way. Never waits."""
        requests, bucket, purse = self._requests, self._tokens, self.purse
        if (
            self.in_flight >= self._concurrency_max
            or (requests is not None and requests.level(now_s) < 1.0)
            or (bucket is not None and bucket.level(now_s) < min(tokens, self._tokens_max))
            or (purse.is_limited and not purse.has_left(now_unix_s))
        ):
            return self._denial(tokens, now_s, now_unix_s)
        if requests is not None:
            requests.left -= 1.0
        if bucket is not None:
            bucket.left -= tokens
        self.in_flight += 1
        self.reserved_tokens += tokens
        if microusd:
            purse.reserved += microusd
        return None

    def settle(self, reserved: int, actual: int, more_microusd: int, now_s: float) -> None:
        """Turn so many reserved tokens into so many used ones; ``more_microusd`` may be below 0."""
        self.purse.reserved += more_microusd
        self.reserved_tokens += actual - reserved
        if self._tokens is not None:
            self._tokens.settle(reserved, actual, now_s)

    def leave(self, reserved: int, actual: int, now_s: float) -> None:
        """Give the place back, once an exchange; of what is reserved so much was used."""
        self.in_flight -= 1
        self.reserved_tokens -= reserved
        if self._tokens is not None:
            self._tokens.settle(reserved, actual, now_s)

    def withdraw(self, tokens: int, microusd: int) -> None:
        """Undo an entry as if it had not been."""
        self.in_flight -= 1
        self.reserved_tokens -= tokens
        self.purse.reserved -= microusd
        if self._requests is not None:
            self._requests.put(1.0)
        if self._tokens is not None:
            self._tokens.put(tokens)

    def remaining(self, now_s: float, now_unix_s: float) -> list[Remaining]:
        """Return what is left of every limit that there is."""
        found: list[Remaining] = []
        bounds = self._bounds
        if bounds.requests_per_min is not None and self._requests is not None:
            found.append(_of_bucket(REQUESTS, bounds.requests_per_min, self._requests, now_s))
        if bounds.tokens_per_min is not None and self._tokens is not None:
            found.append(_of_bucket(TOKENS, bounds.tokens_per_min, self._tokens, now_s))
        if bounds.concurrency is not None:
            left = max(0, bounds.concurrency - self.in_flight)
            found.append(Remaining(CONCURRENCY, bounds.concurrency, left, 0.0))
        found += self.purse.remaining(now_unix_s)
        return found

    def _denial(self, tokens: int, now_s: float, now_unix_s: float) -> Denial | None:
        """Return the limit that takes longest, of those that have no room."""
        bounds = self._bounds
        worst: Denial | None = None
        if self._requests is not None and bounds.requests_per_min is not None:
            worst = _of_level(REQUESTS, bounds.requests_per_min, self._requests, 1, now_s)
        if self._tokens is not None and bounds.tokens_per_min is not None:
            found = _of_level(TOKENS, bounds.tokens_per_min, self._tokens, tokens, now_s)
            worst = _longer(worst, found)
        places = bounds.concurrency
        if places is not None and self.in_flight >= places:
            worst = _longer(worst, Denial(CONCURRENCY, places, 0, CONCURRENCY_RETRY_S))
        return _longer(worst, self.purse.denial(now_unix_s))


class Purse:
    """The money of one key or tenant, by day and month of UTC, in micro-dollars.

    What an exchange costs belongs to the day in which it ends; until then it is reserved, and
    counts against every day.
    """

    __slots__ = (
        "_day", "_day_ends_s", "_day_max", "_month", "_month_ends_s", "_month_max", "day_spent",
        "is_limited", "month_spent", "reserved",
    )  # fmt: skip

    def __init__(self) -> None:
        self.day_spent = 0
        self.month_spent = 0
        self.reserved = 0
        self._day = 0  # of the Unix epoch
        self._month = 0  # months since the year 0
        self._day_ends_s = 0.0
        self._month_ends_s = 0.0
        self.use(None, None)

    def use(self, day_max: int | None, month_max: int | None) -> None:
        """Take new budgets; what has been spent stays."""
        self._day_max = day_max
        self._month_max = month_max
        self.is_limited = day_max is not None or month_max is not None

    def has_left(self, now_unix_s: float) -> bool:
        """Tell whether anything is left of every budget."""
        if now_unix_s >= self._day_ends_s:
            self._turn(now_unix_s)
        day, month = self._day_max, self._month_max
        return (day is None or self.day_spent + self.reserved < day) and (
            month is None or self.month_spent + self.reserved < month
        )

    def spend(self, reserved: int, microusd: int, now_unix_s: float) -> None:
        """Turn reserved money into spent money."""
        self.reserved -= reserved
        if now_unix_s >= self._day_ends_s:
            self._turn(now_unix_s)
        self.day_spent += microusd
        self.month_spent += microusd

    def denial(self, now_unix_s: float) -> Denial | None:
        """Return the budget of which nothing is left, the month's before the day's."""
        for one in reversed(self.remaining(now_unix_s)):
            if one.remaining <= 0:
                return Denial(one.dimension, one.limit, 0, one.reset_s)
        return None

    def remaining(self, now_unix_s: float) -> list[Remaining]:
        """Return what is left of the budgets that there are."""
        self._turn(now_unix_s)
        found: list[Remaining] = []
        if self._day_max is not None:
            left = max(0, self._day_max - self.day_spent - self.reserved)
            found.append(Remaining(DAY, self._day_max, left, self._day_ends_s - now_unix_s))
        if self._month_max is not None:
            left = max(0, self._month_max - self.month_spent - self.reserved)
            found.append(Remaining(MONTH, self._month_max, left, self._month_ends_s - now_unix_s))
        return found

    def state(self, now_unix_s: float) -> dict[str, int]:
        """Return what a restart must keep; what is reserved counts as spent, for it may be."""
        self._turn(now_unix_s)
        return {
            "day": self._day,
            "day_microusd": self.day_spent + self.reserved,
            "month": self._month,
            "month_microusd": self.month_spent + self.reserved,
        }

    def restore(self, state: Mapping[str, float], now_unix_s: float) -> None:
        """Add what an earlier process had spent, as far as it is of this day and month."""
        self._turn(now_unix_s)
        if state.get("day") == self._day:
            self.day_spent += int(state.get("day_microusd", 0))
        if state.get("month") == self._month:
            self.month_spent += int(state.get("month_microusd", 0))

    def _turn(self, now_unix_s: float) -> None:
        """Begin a new day, and a new month, when the old one is over."""
        if now_unix_s < self._day_ends_s:
            return
        self._day = int(now_unix_s // DAY_S)
        self._day_ends_s = float((self._day + 1) * DAY_S)
        self.day_spent = 0
        if now_unix_s < self._month_ends_s:
            return
        self._month, ends_day = month_of(self._day)
        self._month_ends_s = float(ends_day * DAY_S)
        self.month_spent = 0


def _turned(
    bucket: TokenBucket | None, per_min: int | None, out: int, now_s: float
) -> TokenBucket | None:
    """Return the bucket at another limit; a new one lacks what is out, which may come back."""
    if per_min is None:
        return None
    if bucket is None:
        bucket = TokenBucket(per_min / MINUTE_S, per_min, now_s)
        bucket.take(out, now_s)
    else:
        bucket.use(per_min / MINUTE_S, per_min, now_s)
    return bucket


def _of_level(
    dimension: str, limit: int, bucket: TokenBucket, wanted: int, now_s: float
) -> Denial | None:
    """Return a denial if a bucket holds too little; more than a whole one is never asked of it."""
    needed = min(wanted, limit)
    level = bucket.level(now_s)
    if level >= needed:
        return None
    remaining = max(0, math.floor(level))
    return Denial(dimension, limit, remaining, bucket.wait_s(needed, now_s))


def _of_bucket(dimension: str, limit: int, bucket: TokenBucket, now_s: float) -> Remaining:
    remaining = max(0, math.floor(bucket.level(now_s)))
    return Remaining(dimension, limit, remaining, bucket.wait_s(limit, now_s))


def _longer(one: Denial | None, other: Denial | None) -> Denial | None:
    if one is None or other is None:
        return one or other
    return one if one.retry_after_s >= other.retry_after_s else other
