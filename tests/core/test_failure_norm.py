"""What fails at any limit is found out, doubted in time, and never stands for what load does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.failure_norm import BEGUN_MAX, MOST_RATIO, TRUST_S, WELL_S, FailureNorm

DEMAND = 100
LEVEL = 136.0


class Upstream:
    """Drives one norm."""

    def __init__(self) -> None:
        self.norm = FailureNorm()
        self.now_s = 1000.0

    def begin(self, share: float) -> None:
        """Let decreases begin, and all that was under way end well; know the first share."""
        self.fail(1)
        self.norm.on_decrease(LEVEL, DEMAND)
        for _ in range(DEMAND):
            self.norm.on_good()
        assert not self.learn(LEVEL, share)

    def learn(self, level: float, share: float, *, is_floor: bool = False) -> float:
        """Let enough end for a judgement; return where to go back to."""
        failed = round(BEGUN_MAX * share)
        for _ in range(BEGUN_MAX - failed):
            self.norm.on_good()
        self.fail(failed)
        return self.norm.learn(level, 0, self.now_s, is_floor=is_floor)

    def fail(self, count: int) -> None:
        for _ in range(count):
            self.now_s += 0.01
            self.norm.on_bad(self.now_s)


def found(share: float) -> Upstream:
    one = Upstream()
    one.begin(share)
    assert one.learn(0.1 * DEMAND, share) == LEVEL
    return one


@given(share=st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.5, 0.65]), level=st.floats(1.0, LEVEL))
def test_as_much_fails_at_a_limit_that_would_have_cured_it(share: float, level: float) -> None:
    """It is no load if an upstream that could do so little had refused far more at first."""
    one = Upstream()
    one.begin(share)
    back = one.learn(level, share)
    assert back in (0.0, LEVEL)
    if level <= 0.7 * (1.0 - share) * DEMAND:
        assert back == LEVEL
        assert one.norm.usual == pytest.approx(share)
    if level > 0.8 * (1.0 - share) * DEMAND:
        assert not back
        assert not one.norm.usual


@given(kept=st.floats(0.3, 0.95), level=st.floats(1.0, LEVEL))
def test_a_smaller_upstream_is_never_taken_for_one_that_fails_anyway(
    kept: float, level: float
) -> None:
    """Of a demand of which it can do a part, the rest fails until the limit is that low."""
    one = Upstream()
    one.begin(round(1.0 - kept, 2))
    is_over = level > kept * DEMAND
    assert not one.learn(level, 1.0 - kept * DEMAND / level if is_over else 0.0)


def test_where_nearly_all_fail_nothing_is_usual() -> None:
    one = Upstream()
    one.begin(0.9)
    assert not one.learn(1.0, 0.9)
    assert not one.learn(1.0, MOST_RATIO, is_floor=True)
    assert not one.norm.usual


def test_at_the_floor_what_fails_now_is_enough_to_know() -> None:
    one = Upstream()
    one.begin(1.0)
    assert not one.learn(2.0, 0.3)
    assert one.learn(2.0, 0.3, is_floor=True) == LEVEL


def test_chance_is_usual_and_more_is_not() -> None:
    norm = found(0.3).norm
    assert norm.is_usual(30, 100)
    assert norm.is_usual(45, 100)
    assert not norm.is_usual(50, 100)
    assert not FailureNorm().is_usual(1, 100), "nothing is, before it has been found"


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 200)), max_size=50))
def test_the_share_follows_and_never_rises_above_what_was_found(
    windows: list[tuple[int, int]],
) -> None:
    norm = found(0.3).norm
    for bad, good in windows:
        norm.on_window(bad, bad + good)
        assert 0.0 <= norm.usual <= 0.3 + 1e-9
    for _ in range(20):
        norm.on_window(0, 100)
    assert norm.usual < 0.01


def test_it_is_doubted_in_time_and_trusted_for_longer_if_found_again() -> None:
    one = found(0.3)
    lasted_s: list[float] = []
    for _ in range(2):
        since_s = one.now_s
        while one.norm.usual:
            one.now_s += 1.0
            one.fail(1)
        lasted_s.append(one.now_s - since_s)
        one.begin(0.3)
        assert one.learn(0.1 * DEMAND, 0.3) == LEVEL
    assert lasted_s == pytest.approx([TRUST_S, 2 * TRUST_S], rel=0.05)


def test_all_is_forgotten_after_some_time_without_a_failure() -> None:
    one = found(0.3)
    one.now_s += WELL_S
    assert one.norm.usual
    one.fail(1)
    assert not one.norm.usual


def test_back_where_they_began_decreases_are_over() -> None:
    one = Upstream()
    one.begin(0.1)
    one.norm.on_growth(LEVEL - 1.0)
    assert one.learn(0.5 * DEMAND, 0.1) == LEVEL
    other = Upstream()
    other.begin(0.1)
    other.norm.on_growth(LEVEL)
    assert not other.learn(0.5 * DEMAND, 0.1)
