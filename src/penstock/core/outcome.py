"""What became of an attempt: decided once, by the dialect or the wire, and used by all.

Outcomes are three: ``Success``, ``Failure(kind)``, ``Ignored`` (no verdict on the upstream: the
caller left, a deadline passed, another attempt won). The kinds of failure, and what each means to
those who react (``RULES`` is this table; there are no other reactions):

    kind             what happened                         breaker   goes on to         exhausted
    OVERLOADED       503, 529, an overload event           half      elsewhere, repeat  503
    SHARED_CAPACITY  429 or 498 of a pool that all share   half      elsewhere, repeat  503
    QUOTA            429: our own limit there              none      elsewhere, repeat  503
    SERVER_ERROR     500 and other 5xx, an error event     one       elsewhere, repeat  502
    UNREACHABLE      no connection, no name, no TLS        one       elsewhere, repeat  502
    RESET            connection died before any answer     one       elsewhere, repeat  502
    STALE            a pooled connection had died idle     none      repeat             502
    BROKEN_STREAM    ended early, or was malformed         one       elsewhere, repeat  502
    TIMED_OUT        nothing, or no content, in time       one       elsewhere          504
    STALLED          silence in the middle                 one       elsewhere          504
    ACCOUNT          401, 402, 403, spent quota            opens     elsewhere          503
    MISCONFIGURED    404 for a model that we named         opens     elsewhere          502
    NOT_OFFERED      404, 405 or 501 for what few offer    none      elsewhere          as sent
    CONFLICT         409                                   none      elsewhere, repeat  as sent
    CONTEXT_LENGTH   400: too long for this model          success   a larger context   as sent
    REJECTED         400, 413, 422: the request's fault    success   nowhere            as sent

NOT_OFFERED is of counts and vectors: that an upstream has none says nothing of its answers.
A repeat at the same upstream waits: for what it asked for, or for a jittered backoff.

Sources: TIERING 2 and 5, DIALECTS 7 of the reference shelf.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class FailureKind(Enum):
    """Whose fault it was, and so whether another upstream may help."""

    OVERLOADED = "overloaded"
    SHARED_CAPACITY = "shared_capacity"
    QUOTA = "quota"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    STALE = "stale"
    BROKEN_STREAM = "broken_stream"
    TIMED_OUT = "timed_out"
    STALLED = "stalled"
    ACCOUNT = "account"
    MISCONFIGURED = "misconfigured"
    NOT_OFFERED = "not_offered"
    CONFLICT = "conflict"
    CONTEXT_LENGTH = "context_length"
    REJECTED = "rejected"


class Next(Enum):
    """Where an exchange may go on after a failure."""

    NOWHERE = "nowhere"
    LARGER_CONTEXT = "larger_context"
    ELSEWHERE = "elsewhere"
    ELSEWHERE_OR_REPEAT = "elsewhere_or_repeat"
    REPEAT = "repeat"


class Verdict(Enum):
    """What a failure says about the health of its upstream."""

    HEALTHY = "healthy"
    NONE = "none"
    HALF = "half"
    ONE = "one"
    OPENS = "opens"


@dataclass(frozen=True, slots=True)
class Rule:
    """The reactions to one kind of failure; ``exhausted_status`` 0 is the upstream's own answer."""

    verdict: Verdict
    then: Next
    exhausted_status: int


RULES: Final[dict[FailureKind, Rule]] = {
    FailureKind.OVERLOADED: Rule(Verdict.HALF, Next.ELSEWHERE_OR_REPEAT, 503),
    FailureKind.SHARED_CAPACITY: Rule(Verdict.HALF, Next.ELSEWHERE_OR_REPEAT, 503),
    FailureKind.QUOTA: Rule(Verdict.NONE, Next.ELSEWHERE_OR_REPEAT, 503),
    FailureKind.SERVER_ERROR: Rule(Verdict.ONE, Next.ELSEWHERE_OR_REPEAT, 502),
    FailureKind.UNREACHABLE: Rule(Verdict.ONE, Next.ELSEWHERE_OR_REPEAT, 502),
    FailureKind.RESET: Rule(Verdict.ONE, Next.ELSEWHERE_OR_REPEAT, 502),
    FailureKind.STALE: Rule(Verdict.NONE, Next.REPEAT, 502),
    FailureKind.BROKEN_STREAM: Rule(Verdict.ONE, Next.ELSEWHERE_OR_REPEAT, 502),
    FailureKind.TIMED_OUT: Rule(Verdict.ONE, Next.ELSEWHERE, 504),
    FailureKind.STALLED: Rule(Verdict.ONE, Next.ELSEWHERE, 504),
    FailureKind.ACCOUNT: Rule(Verdict.OPENS, Next.ELSEWHERE, 503),
    FailureKind.MISCONFIGURED: Rule(Verdict.OPENS, Next.ELSEWHERE, 502),
    FailureKind.NOT_OFFERED: Rule(Verdict.NONE, Next.ELSEWHERE, 0),
    FailureKind.CONFLICT: Rule(Verdict.NONE, Next.ELSEWHERE_OR_REPEAT, 0),
    FailureKind.CONTEXT_LENGTH: Rule(Verdict.HEALTHY, Next.LARGER_CONTEXT, 0),
    FailureKind.REJECTED: Rule(Verdict.HEALTHY, Next.NOWHERE, 0),
}


@dataclass(frozen=True, slots=True)
class Success:
    """The answer was complete."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """No verdict on the upstream."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one attempt.

    ``status`` is the upstream's HTTP status, 0 if none arrived. ``code`` is the upstream's own
    word for the error. ``detail`` is for people: it may quote the upstream, never a secret.
    ``retry_after_s`` is how long the upstream asks to be left alone, 0 if it did not say.
    """

    kind: FailureKind
    detail: str = ""
    status: int = 0
    code: str = ""
    retry_after_s: float = 0.0


Outcome = Success | Failure | Ignored

SUCCESS: Final = Success()
IGNORED: Final = Ignored()
