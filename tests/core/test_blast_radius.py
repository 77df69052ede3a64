"""The blast radius holds at every strike, in the window and in the whole drill, for any traffic."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.core.blast_radius import WINDOW_S, BlastRadius

RATIOS = st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.9, 1.0])
STEPS = st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(0, 30)), max_size=60)


@given(RATIOS, STEPS)
def test_no_more_than_the_share_is_struck(ratio: float, steps: list[tuple[float, int]]) -> None:
    radius, now_s = BlastRadius(ratio), 1000.0
    seen_at: list[float] = []
    struck_at: list[float] = []
    for wait_s, exchanges in steps:
        now_s += wait_s
        for _ in range(exchanges):
            radius.see(now_s)
            seen_at.append(now_s)
            if radius.try_strike(now_s):
                struck_at.append(now_s)
                # The window is a whole number of seconds: what is older may count, never less.
                since_s = now_s - WINDOW_S + 1.0
                struck = sum(at_s > since_s for at_s in struck_at)
                assert struck <= ratio * sum(at_s > now_s - WINDOW_S for at_s in seen_at) + 1e-6
    assert (radius.seen, radius.struck) == (len(seen_at), len(struck_at))
    assert radius.struck <= ratio * radius.seen + 1e-6


@given(RATIOS, st.integers(1, 400))
def test_all_that_it_allows_is_struck(ratio: float, exchanges: int) -> None:
    radius = BlastRadius(ratio)
    for _ in range(exchanges):
        radius.see(0.0)
        radius.try_strike(0.0)
    assert radius.struck == int(ratio * exchanges + 1e-9)


def test_after_a_window_it_strikes_again() -> None:
    radius = BlastRadius(0.5)
    for minute in range(3):
        at_s = minute * (WINDOW_S + 1.0)
        for _ in range(10):
            radius.see(at_s)
        assert [radius.try_strike(at_s) for _ in range(6)] == [True] * 5 + [False]


def test_a_silence_is_not_made_up_for() -> None:
    radius = BlastRadius(0.5)
    for _ in range(100):
        radius.see(0.0)
    late_s = WINDOW_S + 1.0
    assert not radius.try_strike(late_s)
    radius.see(late_s)
    radius.see(late_s)
    assert radius.try_strike(late_s)
    assert not radius.try_strike(late_s)
