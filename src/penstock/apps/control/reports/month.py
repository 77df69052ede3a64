"""A month of UTC, as ``2026-11``: what has passed of it, in whole steps.

A month under way ends with the step that the present lies in: what has not happened is no uptime.
"""

import re
from typing import Final

import msgspec

from penstock.apps.control.queries.sla import Period
from penstock.core.calendar import DAY_S, first_day, month_of
from penstock.core.sla import STEP_S
from penstock.web.endpoint import InvalidError

WRITTEN: Final = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
FIRST_YEAR: Final = 1970


class Month(msgspec.Struct, frozen=True):
    """One month; ``seen_until_s`` is its end, or the present."""

    name: str
    number: int
    from_s: int
    until_s: int
    seen_until_s: int

    @property
    def is_over(self) -> bool:
        """Whether all of it has passed."""
        return self.seen_until_s == self.until_s

    @property
    def period(self) -> Period:
        """What has passed of it."""
        return Period(self.from_s, self.seen_until_s)


def month(name: str, now_unix_s: float) -> Month:
    """Return a month by its name; empty: the last whole one. Raises InvalidError."""
    if not name:
        return _month(month_of(int(now_unix_s) // DAY_S).month - 1, now_unix_s)
    found = WRITTEN.fullmatch(name)
    if found is None or int(found[1]) < FIRST_YEAR:
        raise InvalidError(f"{name!r} is not a month: write it as 2026-11", "query.month")
    made = _month(int(found[1]) * 12 + int(found[2]) - 1, now_unix_s)
    if made.from_s > now_unix_s:
        raise InvalidError(f"{name} has not begun", "query.month")
    return made


def named(number: int) -> str:
    """Return a month's name by its number (``core.calendar``)."""
    year, at = divmod(number, 12)
    return f"{year:04}-{at + 1:02}"


def end_of(number: int) -> int:
    """Return the last day of a month, as its number since the epoch."""
    return first_day(number + 1) - 1


def _month(number: int, now_unix_s: float) -> Month:
    from_s, until_s = first_day(number) * DAY_S, first_day(number + 1) * DAY_S
    now_s = -(-int(now_unix_s) // STEP_S) * STEP_S
    return Month(named(number), number, from_s, until_s, min(until_s, now_s))
