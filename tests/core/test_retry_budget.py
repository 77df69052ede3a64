"""Retries stay a share of the traffic, with a floor."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.retry_budget import RetryBudget


@given(
    ratio=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    floor_per_s=st.sampled_from([0.0, 0.5, 10.0]),
    steps=st.lists(st.tuples(st.floats(0.0, 2.0), st.integers(0, 30), st.integers(0, 30))),
)
def test_never_more_than_the_share_and_the_floor(
    ratio: float, floor_per_s: float, steps: list[tuple[float, int, int]]
) -> None:
    now_s = 0.0
    budget = RetryBudget(ratio, floor_per_s, now_s)
    firsts = spent = asked = 0
    for wait_s, deposits, wanted in steps:
        now_s += wait_s
        for _ in range(deposits):
            budget.deposit()
        firsts += deposits
        asked += wanted
        spent += sum(budget.try_spend(now_s) for _ in range(wanted))
        floor = max(1.0, floor_per_s) + floor_per_s * now_s
        assert spent <= ratio * firsts + floor + 1e-6
        assert budget.exhausted == asked - spent


def test_the_floor_is_used_before_the_deposits() -> None:
    budget = RetryBudget(1.0, 10.0, 0.0)
    budget.deposit()
    assert sum(budget.try_spend(0.0) for _ in range(20)) == 11
    assert sum(budget.try_spend(1.0) for _ in range(20)) == 10


def test_a_tenth_of_the_traffic_may_be_tried_again() -> None:
    budget = RetryBudget(0.1, 0.0, 0.0)
    assert budget.try_spend(0.0)  # the floor's one token of burst
    for _ in range(101):
        budget.deposit()
    assert sum(budget.try_spend(0.0) for _ in range(50)) == 10


def test_a_quiet_hour_does_not_pay_for_a_storm() -> None:
    budget = RetryBudget(0.1, 0.0, 0.0)
    for _ in range(100_000):
        budget.deposit()
    assert sum(budget.try_spend(0.0) for _ in range(1000)) == 101


@given(st.lists(st.booleans(), max_size=60))
def test_a_contract_is_never_refused_and_a_crowd_never_gets_more_for_it(owed: list[bool]) -> None:
    budget = RetryBudget(0.1, 10.0, 0.0)
    given_to = [budget.try_spend(0.0, is_owed=one) for one in owed]
    assert all(is_given for is_given, one in zip(given_to, owed, strict=True) if one)
    crowd = [is_given for is_given, one in zip(given_to, owed, strict=True) if not one]
    assert sum(crowd) <= 10
    assert budget.exhausted == crowd.count(False)
