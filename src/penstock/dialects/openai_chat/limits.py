"""What OpenAI's headers say of our account's limits, and those who imitate them (Groq, Azure).

    x-ratelimit-limit-requests       60         x-ratelimit-limit-tokens       150000
    x-ratelimit-remaining-requests   59         x-ratelimit-remaining-tokens   149984
    x-ratelimit-reset-requests       1s         x-ratelimit-reset-tokens       6m0s

Requests and tokens of a minute; the resets are durations until the limit is whole again.
Source: DIALECTS of the reference shelf, rate-limit headers.
"""

from penstock.core.limits_seen import LimitsSeen
from penstock.dialects.contract import Headers
from penstock.dialects.http_error import duration_s
from penstock.dialects.rate_headers import level


def limits_seen(headers: Headers) -> LimitsSeen | None:
    """Return what the headers of an answer say; None if they say nothing."""
    remaining = headers.get(b"x-ratelimit-remaining-requests")
    if remaining is None:
        return None
    get = headers.get
    return LimitsSeen(
        requests=level(
            get(b"x-ratelimit-limit-requests"),
            remaining,
            get(b"x-ratelimit-reset-requests", b""),
            duration_s,
        ),
        tokens=level(
            get(b"x-ratelimit-limit-tokens"),
            get(b"x-ratelimit-remaining-tokens"),
            get(b"x-ratelimit-reset-tokens", b""),
            duration_s,
        ),
    )
