"""A bad probe is confirmed at once, within bounds; a blip stays one, however often it is seen."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.watch.world import ALL, T0, WEB

from penstock.watch.assessment import Verdict
from penstock.watch.confirming import BAD, EARNS, PURSE, SERIES, Confirming
from penstock.watch.evidence import Probe, ProbeResult
from penstock.watch.watch import Learned, Watch

RESULTS = st.lists(st.sampled_from(ProbeResult), max_size=400)
GOOD = ProbeResult.GOOD
FAILED = ProbeResult.FAILED
INTERVAL_S = 15.0


@given(RESULTS)
def test_however_it_goes_few_more_are_made(results: list[ProbeResult]) -> None:
    confirming = Confirming()
    told = [confirming.ended(one) for one in results]
    extra = sum(told)
    assert extra <= PURSE + (len(results) - extra) / EARNS + 1e-9


@given(RESULTS)
def test_only_what_was_bad_lately_is_confirmed(results: list[ProbeResult]) -> None:
    confirming = Confirming()
    for at, one in enumerate(results):
        if confirming.ended(one):
            assert any(before in BAD for before in results[max(0, at - SERIES) : at + 1])


def test_a_series_ends_by_itself() -> None:
    confirming = Confirming()
    assert not confirming.ended(GOOD)
    assert [confirming.ended(FAILED), *(confirming.ended(GOOD) for _ in range(SERIES))] == [
        *([True] * SERIES), False,
    ]  # fmt: skip


def watched() -> Watch:
    watch = Watch(ALL)
    for at in range(2000):
        watch.on_probe(probe((at - 2000) * INTERVAL_S, GOOD))
    watch.judge(T0)
    return watch


def probe(at_s: float, result: ProbeResult, name: str = "p") -> Probe:
    return Probe(component=WEB.id, at_unix_s=T0 + at_s, result=result, probe=name, how="http_5xx")


WATCHED = watched().learned()


def verdict(told: list[Probe], learned: Learned = WATCHED) -> Verdict:
    watch = Watch(ALL, learned=learned)
    for one in told:
        watch.on_probe(one)
    at_unix_s = max(one.at_unix_s for one in told)
    return next(one.verdict for one in watch.judge(at_unix_s) if one.component == WEB.id)


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=60), st.sampled_from(sorted(
    BAD, key=lambda one: one.value)))  # fmt: skip
def test_what_lasts_for_seconds_is_no_problem_however_often_it_is_looked_at(
    gaps: list[float], bad: ProbeResult
) -> None:
    instants = [at_s for at_s in accumulate(gaps, initial=1.0) if at_s < 29.0]
    assert verdict([probe(at_s, bad) for at_s in instants]) < Verdict.PROBLEM


@pytest.mark.parametrize("gap_s", [2.6, 5.0, 15.0])
def test_what_lasts_for_half_a_minute_is(gap_s: float) -> None:
    instants = accumulate([gap_s] * round(33.0 / gap_s), initial=1.0)
    assert verdict([probe(at_s, FAILED) for at_s in instants]) is Verdict.PROBLEM


def test_what_comes_and_goes_is_found_within_seconds() -> None:
    found = [FAILED, GOOD, GOOD, FAILED, GOOD, FAILED]
    assert verdict([probe(1.0 + 2.6 * at, one) for at, one in enumerate(found)]) is Verdict.PROBLEM


def test_several_probes_that_fail_at_once_bear_each_other_out() -> None:
    assert verdict([probe(at, FAILED, f"p{at}") for at in range(3)]) is Verdict.PROBLEM


@pytest.mark.parametrize(("took_s", "is_found"), [(12.0, True), (0.0, False)])
def test_whoever_waited_for_long_has_seen_that_it_is_no_blip(
    took_s: float, *, is_found: bool
) -> None:
    """Three that each waited for twelve seconds, one behind the other: a hang."""
    hung = [replace(probe(at_s, FAILED), took_s=took_s) for at_s in (12.0, 25.0, 38.0)]
    assert (verdict(hung) is Verdict.PROBLEM) is is_found


def judged(told: list[Probe], until_s: float) -> tuple[Verdict, float]:
    """What is said in the end, and how much the probes weigh."""
    watch = Watch(ALL, learned=WATCHED)
    bad = {one.at_unix_s for one in told}
    fill = [probe(at * INTERVAL_S, GOOD) for at in range(1, round(until_s / INTERVAL_S))]
    every = [*told, *(one for one in fill if one.at_unix_s not in bad)]
    for one in sorted(every, key=lambda one: one.at_unix_s):
        watch.on_probe(one)
        watch.judge(one.at_unix_s)
    said = next(one for one in watch.judge(T0 + until_s) if one.component == WEB.id)
    return said.verdict, max(sign.weight for sign in said.signs[1:3])


def test_two_within_seconds_are_one_blip_to_whoever_looks_for_little() -> None:
    singles = [probe(300.0 * at, FAILED) for at in range(1, 4)]
    pairs = [again for one in singles for again in (one, replace(one, at_unix_s=one.at_unix_s + 2))]
    once, twice = judged(singles, 1200.0), judged(pairs, 1200.0)
    assert twice[1] <= once[1] + 0.01


def test_one_in_twenty_is_found_by_probes_within_a_quarter_of_an_hour() -> None:
    failed = [probe(300.0 * at, FAILED) for at in range(1, 5)]
    assert judged(failed, 1215.0)[0] is Verdict.PROBLEM


def test_two_in_an_hour_are_chance() -> None:
    assert judged([probe(60.0, FAILED), probe(1800.0, FAILED)], 1815.0)[0] is Verdict.NONE


@pytest.mark.parametrize(("every_s", "held_s"), [(15.0, 490.0), (120.0, 680.0)])
def test_a_fault_that_hits_few_is_not_over_because_it_hit_none_for_a_while(
    every_s: float, held_s: float
) -> None:
    """A quarter of an hour in which one of eight fails: ten good minutes may be chance."""
    failed = [probe(every_s * at, FAILED) for at in range(1, round(900 / every_s) + 1)]
    assert judged(failed, 900.0 + held_s - 30.0)[0] is Verdict.PROBLEM
    assert judged(failed, 900.0 + 1200.0)[0] < Verdict.PROBLEM


def test_one_that_fails_after_a_late_one_is_news() -> None:
    instants = [*accumulate([2.6] * 12, initial=1.0)]
    failed = [probe(at_s, FAILED) for at_s in instants]
    assert verdict([probe(-1.5, ProbeResult.SLOW), *failed]) is Verdict.PROBLEM


def test_what_is_late_and_fails_by_turns_for_seconds_is_one_blip() -> None:
    turns = [FAILED, ProbeResult.SLOW, ProbeResult.WRONG]
    told = [probe(1.0 + at, turns[at % 3]) for at in range(28)]
    assert verdict(told) < Verdict.PROBLEM
