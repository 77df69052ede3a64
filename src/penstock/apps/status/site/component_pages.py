"""Uptime of all components side by side, and one page for each component.

A component's page is kept by what it shows, as incidents' pages are.
"""

import functools
from collections.abc import Mapping
from typing import Final, NamedTuple

from penstock.apps.status.site import component_rows, incident_rows, wording
from penstock.apps.status.site.component_rows import Row
from penstock.apps.status.site.files import File
from penstock.apps.status.site.incident_rows import Brief
from penstock.apps.status.site.shell import Shell, page
from penstock.apps.status.view import ComponentView, IncidentView, Point, View
from penstock.web.charts import over_time, response
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.over_time import Look, Series, Span
from penstock.web.quantities import number, seconds

PAGES_MAX: Final = 256  # a page has 200 components at most
INCIDENTS_MAX: Final = 50  # of one component; the history has all
HEIGHT: Final = 180
POINTS_MIN: Final = 2  # from which a step of time is known

Names = tuple[tuple[str, str], ...]


class _Shown(NamedTuple):
    """What a component's page is made from."""

    one: ComponentView
    group: str
    incidents: tuple[IncidentView, ...]
    names: Names
    hour_unix_s: float  # the beginning of this hour, which report_hours end with


def files(view: View, shell: Shell, rows: Mapping[str, Row]) -> dict[str, File]:
    """Return the pages of all components, and the one of all uptimes, by path."""
    made = {
        "/uptime": page(
            "uptime",
            shell,
            "/uptime",
            view=view,
            sections=component_rows.sections(view, rows),
        )
    }
    names = {one.id: one.name for one in view.components}
    touching: dict[str, list[IncidentView]] = {}
    for one in view.incidents:
        for part in one.components:
            touching.setdefault(part, []).append(one)
    hour_unix_s = view.rendered_unix_s // wording.HOUR_S * wording.HOUR_S
    for one in view.components:
        if not one.is_group:
            those = tuple(touching.get(one.id, ())[:INCIDENTS_MAX])
            parts = {part for incident in those for part in incident.components}
            known = tuple(sorted((part, names[part]) for part in parts if part in names))
            hour_s = hour_unix_s if any(one.report_hours) else 0.0
            shown = _Shown(one, names.get(one.group_id, ""), those, known, hour_s)
            made[f"/components/{one.id}"] = _page(shell, shown)
    return made


@functools.lru_cache(maxsize=PAGES_MAX)
def _page(shell: Shell, shown: _Shown) -> File:
    one = shown.one
    names = dict(shown.names)
    briefs: list[Brief] = [incident_rows.brief(incident, names) for incident in shown.incidents]
    return page(
        "component",
        shell,
        "",
        row=component_rows.row(one),
        group=shown.group,
        response=response_chart(one.response),
        reports=reports_chart(one, shown.hour_unix_s),
        days=[
            (day.day, wording.day_state(day), wording.day_words(day))
            for day in reversed(one.days)
            if wording.day_state(day) in ("bad", "partial", "degraded", "work")
        ],
        incidents=briefs,
    )


def response_chart(points: tuple[Point, ...]) -> Drawn | None:
    """Return the response times of the last day; None if nothing is known."""
    known = [one for one in points if one.p50_s is not None]
    if not known or len(points) < POINTS_MIN:
        return None
    pairs = response.thinned([(one.p50_s, one.p95_s) for one in points])
    step_s = (points[-1].at_unix_s - points[0].at_unix_s) / (len(points) - 1)
    size = -(-len(points) // len(pairs))
    span = Span(points[0].at_unix_s, step_s * size, len(pairs))
    series = (
        Series("p50", "series-1", [low for low, _ in pairs]),
        Series("p95", "series-3", [high for _, high in pairs], "4 3"),
    )
    look = Look("Time to the first token", "median and 95th percentile", seconds, HEIGHT)
    return over_time.lines(look, span, series)


def reports_chart(one: ComponentView, hour_unix_s: float) -> Drawn | None:
    """Return the reports of the last day by hour; None if there were none."""
    if not any(one.report_hours):
        return None
    hours = len(one.report_hours)
    start_s = hour_unix_s - (hours - 1) * wording.HOUR_S
    look = Look("User reports", "people, by hour", number, HEIGHT, is_named=False, top=4.0)
    series = [Series("reports", "series-1", one.report_hours)]
    return over_time.lines(look, Span(start_s, wording.HOUR_S, hours), series)
