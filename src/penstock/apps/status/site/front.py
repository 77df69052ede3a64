"""The page that people come for: the answer, open incidents, components, and the rest in order.

first line     sentence.py; beneath it what is silent, and when this was rendered
banners        one for each open incident, the gravest first, and each maintenance under way;
               BANNERS_MAX at most
components     by group; small charts of response times for those that answer most
reports        the one-tap form, and counts of the last hour where there are any
at the end     planned maintenance, incidents of the last PAST_DAYS by day, subscription
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.apps.status.site import component_rows, incident_rows, now, sentence
from penstock.apps.status.site.component_rows import Row
from penstock.apps.status.site.files import File
from penstock.apps.status.site.incident_rows import Brief
from penstock.apps.status.site.shell import Shell, page
from penstock.apps.status.site.wording import DAY_S
from penstock.apps.status.view import ComponentView, IncidentView, View
from penstock.core.rollup import IMPACTS
from penstock.web.charts import bars, response
from penstock.web.charts.drawing import Drawn

BANNERS_MAX: Final = 6  # the rest is named by a link: a page of banners answers nothing
PAST_DAYS: Final = 7
PAST_MAX: Final = 40  # incidents
MULTIPLES_MAX: Final = 12
REPORTED_MAX: Final = 8
CATEGORIES: Final = (
    ("timeout", "No answer"),
    ("errors", "Errors"),
    ("login", "Cannot log in"),
    ("slow", "Slow"),
    ("wrong", "Wrong answers"),
    ("billing", "Billing"),
)


class Choice(NamedTuple):
    """A group of components to choose from; its name is empty for those without one."""

    name: str
    options: Sequence[tuple[str, str]]  # id, name


class Reported(NamedTuple):
    """How many people said that a component fails them."""

    one: ComponentView
    spark: Drawn


def front(view: View, shell: Shell, rows: Mapping[str, Row]) -> File:
    """Return the page."""
    names = {one.id: one.name for one in view.components}
    running = [one for one in view.maintenances if one.status in ("in_progress", "verifying")]
    open_ones = [one for one in view.incidents if one.is_open]
    open_ones.sort(key=_weight, reverse=True)  # of the same weight the newest stays first
    banners = [incident_rows.brief(one, names) for one in [*open_ones, *running]]
    return page(
        "index",
        shell,
        "/",
        view=view,
        said=sentence.said(view),
        version=now.version(view),
        has_days=any(row.one.days for row in rows.values()),
        banners=banners[:BANNERS_MAX],
        more=max(0, len(banners) - BANNERS_MAX),
        rising=rising(view),
        sections=component_rows.sections(view, rows),
        choices=choices(view),
        categories=CATEGORIES,
        reported=reported(view),
        reports=sum(one.reports_hour for one in sentence.leaves(view.components)),
        multiples=multiples(rows),
        planned=planned(view, names),
        past=past(view, names),
        past_days=PAST_DAYS,
    )


def rising(view: View) -> list[ComponentView]:
    """Return the components of which reports rise, while nothing that is measured fails."""
    found = sentence.leaves(view.components)
    return [one for one in found if one.verdict == "possible" and one.state not in sentence.FAILING]


def choices(view: View) -> list[Choice]:
    """Return the components that a person may choose from, by group."""
    groups = {one.id: one.name for one in view.components if one.is_group}
    found: dict[str, list[tuple[str, str]]] = {}
    for one in sentence.leaves(view.components):
        found.setdefault(groups.get(one.group_id, ""), []).append((one.id, one.name))
    return [Choice(name, options) for name, options in found.items()]


def reported(view: View) -> list[Reported]:
    """Return the components that people report most, in the last hour."""
    found = [one for one in sentence.leaves(view.components) if one.reports_hour > 0]
    found.sort(key=lambda one: -one.reports_hour)
    return [
        Reported(one, bars.spark(one.report_hours, f"{one.name}: reports by hour, 24 hours"))
        for one in found[:REPORTED_MAX]
    ]


def multiples(rows: Mapping[str, Row]) -> list[Drawn]:
    """Return small charts of response times on one scale: the components that answer most."""
    found = [row for row in rows.values() if any(one.p50_s is not None for one in row.one.response)]
    busy = sorted(found, key=lambda row: -sum(one.count for one in row.one.response))
    kept = {row.one.id for row in busy[:MULTIPLES_MAX]}
    pairs = {
        row.one.id: [(one.p50_s, one.p95_s) for one in row.one.response]
        for row in found
        if row.one.id in kept
    }
    high_s = max((response.highest_s(response.thinned(one)) for one in pairs.values()), default=0.0)
    return [
        response.figure(response.Multiple(rows[name].one.name, one, high_s, rows[name].href))
        for name, one in pairs.items()
    ]


def planned(view: View, names: Mapping[str, str]) -> list[Brief]:
    """Return maintenance that is to come, the next first."""
    found = [one for one in view.maintenances if one.status == "scheduled"]
    found.sort(key=lambda one: one.scheduled_for_unix_s)
    return [incident_rows.brief(one, names) for one in found]


def past(view: View, names: Mapping[str, str]) -> list[tuple[str, Sequence[Brief]]]:
    """Return the incidents of the last days that are over, by day."""
    since_s = view.rendered_unix_s - PAST_DAYS * DAY_S
    found: list[IncidentView] = [
        one for one in view.incidents if not one.is_open and one.started_unix_s >= since_s
    ]
    return incident_rows.by_day(found[:PAST_MAX], names)


def _weight(one: IncidentView) -> int:
    """Return how heavy an incident is: the gravest stands first."""
    word = one.impact_override or one.impact
    return IMPACTS.index(word) if word in IMPACTS else -1
