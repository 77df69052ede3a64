"""The shares of new users and of holders, by their formulas; the loop is tested with consumers."""

import math

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.free_share import GROWTH_MAX, SERVED_MIN_PER_S, WINDOW_S, FreeShare

WAITS = st.floats(0.0, 2.0)


def flowing(
    holders_per_s: int, newcomers_per_s: int, served_per_s: int, wait_ratio: float
) -> FreeShare:
    """Shares that have seen the same for two minutes."""
    share = FreeShare(0.0)
    for second in range(1, 121):
        for _ in range(holders_per_s):
            share.holders += 1
        for _ in range(newcomers_per_s):
            share.on_newcomer()
        for _ in range(served_per_s):
            share.served += 1
        share.observe(wait_ratio, float(second))
    return share


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.floats(0.05, 2.0))
def test_new_users_get_what_holders_leave_over(
    holders: int, newcomers: int, served: int, wait: float
) -> None:
    share = flowing(holders, newcomers, served, wait)
    seen = 1.0 - math.exp(-120.0 / WINDOW_S)
    can = served * seen + SERVED_MIN_PER_S
    room = can * max(0.0, 1.25 - wait) - holders * seen
    keep = can * max(0.0, 1.75 - wait)
    new = min(1.0, max(0.0, room / max(newcomers * seen, 1e-6)))
    kept = min(1.0, keep / max(holders * seen, 1e-6))
    assert math.isclose(share.new_ratio, new, abs_tol=1e-6)
    assert math.isclose(share.kept_ratio, kept, abs_tol=1e-6)


@given(st.lists(st.tuples(WAITS, st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_shares_are_shares_and_nobody_new_gets_in_while_holders_go(
    steps: list[tuple[float, int, int]],
) -> None:
    share = FreeShare(0.0)
    for second, (wait, holders, served) in enumerate(steps):
        for _ in range(holders):
            share.holders += 1
            share.on_newcomer()
        for _ in range(served):
            share.served += 1
        share.observe(wait, second / 2)
        assert 0.0 <= share.new_ratio <= 1.0
        assert 0.0 <= share.kept_ratio <= 1.0
        assert share.kept_ratio == 1.0 or share.new_ratio == 0.0


def test_where_nobody_waits_more_is_tried_until_all_get_in() -> None:
    share = flowing(8, 40, 10, 0.25)
    assert math.isclose(share.new_ratio, 0.05, abs_tol=0.01)
    ratios: list[float] = []
    for second in range(121, 141):
        for _ in range(8):
            share.holders += 1
            share.served += 1
        for _ in range(40):
            share.on_newcomer()
        share.observe(0.0, float(second))
        ratios.append(share.new_ratio)
    assert ratios == sorted(ratios)
    assert ratios[7] > 0.5  # doubles in 2.3 s
    assert ratios[-1] == 1.0
    share.observe(0.5, 142.0)
    share.observe(0.5, 147.0)
    assert share.new_ratio < 0.1  # as soon as somebody waits, what is served is what can be


def test_what_is_tried_is_bounded_and_never_nothing() -> None:
    waiting = flowing(0, 10, 0, 0.25)  # and nobody is served
    assert math.isclose(waiting.new_ratio, SERVED_MIN_PER_S / 10, rel_tol=0.01)
    assert flowing(1, 10, 1, 0.0).state()["growth"] == GROWTH_MAX


def test_an_outage_is_no_reason_to_share_otherwise_afterwards() -> None:
    share = flowing(8, 40, 8, 0.25)
    before = share.state()
    for second in range(1000, 1060):
        for _ in range(100):
            share.holders += 1
            share.on_newcomer()
        share.observe(0.0, float(second))
    assert share.state() == before


def test_the_same_instant_twice_changes_nothing() -> None:
    share = flowing(5, 5, 5, 0.25)
    before = share.state()
    share.holders += 1
    share.observe(1.0, 120.0)
    assert share.state() == before


def test_it_goes_on_from_what_another_learned() -> None:
    one = flowing(7, 20, 10, 0.25)
    other = FreeShare(5000.0)
    other.restore(one.state(), 9000.0)
    for share, now_s in ((one, 121.0), (other, 9001.0)):
        share.holders += 1
        share.observe(0.3, now_s)
    assert one.state() == other.state()


@given(st.integers(1, 20), st.integers(0, 20), st.integers(1, 20), st.floats(0.05, 1.2))
def test_a_line_gets_its_share_of_those_who_come_and_what_others_leave(
    others: int, lined: int, served: int, wait: float
) -> None:
    share = FreeShare(0.0)
    for second in range(1, 121):
        for _ in range(others):
            share.on_newcomer()
        for _ in range(served):
            share.served += 1
        share.on_joined(lined)
        share.observe(wait, float(second))
    seen = 1.0 - math.exp(-120.0 / WINDOW_S)
    room = (served * seen + SERVED_MIN_PER_S) * (1.25 - wait)
    taken = share.new_ratio * others * seen + share.line_per_s
    assert math.isclose(
        taken, max(room, 0.0), rel_tol=1e-6, abs_tol=1e-9
    )  # all of it, whoever wants it
    assert share.line_per_s >= share.new_ratio * lined * seen - 1e-6
    if share.new_ratio < 1.0:
        assert math.isclose(
            share.line_per_s, share.new_ratio * lined * seen, rel_tol=1e-6, abs_tol=1e-9
        )
