"""Instants as people write them in an address or on a command line: a day, or a time, of UTC."""

import datetime as dt
from typing import Final

from penstock.apps.control.reports.load import Asked
from penstock.web.endpoint import InvalidError

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S


def asked(since: str, until: str, now_unix_s: float, *, has_names: bool = False) -> Asked:
    """Return the span of a load report; by default the last seven days. Raises InvalidError.

    A day as the end is included; a time is not.
    """
    until_s = _instant(until, "query.to", is_end=True) if until else now_unix_s
    since_s = _instant(since, "query.from") if since else until_s - WEEK_S
    return Asked(since_s, until_s, has_names)


def _instant(words: str, param: str, *, is_end: bool = False) -> float:
    try:
        found = dt.datetime.fromisoformat(words)
    except ValueError as error:
        message = f"{words!r} is not a time: write 2026-11-22, or 2026-11-22T14:00Z"
        raise InvalidError(message, param) from error
    try:
        at_s = (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp()
    except OverflowError as error:
        raise InvalidError(f"{words!r} is too far away", param) from error
    is_day = "T" not in words.upper() and " " not in words
    return at_s + DAY_S if is_end and is_day else at_s
