"""Days of UTC that a page looks at: a span by name, or from one day to another.

span        today, 7d, 30d, month, last-month; without any: 30d
since, until  days as 2026-11-22, both included; they outrank the span
"""

import datetime as dt
from collections.abc import Mapping
from typing import Final

import msgspec

from penstock.apps.control.queries.usage import Span

DAY_S: Final = 86_400
DAYS_MAX: Final = 1100  # three years, as bars of a pixel
EPOCH: Final = dt.date(1970, 1, 1)
SPANS: Final = (
    ("today", "Today"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("month", "This month"),
    ("last-month", "Last month"),
)
USUAL: Final = "30d"


class Period(msgspec.Struct, frozen=True):
    """A span, and how it was asked for; ``errors`` by field say what could not be understood."""

    span: Span
    name: str  # of SPANS; empty: by days
    errors: dict[str, str] = {}

    @property
    def since(self) -> str:
        """The first day."""
        return written(self.span.since_s)

    @property
    def until(self) -> str:
        """The last day."""
        return written(self.span.until_s - DAY_S)

    @property
    def words(self) -> str:
        """The days in words."""
        return self.since if self.since == self.until else f"{self.since} to {self.until}"


def period(query: Mapping[str, str], now_unix_s: float) -> Period:
    """Return what a query asks for; what cannot be understood is replaced by the usual."""
    today = day_of(now_unix_s)
    if query.get("since") or query.get("until"):
        return _by_days(query, today)
    name = query.get("span", USUAL)
    name = name if name in dict(SPANS) else USUAL
    return Period(_span(name, today), name)


def day_of(at_unix_s: float) -> dt.date:
    """Return the day of UTC."""
    return EPOCH + dt.timedelta(days=int(at_unix_s // DAY_S))


def midnight_s(day: dt.date) -> int:
    """Return when a day begins."""
    return (day - EPOCH).days * DAY_S


def written(at_s: int) -> str:
    """Return the day as it is written."""
    return day_of(at_s).isoformat()


def month_began_s(now_unix_s: float) -> int:
    """Return when the month began."""
    return midnight_s(day_of(now_unix_s).replace(day=1))


def _span(name: str, today: dt.date) -> Span:
    tomorrow_s = midnight_s(today) + DAY_S
    match name:
        case "today":
            return Span(tomorrow_s - DAY_S, tomorrow_s)
        case "7d":
            return Span(tomorrow_s - 7 * DAY_S, tomorrow_s)
        case "month":
            return Span(midnight_s(today.replace(day=1)), tomorrow_s)
        case "last-month":
            ends = today.replace(day=1)
            begins = (ends - dt.timedelta(days=1)).replace(day=1)
            return Span(midnight_s(begins), midnight_s(ends))
        case _:
            return Span(tomorrow_s - 30 * DAY_S, tomorrow_s)


def _by_days(query: Mapping[str, str], today: dt.date) -> Period:
    errors: dict[str, str] = {}
    days: dict[str, dt.date] = {}
    for field in ("since", "until"):
        raw = query.get(field, "").strip()
        try:
            found = dt.date.fromisoformat(raw) if raw else today
        except ValueError:
            errors[field] = f"{raw!r} is no day: write it as {today.isoformat()}"
            continue
        if not EPOCH <= found <= today + dt.timedelta(days=DAYS_MAX):
            errors[field] = f"{raw} is not a day of ours: write one up to {today.isoformat()}"
            continue
        days[field] = found
    if not errors and days["since"] > days["until"]:
        errors["until"] = f"is before {days['since']}: give the later day here"
    if not errors and (days["until"] - days["since"]).days >= DAYS_MAX:
        errors["since"] = f"more than {DAYS_MAX} days: begin later"
    if errors:
        return Period(_span(USUAL, today), "", errors)
    return Period(Span(midnight_s(days["since"]), midnight_s(days["until"]) + DAY_S), "")
