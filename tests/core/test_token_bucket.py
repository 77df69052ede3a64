"""Over any stretch of time, no more than the burst and the rate allow; and no less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.token_bucket import TokenBucket

STEPS = st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 20.0)))


@given(st.floats(0.0, 50.0), st.floats(0.1, 50.0), STEPS)
def test_the_level_is_what_came_in_less_what_was_taken(
    rate_per_s: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    now_s, expected = 5.0, burst
    bucket = TokenBucket(rate_per_s, burst, now_s)
    for wait_s, tokens in steps:
        now_s += wait_s
        expected = min(burst, expected + wait_s * rate_per_s)
        level = bucket.level(now_s)
        assert level == pytest.approx(expected, abs=1e-6)
        assert bucket.try_take(tokens, now_s) == (level >= tokens)
        expected = bucket.level(now_s)
        assert expected == (level - tokens if level >= tokens else level)
        assert 0.0 <= expected <= burst


@given(st.floats(0.1, 50.0), st.floats(0.0, 100.0))
def test_putting_adds_up_to_the_burst(burst: float, tokens: float) -> None:
    bucket = TokenBucket(0.0, burst, 0.0)
    assert bucket.try_take(burst / 2, 0.0)
    bucket.put(tokens)
    assert bucket.level(0.0) == pytest.approx(min(burst, burst / 2 + tokens))


def test_time_that_goes_back_changes_nothing() -> None:
    bucket = TokenBucket(1.0, 10.0, 100.0)
    assert bucket.try_take(10.0, 100.0)
    assert bucket.level(50.0) == 0.0
    assert bucket.level(101.0) == 1.0


@pytest.mark.parametrize(("rate_per_s", "burst"), [(-1.0, 1.0), (1.0, 0.0), (1.0, -1.0)])
def test_what_is_no_rate_is_refused(rate_per_s: float, burst: float) -> None:
    with pytest.raises(ValueError, match="rate_per_s"):
        TokenBucket(rate_per_s, burst, 0.0)
