"""Contract meter: whether what an enterprise tenant asks for is within what it is owed.

What is within is served strictly first; what is beyond falls one tier and takes nothing from the
meter, so that overage never eats the contract. The whole meter; there are no other moves:

    enter, in every dimension there is credit  -> within: tokens, a request and a place are taken
    enter, one dimension has none              -> beyond: nothing is taken
    settle                                     -> what was taken too much comes back, what was
                                                  taken too little is taken now
    leave                                      -> settled, and the place comes back; the request
                                                  does not

Tokens may be entered while their level is above zero, so it may go one exchange below (TIERING
7.2). Asking for the whole size instead would let small exchanges slip past large ones when the
level is low, and a tenant at ten times its contract get a quarter of its traffic through.

Burst and headroom. At exactly its contracted rate a tenant's level is a random walk, and any finite
burst is left now and then: the share beyond is (c_a + c_s)/2N, with the squared coefficients of
variation of gaps and sizes, and N exchanges in a burst (reflected Brownian motion). So the meter
fills at 1.05 times the rate, which the factor of the rule of contracts has room for
(``core.survival``), and holds a minute's worth, as the contract's own words say, but at least 256
usual exchanges, and at most five minutes' worth; that much until it knows what is usual. Computed,
gaps with an SCV of 1 and 4, sizes 0.6: below 0.01 % beyond from 100 exchanges a minute on; at 60,
0.00 and 0.01 %; at 20, 0.01 and 0.6 %, since five minutes are no longer enough there. At ten times
its contract 10.5 to 11 % are within.

Pure: reads no clock. ``now_s`` is monotonic seconds, from whoever drives us.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from penstock.core.token_bucket import TokenBucket

MINUTE_S: Final = 60.0
HEADROOM: Final = 1.05  # of the contracted rate; see above
BURST_EXCHANGES: Final = 256
BURST_MIN_S: Final = 60.0
BURST_MAX_S: Final = 300.0  # a tenant that was idle overnight is not owed all of it at once
LEARNED_MAX: Final = 256  # exchanges that the usual size is the mean of, the older the less
TURN_EXCHANGES: Final = 16  # once so many are known, the burst follows their mean as often


class Owed(Protocol):
    """What a contract says (``config.tenancy.Contract``); None: not bounded."""

    @property
    def tokens_per_min(self) -> int | None:
        """Input and output together."""
        ...

    @property
    def requests_per_min(self) -> int | None:
        """Exchanges begun."""
        ...

    @property
    def concurrency(self) -> int | None:
        """Exchanges under way at once."""
        ...


class ContractMeter:
    """What one tenant is owed. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_concurrency", "_ended", "_learned", "_mean_tokens", "_requests", "_tokens",
        "_tokens_per_s", "in_flight",
    )  # fmt: skip

    def __init__(self, owed: Owed, now_s: float) -> None:
        self.in_flight = 0
        self._learned = 0
        self._ended = 0
        self._mean_tokens = 0.0
        self._tokens: TokenBucket | None = None
        self._requests: TokenBucket | None = None
        self.use(owed, now_s)

    def use(self, owed: Owed, now_s: float) -> None:
        """Take new terms; what is under way and how full the meter is stay."""
        self._concurrency = owed.concurrency
        per_s = self._tokens_per_s = (owed.tokens_per_min or 0) / MINUTE_S
        self._tokens = _turned(self._tokens, per_s, self._burst_tokens(), now_s)
        per_s = (owed.requests_per_min or 0) / MINUTE_S
        self._requests = _turned(self._requests, per_s, _burst(per_s, 1.0), now_s)

    def try_enter(self, tokens: int, now_s: float) -> bool:
        """Take tokens, a request and a place if this is within the contract. Never waits."""
        if self._concurrency is not None and self.in_flight >= self._concurrency:
            return False
        bucket = self._tokens
        if bucket is not None and bucket.level(now_s) <= 0:
            return False
        if self._requests is not None and not self._requests.try_take(1.0, now_s):
            return False
        if bucket is not None:
            bucket.left -= tokens
        self.in_flight += 1
        return True

    def settle(self, reserved: int, actual: int, now_s: float) -> None:
        """Correct what was taken to what was used, so far or in the end."""
        if self._tokens is not None:
            self._tokens.settle(reserved, actual, now_s)

    def leave(self, reserved: int, actual: int, now_s: float) -> None:
        """Settle and give the place back, once an exchange; what it used is learned."""
        self.in_flight -= 1
        bucket = self._tokens
        if bucket is None:
            return
        bucket.settle(reserved, actual, now_s)
        if actual <= 0:
            return
        learned = self._learned
        if learned < LEARNED_MAX:
            learned = self._learned = learned + 1
        self._mean_tokens += (actual - self._mean_tokens) / learned
        self._ended += 1
        if learned < LEARNED_MAX or self._ended % TURN_EXCHANGES == 0:
            bucket.use(self._tokens_per_s * HEADROOM, self._burst_tokens(), now_s)

    def withdraw(self, reserved: int) -> None:
        """Undo an entry as if it had not been: tokens, request and place."""
        self.in_flight -= 1
        if self._tokens is not None:
            self._tokens.put(reserved)
        if self._requests is not None:
            self._requests.put(1.0)

    def levels(self, now_s: float) -> dict[str, float]:
        """Return the credit by dimension, in tokens and requests: what a restart must keep."""
        buckets = (("tokens", self._tokens), ("requests", self._requests))
        return {name: bucket.level(now_s) for name, bucket in buckets if bucket is not None}

    def restore(self, levels: Mapping[str, float], passed_s: float, now_s: float) -> None:
        """Take the levels of a process that ended ``passed_s`` seconds ago."""
        for name, bucket in (("tokens", self._tokens), ("requests", self._requests)):
            if bucket is not None and name in levels:
                bucket.set(levels[name], now_s - max(0.0, passed_s))

    def _burst_tokens(self) -> float:
        if not self._learned:
            return self._tokens_per_s * BURST_MAX_S
        return _burst(self._tokens_per_s, self._mean_tokens)


def _burst(per_s: float, usual: float) -> float:
    """Return the burst: 256 usual exchanges, within one and five minutes' worth."""
    return min(max(per_s * BURST_MIN_S, usual * BURST_EXCHANGES), per_s * BURST_MAX_S)


def _turned(
    bucket: TokenBucket | None, per_s: float, burst: float, now_s: float
) -> TokenBucket | None:
    """Return the bucket with another rate, a full one if there was none, None without a rate."""
    if per_s <= 0:
        return None
    if bucket is None:
        return TokenBucket(per_s * HEADROOM, burst, now_s)
    bucket.use(per_s * HEADROOM, burst, now_s)
    return bucket
