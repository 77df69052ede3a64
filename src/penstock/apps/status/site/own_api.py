"""``/api/status.json``: everything that Statuspage's API has no words for.

That a state is not known; the verdict of the watch with its reasons, and whose fault it is; who
serves a component while it fails; what people report, by hour; each figure with the formula that
it comes from; and of each incident who noticed it when, with the lead over the provider's own post.

Times are ISO 8601 in UTC; null is what is not known. Keys may be added, none is taken away or
given another meaning. docs/STATUS_PAGE.md names them all.
"""

from typing import Final

import msgspec

from penstock.apps.status.site import overall, statuspage
from penstock.apps.status.site.files import File
from penstock.apps.status.site.statuspage import at, at_or_null
from penstock.apps.status.site.statuspage_api import file
from penstock.apps.status.view import ComponentView, Figures, IncidentView, View

PATH: Final = "/api/status.json"
INCIDENTS_MAX: Final = 50  # the newest, as in the API beside it
FORMULAS: Final = {
    "weighted": "1 - (major outage + 0.3 x partial outage) / time",
    "clear": "1 - (major outage + partial outage) / time",
    "exchanges": "good exchanges / all exchanges",
    "known": "time of which anything is known / time",
}


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A drill that people are told of."""

    words: str
    began_at: str | None
    ends_at: str | None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Whose status it is, and of when."""

    id: str
    name: str
    url: str
    rendered_at: str | None
    updated_at: str | None
    is_emulated: bool  # providers are stand-ins: a demonstration
    silent: tuple[str, ...]  # sources of evidence that cannot be reached, in words
    drill: Drill | None  # that is on: failures may be on purpose


class Overall(msgspec.Struct, frozen=True, kw_only=True):
    """One word for everything, as the v2 API has it, and how many components are in which state."""

    indicator: str
    description: str
    states: dict[str, int]  # unknown too


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over the days that are listed, with what it is made from."""

    ratio: float | None
    formula: str


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """Votes of people that it does not work for them."""

    last_hour: int
    by_hour: tuple[int, ...]  # of 24 hours, the oldest first


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """Response times of a span."""

    at: str
    p50_s: float | None
    p95_s: float | None
    count: int


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A component or a group."""

    id: str
    name: str
    group_id: str | None
    members: tuple[str, ...]  # of a group
    layer: str | None  # surface, route, model, shared
    surface: str | None
    provider: str | None
    state: str  # in Statuspage's words, or unknown
    last_known_state: str  # what the v2 API says
    verdict: str  # none, possible, problem
    reasons: tuple[str, ...]
    culprit: str  # nobody, client, us, provider, model, login, shared, unknown
    carried_by: str | None  # who serves it while it fails
    updated_at: str | None
    days: int  # that the figures are made from
    figures: dict[str, Figure]
    reports: Reports
    response: tuple[Response, ...]  # the last 24 hours


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Who noticed, and when."""

    detector: str  # reports, probes, telemetry, page, people
    at: str
    words: str
    lead_s: float | None  # before the provider's own post; null: it has posted nothing (yet)


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident or maintenance, beside what the v2 API says of it."""

    id: str
    name: str
    url: str
    is_maintenance: bool
    status: str
    impact: str
    started_at: str | None
    resolved_at: str | None
    components: tuple[str, ...]
    culprit: str | None
    culprit_name: str | None
    detections: tuple[Detection, ...]
    lead_s: float | None  # of whoever noticed first
    provider_posted_at: str | None
    provider_url: str | None
    has_postmortem: bool


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    page: Page
    status: Overall
    components: tuple[Component, ...]
    incidents: tuple[Incident, ...]


def files(view: View) -> dict[str, File]:
    """Return the document by path."""
    return {PATH: file(document(view))}


def document(view: View) -> Document:
    """Return everything that is known."""
    found = sorted(
        (*view.incidents[:INCIDENTS_MAX], *view.maintenances[:INCIDENTS_MAX]),
        key=lambda one: (-one.started_unix_s, one.id),
    )
    return Document(
        page=Page(
            id=view.page_id,
            name=view.name,
            url=view.url,
            rendered_at=at_or_null(view.rendered_unix_s),
            updated_at=at_or_null(view.updated_unix_s),
            is_emulated=view.is_emulated,
            silent=view.sources_silent,
            drill=_drill(view),
        ),
        status=_overall(view),
        components=tuple(_component(view, one) for one in view.components),
        incidents=tuple(_incident(view, one) for one in found),
    )


def _drill(view: View) -> Drill | None:
    one = view.drill
    if one is None:
        return None
    began, ends = at_or_null(one.from_unix_s), at_or_null(one.until_unix_s)
    return Drill(words=one.words, began_at=began, ends_at=ends)


def _overall(view: View) -> Overall:
    together = overall.of(view)
    states: dict[str, int] = {}
    for one in view.components:
        if not one.is_group:
            states[one.state.value] = states.get(one.state.value, 0) + 1
    return Overall(
        indicator=together.indicator,
        description=together.description,
        states=dict(sorted(states.items())),
    )


def _component(view: View, one: ComponentView) -> Component:
    return Component(
        id=one.id,
        name=one.name,
        group_id=one.group_id or None,
        members=one.members,
        layer=one.layer or None,
        surface=one.surface or None,
        provider=one.provider or None,
        state=one.state.value,
        last_known_state=overall.state_of(view, one).value,
        verdict=one.verdict,
        reasons=one.reasons,
        culprit=one.culprit,
        carried_by=one.carried_by or None,
        updated_at=at_or_null(one.updated_unix_s),
        days=len(one.days),
        figures=_figures(one.figures),
        reports=Reports(last_hour=one.reports_hour, by_hour=one.report_hours),
        response=tuple(
            Response(
                at=at(point.at_unix_s), p50_s=point.p50_s, p95_s=point.p95_s, count=point.count
            )
            for point in one.response
        ),
    )


def _figures(found: Figures) -> dict[str, Figure]:
    ratios = {
        "weighted": found.weighted_ratio,
        "clear": found.clear_ratio,
        "exchanges": found.exchanges_ratio,
        "known": found.known_ratio,
    }
    return {name: Figure(ratio=ratios[name], formula=words) for name, words in FORMULAS.items()}


def _incident(view: View, one: IncidentView) -> Incident:
    first = min(one.detections, key=lambda each: each.at_unix_s, default=None)
    return Incident(
        id=one.id,
        name=one.name,
        url=statuspage.link(view, one),
        is_maintenance=one.is_maintenance,
        status=one.status,
        impact=statuspage.impact(one),
        started_at=at_or_null(one.started_unix_s),
        resolved_at=at_or_null(one.resolved_unix_s),
        components=one.components,
        culprit=one.culprit or None,
        culprit_name=one.culprit_name or None,
        detections=tuple(
            Detection(
                detector=each.detector, at=at(each.at_unix_s), words=each.words, lead_s=each.lead_s
            )
            for each in one.detections
        ),
        lead_s=first.lead_s if first is not None else None,
        provider_posted_at=at_or_null(one.provider_posted_unix_s),
        provider_url=one.provider_link or None,
        has_postmortem=bool(one.postmortem),
    )
