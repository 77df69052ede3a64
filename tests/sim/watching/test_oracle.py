"""The oracle: its likelihoods are distributions, and its false alarms are as rare as wanted."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.sim.watching.given import WEEK_S, case, dice

from penstock.sim.watching import installation as inst
from penstock.sim.watching import oracle, quiet
from penstock.sim.watching.case import How, Span
from penstock.sim.watching.oracle import Oracle, Race
from penstock.sim.watching.stream import Stream

COUNTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)), min_size=1, max_size=6)


@given(COUNTS, st.floats(0.001, 0.02), st.floats(0.02, 1.0))
@example([(1, 1), (26, 0)], 0.015625, 1.0)
def test_what_pieces_a_minute_comes_in_changes_nothing(
    counts: list[tuple[int, int]], ratio: float, share: float
) -> None:
    pieces = oracle.Factors(ratio, share, inst.BURST_SHAPE)
    found = [
        pieces.ratio(good + bad, bad, 10.0 * at + 60.0, is_new=at == 0)
        for at, (good, bad) in enumerate(counts)
    ]
    good, bad = (sum(one[at] for one in counts) for at in (0, 1))
    whole = oracle.Factors(ratio, share, inst.BURST_SHAPE).ratio(
        good + bad, bad, 60.0, is_new=False
    )
    if counts[0][1]:  # until one is bad it is nothing, and the fault begins anew
        assert sum(found) == pytest.approx(whole, abs=1e-6)


@given(st.integers(0, 40), st.integers(0, 9), st.floats(0.001, 0.02), st.floats(0.02, 0.9))
def test_without_bursts_it_is_the_ratio_of_two_binomials(
    good: int, bad: int, ratio: float, share: float
) -> None:
    after = share + (1.0 - share) * ratio
    wanted = bad * math.log(after / ratio) + good * math.log((1.0 - after) / (1.0 - ratio))
    factors = oracle.Factors(ratio, share, math.inf)
    assert factors.ratio(good + bad, bad, 10.0, is_new=False) == pytest.approx(wanted, abs=1e-6)


def test_the_second_tick_of_a_burst_is_less_news() -> None:
    def ratio(at_s: float) -> float:
        factors = oracle.Factors(0.004, 0.1, inst.BURST_SHAPE)
        factors.ratio(25, 3, 60.0, is_new=True)
        return factors.ratio(25, 3, at_s, is_new=False)

    assert ratio(70.0) < ratio(120.0) - 1.0


def test_an_excursion_counts_once_at_each_level() -> None:
    crossings = oracle.Crossings()
    for score in (0.0, 3.2, 2.0, 4.1, 3.9, 0.0, 3.0, 0.0):
        crossings.hear("one", score)
    assert crossings.found[:4] == [2, 1, 1, 0]


def test_false_alarms_are_as_rare_as_they_were_to_be() -> None:
    """Ten days of one model that were not used to set the level at which there are 60 a month."""
    profile = inst.BY_ID[inst.OPUS]

    def found(name: str, days: float) -> oracle.Crossings:
        crossings, told = oracle.Crossings(), Oracle(profile, 0.1, How.ERROR)
        for _, evidence in Stream(quiet.stretch(WEEK_S, days), dice(name), 10.0, (profile,)):
            crossings.hear(name, told.hear(evidence))
        return crossings

    set_by, other = found("set", 8.0), found("other", 8.0)
    level = oracle.threshold(set_by.found, set_by.ticks, 60.0 / 259_200)
    at = min(range(len(oracle.LEVELS)), key=lambda at: abs(oracle.LEVELS[at] - level))
    wanted = 60.0 * 8.0 / 30.0 * math.exp(level - oracle.LEVELS[at])
    assert abs(other.found[at] - wanted) <= 4.0 * math.sqrt(wanted)


def test_a_threshold_goes_on_along_the_line() -> None:
    found = [round(1e5 * math.exp(-level)) for level in oracle.LEVELS]
    assert oracle.threshold(found, 1_000_000, 1e-7) == pytest.approx(
        math.log(0.1) - math.log(1e-7), abs=0.1
    )


def test_without_alarms_a_threshold_is_the_bound_that_always_holds() -> None:
    assert oracle.threshold([0] * len(oracle.LEVELS), 1000, 1e-6) == pytest.approx(13.8, abs=0.1)


@pytest.mark.parametrize(
    "share", [0.3, *[pytest.param(one, marks=pytest.mark.slow) for one in (1.0, 0.05)]]
)
def test_rarer_alarms_need_more(share: float) -> None:
    found = oracle.probe_thresholds(How.ERROR, share, dice(share))
    assert list(found) == sorted(found)


def test_it_finds_a_fault_and_sooner_the_larger_it_is() -> None:
    found: list[float] = []
    for share in (1.0, 0.3, 0.1):
        from_s = case().from_unix_s + 600
        told = case(Span(inst.SONNET, from_s, from_s + 3000, share))
        race = Race(Oracle(inst.BY_ID[inst.SONNET], share, How.ERROR), (12.0,), from_s)
        for now_s, evidence in Stream(told, dice(share), 10.0):
            race.hear(evidence, now_s)
        at_s = race.found_s[0]
        assert at_s is not None
        found.append(at_s)
    assert found == sorted(found)
    assert found[0] <= 30
