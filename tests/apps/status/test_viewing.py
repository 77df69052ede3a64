"""What the site is rendered from, read from a database with everything in it."""

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, update
from tests.apps.status.ground import START_S, Page, id_of

from penstock.apps.status import keeping, tables, viewing
from penstock.apps.status.incidents import incidents, states
from penstock.apps.status.incidents.incidents import Opening
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.view import ComponentView, View
from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.component import State

API, WEB, OPUS = id_of("API"), id_of("Web chat"), id_of("opus-4.6")
DAY_S = 86_400


def seen(page: Page) -> View:
    with page.store.reading() as connection:
        return viewing.read(connection, page.parts, page.now_s)


def component(view: View, name: str) -> ComponentView:
    return next(one for one in view.components if one.name == name)


def watch(page: Page, state: State, *some: str) -> None:
    with page.writing() as connection:
        states.watched(connection, page.parts, dict.fromkeys(some, state), page.now_s)


def opened(page: Page, *, is_draft: bool = False, state: State = State.MAJOR) -> str:
    said = Said(status="investigating", body="We look at it.", components={API: state})
    opening = Opening(name="The API fails", said=said, is_draft=is_draft)
    with page.writing() as connection:
        return incidents.open_(connection, page.parts, opening, page.now_s)


def measured(page: Page, component: str, start_s: float, **more: object) -> None:
    values = {"source": "telemetry", "grain_s": 60, **more}
    with page.writing() as connection:
        connection.execute(
            insert(tables.measures).values(component=component, start_unix_s=int(start_s), **values)
        )


def test_a_new_page_knows_nothing_and_says_so(page: Page) -> None:
    page.now_s += 60
    view = seen(page)
    api = component(view, "API")
    assert (api.state, api.api_state) == (State.UNKNOWN, State.OPERATIONAL)
    assert len(api.days) == 90
    assert api.days[-1].day == "2026-03-02"
    assert (api.days[-1].total_s, api.days[-1].unknown_s) == (60, 60)
    assert api.figures.weighted_ratio is None
    assert api.figures.known_ratio == 0.0
    assert api.report_hours == (0,) * 24
    assert view.incidents == ()


def test_uptime_is_made_from_intervals_of_states(page: Page) -> None:
    watch(page, State.OPERATIONAL, API)
    page.now_s += 3600
    one = opened(page)
    page.now_s += 1800
    with page.writing() as connection:
        incidents.resolve(connection, page.parts, one, ("Over.", "ann"), page.now_s)
    page.now_s += 1800
    api = component(seen(page), "API")
    assert api.days[-1].major_s == 1800
    assert api.days[-1].incidents == (one,)
    assert api.days[-2].total_s == 0
    assert api.figures.weighted_ratio == pytest.approx(1 - 1800 / 7200)
    assert api.figures.clear_ratio == pytest.approx(1 - 1800 / 7200)
    assert api.figures.known_ratio == 1.0


def test_a_group_is_as_its_members_together(page: Page) -> None:
    haiku = id_of("haiku-4.5")
    watch(page, State.PARTIAL, OPUS)
    watch(page, State.MAJOR, haiku)
    page.now_s += 100
    watch(page, State.OPERATIONAL, haiku)
    page.now_s += 100
    group = component(seen(page), "Anthropic")
    assert group.is_group
    assert group.members == (OPUS, haiku)
    assert (group.state, group.api_state) == (State.PARTIAL, State.PARTIAL)
    assert (group.days[-1].major_s, group.days[-1].partial_s) == (100, 100)


def test_drafts_are_not_seen(page: Page) -> None:
    opened(page, is_draft=True)
    assert seen(page).incidents == ()
    shown = opened(page)
    assert [one.id for one in seen(page).incidents] == [shown]


def test_an_incident_is_seen_with_its_updates_the_newest_first(page: Page) -> None:
    one = opened(page)
    page.now_s += 60
    with page.writing() as connection:
        said = Said(status="identified", body="The network.")
        incidents.update(connection, page.parts, one, said, page.now_s)
    (incident,) = seen(page).incidents
    assert [update.status for update in incident.updates] == ["identified", "investigating"]
    assert incident.components == (API,)
    assert incident.is_open
    assert [one.detector for one in incident.detections] == ["people"]
    assert incident.impact == "critical"


def test_what_the_watch_says_is_its_last_verdict(page: Page) -> None:
    said = Assessment(
        component=API,
        at_unix_s=page.now_s,
        verdict=Verdict.PROBLEM,
        culprit=Culprit.US,
        reasons=("9 of 12 probes failed",),
        carried_by="gpt-5.2",
    )
    watch(page, State.MAJOR, API)
    with page.writing() as connection:
        document = msgspec.json.encode(said).decode()
        row = connection.execute(
            insert(tables.verdicts).values(component=API, verdict="problem", document=document)
        ).inserted_primary_key
        assert row is not None
        mine = tables.components.c.id == API
        connection.execute(update(tables.components).where(mine).values(verdict=row[0]))
    api = component(seen(page), "API")
    assert (api.verdict, api.culprit, api.carried_by) == ("problem", "us", "gpt-5.2")
    assert api.reasons == ("9 of 12 probes failed",)
    page.now_s += 60
    watch(page, State.UNKNOWN, API)
    assert component(seen(page), "API").verdict == "none"


def test_exchanges_are_counted_once_in_days_and_minutes(page: Page) -> None:
    page.now_s += 3 * DAY_S
    yesterday = (page.now_s // DAY_S - 1) * DAY_S
    measured(page, API, yesterday, grain_s=DAY_S, good=90, failed=10)
    measured(page, API, yesterday + 600, good=50, failed=50)  # is in its day's sum already
    measured(page, API, yesterday + DAY_S, good=95, failed=4, wrong=1)
    measured(page, API, yesterday + DAY_S, source="probes", failed=1000)
    measured(page, WEB, yesterday + DAY_S, good=1, failed=1)
    view = seen(page)
    assert component(view, "API").figures.exchanges_ratio == pytest.approx(185 / 200)
    assert component(view, "Web chat").figures.exchanges_ratio == 0.5
    assert component(view, "Log-in").figures.exchanges_ratio is None


def test_response_times_are_what_callers_saw_where_there_are_any(page: Page) -> None:
    page.now_s += DAY_S
    at_s = page.now_s // 900 * 900
    measured(page, API, at_s, timed=10, ttft_p50_s=1.0, ttft_p95_s=2.0)
    measured(page, API, at_s + 60, timed=30, ttft_p50_s=2.0, ttft_p95_s=4.0)
    measured(page, API, at_s, source="probes", timed=4, ttft_p50_s=9.0, ttft_p95_s=9.0)
    measured(page, API, at_s - 900, source="probes", timed=4, ttft_p50_s=0.5, ttft_p95_s=0.6)
    measured(page, API, at_s - DAY_S, timed=9, ttft_p50_s=7.0, ttft_p95_s=7.0)
    points = component(seen(page), "API").response
    assert len(points) == 96
    assert (points[-1].p50_s, points[-1].p95_s, points[-1].count) == (1.75, 3.5, 40)
    assert (points[-2].p50_s, points[-2].count) == (0.5, 4)
    assert points[0].p50_s is None


def test_votes_are_shown_by_hour(page: Page) -> None:
    hour = int(page.now_s // 3600) * 3600
    with page.writing() as connection:
        for start, votes in ((hour, 7), (hour - 3600, 3), (hour - 24 * 3600, 99)):
            row = {"component": API, "start_unix_s": start, "votes": votes, "networks": 1}
            connection.execute(insert(tables.report_hours).values(row))
        for ago_s, counted in ((10, 1), (20, 0), (4000, 1)):
            at = {"at_unix_s": page.now_s - ago_s, "is_counted": counted}
            connection.execute(insert(tables.reports).values(component=API, **at))
    api = component(seen(page), "API")
    assert api.reports_hour == 1
    assert api.report_hours[-2:] == (3, 7)
    assert sum(api.report_hours) == 10


def test_an_incident_has_its_charts(page: Page) -> None:
    page.now_s += 7200
    opened(page)
    measured(page, API, page.now_s - 60, good=3, failed=1, slow=2)
    measured(page, API, page.now_s - 60, source="probes", good=3, slow=1, failed=1)
    with page.writing() as connection:
        row = {"component": API, "at_unix_s": page.now_s - 30, "is_counted": 1}
        connection.execute(insert(tables.reports).values(row))
    page.now_s += 120
    evidence = seen(page).incidents[0].evidence
    assert evidence is not None
    assert evidence.from_unix_s == page.now_s - 120 - 1800
    assert len(evidence.reports) == len(evidence.probes_failed_ratio) == 32
    assert evidence.reports[29] == sum(evidence.reports) == 1
    assert evidence.exchanges_failed_ratio[29] == 0.25
    assert evidence.probes_failed_ratio[29] == 0.25
    assert evidence.probes_failed_ratio[28] is None


def test_what_is_silent_is_named(page: Page) -> None:
    with page.writing() as connection:
        keeping.write(connection, "silent", ["The gateway"], page.now_s)
    assert seen(page).sources_silent == ("The gateway",)


def test_components_that_are_gone_are_not_shown(tmp_path: Path) -> None:
    page = Page(tmp_path)
    with page.writing() as connection:
        mine = tables.components.c.id == API
        connection.execute(update(tables.components).where(mine).values(is_gone=1))
    assert all(one.id != API for one in seen(page).components)
    assert page.now_s == START_S
    page.store.close()
