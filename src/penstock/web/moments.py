"""Times for people: relative in the text, absolute in UTC on hover. All are Unix time in seconds.

0 or less is a time that is not known.
"""

import datetime as dt
from typing import Final

from penstock.web.quantities import UNKNOWN

JUST_NOW_S: Final = 1.5
# up to, divided by, unit
STEPS: Final = (
    (89.5, 1, "s"),
    (5370.0, 60, "min"),
    (129_000.0, 3600, "h"),
    (5_180_000.0, 86_400, "d"),
)
MONTH_S: Final = 2_629_800
DAYS_S: Final = 3 * 86_400  # an axis beyond this names days
MINUTES_S: Final = 300  # and one up to this seconds


def ago(at_unix_s: float, now_unix_s: float) -> str:
    """Return how long ago a time was, or in how long it will be."""
    if at_unix_s <= 0:
        return UNKNOWN
    passed_s = now_unix_s - at_unix_s
    if abs(passed_s) < JUST_NOW_S:
        return "just now"
    words = _span(abs(passed_s))
    return f"{words} ago" if passed_s > 0 else f"in {words}"


def utc(at_unix_s: float) -> str:
    """Return a time to the second, with its zone."""
    return f"{_at(at_unix_s):%Y-%m-%d %H:%M:%S} UTC" if at_unix_s > 0 else UNKNOWN


def day(at_unix_s: float) -> str:
    """Return a day of UTC."""
    return f"{_at(at_unix_s):%Y-%m-%d}" if at_unix_s > 0 else UNKNOWN


def iso(at_unix_s: float) -> str:
    """Return a time as HTML and programs have it, to the millisecond; empty if it is not known."""
    if at_unix_s <= 0:
        return ""
    return _at(at_unix_s).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(at_unix_s: float, span_s: float) -> str:
    """Return a label of a time axis which spans so many seconds."""
    at = _at(at_unix_s)
    if span_s > DAYS_S:
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}" if span_s > MINUTES_S else f"{at:%H:%M:%S}"


def _span(span_s: float) -> str:
    for upto_s, size_s, unit in STEPS:
        if span_s < upto_s:
            return f"{span_s / size_s:.0f} {unit}"
    return f"{span_s / MONTH_S:.0f} months"


def _at(at_unix_s: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_unix_s, dt.UTC)
