"""Quota: what an account may use of an upstream in a minute, in requests and in tokens.

    may_take      every known dimension has credit, and none is frozen   -> True
    take          the estimate is charged to each dimension as its provider would
    settle        the difference to what was used is given back, or charged
    put back      nothing was sent: as if it had not been taken
    resync        headers say what was left        -> never more credit than that and what has
                                                      flowed since, less what is under way; their
                                                      limit is the limit, unless the operator's is
                                                      lower
    freeze        our own limit was hit            -> nothing until the reset; then half of the
                                                      rate, and 5 % of it more each second
    nothing known                                  -> ``is_known`` is False; ask no further

Credit flows in at ``target_ratio`` of the limit. Where no header confirms what is left, it is saved
up for ten seconds at most: a provider that counts by the minute is exceeded by a sixth then, and
only after silence; with headers for a minute. One exchange may overdraw a full dimension, so that
one which is larger than the bucket is not refused for ever.

How providers charge (TIERING 7.4 of the reference shelf) is data, ``CHARGES``:

    OpenAI         tokens: the larger of max_tokens and the input, when it comes; nothing comes back
    Anthropic      input that was not cached, output as it is produced
    Gemini         input only
    others         input and output, as they are used

Pure: reads no clock. ``now_s`` is monotonic seconds.
"""

import enum
import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.core.limits_seen import LimitsSeen

MINUTE_S: Final = 60.0
BURST_S: Final = 10.0  # of flow that is saved up where nobody confirms it
FRESH_S: Final = 60.0  # how long a header confirms what is left
USAGE_S: Final = 10.0  # over which use is averaged
THAW_RATIO: Final = 0.5  # of the rate, right after a freeze
THAW_PER_S: Final = 0.05  # more each second (TIERING 2: +5 % a window)
THAW_S: Final = (1.0 - THAW_RATIO) / THAW_PER_S
THAW_LOSS_S: Final = THAW_S * (1.0 - THAW_RATIO) / 2.0  # of full rate, in a whole thaw


class Dimension(enum.IntEnum):
    """What providers count."""

    REQUESTS = 0
    TOKENS = 1  # input and output together
    INPUT = 2
    OUTPUT = 3


class Tokens(enum.Enum):
    """What a provider charges to a limit on all tokens."""

    SUM = "sum"
    LARGER = "larger"  # of the input and the output's bound
    INPUT = "input"


Amounts = tuple[float, float, float, float]  # by Dimension


class Charge(NamedTuple):
    """How one provider charges; ``gives_back``: what was not used is credited at the end."""

    tokens: Tokens = Tokens.SUM
    gives_back: bool = True

    def amounts(self, input_tokens: int, output_tokens: int, output_tokens_max: int) -> Amounts:
        """Return what one exchange is charged, by dimension."""
        if self.tokens is Tokens.LARGER:
            # Without a bound of the caller's the provider counts the input alone.
            together = max(input_tokens, output_tokens_max)
        elif self.tokens is Tokens.INPUT:
            together = input_tokens
        else:
            together = input_tokens + output_tokens
        return 1.0, together, input_tokens, output_tokens


CHARGES: Final[Mapping[str, Charge]] = {
    "openai_chat": Charge(Tokens.LARGER, gives_back=False),
    "openai_responses": Charge(Tokens.LARGER, gives_back=False),
    "gemini_generate": Charge(Tokens.INPUT),
}
AS_USED: Final = Charge()


class Limits(NamedTuple):
    """What the operator says may be used in a minute; None is unknown."""

    requests: int | None = None
    tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


def _flow_s(thawed_s: float) -> float:
    """Return how many seconds of full rate have flowed, so long after a freeze."""
    if thawed_s <= 0.0:
        return 0.0
    if thawed_s < THAW_S:
        return thawed_s * (THAW_RATIO + THAW_PER_S / 2.0 * thawed_s)
    return thawed_s - THAW_LOSS_S


def _thawed_s(flow_s: float) -> float:
    """Return when so much has flowed: the inverse of ``_flow_s``."""
    if flow_s >= THAW_S - THAW_LOSS_S:
        return flow_s + THAW_LOSS_S
    return (math.sqrt(THAW_RATIO**2 + 2.0 * THAW_PER_S * flow_s) - THAW_RATIO) / THAW_PER_S


class _Meter:
    """One dimension."""

    __slots__ = (
        "at_s", "burst", "confirmed_until_s", "declared", "frozen_until_s", "level", "limit",
        "rate_per_s", "seen", "unsettled", "used",
    )  # fmt: skip

    def __init__(self, now_s: float) -> None:
        self.declared: int | None = None
        self.seen: int | None = None  # the limit that headers told last
        self.limit = 0  # the lower of the two; 0: nothing is known
        self.rate_per_s = 0.0
        self.burst = 0.0  # what can be saved up now
        self.level = 0.0  # below 0: overdrawn
        self.at_s = now_s
        self.confirmed_until_s = -math.inf
        self.frozen_until_s = -math.inf
        self.unsettled = 0.0
        self.used = 0.0  # of late, fading over USAGE_S

    def bound(self, ratio: float) -> None:
        """Work the limit out anew; a dimension begins with all that can be saved up."""
        told = [limit for limit in (self.declared, self.seen) if limit is not None]
        was = self.limit
        self.limit = min(told, default=0)
        self.rate_per_s = self.limit * ratio / MINUTE_S
        self.burst = self.rate_per_s * self._burst_s(self.at_s)
        self.level = min(self.level, self.burst) if was else self.burst

    def flow(self, now_s: float) -> None:
        """Let in what has come since the last time."""
        passed_s = now_s - self.at_s
        if passed_s <= 0.0:
            return
        thawed_s = now_s - self.frozen_until_s
        if thawed_s < passed_s + THAW_S:
            flow_s = _flow_s(thawed_s) - _flow_s(thawed_s - passed_s)
        else:
            flow_s = passed_s
        self.burst = self.rate_per_s * self._burst_s(now_s)
        self.level = min(max(self.burst, self.level), self.level + flow_s * self.rate_per_s)
        self.used *= math.exp(-passed_s / USAGE_S)
        self.at_s = now_s

    def confirm(self, remaining: int, at_s: float, now_s: float) -> None:
        """Have no more than a header says was left then, less what it cannot know of yet."""
        self.flow(now_s)
        self.confirmed_until_s = max(self.confirmed_until_s, at_s + FRESH_S)
        flowed = max(0.0, now_s - at_s) * self.limit / MINUTE_S
        self.level = min(self.level, remaining + flowed - self.unsettled)

    def freeze(self, until_s: float, now_s: float) -> None:
        """Let nothing in until then."""
        self.flow(now_s)
        self.level = min(self.level, 0.0)
        self.frozen_until_s = max(self.frozen_until_s, until_s)

    def ready_at_s(self, amount: float, now_s: float) -> float:
        """Return when there is enough; a full dimension is enough for anything."""
        self.flow(now_s)
        missing = min(amount, self.burst) - self.level
        if missing <= 0.0:
            return max(now_s, self.frozen_until_s)
        thawed_s = now_s - self.frozen_until_s
        if thawed_s >= THAW_S:
            return now_s + missing / self.rate_per_s
        flow_s = _flow_s(thawed_s) + missing / self.rate_per_s
        return self.frozen_until_s + _thawed_s(flow_s)

    def _burst_s(self, now_s: float) -> float:
        return MINUTE_S if now_s < self.confirmed_until_s else BURST_S


class Quota:
    """One account at one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = ("_all", "_charge", "_known", "_ratio", "is_known")

    def __init__(
        self, limits: Limits, target_ratio: float, charge: Charge, now_s: float = 0.0
    ) -> None:
        self._charge = charge
        self._ratio = target_ratio
        self._all = tuple(_Meter(now_s) for _ in Dimension)
        self._known: tuple[tuple[int, _Meter], ...] = ()
        self.is_known = False  # False: nothing to ask, nothing to take
        self.use(limits, target_ratio)

    def use(self, limits: Limits, target_ratio: float) -> None:
        """Obey another declaration from now on; what was learned and what was used stays."""
        self._ratio = target_ratio
        for meter, declared in zip(self._all, limits, strict=True):
            meter.declared = declared
            meter.bound(target_ratio)
        self._know()

    def may_take(self, amounts: Amounts, now_s: float) -> bool:
        """Tell whether there is credit in every dimension; takes nothing."""
        for at, meter in self._known:
            if now_s < meter.frozen_until_s:
                return False
            meter.flow(now_s)
            if meter.level < amounts[at] and meter.level < meter.burst:
                return False
        return True

    def take(self, amounts: Amounts) -> None:
        """Charge an estimate; ``may_take`` has just said yes."""
        for at, meter in self._known:
            amount = amounts[at]
            meter.level -= amount
            meter.unsettled += amount
            meter.used += amount

    def settle(self, taken: Amounts, actual: Amounts | None, now_s: float) -> None:
        """Put what was used in the place of the estimate; None: not known, the estimate stands."""
        used = actual if self._charge.gives_back else None
        for at, meter in self._known:
            amount = taken[at]
            meter.unsettled = max(0.0, meter.unsettled - amount)
            if used is not None:
                meter.flow(now_s)
                most = max(meter.burst, meter.level)
                meter.level = min(most, meter.level + amount - used[at])
                meter.used = max(0.0, meter.used + used[at] - amount)

    def put_back(self, taken: Amounts, now_s: float) -> None:
        """Give all of an estimate back, whatever the provider: nothing was sent."""
        for at, meter in self._known:
            meter.flow(now_s)
            meter.unsettled = max(0.0, meter.unsettled - taken[at])
            meter.level = min(max(meter.burst, meter.level), meter.level + taken[at])
            meter.used = max(0.0, meter.used - taken[at])

    def resync(self, seen: LimitsSeen, seen_at_s: float, now_s: float) -> None:
        """Believe the headers of an answer, where they say less than we thought.

        They may have come a while ago, with the head of a long answer: credit has flowed since.
        """
        for meter, (limit, remaining, _) in zip(self._all, seen, strict=True):
            if limit is not None and limit > 0 and limit != meter.seen:
                meter.seen = limit
                meter.flow(now_s)
                meter.bound(self._ratio)
                self._know()
            if remaining is not None and meter.limit:
                meter.confirm(remaining, seen_at_s, now_s)

    def freeze(self, dimension: Dimension | None, until_s: float, now_s: float) -> None:
        """Use nothing of a dimension, or of any, until its reset; then begin slowly."""
        for meter in self._all if dimension is None else (self._all[dimension],):
            meter.freeze(until_s, now_s)

    def ready_at_s(self, amounts: Amounts, now_s: float) -> float:
        """Return when there will be credit in every dimension, as far as is known."""
        return max(
            (meter.ready_at_s(amounts[at], now_s) for at, meter in self._known), default=now_s
        )

    def levels(self, now_s: float) -> list[tuple[float, float]]:
        """Return of each dimension what is there, and for how many seconds it stays frozen."""
        for meter in self._all:
            meter.flow(now_s)
        return [(one.level, max(0.0, one.frozen_until_s - now_s)) for one in self._all]

    def restore(self, levels: Sequence[Sequence[float]], now_s: float) -> None:
        """Have no more than another process had, and leave alone what it did."""
        for meter, (level, frozen_s) in zip(self._all, levels, strict=True):
            meter.flow(now_s)
            meter.level = min(meter.level, level)
            if frozen_s > 0.0:
                meter.freeze(now_s + frozen_s, now_s)

    def usage_ratio(self, now_s: float) -> float:
        """Return the use of the tightest dimension, of what may be used; 1 while one is frozen."""
        most = 0.0
        for _, meter in self._known:
            if now_s < meter.frozen_until_s:
                return max(1.0, most)
            meter.flow(now_s)
            most = max(most, meter.used / (USAGE_S * meter.rate_per_s))
        return most

    def _know(self) -> None:
        self._known = tuple((at, meter) for at, meter in enumerate(self._all) if meter.limit)
        self.is_known = bool(self._known)
