"""When a live drill must stop: at the first harm to a contract, or when an objective burns."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.live_guard import BURN_MAX, WINDOW_S, Ended, Goal, LiveGuard

GOAL: Final = Goal("api", 0.99, 20)
FATES: Final = ("served", "failed", "shed", "limited", "rejected", "left", "lost")
BAD: Final = ("failed", "shed", "lost")


@pytest.mark.parametrize("fate", FATES)
def test_a_contract_stops_it_at_once(fate: str) -> None:
    why = LiveGuard([]).on_ended(Ended("acme", "enterprise", "fast", fate), 0.0)
    assert bool(why) == (fate in BAD)
    assert not why or "acme" in why


@given(st.lists(st.sampled_from(FATES), max_size=200), st.sampled_from(["free", "standard"]))
def test_others_stop_it_when_the_objective_burns(fates: list[str], tier: str) -> None:
    guard = LiveGuard([GOAL])
    counted: list[str] = []
    for fate in fates:
        if fate in (*BAD, "served"):
            counted.append(fate)
        bad = sum(one in BAD for one in counted)
        burns = len(counted) >= 20 and bad > 0 and bad >= BURN_MAX * 0.01 * len(counted)
        why = guard.on_ended(Ended("t", tier, "r", fate), 5.0)
        if fate not in (*BAD, "served"):
            assert not why
        else:
            assert bool(why) == burns


def test_what_is_older_than_the_window_is_forgotten() -> None:
    guard = LiveGuard([GOAL])
    for _ in range(19):
        assert not guard.on_ended(Ended("t", "free", "r", "failed"), 0.0)
    assert not guard.on_ended(Ended("t", "free", "r", "failed"), WINDOW_S + 1.0)


@pytest.mark.parametrize(
    ("goal", "is_covered"),
    [
        (Goal("g", 0.9, 1), True),
        (Goal("g", 0.9, 1, tenant="t", tier="free", route="r"), True),
        (Goal("g", 0.9, 1, tenant="other"), False),
        (Goal("g", 0.9, 1, tier="batch"), False),
        (Goal("g", 0.9, 1, route="other"), False),
    ],
)
def test_an_objective_counts_what_it_names(goal: Goal, *, is_covered: bool) -> None:
    # A target of 0.9 cannot burn 14.4 times: every event bad is ten times its budget.
    assert goal.covers(Ended("t", "free", "r", "failed")) is is_covered


def test_it_burns_at_what_pages_somebody_and_not_before() -> None:
    guard = LiveGuard([GOAL])
    for _ in range(86):
        assert not guard.on_ended(Ended("t", "free", "r", "served"), 0.0)
    for _ in range(14):  # of 100, a hundredth of which may be lost
        assert not guard.on_ended(Ended("t", "free", "r", "failed"), 0.0)
    assert guard.on_ended(Ended("t", "free", "r", "failed"), 0.0)


def test_a_loose_target_burns_when_everything_fails() -> None:
    guard = LiveGuard([Goal("loose", 0.5, 1)])
    assert guard.on_ended(Ended("t", "free", "r", "failed"), 0.0)
