"""A trial sees what a watch says: found, late, wrong, too much; and what is quiet stays quiet."""

from collections.abc import Callable

import msgspec
import pytest
from tests.sim.watching.given import case, dice

from penstock.sim.watching import figures, goals, quiet, trial
from penstock.sim.watching import installation as inst
from penstock.sim.watching.case import Case, Expect, Span
from penstock.sim.watching.trial import Finding, Play
from penstock.watch.assessment import Assessment, Culprit, Verdict
from penstock.watch.evidence import Counts, Post, Probe, Report, Silence

BASE = case(minutes=30.0)
ONSET_S = BASE.from_unix_s + 300.0
Say = Callable[[str, float], Verdict]


class Parrot:
    """Says what it is told to."""

    def __init__(self, say: Say, culprit: Culprit = Culprit.MODEL, name: str = "") -> None:
        self._say = say
        self._culprit = (culprit, name)
        self.heard = 0

    def on_probe(self, _: Probe) -> None:
        self.heard += 1

    def on_counts(self, _: Counts) -> None:
        self.heard += 1

    def on_report(self, _: Report) -> None:
        self.heard += 1

    def on_post(self, _: Post) -> None:
        self.heard += 1

    def on_silence(self, _: Silence) -> None:
        self.heard += 1

    def judge(self, now_unix_s: float) -> list[Assessment]:
        return [
            Assessment(
                component=one.id,
                at_unix_s=now_unix_s,
                verdict=self._say(one.id, now_unix_s),
                culprit=self._culprit[0],
                culprit_name=self._culprit[1],
            )
            for one in inst.COMPONENTS
        ]


def told(**changes: object) -> Case:
    expect = Expect(
        components=(inst.OPUS,),
        from_unix_s=ONSET_S,
        to_unix_s=BASE.to_unix_s,
        culprits=(Culprit.MODEL,),
        post_unix_s=ONSET_S + 600.0,
    )
    expect = msgspec.structs.replace(expect, **changes)
    innocent = tuple(one.id for one in inst.COMPONENTS if one.id != inst.OPUS)
    spans = (Span(inst.OPUS, ONSET_S, BASE.to_unix_s, 1.0),)
    return msgspec.structs.replace(
        BASE, onset_unix_s=ONSET_S, spans=spans, expect=(expect,), innocent=innocent
    )


def after(seconds: float, verdict: Verdict = Verdict.PROBLEM, of: str = inst.OPUS) -> Say:
    def say(component: str, now_s: float) -> Verdict:
        is_it = component == of and now_s >= ONSET_S + seconds
        return verdict if is_it else Verdict.NONE

    return say


def nothing_said(_: str, __: float) -> Verdict:
    return Verdict.NONE


def all_said(_: str, __: float) -> Verdict:
    return Verdict.PROBLEM


def played(say: Say, watched: Case | None = None, culprit: Culprit = Culprit.MODEL) -> Finding:
    return trial.play(watched or told(), Parrot(say, culprit), dice(1), Play("full", 1))


def test_what_is_found_is_timed_from_the_onset_and_against_the_provider() -> None:
    finding = played(after(40.0))
    found = finding.found[0]
    assert (found.possible_s, found.problem_s, found.lead_s) == (40.0, 40.0, 560.0)
    assert finding.is_component_right
    assert finding.is_culprit_right


def test_what_is_not_found_counts_with_the_whole_time() -> None:
    finding = played(nothing_said)
    assert not finding.is_component_right
    assert figures.problem_s(finding) == finding.found[0].lasts_s == 1500.0


def test_the_wrong_culprit_is_not_right() -> None:
    assert not played(after(40.0), culprit=Culprit.US).is_culprit_right
    assert not played(after(40.0), told(culprit_name="claude-opus")).is_culprit_right


def test_an_innocent_that_is_blamed_is_a_stray() -> None:
    finding = played(all_said)
    assert len(finding.strays) == len(inst.COMPONENTS) - 1
    assert not finding.is_component_right


def test_more_than_may_be_said_is_not_found() -> None:
    at_most = told(verdict=Verdict.POSSIBLE, most=Verdict.POSSIBLE)
    assert played(after(40.0, Verdict.POSSIBLE), at_most).found[0].is_found
    assert not played(after(40.0), at_most).found[0].is_found
    nothing = told(verdict=Verdict.NONE, most=Verdict.NONE)
    assert played(nothing_said, nothing).found[0].is_found
    assert not played(after(40.0, Verdict.POSSIBLE), nothing).found[0].is_found


def test_an_alarm_that_comes_back_within_the_hour_is_one() -> None:
    stretch = quiet.stretch(BASE.from_unix_s, 0.25)

    def say(component: str, now_s: float) -> Verdict:
        minute = (now_s - BASE.from_unix_s) // 60
        is_raised = component == inst.WEB and minute in {10, 30, 200}
        return Verdict.PROBLEM if is_raised else Verdict.NONE

    found = quiet.listen(Parrot(say), stretch, dice(1), 60.0)
    assert found.count(Verdict.PROBLEM) == 2
    assert found.count(Verdict.POSSIBLE) == 0
    rate = figures.rate([found], Verdict.PROBLEM)
    assert rate.per_month == pytest.approx(2 / (0.25 * len(inst.COMPONENTS)) * 30)
    assert rate.interval.low < rate.per_month < rate.interval.high


def test_goals_are_missed_and_met() -> None:
    blind = [
        msgspec.structs.replace(played(nothing_said), group="share", share=1.0) for _ in range(3)
    ]
    sharp = [msgspec.structs.replace(played(after(20.0)), group="share", share=1.0)] * 3
    for findings, is_met in ((blind, False), (sharp, True)):
        judged = {one.what: one.is_met for one in goals.judge(findings, [])}
        assert judged["right component, and no other"] is is_met
        assert judged["right culprit"] is is_met
        assert all(one is is_met for what, one in judged.items() if "within 60 s" in what)


def test_an_ablation_is_never_judged() -> None:
    other = msgspec.structs.replace(played(nothing_said), arm="Poisson", group="share")
    assert goals.judge([other], []) == []
