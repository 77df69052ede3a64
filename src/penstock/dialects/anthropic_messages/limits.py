"""What Anthropic's headers say of our account's limits.

    anthropic-ratelimit-requests-limit      50      and for tokens, input-tokens, output-tokens;
    anthropic-ratelimit-requests-remaining  49      remaining tokens are rounded to thousands
    anthropic-ratelimit-requests-reset      2026-01-01T00:00:00Z

Resets are instants (RFC 3339) at which the limit is whole again. They are measured against the time
that is told, so a clock that is off shifts them; a 429 has a Retry-After beside them.
Source: DIALECTS of the reference shelf, rate-limit headers.
"""

from datetime import UTC, datetime
from typing import Final

from penstock.core.limits_seen import Level, LimitsSeen
from penstock.dialects.contract import Headers
from penstock.dialects.rate_headers import level

NAMES: Final = tuple(
    (
        b"anthropic-ratelimit-%b-limit" % dimension,
        b"anthropic-ratelimit-%b-remaining" % dimension,
        b"anthropic-ratelimit-%b-reset" % dimension,
    )
    for dimension in (b"requests", b"tokens", b"input-tokens", b"output-tokens")
)
EPOCH: Final = datetime.fromtimestamp(0.0, UTC)
MARK: Final = b"anthropic-ratelimit-requests-remaining"  # where it is missing, the others are


def limits_seen(headers: Headers, now_unix_s: float) -> LimitsSeen | None:
    """Return what the headers of an answer say; None if they say nothing."""
    if MARK not in headers:
        return None

    def reset_s(instant: str) -> float:
        try:
            at = datetime.fromisoformat(instant)
        except ValueError:
            return 0.0
        if at.tzinfo is None:
            return 0.0  # of no zone: no instant
        return (at - EPOCH).total_seconds() - now_unix_s

    def told(names: tuple[bytes, bytes, bytes]) -> Level:
        limit, remaining, reset = names
        return level(headers.get(limit), headers.get(remaining), headers.get(reset, b""), reset_s)

    return LimitsSeen(*(told(names) for names in NAMES))
