"""The oracle: its likelihoods are distributions, and its false alarms are as rare as wanted."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.watching.given import case, dice

from penstock.sim.watching import installation as inst
from penstock.sim.watching import oracle
from penstock.sim.watching.case import How, Span
from penstock.sim.watching.oracle import Oracle, Race
from penstock.sim.watching.stream import Stream


@given(st.floats(0.01, 8.0), st.sampled_from([0.7, 2.0, math.inf]))
def test_likelihoods_add_up_to_nearly_all(mean: float, shape: float) -> None:
    found = oracle.likelihoods(mean, shape, oracle.TERMS_MAX)
    assert 0.97 < sum(found) <= 1.0 + 1e-9
    assert all(one >= 0.0 for one in found)


def test_a_sum_of_two_poisson_counts_is_one() -> None:
    usual = oracle.likelihoods(2.0, math.inf, 30)
    for seen in (0, 3, 10):
        whole = oracle.likelihoods(5.0, math.inf, 30)[seen]
        assert oracle.mixed(usual, seen, 3.0) == pytest.approx(whole, rel=1e-6)


def test_a_threshold_goes_on_along_the_line() -> None:
    found = [round(1e5 * math.exp(-level)) for level in oracle.LEVELS]
    assert oracle.threshold(found, 1_000_000, 1e-7) == pytest.approx(
        math.log(0.1) - math.log(1e-7), abs=0.1
    )


def test_without_alarms_a_threshold_is_the_bound_that_always_holds() -> None:
    assert oracle.threshold([0] * len(oracle.LEVELS), 1000, 1e-6) == pytest.approx(13.8, abs=0.1)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.05])
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
