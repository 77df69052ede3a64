"""Faults by chance: whatever the dice, a case is sound, and says what would be right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sim.watching.given import WEEK_S, dice

from penstock.sim.watching import arms, catalogue, study
from penstock.sim.watching import installation as inst
from penstock.sim.watching.catalogue import At, Entry
from penstock.watch.assessment import Verdict

ENTRIES = catalogue.entries()
IDS = {one.id for one in inst.COMPONENTS}


@given(st.sampled_from(ENTRIES), st.integers())
def test_a_case_is_sound(entry: Entry, seed: int) -> None:
    case = entry.draw(At(WEEK_S, dice(seed)))
    assert WEEK_S <= case.from_unix_s < case.onset_unix_s < case.to_unix_s
    assert case.to_unix_s <= WEEK_S + inst.WEEK_S + 6 * 3600
    for span in case.spans:
        assert span.component in IDS
        assert 0.0 < span.share <= 1.0
        assert case.onset_unix_s <= span.from_unix_s < span.to_unix_s
    for expect in case.expect:
        assert set(expect.components) <= IDS
        assert expect.verdict <= expect.most
        assert expect.to_unix_s - expect.from_unix_s > expect.settle_s
    assert not case.hit & set(case.innocent)
    if case.expect[0].verdict is Verdict.PROBLEM:
        assert set(case.expect[0].components) & case.hit


def test_names_are_unique_and_every_seed_draws_in_turn() -> None:
    names = [one.name for one in ENTRIES]
    assert len(set(names)) == len(names)
    drawn = [[one.name for one in study.entries_of(seed)] for seed in range(len(ENTRIES))]
    in_turn = [name for of_seed in drawn for name in of_seed[: study.CASES_A_SEED]]
    assert {in_turn.count(name) for name in names} == {study.CASES_A_SEED}
    assert all(len(set(of_seed)) == len(of_seed) for of_seed in drawn)
    more = [of_seed[-1] for of_seed in drawn]
    assert set(more) == study.SMALL
    assert min(more.count(name) for name in study.SMALL) >= len(ENTRIES) // len(study.SMALL) - 3


def test_reports_alone_ask_for_no_more_than_possible() -> None:
    for entry in ENTRIES:
        case = entry.draw(At(WEEK_S, dice(entry.name)))
        if not case.spans:
            assert case.expect[0].most < Verdict.PROBLEM


def test_a_route_without_failover_falls_with_its_model() -> None:
    case = next(one for one in ENTRIES if one.name == "provider 100%").draw(At(WEEK_S, dice(5)))
    routes = {inst.CODE} if inst.SONNET in case.hit else set[str]()
    assert {one for one in case.hit if inst.BY_ID[one].component.layer.value == "route"} == routes


@pytest.mark.parametrize("arm", arms.ARMS)
def test_an_arm_differs_in_the_one_part_that_it_names(arm: str) -> None:
    full, mine = arms.settings(arms.FULL), arms.settings(arm)
    changed = [
        name for name in full.__struct_fields__ if getattr(full, name) != getattr(mine, name)
    ]
    assert len(changed) == (0 if arm == arms.FULL else 1)


def test_what_sets_parameters_is_never_reported() -> None:
    assert study.SEED_TUNING + 5000 < study.SEED_REPORT
