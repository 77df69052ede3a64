"""The penalty box: three early returns, then refused from memory, then judged like anybody."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.penalty_box import BOX_S, PenaltyBox


def test_who_waits_as_told_is_never_boxed() -> None:
    box = PenaltyBox(300.0, 10)
    now_s = 0.0
    for _ in range(20):
        assert box.left_s("a", now_s) == 0.0
        box.told("a", 7.0, now_s)
        now_s += 7.0


def test_who_comes_early_three_times_is_boxed_for_a_minute() -> None:
    box = PenaltyBox(300.0, 10)
    box.told("a", 50.0, 0.0)
    lefts = [box.left_s("a", at) for at in (1.0, 2.0, 3.0, 4.0, 62.9, 63.0, 64.0)]
    assert lefts == [0.0, 0.0, BOX_S, 59.0, 63.0 - 62.9, 0.0, 0.0]


def test_coming_on_time_clears_the_strikes() -> None:
    box = PenaltyBox(300.0, 10)
    for at_s in (0.0, 10.0, 20.0, 30.0):
        box.told("a", 5.0, at_s)
        assert [box.left_s("a", at_s + late) for late in (1.0, 2.0, 6.0)] == [0.0, 0.0, 0.0]


def test_who_gets_in_is_forgiven() -> None:
    box = PenaltyBox(300.0, 10)
    box.told("a", 50.0, 0.0)
    box.left_s("a", 1.0)
    box.left_s("a", 1.0)
    box.forgive("a")
    box.forgive("a")
    assert box.left_s("a", 1.0) == 0.0
    assert not box.is_known("a", 1.0)


def test_nobody_is_expected_later_than_a_minute() -> None:
    box = PenaltyBox(300.0, 10)
    box.told("a", 3600.0, 0.0)
    assert [box.left_s("a", BOX_S + at) for at in range(5)] == [0.0] * 5


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0.0, 9.0)), max_size=60))
def test_it_knows_the_last_refused_and_no_more(steps: list[tuple[str, float]]) -> None:
    box = PenaltyBox(20.0, 4)
    now_s = 0.0
    refused: dict[str, float] = {}
    for user, span_s in steps:
        now_s += span_s
        box.told(user, 5.0, now_s)
        refused.pop(user, None)
        refused[user] = now_s
        refused = dict(list(refused.items())[-4:])
        refused = {one: at_s for one, at_s in refused.items() if now_s - at_s <= 20.0}
        assert len(box) == len(refused)
        assert {one for one in "abcdefgh" if box.is_known(one, now_s)} == set(refused)


def test_after_the_box_all_begins_anew() -> None:
    box = PenaltyBox(300.0, 10)
    box.told("a", 5.0, 0.0)
    assert [box.left_s("a", at) for at in (1.0, 2.0, 3.0)] == [0.0, 0.0, BOX_S]
    box.told("a", 5.0, 64.0)
    assert [box.left_s("a", at) for at in (65.0, 66.0, 67.0)] == [0.0, 0.0, BOX_S]
