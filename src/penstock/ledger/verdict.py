"""What became of an exchange: decided once, when it is read, from its record alone.

    outcome    and                                                      fate
    complete                                                            served
    refused    its code is that of a tenant's own limit                 limited
               its code is one of ``SHED``, or its status 503 or 529    shed
               any other status of 500 and above                        failed
               any other                                                rejected
    failed     status 4xx: what the upstream said of the request        rejected
               any other: upstreams, a deadline, a shutdown             failed
    broken     no upstream was asked, its code is one of ``SHED``       shed
               any other: the truncation was told, and it is one        failed
    hung_up    the last attempt failed by silence: nothing for hang_s   failed
               no content had come, and hang_s had passed               failed
               any other                                                left
    lost       our process died under it                                lost

Availability is served / (served + failed + shed + lost): what callers did wrong, their own limits
and leaving in time are in neither.

An attempt is *hung* if the caller left it after it had waited ``hang_s`` for nothing, and it is
not counted as a failure already. All else keeps the word of its outcome.
"""

from typing import Final

import msgspec

from penstock.config.model import Config
from penstock.core.errors import SHED, LimitError
from penstock.core.outcome import FailureKind
from penstock.exchange.record import AttemptRecord, Record

LOST: Final = "lost"
HUNG: Final = "hung"
IGNORED: Final = "ignored"
HUNG_UP: Final = "hung_up"
UNAVAILABLE: Final = 503
OVERLOADED: Final = 529
CALLERS: Final = range(400, 500)  # statuses that say the request is at fault
OURS: Final = 500
SILENCES: Final = (FailureKind.TIMED_OUT.value, FailureKind.STALLED.value)


class Terms(msgspec.Struct, frozen=True):
    """What the configuration says of a wait for nothing, by route."""

    hang_s: float = 10.0
    by_route: dict[str, float] = {}

    @classmethod
    def of(cls, config: Config) -> "Terms":
        """Return the terms of a configuration."""
        own = {route.name: route.timeouts.hang_s for route in config.routes}
        return cls(
            config.timeouts.hang_s, {name: one for name, one in own.items() if one is not None}
        )

    def of_route(self, route: str) -> float:
        """Return how long a caller must have waited for nothing, in seconds."""
        return self.by_route.get(route, self.hang_s)


def fate_of(record: Record, hang_s: float) -> str:
    """Return one of ``FATES``; ``hang_s`` is the route's."""
    match record.outcome:
        case "complete":
            fate = "served"
        case "refused":
            fate = _refused(record)
        case "failed":
            fate = "rejected" if record.status in CALLERS else "failed"
        case "hung_up":
            fate = "failed" if has_waited(record, hang_s) else "left"
        case "lost":
            fate = LOST
        case _:  # broken
            is_shed = record.code in SHED and not record.attempts
            fate = "shed" if is_shed else "failed"
    return fate


def has_waited(record: Record, hang_s: float) -> bool:
    """Say whether a caller who left had waited for nothing, for too long."""
    last = record.attempts[-1] if record.attempts else None
    if last is not None and last.outcome in SILENCES:
        return True
    return not record.ttft_s and record.duration_s >= hang_s


def attempt_word(record: Record, attempt: AttemptRecord, hang_s: float) -> str:
    """Return what an attempt counts as: success, ignored, hung, lost, or a kind of failure."""
    is_hung = (
        attempt.outcome == IGNORED
        and attempt.waited_s >= hang_s
        and record.outcome == HUNG_UP
        and attempt is record.attempts[-1]
    )
    return HUNG if is_hung else attempt.outcome


def _refused(record: Record) -> str:
    if record.code == LimitError.code:
        return "limited"
    if record.code in SHED or record.status in (UNAVAILABLE, OVERLOADED):
        return "shed"
    return "failed" if record.status >= OURS else "rejected"
