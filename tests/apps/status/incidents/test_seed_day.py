"""2 March 2026 as the page tells it: the scope follows the evidence all day."""

import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.apps.status import seed_day
from tests.apps.status.ground import Page, plan
from tests.apps.status.seed_day import MIDNIGHT_S, clock

from penstock.apps.status import viewing
from penstock.apps.status.incidents import acting, policy
from penstock.apps.status.incidents.facts import Case, Known
from penstock.apps.status.incidents.policy import Open
from penstock.apps.status.incidents.progress import PACE_S, PROMISE_S, PROMISE_STEP_S, Say
from penstock.apps.status.queries.document import Memory
from penstock.apps.status.view import IncidentView
from penstock.watch.component import State

STEP_S = 5.0
COMPONENTS = {one.id: one.watched for one in plan()}
NAMES = {one.id: one.watched.name for one in plan()}


class Told:
    """One incident as the policy alone tells it: all that it says, with the instant."""

    def __init__(self, opened: Open, at_s: float) -> None:
        self.said: list[tuple[float, str, str, frozenset[str]]] = []
        self.name = opened.name
        self.status = ""
        self.parts: dict[str, State] = {}
        self.memory = Memory()
        self.started_s = opened.started_unix_s
        self.take(opened, at_s)

    def take(self, one: Open | Say, at_s: float) -> None:
        self.name, self.status = one.name, one.status
        self.parts, self.memory = one.components, one.memory
        names = frozenset(NAMES[part] for part in one.components)
        self.said.append((at_s, one.status, one.body, names))

    def case(self, id_: str) -> Case:
        return Case(
            id=id_,
            name=self.name,
            status=self.status,
            started_unix_s=self.started_s,
            parts=self.parts,
            memory=self.memory,
        )

    def at(self, text: str) -> tuple[float, str, str, frozenset[str]]:
        """Return the last thing said by then."""
        return [one for one in self.said if one[0] <= clock(text)][-1]


@pytest.fixture(scope="module")
def day() -> list[Told]:
    """Play the day through the policy, in steps as the watch has them."""
    told: list[Told] = []
    at_s = clock("11:30")
    while at_s < clock("22:10"):
        known = Known(
            now_unix_s=MIDNIGHT_S + at_s,
            components=COMPONENTS,
            said={one.component: one for one in seed_day.said(at_s)},
        )
        going = {str(index): one for index, one in enumerate(told) if one.status != "resolved"}
        for action in policy.decide(known, [one.case(id_) for id_, one in going.items()]):
            match action:
                case Open():
                    told.append(Told(action, at_s))
                case Say():
                    going[action.incident].take(action, at_s)
                case _:
                    going[action.incident].memory = action.memory
        at_s += STEP_S
    return told


def test_there_are_three_incidents_and_not_one_for_each_swing(day: list[Told]) -> None:
    assert [one.said[0][0] // 60 for one in day] == [
        clock(text) // 60 for text in ("11:37", "14:35", "17:15")
    ]
    assert all(one.status == "resolved" for one in day)


def test_the_first_one_follows_the_api_in_the_middle(day: list[Told]) -> None:
    first = day[0]
    _, status, body, names = first.at("11:38")
    assert (status, names) == ("investigating", {"Web chat", "Log-in"})
    assert "Web chat and Log-in fail for most people." in body
    assert "API" in body.partition("fail for most people.")[2]  # it works, and the page says so
    assert first.at("11:45")[1] == "identified"
    assert "API" not in first.at("13:36")[3]
    at_s, _, body, names = first.at("13:40")
    assert at_s < clock("13:38")
    assert names == {"Web chat", "Log-in", "API"}
    assert "API fails in about 10 of 100 tries." in body
    assert first.at("15:56")[1] == "monitoring"
    assert first.name == "Web chat, Log-in and API fail"


def test_one_model_is_another_incident_and_the_first_one_stops_praising_it(
    day: list[Told],
) -> None:
    first, model, _ = day
    assert model.said[0][3] == {"opus-4.6"}
    assert "opus-4.6" in first.at("14:30")[2]
    assert "opus-4.6 fails too" in first.at("14:36")[2]


def test_the_second_wave_is_one_incident_that_comes_back(day: list[Told]) -> None:
    wave = day[2]
    statuses = [status for _, status, _, _ in wave.said]
    assert statuses.count("resolved") == 1
    assert 1 <= statuses.count("monitoring") <= 3  # of eight swings
    assert wave.memory.relapses >= 1
    assert wave.said[-1][0] > clock("21:16")


def test_it_speaks_as_promised_and_not_all_the_time(day: list[Told]) -> None:
    for one in day:
        times = [at_s for at_s, _, _, _ in one.said]
        gaps = [after - before for before, after in itertools.pairwise(times)]
        assert all(PACE_S <= gap <= PROMISE_S + PROMISE_STEP_S for gap in gaps)
        assert len(times) < 20


def test_what_it_says_is_true(day: list[Told]) -> None:
    for one in day:
        for at_s, _, body, names in one.said:
            assert all(name in body for name in failing(at_s) & names)
            assert not {*working(body)} & failing(at_s)


def failing(at_s: float) -> set[str]:
    return {
        NAMES[one.component] for one in seed_day.said(at_s) if one.state is not State.OPERATIONAL
    }


def working(body: str) -> Iterable[str]:
    for sentence in body.split(". "):
        if sentence.endswith((" work", " works")):
            yield from sentence.rpartition(" ")[0].replace(" and ", ", ").split(", ")


@pytest.mark.slow
def test_the_day_in_the_database(tmp_path: Path) -> None:
    """The same through the database, in coarser steps: states, intervals, what is shown."""
    page = Page(tmp_path)
    at_s = clock("11:30")
    while at_s < clock("22:10"):
        page.now_s = MIDNIGHT_S + at_s
        with page.writing() as connection:
            acting.act(connection, page.parts, seed_day.said(at_s), page.now_s)
        at_s += 30.0
    with page.store.reading() as connection:
        view = viewing.read(connection, page.parts, page.now_s)
    assert [one.impact for one in view.incidents] == ["major", "major", "critical"]
    assert all(not one.is_open for one in view.incidents)
    days = {one.name: one.days[-1] for one in view.components}
    assert days["Log-in"].major_s == pytest.approx(250 * 60, abs=61)
    assert days["API"].degraded_s == pytest.approx(130 * 60, abs=61)
    assert days["opus-4.6"].partial_s == pytest.approx(75 * 60 + 161 * 60, abs=600)
    assert days["Anthropic"].partial_s == days["opus-4.6"].partial_s  # its other model: once
    seed: IncidentView = view.incidents[-1]
    assert [one.detector for one in seed.detections] == ["probes", "reports"]
    page.store.close()
