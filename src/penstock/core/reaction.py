"""Reaction: what each kind of failure does to limit, quota and account of an upstream.

``REACTIONS`` is this table, and the one place for it; the breaker's column is in ``outcome.RULES``.

    kind                                   limit   who is left alone, and until when
    OVERLOADED, SHARED_CAPACITY            x 0.7   the model, only if a time was told
    SERVER_ERROR, RESET, BROKEN_STREAM,
      TIMED_OUT, STALLED                   x 0.9   the model, only if a time was told
    QUOTA                                  -       the quota: until its reset, or for a backoff
    ACCOUNT                                -       the account: an operator must act
    all others                             -       the model, only if a time was told

An overload without a time never rests an account, or all accounts would rest at once. A quota's
429 lowers no limit and no probe is sent: failed calls count, and the reset is known. After a rest
a quota starts slowly (``quota.py``). Who cannot be reached says nothing of what it can do: the
breaker keeps off, and what comes back is as large as it was.

Source: TIERING 2, "Events", of the reference shelf.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from penstock.core.outcome import FailureKind

OVERLOAD_RATIO: Final = 0.7  # of the limit, after an explicit word of overload
FAULT_RATIO: Final = 0.9  # of the limit, after a fault; Netflix' backoff ratio


class Rests(Enum):
    """Who is left alone after a failure."""

    MODEL = "model"  # if the upstream says how long
    QUOTA = "quota"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Reaction:
    """``limit_ratio`` is what is left of the concurrency limit; 1 is all of it."""

    limit_ratio: float = 1.0
    rests: Rests = Rests.MODEL


_OVERLOAD: Final = Reaction(OVERLOAD_RATIO)
_FAULT: Final = Reaction(FAULT_RATIO)
_NOTHING: Final = Reaction()

REACTIONS: Final[dict[FailureKind, Reaction]] = {
    FailureKind.OVERLOADED: _OVERLOAD,
    FailureKind.SHARED_CAPACITY: _OVERLOAD,
    FailureKind.QUOTA: Reaction(rests=Rests.QUOTA),
    FailureKind.SERVER_ERROR: _FAULT,
    FailureKind.UNREACHABLE: _NOTHING,
    FailureKind.RESET: _FAULT,
    FailureKind.STALE: _NOTHING,
    FailureKind.BROKEN_STREAM: _FAULT,
    FailureKind.TIMED_OUT: _FAULT,
    FailureKind.STALLED: _FAULT,
    FailureKind.ACCOUNT: Reaction(rests=Rests.ACCOUNT),
    FailureKind.MISCONFIGURED: _NOTHING,
    FailureKind.NOT_OFFERED: _NOTHING,
    FailureKind.CONFLICT: _NOTHING,
    FailureKind.CONTEXT_LENGTH: _NOTHING,
    FailureKind.REJECTED: _NOTHING,
}
