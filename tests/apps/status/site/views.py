"""Views to render: one written out, that has one of everything, and any whatsoever."""

from typing import Final

import msgspec
from hypothesis import strategies as st

from penstock.apps.status.components import ALPHABET
from penstock.apps.status.view import (
    Affected,
    ComponentView,
    Day,
    Detection,
    Figures,
    IncidentView,
    Point,
    UpdateView,
    View,
)
from penstock.watch.component import State

NOW: Final = 1_772_453_100.25  # 2026-03-02 12:05:00.250 UTC
CHAT, LOGIN, GROUP, MODEL, BATCH = (
    "chat00000001", "login0000002", "group0000003", "model0000004", "batch0000005",
)  # fmt: skip
OPEN, CLOSED, PLANNED, RUNNING, OVER = (
    "open00000011", "closed000012", "planned00013", "running00014", "over00000015",
)  # fmt: skip

DAYS: Final = (
    Day("2026-02-28"),
    Day("2026-03-01", partial_s=600.0, degraded_s=60.0, incidents=(CLOSED,)),
    Day("2026-03-02", major_s=1260.0, unknown_s=30.0, total_s=43_500.0, incidents=(OPEN,)),
)
COMPONENTS: Final = (
    ComponentView(
        id=CHAT,
        name="Web chat",
        description="What people open",
        state=State.MAJOR,
        api_state=State.MAJOR,
        position=1,
        layer="surface",
        surface="web",
        created_unix_s=NOW - 90 * 86_400,
        updated_unix_s=NOW - 900,
        start_unix_s=NOW - 90 * 86_400,
        verdict="problem",
        reasons=("9 of 12 probes failed in the last 3 minutes: timeout",),
        culprit="login",
        days=DAYS,
        figures=Figures(weighted_ratio=0.99, clear_ratio=0.98, known_ratio=0.999),
        response=(Point(NOW - 600, 0.8, 2.5, 40), Point(NOW - 300, None, None)),
        reports_hour=41,
        report_hours=(*(0,) * 22, 1, 40),
    ),
    ComponentView(
        id=LOGIN,
        name="Log-in",
        state=State.UNKNOWN,
        api_state=State.PARTIAL,
        position=2,
        layer="surface",
        surface="login",
        created_unix_s=NOW - 90 * 86_400,
        updated_unix_s=NOW - 800,
        start_unix_s=NOW - 90 * 86_400,
        days=DAYS,
    ),
    ComponentView(
        id=GROUP,
        name="Anthropic",
        state=State.DEGRADED,
        is_group=True,
        members=(MODEL, BATCH),
        position=3,
        created_unix_s=NOW - 90 * 86_400,
        updated_unix_s=NOW - 90 * 86_400,
    ),
    ComponentView(
        id=MODEL,
        name="claude-opus",
        state=State.DEGRADED,
        api_state=State.DEGRADED,
        group_id=GROUP,
        position=4,
        layer="model",
        provider="anthropic",
        created_unix_s=NOW - 90 * 86_400,
        updated_unix_s=NOW - 700,
        start_unix_s=NOW - 90 * 86_400,
        carried_by="gpt-5.2",
        days=DAYS,
    ),
    ComponentView(
        id=BATCH,
        name="claude-haiku",
        state=State.OPERATIONAL,
        group_id=GROUP,
        position=5,
        only_show_if_degraded=True,
        layer="model",
        provider="anthropic",
        created_unix_s=NOW - 90 * 86_400,
        updated_unix_s=NOW - 90 * 86_400,
        start_unix_s=NOW - 90 * 86_400,
    ),
)
OPEN_UPDATES: Final = (
    UpdateView(
        id="update000022",
        incident=OPEN,
        status="identified",
        body="It is <log-in> & web chat,\nnot the API.",
        affected=(Affected(CHAT, "Web chat", "operational", "major_outage"),),
        created_unix_s=NOW - 300,
        updated_unix_s=NOW - 300,
        display_unix_s=NOW - 300,
    ),
    UpdateView(
        id="update000021",
        incident=OPEN,
        status="investigating",
        body="We are looking into it.",
        created_unix_s=NOW - 900,
        updated_unix_s=NOW - 900,
        display_unix_s=NOW - 900,
    ),
)
INCIDENTS: Final = (
    IncidentView(
        id=OPEN,
        number=7,
        name="Nobody can log in",
        status="identified",
        impact="critical",
        components=(CHAT, LOGIN, "gone00000099"),
        updates=OPEN_UPDATES,
        created_unix_s=NOW - 900,
        updated_unix_s=NOW - 300,
        started_unix_s=NOW - 960,
        culprit="login",
        detections=(
            Detection(detector="probes", at_unix_s=NOW - 910, words="4 of 4", lead_s=610.0),
            Detection(detector="people", at_unix_s=NOW - 300),
        ),
        provider_posted_unix_s=NOW - 300,
        provider_link="https://status.example/incidents/1",
    ),
    IncidentView(
        id=CLOSED,
        number=6,
        name="Slow answers",
        status="postmortem",
        impact="minor",
        impact_override="major",
        components=(MODEL,),
        updates=(
            UpdateView(
                id="update000020",
                incident=CLOSED,
                status="resolved",
                body="It is over.",
                created_unix_s=NOW - 86_000,
                updated_unix_s=NOW - 86_000,
                display_unix_s=NOW - 86_000,
                is_delivered=False,
            ),
        ),
        created_unix_s=NOW - 90_000,
        updated_unix_s=NOW - 80_000,
        started_unix_s=NOW - 90_000,
        monitoring_unix_s=NOW - 87_000,
        resolved_unix_s=NOW - 86_000,
        postmortem="# What happened",
        postmortem_unix_s=NOW - 80_000,
    ),
)


def _maintenance(id_: str, status: str, after_s: float) -> IncidentView:
    return IncidentView(
        id=id_,
        number=3,
        name="The database moves",
        status=status,
        impact="maintenance",
        is_maintenance=True,
        components=(BATCH,),
        updates=(
            UpdateView(
                id="update" + id_[:6],
                incident=id_,
                status=status,
                body="An hour at night.",
                created_unix_s=NOW - 5000,
                updated_unix_s=NOW - 5000,
                display_unix_s=NOW - 5000,
            ),
        ),
        created_unix_s=NOW - 5000,
        updated_unix_s=NOW - 5000,
        started_unix_s=NOW + after_s,
        resolved_unix_s=NOW - 1 if status == "completed" else 0.0,
        scheduled_for_unix_s=NOW + after_s,
        scheduled_until_unix_s=NOW + after_s + 3600,
    )


VIEW: Final = View(
    page_id="page00000000",
    name="Penstock",
    url="https://status.example",
    rendered_unix_s=NOW,
    updated_unix_s=NOW - 300,
    created_unix_s=NOW - 90 * 86_400,
    components=COMPONENTS,
    incidents=INCIDENTS,
    maintenances=(
        _maintenance(PLANNED, "scheduled", 86_400),
        _maintenance(RUNNING, "in_progress", -60),
        _maintenance(OVER, "completed", -7200),
    ),
)
QUIET: Final = msgspec.structs.replace(
    VIEW,
    components=tuple(
        msgspec.structs.replace(one, api_state=State.OPERATIONAL, state=State.OPERATIONAL)
        for one in COMPONENTS
    ),
    incidents=(),
    maintenances=(),
)

ids: Final = st.text(ALPHABET, min_size=12, max_size=12)
# What a feed cannot hold in any spelling is what no database of ours takes either: surrogates.
words: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
instants: Final = st.floats(min_value=1.0, max_value=4e9)
maybe_instants: Final = st.just(0.0) | instants
ratios: Final = st.none() | st.floats(0, 1)
counts: Final = st.integers(0, 10**6)
api_words: Final = st.sampled_from([one.value for one in State if one is not State.UNKNOWN])
days: Final = st.builds(
    Day,
    st.dates().map(str),
    *[st.floats(0, 86_400)] * 6,
    incidents=st.lists(ids, max_size=2).map(tuple),
)
points: Final = st.builds(Point, instants, ratios, ratios, counts)
figures: Final = st.builds(
    Figures,
    weighted_ratio=ratios,
    clear_ratio=ratios,
    exchanges_ratio=ratios,
    known_ratio=ratios,
)


def updates(statuses: tuple[str, ...]) -> st.SearchStrategy[UpdateView]:
    return st.builds(
        UpdateView,
        id=ids,
        incident=ids,
        status=st.sampled_from(statuses),
        body=words,
        affected=st.lists(st.builds(Affected, ids, words, api_words, api_words), max_size=2).map(
            tuple
        ),
        created_unix_s=instants,
        updated_unix_s=maybe_instants,
        display_unix_s=maybe_instants,
    )


def incidents(statuses: tuple[str, ...], members: list[str]) -> st.SearchStrategy[IncidentView]:
    impacts = st.sampled_from(["none", "minor", "major", "critical", "maintenance"])
    touched = st.lists(st.sampled_from(members) | ids if members else ids, max_size=3)
    return st.builds(
        IncidentView,
        id=ids,
        number=counts,
        name=words,
        status=st.sampled_from(statuses),
        impact=impacts,
        impact_override=st.just("") | impacts,
        is_maintenance=st.just("scheduled" in statuses),
        components=touched.map(tuple),
        updates=st.lists(updates(statuses), max_size=3).map(tuple),
        created_unix_s=instants,
        updated_unix_s=instants,
        started_unix_s=maybe_instants,
        monitoring_unix_s=maybe_instants,
        resolved_unix_s=maybe_instants,
        scheduled_for_unix_s=instants if "scheduled" in statuses else st.just(0.0),
        scheduled_until_unix_s=instants if "scheduled" in statuses else st.just(0.0),
        culprit_name=words,
        postmortem=words,
        postmortem_unix_s=maybe_instants,
    )


@st.composite
def views(draw: st.DrawFn) -> View:
    """Draw any page: groups and lines, incidents that name some of them, and some that are gone."""
    names = draw(st.lists(ids, max_size=6, unique=True))
    group = names[0] if len(names) > 2 else ""
    members = tuple(names[1:3]) if group else ()
    found = [
        draw(
            st.builds(
                ComponentView,
                id=st.just(id_),
                name=words,
                description=words,
                state=st.sampled_from(State),
                api_state=st.sampled_from(State),
                is_group=st.just(id_ == group),
                group_id=st.just(group if id_ in members else ""),
                members=st.just(members if id_ == group else ()),
                position=counts,
                only_show_if_degraded=st.booleans(),
                created_unix_s=instants,
                updated_unix_s=instants,
                start_unix_s=maybe_instants,
                reasons=st.lists(words, max_size=2).map(tuple),
                days=st.lists(days, max_size=3).map(tuple),
                figures=figures,
                response=st.lists(points, max_size=2).map(tuple),
                reports_hour=counts,
                report_hours=st.lists(counts, max_size=3).map(tuple),
            )
        )
        for id_ in names
    ]
    usual = ("investigating", "identified", "monitoring", "resolved", "postmortem")
    planned = ("scheduled", "in_progress", "verifying", "completed")
    return View(
        page_id=draw(ids),
        name=draw(words),
        url="https://status.example",
        rendered_unix_s=draw(instants),
        updated_unix_s=draw(instants),
        created_unix_s=draw(instants),
        components=tuple(found),
        incidents=tuple(draw(st.lists(incidents(usual, names), max_size=3))),
        maintenances=tuple(draw(st.lists(incidents(planned, names), max_size=3))),
    )
