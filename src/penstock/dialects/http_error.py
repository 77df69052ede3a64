"""What an HTTP status and the headers beside it say, whatever the dialect.

    400, 413, 422 and other 4xx  REJECTED          408, 504       TIMED_OUT
    401, 402, 403                ACCOUNT           409            CONFLICT
    404, 3xx                     MISCONFIGURED     498            SHARED_CAPACITY
    429                          QUOTA or SHARED_CAPACITY, the dialect knows
    503, 529                     OVERLOADED        other 5xx, 499 SERVER_ERROR

Source: DIALECTS 7 and TIERING 2 of the reference shelf; RFC 9110, 10.2.3 for Retry-After.
"""

import re
from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Final

from penstock.core.outcome import FailureKind
from penstock.dialects.contract import Headers

BY_STATUS: Final[dict[int, FailureKind]] = {
    401: FailureKind.ACCOUNT,
    402: FailureKind.ACCOUNT,
    403: FailureKind.ACCOUNT,
    404: FailureKind.MISCONFIGURED,
    408: FailureKind.TIMED_OUT,
    409: FailureKind.CONFLICT,
    429: FailureKind.QUOTA,
    498: FailureKind.SHARED_CAPACITY,
    499: FailureKind.SERVER_ERROR,
    503: FailureKind.OVERLOADED,
    504: FailureKind.TIMED_OUT,
    529: FailureKind.OVERLOADED,
}
SERVER_ERRORS_FROM: Final = 500
CALLER_ERRORS_FROM: Final = 400
RETRY_AFTER_S_MAX: Final = 24 * 3600.0  # a longer one is a mistake; we look again once a day
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_S: Final[dict[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def kind_of_status(status: int) -> FailureKind:
    """Return the kind of failure that a status alone tells."""
    kind = BY_STATUS.get(status)
    if kind is not None:
        return kind
    if status >= SERVER_ERRORS_FROM:
        return FailureKind.SERVER_ERROR
    return FailureKind.REJECTED if status >= CALLER_ERRORS_FROM else FailureKind.MISCONFIGURED


def retry_after_s(headers: Headers) -> float:
    """Return how long the upstream asks to be left alone, in seconds; 0 if it does not say.

    A date is measured against the answer's own ``date``, so a clock that is off does no harm.
    """
    milliseconds = headers.get(b"retry-after-ms", b"").decode("latin-1")
    value = headers.get(b"retry-after", b"").decode("latin-1").strip()
    seconds = _number(milliseconds) / 1000.0 or _number(value)
    if not seconds and value and b"date" in headers:
        try:
            until = parsedate_to_datetime(value)
            seconds = (until - parsedate_to_datetime(headers[b"date"].decode())).total_seconds()
        except (ValueError, TypeError):
            seconds = 0.0
    return min(max(0.0, seconds), RETRY_AFTER_S_MAX)


def reset_after_s(headers: Headers, prefix: bytes, dimensions: Iterable[bytes]) -> float:
    """Return when the used-up dimensions of a quota are full again, in seconds; 0 if none is.

    For headers such as ``x-ratelimit-remaining-requests: 0`` with
    ``x-ratelimit-reset-requests: 6m0s``.
    """
    waits = [
        duration_s(headers.get(prefix + b"reset-" + dimension, b"").decode("latin-1"))
        for dimension in dimensions
        if headers.get(prefix + b"remaining-" + dimension) == b"0"
    ]
    return min(max(waits, default=0.0), RETRY_AFTER_S_MAX)


def duration_s(text: str) -> float:
    """Return the seconds of a duration such as ``12ms``, ``6m0s`` or ``1.5``; 0 if it is none."""
    parts = _DURATION.findall(text)
    if parts:
        return float(sum(float(number) * _UNIT_S[unit] for number, unit in parts))
    return _number(text)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if 0.0 < number < float("inf") else 0.0
