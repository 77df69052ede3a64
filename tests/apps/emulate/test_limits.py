"""Accounts get what they are allowed in a minute, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.limits import ACCOUNTS_MAX, AT_EASE, RateLimit, RateLimits


@given(st.integers(1, 50), st.lists(st.floats(0.0, 5.0), max_size=60))
def test_requests_stay_within_a_burst_and_the_rate(limit: int, gaps_s: list[float]) -> None:
    limits = RateLimits({"gpt": RateLimit(limit, None)})
    now_s, granted = 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s
        standing = limits.take("gpt", "key", 1, now_s)
        granted += not standing.exhausted
        assert 0 <= standing.requests.remaining <= limit
        assert bool(standing.exhausted) == (standing.retry_after_s > 0)
    assert granted <= limit + now_s * limit / 60 + 1


def test_whoever_waits_as_told_is_served() -> None:
    limits = RateLimits({"gpt": RateLimit(None, 600)})
    assert not limits.take("gpt", "key", 500, 0.0).exhausted
    refused = limits.take("gpt", "key", 500, 0.0)
    assert (refused.exhausted, round(refused.retry_after_s)) == ("tokens", 40)
    assert not limits.take("gpt", "key", 500, refused.retry_after_s + 0.001).exhausted


def test_accounts_and_providers_are_apart_and_bounded() -> None:
    limits = RateLimits({"gpt": RateLimit(1, None)})
    assert not limits.take("gpt", "first", 1, 0.0).exhausted
    assert not limits.take("gpt", "second", 1, 0.0).exhausted
    assert limits.take("gpt", "first", 1, 0.0).exhausted
    assert limits.take("claude", "first", 1, 0.0) is AT_EASE
    for number in range(ACCOUNTS_MAX):
        limits.take("gpt", str(number), 1, 0.0)
    assert not limits.take("gpt", "first", 1, 0.0).exhausted  # forgotten by now
