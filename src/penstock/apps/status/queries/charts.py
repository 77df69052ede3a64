"""The charts of an incident: reports, and the failed share of probes and of exchanges.

from AROUND_S before it began to AROUND_S after its end, or to now; in SPANS_MAX spans at most, each
a whole number of measures. Where nothing was measured there is no share. Once an incident has been
over for FREEZE_S they are kept in its document, as the measures are thinned out later.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, select

from penstock.apps.status.queries.figures import HOUR_S
from penstock.apps.status.tables import GRAIN_S, measures, reports
from penstock.apps.status.view import Evidence, IncidentView
from penstock.core.calendar import DAY_S

AROUND_S: Final = 1_800.0
FREEZE_S: Final = 2 * AROUND_S
MEASURES_S: Final = 7 * DAY_S  # an incident that began longer ago has none
SPANS_MAX: Final = 120  # as many as a narrow chart shows apart
PROBES: Final = "probes"
TELEMETRY: Final = "telemetry"


def is_drawn(incident: IncidentView, now_unix_s: float) -> bool:
    """Tell whether the charts of an incident can be drawn: its measures are still there."""
    return not incident.is_maintenance and incident.started_unix_s > now_unix_s - MEASURES_S


def is_final(incident: IncidentView, now_unix_s: float) -> bool:
    """Tell whether the charts of an incident change no more."""
    return not incident.is_open and now_unix_s > incident.resolved_unix_s + FREEZE_S


def drawn(connection: Connection, incident: IncidentView, now_unix_s: float) -> Evidence:
    """Return the charts of an incident as of now."""
    from_unix_s = (incident.started_unix_s - AROUND_S) // GRAIN_S * GRAIN_S
    end_unix_s = incident.resolved_unix_s + AROUND_S if incident.resolved_unix_s else now_unix_s
    length_s = max(float(GRAIN_S), min(now_unix_s, end_unix_s) - from_unix_s)
    steps = -(-length_s // (GRAIN_S * SPANS_MAX))
    grain_s = steps * GRAIN_S
    count = int(-(-length_s // grain_s))
    span = (from_unix_s, grain_s, count)
    return Evidence(
        from_unix_s=from_unix_s,
        grain_s=grain_s,
        reports=_votes(connection, incident.components, span),
        probes_failed_ratio=_failed(connection, incident.components, span, PROBES),
        exchanges_failed_ratio=_failed(connection, incident.components, span, TELEMETRY),
    )


def _votes(
    connection: Connection, some: Sequence[str], span: tuple[float, float, int]
) -> tuple[int, ...]:
    from_unix_s, grain_s, count = span
    found = [0] * count
    times = select(reports.c.at_unix_s).where(
        reports.c.component.in_(some),
        reports.c.is_counted == 1,
        reports.c.at_unix_s >= from_unix_s,
        reports.c.at_unix_s < from_unix_s + count * grain_s,
    )
    for at_unix_s in connection.execute(times).scalars():
        found[int((at_unix_s - from_unix_s) // grain_s)] += 1
    return tuple(found)


def _failed(
    connection: Connection, some: Sequence[str], span: tuple[float, float, int], source: str
) -> tuple[float | None, ...]:
    from_unix_s, grain_s, count = span
    bad, all_ = [0] * count, [0] * count
    failed = measures.c.failed + measures.c.wrong
    statement = (
        select(
            measures.c.start_unix_s,
            func.sum(failed).label("bad"),
            func.sum(failed + measures.c.good).label("every"),
        )
        .where(
            measures.c.component.in_(some),
            measures.c.source == source,
            measures.c.grain_s.in_((GRAIN_S, HOUR_S)),  # hours after some days
            measures.c.start_unix_s >= from_unix_s,
            measures.c.start_unix_s < from_unix_s + count * grain_s,
        )
        .group_by(measures.c.start_unix_s)
    )
    rows: Sequence[Any] = connection.execute(statement).all()
    for row in rows:
        index = int((row.start_unix_s - from_unix_s) // grain_s)
        bad[index] += row.bad
        all_[index] += row.every
    return tuple(one / of if of else None for one, of in zip(bad, all_, strict=True))
