"""What the watch's incidents do, rule by rule, with scripted evidence."""

from typing import Any

import msgspec
import pytest
from tests.apps.status.ground import START_S, id_of, plan

from penstock.apps.status.incidents import facts, policy, progress
from penstock.apps.status.incidents.facts import Case, Known, Settings
from penstock.apps.status.incidents.policy import Open
from penstock.apps.status.incidents.progress import (
    IDENTIFIED_S,
    MONITORING_S,
    PROMISE_S,
    RECOVERED_S,
    RESOLVED_S,
    Remember,
    Say,
)
from penstock.watch.assessment import Assessment, Culprit, Sign, Verdict
from penstock.watch.component import State
from penstock.watch.evidence import Kind

COMPONENTS = {one.id: one.watched for one in plan()}
NAMES = tuple(one.watched.name for one in plan())
STEP_S = 15.0


def bad(name: str, culprit: Culprit = Culprit.US, whose: str = "", **more: Any) -> Assessment:
    values: dict[str, Any] = {"verdict": Verdict.PROBLEM, "state": State.MAJOR, **more}
    return Assessment(
        component=id_of(name), at_unix_s=0.0, culprit=culprit, culprit_name=whose, **values
    )


def fine(name: str) -> Assessment:
    return Assessment(component=id_of(name), at_unix_s=0.0, state=State.OPERATIONAL)


class Story:
    """Evidence that goes on for a while, and what the policy makes of it."""

    def __init__(self, **settings: bool) -> None:
        self.now_s = START_S
        self.settings = Settings(**settings)
        self.maintained: frozenset[str] = frozenset()
        self.cases: dict[str, Case] = {}
        self.said: list[Open | Say] = []

    def goes(self, for_s: float, *some: Assessment) -> list[Open | Say]:
        """Go on with what stands out, all else being well; return what is said meanwhile."""
        count = len(self.said)
        until_s = self.now_s + for_s
        while self.now_s < until_s:
            found = {id_of(name): fine(name) for name in NAMES}
            found |= {one.component: one for one in some}
            known = Known(
                now_unix_s=self.now_s,
                components=COMPONENTS,
                said=found,
                maintained=self.maintained,
                settings=self.settings,
            )
            for action in policy.decide(known, list(self.cases.values())):
                self._do(action)
            self.now_s += STEP_S
        return self.said[count:]

    def _do(self, action: policy.Action) -> None:
        if isinstance(action, Remember):
            case = self.cases[action.incident]
            self.cases[case.id] = msgspec.structs.replace(case, memory=action.memory)
            return
        self.said.append(action)
        if isinstance(action, Open):
            case = Case(
                id=str(len(self.said)),
                name=action.name,
                status=action.status,
                started_unix_s=action.started_unix_s,
                parts=action.components,
                memory=action.memory,
                is_draft=action.is_draft,
            )
        elif action.is_proposed:
            case = msgspec.structs.replace(self.cases[action.incident], memory=action.memory)
        else:
            case = msgspec.structs.replace(
                self.cases[action.incident],
                name=action.name,
                status=action.status,
                parts=action.components,
                memory=action.memory,
                is_draft=self.cases[action.incident].is_draft and not action.is_published,
            )
        self.cases[case.id] = case
        if case.status == "resolved":
            del self.cases[case.id]

    def hold(self) -> None:
        """Have people take over all incidents."""
        for id_, case in self.cases.items():
            self.cases[id_] = msgspec.structs.replace(case, is_held=True)


def statuses(said: list[Open | Say]) -> list[str]:
    return [one.status for one in said]


def names(one: Open | Say) -> set[str]:
    return {COMPONENTS[part].name for part in one.components}


def test_possible_opens_nothing() -> None:
    story = Story()
    maybe = bad("API", verdict=Verdict.POSSIBLE, state=State.DEGRADED)
    assert story.goes(3600, maybe) == []


def test_possible_opens_a_draft_where_that_is_wanted_and_a_problem_publishes_it() -> None:
    story = Story(drafts_possible=True)
    (opened,) = story.goes(60, bad("API", verdict=Verdict.POSSIBLE, state=State.DEGRADED))
    assert isinstance(opened, Open)
    assert opened.is_draft
    said = story.goes(60, bad("API"))
    assert isinstance(said[0], Say)
    assert said[0].is_published


def test_a_callers_own_fault_opens_nothing() -> None:
    assert Story().goes(3600, bad("API", Culprit.CLIENT, "version 3.2")) == []


def test_drafts_are_drafts_by_policy() -> None:
    (opened,) = Story(is_published=False).goes(60, bad("API"))
    assert isinstance(opened, Open)
    assert opened.is_draft


@pytest.mark.parametrize(
    "some",
    [
        (bad("Web chat", Culprit.LOGIN), bad("Log-in", Culprit.LOGIN)),
        (bad("Web chat"), bad("Log-in", Culprit.LOGIN), bad("API", Culprit.UNKNOWN)),
        (
            bad("opus-4.6", Culprit.PROVIDER, "anthropic"),
            bad("haiku-4.5", Culprit.PROVIDER, "anthropic"),
            bad("API", Culprit.PROVIDER, "anthropic"),
        ),
        (
            bad("opus-4.6", Culprit.SHARED, "Network"),
            bad("gpt-5.2", Culprit.SHARED, "Network"),
            bad("Network", Culprit.SHARED, "Network"),
        ),
    ],
)
def test_what_fails_of_one_cause_is_one_incident(some: tuple[Assessment, ...]) -> None:
    (opened,) = Story().goes(60, *some)
    assert set(opened.components) == {one.component for one in some}


def test_another_cause_is_another_incident() -> None:
    opened = Story().goes(
        60,
        bad("Log-in", Culprit.LOGIN),
        bad("gpt-5.2", Culprit.MODEL, "gpt-5.2"),
        bad("opus-4.6", Culprit.MODEL, "opus-4.6"),
    )
    assert [names(one) for one in opened] == [{"Log-in"}, {"opus-4.6"}, {"gpt-5.2"}]


def test_a_culprit_is_identified_after_a_while() -> None:
    said = Story().goes(IDENTIFIED_S + 60, bad("gpt-5.2", Culprit.MODEL, "gpt-5.2"))
    assert statuses(said) == ["investigating", "identified"]
    assert statuses(Story().goes(600, bad("API", Culprit.UNKNOWN))) == ["investigating"]


def test_components_join_and_leave() -> None:
    story = Story()
    story.goes(600, bad("Web chat"))
    (joined,) = story.goes(600, bad("Web chat"), bad("API"))
    assert names(joined) == {"Web chat", "API"}
    assert "New since the last update: API." in joined.body
    said = story.goes(RECOVERED_S + 30, bad("API"))
    assert names(said[-1]) == {"API"}
    assert "Web chat works again." in said[-1].body


def test_it_ends_in_two_steps() -> None:
    story = Story()
    story.goes(600, bad("API"))
    said = story.goes(MONITORING_S + RESOLVED_S + 60)
    assert statuses(said) == ["monitoring", "resolved"]
    assert story.goes(7200) == []


def test_a_relapse_is_the_same_incident_and_waits_longer_the_next_time() -> None:
    story = Story()
    story.goes(600, bad("API"))
    story.goes(MONITORING_S + 30)
    (back,) = story.goes(300, bad("API"))
    assert back.status == "investigating"
    assert back.body.startswith("It has come back.")
    assert story.goes(MONITORING_S + 30) == []
    assert statuses(story.goes(MONITORING_S)) == ["monitoring"]


@pytest.mark.parametrize("swing_s", [60, 150, 300, 600])
def test_an_outage_that_swings_is_one_incident(swing_s: float) -> None:
    story = Story()
    for _ in range(int(7200 / (2 * swing_s))):
        story.goes(swing_s, bad("API", Culprit.SHARED, "Network"))
        story.goes(swing_s)
    story.goes(7200)
    assert [type(one) for one in story.said].count(Open) == 1
    assert statuses(story.said).count("resolved") == 1
    assert len(story.said) < 20


def test_possible_and_unknown_are_not_well() -> None:
    for doubtful in (
        bad("API", verdict=Verdict.POSSIBLE, state=State.DEGRADED),
        bad("API", verdict=Verdict.NONE, state=State.UNKNOWN),
    ):
        story = Story()
        story.goes(600, bad("API"))
        said = story.goes(4 * 3600, doubtful)
        assert said
        assert {"monitoring", "resolved"}.isdisjoint(statuses(said))
    assert "cannot be seen by us" in said[-1].body


def test_the_evidence_may_change_its_mind() -> None:
    """Log-in turns out to be the provider's; then one model of it is left."""
    story = Story()
    story.goes(300, bad("Log-in", Culprit.LOGIN))
    some = [bad("Log-in", Culprit.PROVIDER, "anthropic")]
    some += [bad(name, Culprit.PROVIDER, "anthropic") for name in ("opus-4.6", "haiku-4.5")]
    said = story.goes(300, *some)
    assert not any(isinstance(one, Open) for one in said)
    assert names(said[-1]) == {"Log-in", "opus-4.6", "haiku-4.5"}
    assert "The fault is at Anthropic" in said[-1].body
    said = story.goes(3600, bad("opus-4.6", Culprit.MODEL, "opus-4.6"))
    assert not any(isinstance(one, Open) for one in said)
    assert names(said[-1]) == {"opus-4.6"}
    assert "one model of Anthropic" in said[-1].body


def test_two_incidents_that_turn_out_to_be_one_are_one() -> None:
    story = Story()
    story.goes(300, bad("Log-in", Culprit.LOGIN), bad("opus-4.6", Culprit.PROVIDER, "anthropic"))
    assert len(story.cases) == 2
    some = [bad(name, Culprit.PROVIDER, "anthropic") for name in ("Log-in", "opus-4.6")]
    said = story.goes(300, *some)
    assert [case.parts.keys() for case in story.cases.values()] == [
        {id_of("Log-in"), id_of("opus-4.6")}
    ]
    assert any("part of another incident" in one.body for one in said)


def test_a_component_moves_to_the_incident_of_its_cause_and_stays_there() -> None:
    story = Story()
    login, route = bad("Log-in", Culprit.LOGIN), bad("API")
    story.goes(60, login, route)
    model = bad("opus-4.6", Culprit.PROVIDER, "anthropic")
    said = story.goes(300, login, model, bad("API", Culprit.PROVIDER, "anthropic"))
    scopes = [{COMPONENTS[one].name for one in case.parts} for case in story.cases.values()]
    assert scopes == [{"Log-in"}, {"API", "opus-4.6"}]
    assert not any("API works again" in one.body for one in said)
    story.goes(300, login, model, route)
    scopes = [{COMPONENTS[one].name for one in case.parts} for case in story.cases.values()]
    assert scopes == [{"Log-in"}, {"API", "opus-4.6"}]


def test_states_that_go_up_and_down_are_told_once() -> None:
    story = Story()
    story.goes(60, bad("API", state=State.PARTIAL))
    for _ in range(5):
        story.goes(120, bad("API", state=State.MAJOR))
        story.goes(120, bad("API", state=State.PARTIAL))
    assert [one.body.partition(".")[0] for one in story.said[1:]] == ["It has got worse"]


def test_most_of_the_evidence_decides_who_is_blamed() -> None:
    models = [bad(name, Culprit.PROVIDER, "anthropic") for name in ("opus-4.6", "haiku-4.5")]
    assert facts.blamed([*models, bad("API")]) == (Culprit.PROVIDER, "anthropic")
    assert facts.blamed([*models[:1], bad("API")]) == (Culprit.UNKNOWN, "")
    assert facts.blamed([bad("Log-in", Culprit.LOGIN), bad("API")]) == (Culprit.US, "")
    assert facts.blamed([bad("API", Culprit.UNKNOWN)]) == (Culprit.UNKNOWN, "")


@pytest.mark.parametrize(
    ("about", "expected"),
    [("slow", "API is slow."), ("wrong", "API gives wrong answers."), ("", "API has trouble.")],
)
def test_slow_and_wrong_answers_are_called_so(about: str, expected: str) -> None:
    sign = Sign(kind=Kind.PROBES, verdict=Verdict.PROBLEM, weight=2.0, words="", about=about)
    (opened,) = Story().goes(30, bad("API", state=State.DEGRADED, signs=(sign,)))
    assert expected in opened.body


def test_what_was_said_to_work_and_fails_is_corrected() -> None:
    story = Story()
    (opened,) = story.goes(60, bad("Web chat"))
    assert "API" in opened.body
    model = bad("opus-4.6", Culprit.MODEL, "opus-4.6")
    said = story.goes(300, bad("Web chat"), model)
    corrected = [one for one in said if isinstance(one, Say) and names(one) == {"Web chat"}]
    assert ["opus-4.6 fails too" in one.body for one in corrected] == [True]


def test_it_speaks_by_the_time_it_promised() -> None:
    said = Story().goes(3 * PROMISE_S, bad("API"))
    assert 3 <= len(said) <= 4
    assert said[1].body.startswith("No change since")


def test_it_says_when_it_gets_worse() -> None:
    story = Story()
    story.goes(300, bad("API", state=State.DEGRADED))
    (worse,) = story.goes(300, bad("API", state=State.MAJOR))
    assert worse.body.startswith("It has got worse.")
    assert story.goes(300, bad("API", state=State.DEGRADED)) == []


def test_in_peoples_hands_it_proposes() -> None:
    story = Story()
    story.goes(300, bad("Web chat"))
    story.hold()
    said = story.goes(30, bad("Web chat"), bad("API"))
    assert all(isinstance(one, Say) and one.is_proposed for one in said)
    assert names(said[-1]) == {"Web chat", "API"}
    said = story.goes(MONITORING_S + 30)
    assert said[-1].status == "monitoring"
    assert all(isinstance(one, Say) and one.is_proposed for one in said)


def test_maintenance_opens_nothing_and_does_not_keep_open() -> None:
    story = Story()
    story.maintained = frozenset({id_of("API")})
    assert story.goes(3600, bad("API")) == []
    story.maintained = frozenset()
    story.goes(60, bad("API"))
    story.maintained = frozenset({id_of("API")})
    assert statuses(story.goes(3600, bad("API"))) == ["monitoring", "resolved"]


def test_an_onset_long_ago_is_not_believed() -> None:
    (opened,) = Story().goes(30, bad("API", onset_unix_s=START_S - 86_400))
    assert isinstance(opened, Open)
    assert opened.started_unix_s == START_S - policy.ONSET_S_MAX
    (opened,) = Story().goes(30, bad("API", onset_unix_s=START_S - 90))
    assert isinstance(opened, Open)
    assert opened.started_unix_s == START_S - 90


def test_a_name_that_people_gave_stays() -> None:
    story = Story()
    story.goes(300, bad("Web chat"))
    for id_, case in story.cases.items():
        story.cases[id_] = msgspec.structs.replace(case, name="Trouble at the mill")
    (said,) = story.goes(300, bad("Web chat"), bad("API"))
    assert isinstance(said, Say)
    assert said.name == "Trouble at the mill"
    assert progress.promised(START_S) > START_S
