"""What is kept for how long; and sums of days, from which a page of 90 days is made cheaply.

days        exchanges and probes of each day are summed SETTLE_S after it has ended, in DAY_S spans
            beside the finer ones; days that were missed are made up for, DAYS_AT_ONCE at most
history     incidents that are over, intervals, posts, votes by hour and the audit log:
            ``history_days``; of posts and the audit log ROWS_MAX at most
verdicts    VERDICT_DAYS, and VERDICTS_MAX of them at most; the last one of a component stays
drafts      that are over and nobody published: DRAFT_DAYS

Minutes of measures are thinned out by whoever writes them (watching/measuring.py), and words of
reports by the intake.
"""

from typing import Any, Final

from sqlalchemy import Connection, Integer, case, delete, func, literal, select
from sqlalchemy.dialects.sqlite import insert

from penstock.apps.status.incidents import saying
from penstock.apps.status.queries.figures import HOUR_S
from penstock.apps.status.tables import (
    GRAIN_S,
    audit,
    components,
    incident_parts,
    incident_updates,
    incidents,
    intervals,
    kept,
    measures,
    posts,
    report_hours,
    verdicts,
)
from penstock.core.calendar import DAY_S

SETTLE_S: Final = 1_800  # minutes are written a little after they are over
DAYS_AT_ONCE: Final = 10
VERDICT_DAYS: Final = 90
VERDICTS_MAX: Final = 300_000  # some hundred megabytes; a bad day of ten components has 5,000
ROWS_MAX: Final = 100_000  # a page that changes its mind each minute fills a year's in two months
DRAFT_DAYS: Final = 7
INCIDENTS_AT_ONCE: Final = 100
SUMS: Final = ("good", "slow", "failed", "wrong", "unknown", "timed", "ttft_sum_s")
POSTMORTEM: Final = "postmortem "  # the kept document of an incident


def turn(connection: Connection, history_days: int, now_unix_s: float) -> None:
    """Sum up the days that are over, and forget what is old."""
    _sum_up(connection, now_unix_s)
    before_unix_s = now_unix_s - history_days * DAY_S
    _forget_incidents(connection, before_unix_s, now_unix_s)
    is_old = (intervals.c.to_unix_s > 0) & (intervals.c.to_unix_s < before_unix_s)
    connection.execute(delete(intervals).where(is_old))
    for table in (posts, audit):
        newest = connection.execute(select(func.max(table.c.id))).scalar() or 0
        is_past = (table.c.at_unix_s < before_unix_s) | (table.c.id <= newest - ROWS_MAX)
        connection.execute(delete(table).where(is_past))
    connection.execute(delete(report_hours).where(report_hours.c.start_unix_s < before_unix_s))
    _forget_verdicts(connection, max(before_unix_s, now_unix_s - VERDICT_DAYS * DAY_S))


def _sum_up(connection: Connection, now_unix_s: float) -> None:
    """Make the sums of the days since the last that has one."""
    fine = measures.c.grain_s.in_((GRAIN_S, HOUR_S))
    last = select(func.max(measures.c.start_unix_s)).where(measures.c.grain_s == DAY_S)
    first = select(func.min(measures.c.start_unix_s)).where(fine)
    done, begun = connection.execute(last).scalar(), connection.execute(first).scalar()
    if begun is None:
        return
    day = begun // DAY_S if done is None else done // DAY_S + 1
    today = int((now_unix_s - SETTLE_S) // DAY_S)
    for one in range(max(day, today - DAYS_AT_ONCE), today):
        _sum_day(connection, one)


def _sum_day(connection: Connection, day: int) -> None:
    inside = (measures.c.start_unix_s >= day * DAY_S, measures.c.start_unix_s < (day + 1) * DAY_S)
    weight = case((func.sum(measures.c.timed) > 0, func.sum(measures.c.timed)), else_=1)
    columns = {
        "component": measures.c.component,
        "source": measures.c.source,
        "grain_s": literal(DAY_S, Integer),
        "start_unix_s": literal(day * DAY_S, Integer),
        **{name: func.sum(measures.c[name]) for name in SUMS},
        "ttft_max_s": func.max(measures.c.ttft_max_s),
        "ttft_p50_s": func.sum(measures.c.ttft_p50_s * measures.c.timed) / weight,
        "ttft_p95_s": func.sum(measures.c.ttft_p95_s * measures.c.timed) / weight,
    }
    summed = (
        select(*(column.label(name) for name, column in columns.items()))
        .where(measures.c.grain_s.in_((GRAIN_S, HOUR_S)), *inside)
        .group_by(measures.c.component, measures.c.source)
    )
    statement: Any = insert(measures).from_select(list(columns), summed)
    connection.execute(statement)


def _forget_incidents(connection: Connection, before_unix_s: float, now_unix_s: float) -> None:
    is_over = incidents.c.status.in_(saying.CLOSED)
    is_old = incidents.c.resolved_unix_s < before_unix_s
    is_left = (incidents.c.is_draft == 1) & (
        incidents.c.updated_unix_s < now_unix_s - DRAFT_DAYS * DAY_S
    )
    statement = select(incidents.c.id).where(is_over, is_old | is_left).limit(INCIDENTS_AT_ONCE)
    some = list(connection.execute(statement).scalars())
    for table in (incident_parts, incident_updates):
        connection.execute(delete(table).where(table.c.incident.in_(some)))
    connection.execute(delete(kept).where(kept.c.name.in_(POSTMORTEM + one for one in some)))
    connection.execute(delete(incidents).where(incidents.c.id.in_(some)))


def _forget_verdicts(connection: Connection, before_unix_s: float) -> None:
    last = select(components.c.verdict)
    newest = connection.execute(select(func.max(verdicts.c.id))).scalar() or 0
    is_old = (verdicts.c.at_unix_s < before_unix_s) | (verdicts.c.id <= newest - VERDICTS_MAX)
    connection.execute(delete(verdicts).where(is_old, verdicts.c.id.not_in(last)))
