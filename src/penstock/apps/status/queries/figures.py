"""What the page says of components over time, read in a few queries for all of them.

    days        90 of UTC, from intervals; a group's are its members' merged, the worst wins
    exchanges   good / all exchanges of these days, from measures: sums of whole days, which the
                hourly turn makes, and the finer spans since
    response    24 hours of first tokens in spans of POINT_S: what callers saw, else what probes
                saw. A point is the mean of its finer spans' quantiles, by how many answers they had
    votes       counted user reports, by hour

Spans of measures come in three grains: GRAIN_S, HOUR_S (older ones are thinned out to these), DAY_S
(beside them).
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select

from penstock.apps.status.tables import GRAIN_S, intervals, measures, report_hours, reports
from penstock.apps.status.view import Day, Point
from penstock.core import uptime
from penstock.core.calendar import DAY_S
from penstock.core.rollup import Condition
from penstock.core.uptime import Span

DAYS: Final = 90
HOUR_S: Final = 3_600
HOURS: Final = 24
POINT_S: Final = 900  # 96 points in a day: as wide as a chart on a phone
POINTS: Final = HOURS * HOUR_S // POINT_S
PROBES: Final = "probes"
TELEMETRY: Final = "telemetry"
EPOCH_DAY: Final = dt.date(1970, 1, 1).toordinal()


def spans(connection: Connection, now_unix_s: float) -> dict[str, list[Span]]:
    """Return what is known of each component in the last days."""
    from_unix_s = (now_unix_s // DAY_S - DAYS + 1) * DAY_S
    recent = (intervals.c.to_unix_s == 0) | (intervals.c.to_unix_s > from_unix_s)
    found: dict[str, list[Span]] = {}
    for row in connection.execute(select(intervals).where(recent)):
        span = Span(Condition.of(row.state), row.from_unix_s, row.to_unix_s or now_unix_s)
        found.setdefault(row.component, []).append(span)
    return found


def touched(
    parts: Iterable[tuple[str, float, float]], now_unix_s: float
) -> dict[int, tuple[str, ...]]:
    """Return which incidents lie on which day, from (incident, from, to); to 0 while it lasts."""
    first = int(now_unix_s // DAY_S) - DAYS + 1
    found: dict[int, dict[str, None]] = {}
    for incident, from_unix_s, to_unix_s in parts:
        last = int((to_unix_s or now_unix_s) // DAY_S)
        for day in range(max(first, int(from_unix_s // DAY_S)), last + 1):
            found.setdefault(day, {})[incident] = None
    return {day: tuple(some) for day, some in found.items()}


def days(
    known: Iterable[Span],
    start_unix_s: float,
    now_unix_s: float,
    incidents: Mapping[int, tuple[str, ...]],
) -> tuple[tuple[Day, ...], uptime.Ratios]:
    """Return 90 days, with their incidents, and what they come to."""
    found = uptime.days(uptime.merged(known), start_unix_s, now_unix_s, DAYS)
    shown = tuple(
        Day(
            day=dt.date.fromordinal(EPOCH_DAY + one.day).isoformat(),
            degraded_s=one.degraded_s,
            partial_s=one.partial_s,
            major_s=one.major_s,
            maintenance_s=one.maintenance_s,
            unknown_s=one.unknown_s,
            total_s=one.total_s,
            incidents=incidents.get(one.day, ()),
        )
        for one in found
    )
    return shown, uptime.ratios(found)


def exchanges(connection: Connection, some: Sequence[str], now_unix_s: float) -> dict[str, float]:
    """Return each component's share of good exchanges in the last days."""
    first_unix_s = (int(now_unix_s // DAY_S) - DAYS + 1) * DAY_S
    sums: dict[str, list[int]] = {}
    whole = _counted(some, (DAY_S,), first_unix_s)
    for row in connection.execute(whole):
        sums[row.component] = [row.good, row.bad]
    last = connection.execute(
        select(func.max(measures.c.start_unix_s)).where(
            measures.c.component.in_(some),
            measures.c.source == TELEMETRY,
            measures.c.grain_s == DAY_S,
        )
    ).scalar()
    since_unix_s = first_unix_s if last is None else max(first_unix_s, last + DAY_S)
    for row in connection.execute(_counted(some, (GRAIN_S, HOUR_S), since_unix_s)):
        both = sums.setdefault(row.component, [0, 0])
        both[0] += row.good
        both[1] += row.bad
    return {one: good / (good + bad) for one, (good, bad) in sums.items() if good + bad > 0}


def response(
    connection: Connection, some: Sequence[str], now_unix_s: float
) -> dict[str, tuple[Point, ...]]:
    """Return the response times of the last 24 hours."""
    first = int(now_unix_s // POINT_S) - POINTS + 1
    point = (measures.c.start_unix_s // POINT_S).label("point")
    statement = (
        select(
            measures.c.component,
            measures.c.source,
            point,
            func.sum(measures.c.timed).label("timed"),
            func.sum(measures.c.ttft_p50_s * measures.c.timed).label("p50"),
            func.sum(measures.c.ttft_p95_s * measures.c.timed).label("p95"),
        )
        .where(
            measures.c.component.in_(some),
            measures.c.source.in_((PROBES, TELEMETRY)),
            measures.c.grain_s == GRAIN_S,
            measures.c.start_unix_s >= first * POINT_S,
            measures.c.timed > 0,
        )
        .group_by(measures.c.component, measures.c.source, point)
        .order_by(measures.c.source)  # what callers saw comes last, and stays
    )
    found: dict[str, dict[int, Point]] = {}
    for row in connection.execute(statement):
        mean = Point(
            float(row.point * POINT_S), row.p50 / row.timed, row.p95 / row.timed, row.timed
        )
        found.setdefault(row.component, {})[row.point] = mean
    every = range(first, first + POINTS)
    return {
        component: tuple(points.get(at) or Point(float(at * POINT_S), None, None) for at in every)
        for component, points in found.items()
    }


def votes(connection: Connection, now_unix_s: float) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Return the counted reports of the last hour, and of each of the last 24 clock hours."""
    first = int(now_unix_s // HOUR_S) - HOURS + 1
    hours: dict[str, list[int]] = {}
    recent = report_hours.c.start_unix_s >= first * HOUR_S
    for row in connection.execute(select(report_hours).where(recent)):
        index = row.start_unix_s // HOUR_S - first
        if 0 <= index < HOURS:
            hours.setdefault(row.component, [0] * HOURS)[index] = row.votes
    last = (
        select(reports.c.component, func.count().label("votes"))
        .where(reports.c.is_counted == 1, reports.c.at_unix_s > now_unix_s - HOUR_S)
        .group_by(reports.c.component)
    )
    lately = {row.component: row.votes for row in connection.execute(last)}
    return {
        one: (lately.get(one, 0), tuple(hours.get(one, [0] * HOURS)))
        for one in hours.keys() | lately.keys()
    }


def _counted(some: Sequence[str], grains: tuple[int, ...], since_unix_s: float) -> Any:
    """Return the query of good and bad exchanges by component; each is a range of the key."""
    return (
        select(
            measures.c.component,
            func.sum(measures.c.good).label("good"),
            func.sum(measures.c.failed + measures.c.wrong).label("bad"),
        )
        .where(
            measures.c.component.in_(some),
            measures.c.source == TELEMETRY,
            measures.c.grain_s.in_(grains),
            measures.c.start_unix_s >= since_unix_s,
        )
        .group_by(measures.c.component)
    )
