"""Instants and spans in words, the same on all that an incident says. Pure."""

import datetime as dt
from typing import Final

MINUTE_S: Final = 60.0
MINUTES_MAX: Final = 120  # beyond, hours are easier to read


def clock_words(at_unix_s: float, now_unix_s: float) -> str:
    """Return an instant as "14:30 UTC", with its day where that is not today's."""
    at, now = (dt.datetime.fromtimestamp(one, dt.UTC) for one in (at_unix_s, now_unix_s))
    day = "" if at.date() == now.date() else f"{at.day} {at:%B} "
    return f"{day}{at:%H:%M} UTC"


def span_words(length_s: float) -> str:
    """Return a length of time as "25 minutes", "3 h 58 min"."""
    minutes = max(1, round(length_s / MINUTE_S))
    if minutes < MINUTES_MAX:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def rounded_up(at_unix_s: float, step_s: float) -> float:
    """Return the next instant that is a whole number of steps, or this one."""
    return -(-at_unix_s // step_s) * step_s
