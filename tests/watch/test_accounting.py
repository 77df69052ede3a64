"""What fails below accounts for no more than its share, and for nothing before it began."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.watch.world import API, BEST, OPUS, T0, surface

from penstock.watch.accounting import (
    PROBES_KEPT,
    Tally,
    began_unix_s,
    chance_of,
    count,
    is_more,
    is_older,
)
from penstock.watch.assessment import Culprit, Verdict
from penstock.watch.component import Component
from penstock.watch.evidence import Counts, Probe, ProbeResult
from penstock.watch.watch import Watch

TALLIES = st.integers(0, 64).flatmap(
    lambda events: st.builds(Tally, st.just(events), st.integers(0, events))
)
RATIOS = st.floats(0.0, 1.0)


@given(TALLIES, RATIOS, RATIOS)
def test_more_bad_ones_are_rarer_and_a_higher_ratio_makes_them_more_likely(
    seen: Tally, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= chance_of(seen, low) <= chance_of(seen, high) + 1e-9 <= 1.0 + 2e-9
    fewer = Tally(seen.events, max(0, seen.bad - 1))
    assert chance_of(fewer, low) + 1e-9 >= chance_of(seen, low)


@given(st.integers(1, 60), RATIOS)
def test_the_chance_is_the_binomials(events: int, ratio: float) -> None:
    exact = sum(
        math.comb(events, bad) * ratio**bad * (1.0 - ratio) ** (events - bad)
        for bad in range(1, events + 1)
    )
    assert chance_of(Tally(events, 1), ratio) == pytest.approx(exact, abs=1e-9)


@given(TALLIES, TALLIES)
def test_what_fails_no_more_than_what_is_below_is_accounted_for(above: Tally, below: Tally) -> None:
    if above.ratio <= below.ratio and below.events:
        assert not is_more(above, below)
    if is_more(above, below):
        assert above.ratio > below.ratio
        worse = Tally(above.events, above.events)
        assert is_more(worse, below)


@given(TALLIES, TALLIES)
def test_one_failure_before_is_not_older(before: Tally, after: Tally) -> None:
    assert not is_older(Tally(before.events, min(1, before.bad)), after, 0.005)
    if is_older(before, after, 0.005):
        assert before.bad >= 2


@given(st.floats(0.0, 600.0), TALLIES)
def test_a_model_may_have_begun_earlier_but_never_later(span_s: float, lately: Tally) -> None:
    began = began_unix_s(T0, span_s, lately)
    assert T0 - 3.0 * span_s - 1e-6 <= began <= T0


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans())), st.floats(0.0, 100.0))
def test_before_and_after_are_the_whole(probes: list[tuple[float, bool]], at_s: float) -> None:
    before, after = count(probes, 0.0, at_s), count(probes, at_s, math.inf)
    assert before.events + after.events == len(probes)
    assert before.bad + after.bad == sum(is_bad for _, is_bad in probes)


WEB = surface("web", OPUS.id, "gpt000000000")
SOME = (WEB, BEST, OPUS)


class Small:
    """A chat, a route that works or not, and a model."""

    def __init__(self, *components: Component) -> None:
        self.watch = Watch(components)
        self.now_s = 0.0

    def run(self, for_s: float, web: str = "", opus: int = 0, route: int = 0) -> Culprit:
        """Pass time; return whose fault the chat is. ``opus``, ``route``: of 20 that fail."""
        culprit = Culprit.NOBODY
        for _ in range(round(for_s / 15.0)):
            self.now_s += 15.0
            at_unix_s = T0 + self.now_s
            result = ProbeResult.FAILED if web else ProbeResult.GOOD
            self.watch.on_probe(
                Probe(component=WEB.id, at_unix_s=at_unix_s, result=result, how=web)
            )
            for one, failed in ((OPUS, opus), (BEST, route), (API, route)):
                self.watch.on_counts(
                    Counts(
                        component=one.id,
                        from_unix_s=at_unix_s - 15.0,
                        to_unix_s=at_unix_s,
                        good=20 - failed,
                        failed=failed,
                    )
                )
            told = {one.component: one for one in self.watch.judge(at_unix_s)}
            culprit = told[WEB.id].culprit
        return culprit


@pytest.mark.parametrize(
    ("web", "route", "culprit"),
    [
        ("http_5xx", 0, Culprit.US),  # others answer in the model's place: its errors reach nobody
        ("timeout", 0, Culprit.PROVIDER),  # that takes a while, though
        ("http_5xx", 20, Culprit.PROVIDER),  # nobody does
    ],
)
def test_what_is_carried_accounts_for_no_errors(web: str, route: int, culprit: Culprit) -> None:
    small = Small(*SOME)
    small.run(1800)
    assert small.run(180, web, 20, route) is culprit


def test_a_surface_behind_the_api_that_fails_says_that_nothing_is_carried() -> None:
    small = Small(WEB, OPUS, API)
    small.run(1800)
    assert small.run(180, "http_5xx", 20, 20) is Culprit.PROVIDER


def test_the_culprit_of_the_beginning_stays_for_hours() -> None:
    small = Small(*SOME)
    small.run(1800)
    assert small.run(120, "http_5xx") is Culprit.US
    assert small.run(60, "http_5xx", 20, 20) is Culprit.US
    assert small.run(2 * 3600, "http_5xx", 20, 20) is Culprit.US


def test_what_is_kept_is_little_and_nothing_once_all_is_well() -> None:
    small = Small(*SOME)
    small.run(1800)
    assert not small.watch.learned().memories[WEB.id].probes
    small.run(7200, "http_5xx")
    learned = small.watch.learned()
    assert len(learned.memories[WEB.id].probes) == PROBES_KEPT
    again = Watch(SOME, learned=learned).judge(T0 + small.now_s + 5.0)
    assert again == small.watch.judge(T0 + small.now_s + 5.0)
    assert next(one for one in again if one.component == WEB.id).verdict is Verdict.PROBLEM
    small.run(3600)
    assert not small.watch.learned().memories[WEB.id].probes
