"""Faults: what goes wrong at a provider, for whom, how often and when.

Rule 1: a script is a list of rules. A rule names one kind of fault, whom it may strike (provider,
glob of the model, fresh requests or continuations), a share of their requests, and from when until
when, in seconds since the script was set. A continuation asks for the rest of an answer that broke.
Rule 2: the shares of the rules that match one request add up, to 1 at most; one draw of chance
decides, so a request is struck at most once.
Rule 3: a shape scales the share over time; there are no others:

    constant    1
    ramp        ``from_ratio``, then linearly to ``to_ratio`` in the last ``over_s`` seconds before
                ``end_s``; without ``over_s``, over the whole rule
    oscillate   1 in the first ``duty_ratio`` of each ``period_s``, counted from ``start_s``; else 0

Rule 4: a kind strikes in one phase, and asks whoever plays the provider for one thing:

    INSTEAD   http_*, context_length, prefill_rejected      an error in place of the answer
    INSTEAD   reset, hang                                   no answer at all; hang may end
    CONTENT   refusal, wrong_content, corrupt_tokens        another answer, whole and well-formed
    CONTENT   continue_*                                    another way to go on; continuations only
    DELIVERY  all others                                    the answer, delivered badly

Rule 5: what strikes a stream strikes a whole answer in its nearest form (``for_whole``), and the
other way round (``for_stream``), so that a share holds whatever callers ask for.

Pure: chance is a callable that returns 0 <= x < 1, ``elapsed_s`` is told.
"""

import enum
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

ANY: Final = "*"


class FaultKind(enum.StrEnum):
    """One way to fail; the value is its name in scripts, headers and records."""

    HTTP_400 = "http_400"
    HTTP_401 = "http_401"
    HTTP_402 = "http_402"
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_408 = "http_408"
    HTTP_409 = "http_409"
    HTTP_413 = "http_413"
    HTTP_422 = "http_422"
    HTTP_429 = "http_429"  # whose limit: see Flavour
    HTTP_500 = "http_500"
    HTTP_502 = "http_502"
    HTTP_503 = "http_503"
    HTTP_504 = "http_504"
    HTTP_529 = "http_529"
    HTTP_530 = "http_530"  # from the provider's edge, so with a body in no dialect
    HTTP_5XX = "http_5xx"  # 500, 502 or 503, each as likely
    CONTEXT_LENGTH = "context_length"
    PREFILL_REJECTED = "prefill_rejected"
    RESET = "reset"  # TCP RST before any header
    HANG = "hang"  # silence before headers; with delay_s it ends and the answer follows
    REFUSAL = "refusal"  # a success, by every dialect's rules
    WRONG_CONTENT = "wrong_content"
    CORRUPT_TOKENS = "corrupt_tokens"  # letters of the wrong script in the text
    CONTINUE_RESTART = "continue_restart"  # from the top, as if nothing had been said
    CONTINUE_NO_REPEAT = "continue_no_repeat"  # without the repeat that was asked for
    CONTINUE_RESPACED = "continue_respaced"  # other white space in the repeat, or where it goes on
    CONTINUE_REQUOTED = "continue_requoted"  # other quotation marks and apostrophes in the repeat
    CONTINUE_OVERLAP = "continue_overlap"  # another amount is repeated than was asked for
    SLOW_TTFT = "slow_ttft"  # headers in time, the first content delay_s late
    STREAM_CUT = "stream_cut"  # a clean end of HTTP, but no finish and no terminator
    STREAM_ABORT = "stream_abort"  # the connection is dropped without the last chunk
    STALL = "stall"  # silence after after_events; with delay_s it ends and the stream goes on
    ERROR_EVENT_FIRST = "error_event_first"  # inside a 200, before content
    ERROR_EVENT_MID = "error_event_mid"  # inside a 200, after after_events of content
    FAILED_EVENT_FIRST = "failed_event_first"  # the same in the dialect's own terminal event
    FAILED_EVENT_MID = "failed_event_mid"  # (response.failed), where it has one
    MALFORMED_FIRST = "malformed_first"  # the first content event's JSON is cut
    MALFORMED_MID = "malformed_mid"
    JUNK_LINE = "junk_line"  # a line that is no SSE field, in an otherwise good stream
    MISSING_DONE = "missing_done"  # finish, but no [DONE] or message_stop
    MISSING_USAGE = "missing_usage"
    EMPTY_STREAM = "empty_stream"  # 200 and a clean end
    SLOW_DRIP = "slow_drip"  # each event in writes of write_bytes
    TRUNCATED_BODY = "truncated_body"  # less than content-length promises
    GARBAGE_BODY = "garbage_body"  # 200 with a body that is no JSON


class Phase(enum.Enum):
    """Where a kind strikes (rule 4)."""

    INSTEAD = "instead"
    CONTENT = "content"
    DELIVERY = "delivery"


class Shape(enum.StrEnum):
    """How the share moves over time (rule 3)."""

    CONSTANT = "constant"
    RAMP = "ramp"
    OSCILLATE = "oscillate"


class Requests(enum.StrEnum):
    """Which requests a rule may strike."""

    ANY = "any"
    FRESH = "fresh"
    CONTINUATION = "continuation"


class Flavour(enum.StrEnum):
    """Whose limit a 429 speaks of."""

    QUOTA = "quota"  # our own: rate headers at zero
    SHARED_CAPACITY = "shared_capacity"  # the provider's pool: rate headers say we have room
    INSUFFICIENT_QUOTA = "insufficient_quota"  # our money is spent


_K = FaultKind
_CONTINUE: Final = frozenset(kind for kind in FaultKind if kind.value.startswith("continue_"))
_CONTENT: Final = frozenset((_K.REFUSAL, _K.WRONG_CONTENT, _K.CORRUPT_TOKENS, *_CONTINUE))
_INSTEAD: Final = frozenset(
    kind
    for kind in FaultKind
    if kind.value.startswith("http_")
    or kind in {_K.CONTEXT_LENGTH, _K.PREFILL_REJECTED, _K.RESET, _K.HANG}
)
# After these the caller still has every byte of content and the reason why it ended.
HARMLESS: Final = frozenset((
    *_CONTENT, _K.HANG, _K.SLOW_TTFT, _K.STALL, _K.JUNK_LINE, _K.MISSING_DONE, _K.MISSING_USAGE,
    _K.SLOW_DRIP,
))  # fmt: skip
_WHOLE_FORM: Final[Mapping[FaultKind, FaultKind]] = types.MappingProxyType(
    {
        _K.STREAM_CUT: _K.TRUNCATED_BODY,
        _K.STREAM_ABORT: _K.TRUNCATED_BODY,
        _K.ERROR_EVENT_FIRST: _K.HTTP_5XX,
        _K.ERROR_EVENT_MID: _K.HTTP_5XX,
        _K.FAILED_EVENT_FIRST: _K.HTTP_5XX,
        _K.FAILED_EVENT_MID: _K.HTTP_5XX,
        _K.MALFORMED_FIRST: _K.GARBAGE_BODY,
        _K.MALFORMED_MID: _K.GARBAGE_BODY,
        _K.JUNK_LINE: _K.GARBAGE_BODY,
    }
)
_STREAM_FORM: Final[Mapping[FaultKind, FaultKind]] = types.MappingProxyType(
    {
        _K.TRUNCATED_BODY: _K.STREAM_ABORT,
        _K.GARBAGE_BODY: _K.MALFORMED_FIRST,
    }
)
_ANY_5XX: Final = (500, 502, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What to do to one request.

    ``status`` is the HTTP status of an error, or the class of an error event; 0 if the kind has
    none. ``delay_s`` is None where silence has no end. ``after_events`` counts content events.
    """

    kind: FaultKind
    status: int = 0
    delay_s: float | None = None
    after_events: int = 3
    retry_after_s: float | None = None
    flavour: Flavour = Flavour.QUOTA
    write_bytes: int = 3

    @property
    def phase(self) -> Phase:
        """Where it strikes."""
        if self.kind in _INSTEAD:
            return Phase.INSTEAD
        return Phase.CONTENT if self.kind in _CONTENT else Phase.DELIVERY

    def for_whole(self, chance: Callable[[], float]) -> "Fault":
        """Return its nearest form for an answer that is no stream."""
        form = _WHOLE_FORM.get(self.kind, self.kind)
        return replace(self, kind=form).settled(chance)

    def for_stream(self) -> "Fault":
        """Return its nearest form for a stream."""
        return replace(self, kind=_STREAM_FORM.get(self.kind, self.kind))

    def settled(self, chance: Callable[[], float]) -> "Fault":
        """Return it with the status that it will show, drawn if its kind leaves it open."""
        if self.status:
            return self
        if self.kind is FaultKind.HTTP_5XX:
            return replace(self, status=_ANY_5XX[int(chance() * len(_ANY_5XX))])
        if self.kind.value.startswith("http_"):
            return replace(self, status=int(self.kind.value.removeprefix("http_")))
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """A fault, and whom, when and how often it strikes. Instants in seconds since the script."""

    fault: Fault
    provider: str = ANY
    model: str = ANY
    requests: Requests = Requests.ANY
    share_ratio: float = 1.0
    start_s: float = 0.0
    end_s: float = math.inf
    shape: Shape = Shape.CONSTANT
    from_ratio: float = 0.0
    to_ratio: float = 1.0
    over_s: float | None = None
    period_s: float = 60.0
    duty_ratio: float = 0.5

    def matches(self, provider: str, model: str, *, is_continuation: bool = False) -> bool:
        """Say whether it may strike requests for this model."""
        if is_continuation and self.requests is Requests.FRESH:
            return False
        needs_continuation = self.requests is Requests.CONTINUATION or self.fault.kind in _CONTINUE
        if needs_continuation and not is_continuation:
            return False
        return self.provider in {ANY, provider} and fnmatchcase(model, self.model)

    def share_at(self, elapsed_s: float) -> float:
        """Return the share of requests that it strikes now, 0-1."""
        if not self.start_s <= elapsed_s < self.end_s:
            return 0.0
        if self.shape is Shape.CONSTANT:
            return self.share_ratio
        if self.shape is Shape.OSCILLATE:
            position = (elapsed_s - self.start_s) % self.period_s
            return self.share_ratio if position < self.duty_ratio * self.period_s else 0.0
        span_s = self.end_s - self.start_s
        over_s = span_s if self.over_s is None else min(self.over_s, span_s)
        progress = 1.0 - min(1.0, (self.end_s - elapsed_s) / over_s)
        return self.share_ratio * (self.from_ratio + progress * (self.to_ratio - self.from_ratio))


@dataclass(frozen=True, slots=True)
class FaultScript:
    """Rules in order. Immutable, so it may be shared."""

    rules: tuple[FaultRule, ...] = ()

    def pick(
        self, provider: str, model: str, elapsed_s: float, chance: Callable[[], float], *,
        is_continuation: bool = False,
    ) -> Fault | None:  # fmt: skip
        """Return what strikes this request, if anything does; draws once if any rule may."""
        shares = [
            (rule.fault, share)
            for rule in self.rules
            if rule.matches(provider, model, is_continuation=is_continuation)
            and (share := rule.share_at(elapsed_s)) > 0
        ]
        if not shares:
            return None
        left = chance()
        for fault, share in shares:
            left -= share
            if left < 0:
                return fault.settled(chance)
        return None
