"""2 March 2026 from the first failure to the post-mortem, in virtual time, through all the parts.

Evidence comes as the simulator plays the day: probes, counters, people's reports, the provider's
page. What judges, acts, tells subscribers, renders and drafts are the process's own parts on a real
database; only clock and evidence are given.
"""

import asyncio
import datetime as dt
import random
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, select
from tests.apps.status.installation import Clock, installed

from penstock.apps.status import components, tables, viewing
from penstock.apps.status.components import Planned
from penstock.apps.status.parts import Parts
from penstock.apps.status.postmortem import turning, writing
from penstock.apps.status.postmortem.turning import PostMortems
from penstock.apps.status.reports import storing
from penstock.apps.status.reports.storing import Row
from penstock.apps.status.site import rendering
from penstock.apps.status.view import IncidentView
from penstock.apps.status.watching.counting import Change
from penstock.apps.status.watching.judging import Judging
from penstock.sim.drills import drill_file
from penstock.sim.watching import playing
from penstock.sim.watching.installation import API, COMPONENTS, CONSOLE, HAIKU, LOGIN, OPUS, WEB
from penstock.watch.component import Layer
from penstock.watch.evidence import Counts, PageState, Post, Probe, Report, Silence

LEAD_S = 3600.0  # an ordinary hour before it
TICK_S = 10.0
DETECTED_S = 120.0
GROUPS = {Layer.ROUTE: "Routes", Layer.MODEL: "Models"}


def at(words: str) -> float:
    """Return an instant of that day: "11:37"."""
    hour, minute = words.split(":")
    return dt.datetime(2026, 3, 2, int(hour), int(minute), tzinfo=dt.UTC).timestamp()


class Day:
    """The day as it is lived through: what the page said at each instant."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock(playing.BEGIN_UNIX_S - LEAD_S)
        self.parts: Parts = installed(folder, self.clock)
        self.parts.plan = tuple(
            Planned(watched=one, key=one.id, group=GROUPS.get(one.layer, "")) for one in COMPONENTS
        )
        store = self.parts.store
        with store.writing() as connection:
            page = self.parts.page.id
            components.apply(connection, page, self.parts.plan, self.clock())
            subscriber = {"id": "s1", "kind": "email", "components": "[]", "confirmed_unix_s": 1.0}
            connection.execute(insert(tables.subscribers).values(address_hash="h", **subscriber))
        self.judging = Judging(self.parts, self.blocking, self.pause)
        self.votes: list[Row] = []
        self.posted: dict[str, PageState] = {}
        self.states: dict[str, dict[str, str]] = {}  # "11:37" -> component -> state
        self.open: dict[str, tuple[str, ...]] = {}  # "11:37" -> names of open incidents

    async def blocking(self, work: Callable[[], Any]) -> Any:
        return work()

    async def pause(self, seconds: float) -> None:
        del seconds

    def live(self) -> None:
        """Live through it."""
        asyncio.run(self._live())

    async def _live(self) -> None:
        text = resources.files("penstock.sim.data").joinpath("drills.json").read_text("utf-8")
        found = playing.play(drill_file.parse(text), random.Random(1), lead_s=LEAD_S, tick_s=TICK_S)
        for now_unix_s, evidence in found:
            if now_unix_s != self.clock():
                await self._turn()
                self.clock.now_unix_s = now_unix_s
            self._hear(evidence)
        await self._turn()
        while self.clock() < at("23:00"):  # quiet again; nobody asks, so it is closed by the clock
            self.clock.now_unix_s += 60.0
            for one in COMPONENTS:
                counts = Counts(
                    component=one.id,
                    from_unix_s=self.clock() - 60.0,
                    to_unix_s=self.clock(),
                    good=200,
                )
                self.judging.on_change(Change(counts))
                self.judging.on_post(
                    Post(component=one.id, at_unix_s=self.clock(), state=PageState.GOOD)
                )
            await self._turn()

    async def _turn(self) -> None:
        await self.judging.turn()
        if self.votes and int(self.clock()) % 60 < TICK_S:
            storing.write(self.parts.store, self.votes)
            self.votes = []
        if int(self.clock()) % 60 < TICK_S:
            minute = f"{dt.datetime.fromtimestamp(self.clock(), dt.UTC):%H:%M}"
            with self.parts.store.reading() as connection:
                rows = connection.execute(select(tables.components)).all()
                incidents = connection.execute(
                    select(tables.incidents.c.name).where(tables.incidents.c.resolved_unix_s == 0)
                ).scalars()
                self.open[minute] = tuple(incidents)
            self.states[minute] = {row.id: row.state for row in rows}

    def _hear(self, evidence: Probe | Counts | Report | Post | Silence) -> None:
        match evidence:
            case Probe():
                self.judging.on_probe(evidence)
            case Counts():
                self.judging.on_change(Change(evidence))
            case Report():
                self.judging.on_report(evidence)
                self.votes.append(_row(evidence))
            case Post():
                self.judging.on_post(evidence)
                self._note(evidence)
            case Silence():
                self.judging.on_silence(evidence)

    def _note(self, post: Post) -> None:
        """Write down what the provider's page says, where it changes, as the poller does."""
        if self.posted.get(post.component) is post.state:
            return
        self.posted[post.component] = post.state
        with self.parts.store.writing() as connection:
            connection.execute(
                insert(tables.posts).values(
                    page="claude",
                    provider="anthropic",
                    component=post.component,
                    state=post.state.value,
                    words=post.words,
                    at_unix_s=post.at_unix_s,
                    posted_unix_s=post.posted_unix_s or post.at_unix_s,
                )
            )

    def incidents(self) -> list[IncidentView]:
        """Return all of them, the oldest first."""
        with self.parts.store.reading() as connection:
            view = viewing.read(connection, self.parts, self.clock())
        return sorted(view.incidents, key=lambda one: one.started_unix_s)


def _row(report: Report) -> Row:
    return Row(
        component=report.component,
        voter=report.voter,
        network=report.network,
        category=report.category,
        version=report.version,
        region=report.region,
        words="",
        source="page",
        is_counted=True,
        at_unix_s=report.at_unix_s,
    )


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    """Live through the day once."""
    found = Day(tmp_path_factory.mktemp("march"))
    found.live()
    yield found
    found.parts.store.close()


pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_page_says_within_two_minutes_that_log_in_fails_and_the_api_works(day: Day) -> None:
    first = day.incidents()[0]
    assert at("11:37") <= first.created_unix_s <= at("11:37") + DETECTED_S
    assert at("11:36") <= first.started_unix_s <= at("11:38")
    at_noon = day.states["12:00"]
    for surface in (LOGIN, WEB, CONSOLE):
        assert at_noon[surface] in ("partial_outage", "major_outage")
    assert at_noon[API] == at_noon[OPUS] == at_noon[HAIKU] == "operational"
    assert set(first.components) == {LOGIN, WEB, CONSOLE}
    assert first.culprit in ("us", "login")
    assert len(day.open["12:00"]) == 1
    assert "API" in first.updates[-1].body
    assert all("API" not in one.body.partition(" work")[0].split(".")[0] for one in first.updates)


def test_the_provider_is_named_as_soon_as_its_api_flips_in_the_middle(day: Day) -> None:
    before, after = day.states["13:36"], day.states["13:42"]
    assert before[OPUS] == before[HAIKU] == "operational"
    assert after[OPUS] != "operational"
    assert after[HAIKU] != "operational"
    second = day.incidents()[1]
    assert at("13:37") <= second.created_unix_s <= at("13:37") + DETECTED_S
    assert (second.culprit, second.culprit_name) == ("provider", "anthropic")
    assert len(day.open["14:00"]) == 2  # two causes, two incidents
    assert day.states["14:50"][OPUS] == "partial_outage"


def test_what_is_over_is_said_to_be_over_and_the_second_wave_is_found(day: Day) -> None:
    for component in (LOGIN, CONSOLE, WEB, OPUS, HAIKU):
        assert day.states["17:00"][component] == "operational"
    assert day.open["17:00"] == ()
    assert day.states["17:40"][WEB] in ("partial_outage", "major_outage")
    assert day.states["17:40"][LOGIN] == "operational"
    assert 1 <= len(day.open["17:40"]) <= 2
    # Twenty minutes on and ten off, for four hours: it does not open and close with each swing.
    assert len(day.incidents()) <= 4
    assert day.open["22:30"] == ()
    assert all(not one.is_open for one in day.incidents())


def test_it_was_ahead_of_the_providers_own_page_and_says_by_how_much(day: Day) -> None:
    first = day.incidents()[0]
    detectors = {one.detector for one in first.detections}
    assert {"probes", "reports"} <= detectors
    assert min(one.at_unix_s for one in first.detections) <= at("11:37") + DETECTED_S
    claude = day.incidents()[1]
    if claude.provider_posted_unix_s:
        assert all(one.lead_s is not None for one in claude.detections)


def test_each_update_is_told_once(day: Day) -> None:
    with day.parts.store.reading() as connection:
        told = list(connection.execute(select(tables.deliveries.c.notice)).scalars())
        wanted = set(
            connection.execute(
                select(tables.incident_updates.c.id).where(tables.incident_updates.c.deliver == 1)
            ).scalars()
        )
    assert len(told) == len(set(told))
    assert set(told) >= wanted


def test_the_site_of_that_evening_tells_the_day(day: Day) -> None:
    with day.parts.store.reading() as connection:
        files = rendering.render(viewing.read(connection, day.parts, day.clock()))
    summary = msgspec.json.decode(files["/api/v2/summary.json"].body)
    assert summary["status"]["indicator"] == "none"
    assert summary["incidents"] == []
    history = msgspec.json.decode(files["/api/v2/incidents.json"].body)
    assert len(history["incidents"]) == len(day.incidents())
    for one in day.incidents():
        page = files[f"/incidents/{one.id}"].body.decode()
        assert "svg" in page  # its evidence
    assert files["/history.atom"].body.count(b"<entry>") == len(day.incidents())


def test_the_post_mortem_is_drafted_from_the_record(day: Day) -> None:
    asyncio.run(PostMortems(day.parts, day.blocking).turn())
    first = day.incidents()[0]
    with day.parts.store.reading() as connection:
        kept = turning.kept(connection, first.id)
        text = turning.text_of(connection, first.id)
    assert kept is not None
    facts = kept.facts
    assert {one.component for one in facts.scope} == {LOGIN, WEB, CONSOLE}
    assert facts.reports > 100
    assert facts.probes_failed > 100
    assert facts.lasted_s == pytest.approx(at("16:00") - at("11:37"), abs=1800)
    assert [one.at_unix_s for one in facts.timeline] == sorted(
        one.at_unix_s for one in facts.timeline
    )
    assert "Not available yet: control has not answered." in text
    assert "| Probes | 11:3" in text
    assert writing.page(facts, text).count("<table") >= 4
