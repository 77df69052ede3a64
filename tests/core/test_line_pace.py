"""The pace of a line: what is said, and when nothing is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.line_pace import ADMITTED_MIN, SESSIONS_MIN, LinePace


def going(per_s: float, for_s: float, pace: LinePace | None = None, waiting: int = 50) -> LinePace:
    """A line that lets in at a steady rate while people are kept waiting."""
    pace = pace or LinePace(0.0)
    for at in range(int(per_s * for_s)):
        pace.advance(waiting, is_held=True, now_s=(at + 1) / per_s)
        pace.admitted()
        pace.served()
    return pace


@given(st.floats(0.05, 50.0), st.integers(1, 10_000))
def test_a_steady_line_takes_as_long_as_it_takes(per_s: float, turns: int) -> None:
    pace = going(per_s, 100 / per_s)
    assert pace.wait_s(turns) == pytest.approx(turns / per_s, rel=0.05)


def test_nothing_is_said_before_enough_were_let_in() -> None:
    assert going(1.0, ADMITTED_MIN - 1).wait_s(3) == -1.0
    assert going(1.0, ADMITTED_MIN).wait_s(3) > 0.0


def test_nothing_is_said_once_nobody_is_let_in_any_more() -> None:
    pace = going(1.0, 30.0)
    pace.advance(50, is_held=True, now_s=34.0)
    assert pace.wait_s(3) > 0.0
    pace.advance(50, is_held=True, now_s=40.0)
    assert pace.wait_s(3) == -1.0


def test_time_in_which_nobody_is_kept_waiting_does_not_count() -> None:
    pace = going(2.0, 20.0)
    pace.advance(0, is_held=False, now_s=2000.0)
    pace.admitted()
    assert pace.wait_s(10) == pytest.approx(5.0, rel=0.1)


def test_people_who_leave_shorten_the_line_before_one() -> None:
    pace = going(1.0, 100.0, waiting=100)
    for _ in range(60):
        pace.left()
    alone_s = going(1.0, 100.0).wait_s(100)
    assert 0.5 * alone_s < pace.wait_s(100) < 0.9 * alone_s


def test_a_crowd_that_is_let_in_comes_back_for_more_turns() -> None:
    pace = going(10.0, 30.0)
    for _ in range(math.ceil(2 * SESSIONS_MIN)):
        pace.ended(5)
    assert pace.wait_s(2000) == pytest.approx(1000.0, rel=0.15)  # two a second in the end
    assert pace.wait_s(20) < 3.0  # ten now


def test_a_slow_minute_of_a_line_that_is_usually_faster_is_told_as_half_of_it() -> None:
    pace = going(1.0, 600.0)
    for at in range(1, 13):
        pace.advance(20, is_held=True, now_s=600.0 + 5.0 * at)
        pace.admitted()
    assert 0.4 < pace.per_s < 0.8  # it is 0.2 now, and 1 usually


def test_the_more_are_ahead_and_the_more_is_known_the_less_doubt() -> None:
    early, late = going(1.0, 12.0), going(1.0, 60.0)
    assert early.doubt(1) > early.doubt(5) > early.doubt(50) > late.doubt(50) > 0.0


def test_forgotten_is_not_known() -> None:
    pace = going(1.0, 60.0)
    pace.forget()
    assert pace.wait_s(1) == -1.0
