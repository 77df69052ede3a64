"""The words and shapes of the public page: states, statuses, impacts, days, spans of time."""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final

from penstock.apps.status.drilling import Announced
from penstock.apps.status.view import Day, IncidentView
from penstock.watch.component import State
from penstock.web.quantities import UNKNOWN

SHAPES: Final = {
    State.OPERATIONAL: "good",
    State.DEGRADED: "degraded",
    State.PARTIAL: "partial",
    State.MAJOR: "bad",
    State.MAINTENANCE: "work",
    State.UNKNOWN: "unknown",
}
WORDS: Final = {
    State.OPERATIONAL: "Operational",
    State.DEGRADED: "Degraded",
    State.PARTIAL: "Partial outage",
    State.MAJOR: "Major outage",
    State.MAINTENANCE: "Maintenance",
    State.UNKNOWN: "Not known",
}
WORST: Final = (
    State.MAJOR, State.PARTIAL, State.DEGRADED, State.MAINTENANCE, State.UNKNOWN, State.OPERATIONAL,
)  # fmt: skip
IMPACTS: Final = {
    "none": ("unknown", "No impact"),
    "minor": ("degraded", "Minor impact"),
    "major": ("partial", "Major impact"),
    "critical": ("bad", "Critical impact"),
    "maintenance": ("work", "Maintenance"),
}
STATUSES: Final = {
    "investigating": "Investigating",
    "identified": "Identified",
    "monitoring": "Monitoring",
    "resolved": "Resolved",
    "postmortem": "Post-mortem published",
    "scheduled": "Scheduled",
    "in_progress": "In progress",
    "verifying": "Verifying",
    "completed": "Completed",
}
OVER: Final = ("resolved", "completed", "postmortem")
CULPRITS: Final = {
    "client": "Outside: one network, region or version of an app",
    "us": "Ours",
    "login": "Log-in",
    "shared": "What several parts rest on",
    "unknown": "Not known yet",
}
DETECTORS: Final = {
    "reports": "User reports",
    "probes": "Probes",
    "telemetry": "Traffic",
    "page": "The provider's own page",
    "people": "Our operators",
}
MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
UNMEASURED_RATIO: Final = 0.5  # of a day of which less is known nothing is said
DIGITS: Final = 10_000  # of a share of time: hundredths of a percent, rounded down


def state_of(word: str) -> State | None:
    """Return the state of an update's word; None if it is none of ours."""
    return next((one for one in State if one.value == word), None)


def status(word: str) -> str:
    """Return an incident's status for people."""
    return STATUSES.get(word, word.replace("_", " ").capitalize())


def impact(one: IncidentView) -> tuple[str, str]:
    """Return the shape and the words of what an incident does; over is good."""
    shape, words = IMPACTS.get(one.impact_override or one.impact, ("unknown", one.impact))
    return ("work", "Maintenance") if one.is_maintenance else (shape, words)


def joined(names: Sequence[str], most: int, what: str = "more") -> str:
    """Return names as people list them; beyond ``most`` how many more there are."""
    shown = list(names[:most])
    over = len(names) - len(shown)
    if over:
        shown.append(f"{over} {what}")
    if len(shown) <= 1:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def span(span_s: float) -> str:
    """Return how long something took: 45 s, 12 min, 3 h 58 min, 2 d 4 h."""
    if span_s < MINUTE_S:
        return f"{max(0.0, span_s):.0f} s"
    minutes = round(span_s / MINUTE_S)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min"


def when(at_unix_s: float) -> str:
    """Return a time to the minute: 2 Mar 2026, 11:49 UTC."""
    if at_unix_s <= 0:
        return UNKNOWN
    at = _at(at_unix_s)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def clock(at_unix_s: float) -> str:
    """Return the time of a day: 11:49 UTC."""
    return f"{_at(at_unix_s):%H:%M} UTC" if at_unix_s > 0 else UNKNOWN


def date(at_unix_s: float) -> str:
    """Return a day for people: 2 March 2026."""
    at = _at(at_unix_s)
    return f"{at.day} {at:%B %Y}"


def month(at_unix_s: float) -> str:
    """Return a month as it stands in addresses: 2026-03."""
    return f"{_at(at_unix_s):%Y-%m}"


def month_words(key: str) -> str:
    """Return a month for people: March 2026."""
    year, number = key.split("-")
    return f"{dt.date(int(year), int(number), 1):%B %Y}"


def share_of_time(ratio: float | None) -> str:
    """Return a share of time in percent, never better than it was."""
    if ratio is None:
        return UNKNOWN
    if ratio >= 1:
        return "100 %"
    return f"{math.floor(max(0.0, ratio) * DIGITS + 1e-9) / (DIGITS / 100):.2f} %"


def day_state(day: Day) -> str:
    """Return the shape of a day: the worst that happened."""
    if day.total_s <= 0:
        return "unknown"
    for seconds, shape in (
        (day.major_s, "bad"),
        (day.partial_s, "partial"),
        (day.degraded_s, "degraded"),
        (day.maintenance_s, "work"),
    ):
        if seconds > 0:
            return shape
    return "unknown" if day.unknown_s > UNMEASURED_RATIO * day.total_s else "good"


def day_words(day: Day) -> str:
    """Return what happened on a day: minutes by kind."""
    told = [
        f"{span(seconds)} {words}"
        for seconds, words in (
            (day.major_s, "major outage"),
            (day.partial_s, "partial outage"),
            (day.degraded_s, "degraded"),
            (day.maintenance_s, "maintenance"),
        )
        if seconds > 0
    ]
    if day.total_s <= 0 or (not told and day.unknown_s >= day.total_s):
        return "not measured"
    if day.unknown_s >= MINUTE_S:
        told.append(f"{span(day.unknown_s)} not measured")
    return ", ".join(told) or "no outage"


def bars(days: Sequence[Day]) -> list[tuple[str, str, str]]:
    """Return days as the uptime bars take them."""
    return [(day.day, day_state(day), day_words(day)) for day in days]


def drill(one: Announced) -> str:
    """Return what is said of a drill that is on, with its end."""
    ends = _at(one.until_unix_s)
    is_today = ends.date() == _at(one.from_unix_s).date()
    day = "" if is_today else f" on {ends:%-d %B}"
    return f"{one.words} It ends by {ends:%H:%M} UTC{day}."


def _at(at_unix_s: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_unix_s, dt.UTC)
