"""All that the site is rendered from: read from the database once, then plain values.

Nothing that renders asks the database, so what one site says is of one instant. Times are Unix time
in seconds, 0 is never. Drafts are not in it.
"""

import msgspec

from penstock.apps.status.drilling import Announced
from penstock.watch.component import State


class Day(msgspec.Struct, frozen=True):
    """One day of UTC of one component: seconds by state, merged; unmeasured time is not uptime."""

    day: str  # 2026-03-02
    degraded_s: float = 0.0
    partial_s: float = 0.0
    major_s: float = 0.0
    maintenance_s: float = 0.0
    unknown_s: float = 0.0
    total_s: float = 86_400.0  # of the current day and the first one: less
    incidents: tuple[str, ...] = ()  # ids


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What 90 days come to, each formula labelled where it is shown; None: not known."""

    weighted_ratio: float | None = None  # 1 - (major + 0.3 partial) / time (Statuspage's)
    clear_ratio: float | None = None  # 1 - (major + partial) / time: minutes of outage
    exchanges_ratio: float | None = None  # good / all exchanges
    known_ratio: float | None = None  # share of the time of which anything is known


class Point(msgspec.Struct, frozen=True):
    """Response times of a span."""

    at_unix_s: float
    p50_s: float | None
    p95_s: float | None
    count: int = 0


class ComponentView(msgspec.Struct, frozen=True, kw_only=True):
    """One component, or a group of them."""

    id: str
    name: str
    description: str = ""
    state: State = State.UNKNOWN  # a group's is the worst of its members'
    api_state: State = State.OPERATIONAL  # the last that was known: the v2 API has no unknown
    is_group: bool = False
    group_id: str = ""
    members: tuple[str, ...] = ()  # of a group
    position: int = 0
    only_show_if_degraded: bool = False
    layer: str = ""
    surface: str = ""
    provider: str = ""
    created_unix_s: float = 0.0
    updated_unix_s: float = 0.0
    start_unix_s: float = 0.0
    verdict: str = "none"  # none, possible, problem
    reasons: tuple[str, ...] = ()
    culprit: str = "nobody"
    carried_by: str = ""  # who serves it while it fails
    days: tuple[Day, ...] = ()  # 90, the oldest first
    figures: Figures = Figures()
    response: tuple[Point, ...] = ()  # the last 24 hours
    reports_hour: int = 0  # votes in the last hour
    report_hours: tuple[int, ...] = ()  # votes of the last 24 hours, the oldest first


class Affected(msgspec.Struct, frozen=True):
    """What an update says of a component."""

    code: str
    name: str
    old_status: str
    new_status: str


class UpdateView(msgspec.Struct, frozen=True, kw_only=True):
    """One update of an incident."""

    id: str
    incident: str
    status: str
    body: str
    affected: tuple[Affected, ...] = ()
    is_delivered: bool = True
    created_unix_s: float = 0.0
    updated_unix_s: float = 0.0
    display_unix_s: float = 0.0


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """When who noticed; shown on the incident's page."""

    detector: str  # reports, probes, telemetry, page, people
    at_unix_s: float
    words: str = ""
    lead_s: float | None = None  # before the provider's own post; None: there is none (yet)


class IncidentView(msgspec.Struct, frozen=True, kw_only=True):
    """One incident, or one maintenance. Updates: the newest first."""

    id: str
    number: int
    name: str
    status: str
    impact: str
    impact_override: str = ""
    is_maintenance: bool = False
    components: tuple[str, ...] = ()  # ids
    updates: tuple[UpdateView, ...] = ()
    created_unix_s: float = 0.0
    updated_unix_s: float = 0.0
    started_unix_s: float = 0.0
    monitoring_unix_s: float = 0.0
    resolved_unix_s: float = 0.0
    scheduled_for_unix_s: float = 0.0
    scheduled_until_unix_s: float = 0.0
    culprit: str = ""
    culprit_name: str = ""
    detections: tuple[Detection, ...] = ()
    provider_posted_unix_s: float = 0.0
    provider_link: str = ""
    evidence: "Evidence | None" = None
    postmortem: str = ""  # Markdown, once it is published
    postmortem_unix_s: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.status not in ("resolved", "postmortem", "completed")


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The three small charts of an incident: values a span, from before it to after it."""

    from_unix_s: float
    grain_s: float
    reports: tuple[int, ...] = ()
    probes_failed_ratio: tuple[float | None, ...] = ()  # None: none were made
    exchanges_failed_ratio: tuple[float | None, ...] = ()


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything."""

    page_id: str
    name: str
    url: str  # without a slash at the end
    time_zone: str = "Etc/UTC"
    intake_url: str = ""  # where forms go: the process itself, should the site lie elsewhere
    rendered_unix_s: float = 0.0
    updated_unix_s: float = 0.0
    created_unix_s: float = 0.0  # of the page
    components: tuple[ComponentView, ...] = ()  # groups too, by position
    incidents: tuple[IncidentView, ...] = ()  # all that are kept, the newest first
    maintenances: tuple[IncidentView, ...] = ()  # the newest first
    takes_reports: bool = True
    takes_subscriptions: bool = True
    takes_mail: bool = True  # subscriptions by e-mail too
    is_emulated: bool = False  # providers are stand-ins: said on every page
    drill: Announced | None = None  # that is on
    sources_silent: tuple[str, ...] = ()  # what cannot be reached, in words
