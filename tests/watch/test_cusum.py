"""CUSUMs: what adds up, and what time takes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.watch.cusum import RATES, RateCusum, RatioBank, rate_steps, ratio_steps

SIZES = st.one_of(st.just(math.inf), st.floats(0.2, 100.0))
COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30)


def score(events: list[tuple[int, int]], usual: float, size: float) -> list[float]:
    steps = ratio_steps(usual, 0.01, size, 60.0)
    bank = RatioBank()
    for good, bad in events:
        bank.add(good + bad, bad, steps, (math.inf, math.inf), 0.0)
    return bank.scores


@given(COUNTS, st.floats(0.002, 0.2), SIZES, st.integers(0, 29), st.integers(1, 5))
def test_one_bad_one_more_never_lowers_a_score(
    events: list[tuple[int, int]], usual: float, size: float, at: int, more: int
) -> None:
    before = score(events, usual, size)
    if events:
        good, bad = events[at % len(events)]
        turned = min(good, more)
        events[at % len(events)] = (good - turned, bad + turned)
    after = score(events, usual, size)
    assert all(new >= old - 1e-9 for new, old in zip(after, before, strict=True))


@given(COUNTS, st.floats(0.002, 0.2), SIZES)
def test_scores_are_never_below_nothing(
    events: list[tuple[int, int]], usual: float, size: float
) -> None:
    assert min(score(events, usual, size)) >= 0.0


@given(st.floats(0.002, 0.3), st.floats(0.01, 0.2), SIZES, st.floats(1.0, 600.0))
def test_what_is_usual_takes_and_what_is_looked_for_adds(
    usual: float, rise: float, size: float, per_min: float
) -> None:
    steps = ratio_steps(usual, rise, size, per_min)
    for at, (up, down) in enumerate(zip(steps.ups, steps.downs, strict=True)):
        rate = RATES[steps.lowest + at]
        assert usual * up <= down + 1e-9
        assert rate * up >= down - 1e-9


@pytest.mark.parametrize("size", [0.5, 2.0, 50.0])
@pytest.mark.parametrize("votes", [0, 1, 7])
def test_steps_are_the_likelihood_ratio_of_two_negative_binomials(size: float, votes: int) -> None:
    def log_likelihood(mean: float) -> float:
        return votes * math.log(mean / (mean + size)) + size * math.log(size / (mean + size))

    steps = rate_steps(0.7, size, 4.0)
    wanted = log_likelihood(2.8) - log_likelihood(0.7)
    assert votes * steps.up - steps.down_per_min == pytest.approx(wanted)


@given(st.lists(st.floats(0.0, 600.0), max_size=20), st.lists(st.floats(0.0, 600.0), max_size=20))
def test_looking_at_the_clock_changes_nothing(votes: list[float], looks: list[float]) -> None:
    steps = rate_steps(0.3, 2.0, 4.0)
    plain, watched = RateCusum(), RateCusum()
    for at_s in sorted(votes):
        plain.pass_time(at_s, steps)
        plain.add(1.0, steps, 100.0)
    for at_s, is_vote in sorted([(at, 1) for at in votes] + [(at, 0) for at in looks]):
        watched.pass_time(at_s, steps)
        if is_vote:
            watched.add(1.0, steps, 100.0)
    plain.pass_time(600.0, steps)
    watched.pass_time(600.0, steps)
    assert watched.score == pytest.approx(plain.score, abs=1e-9)


def test_bursts_make_a_bad_one_worth_less() -> None:
    plain = ratio_steps(0.004, 0.01, math.inf, 120.0)
    bursty = ratio_steps(0.004, 0.01, 0.7, 120.0)
    assert all(b < p for b, p in zip(bursty.ups, plain.ups, strict=True))
    assert max(bursty.ups) <= math.log(1.0 + 0.7 / 0.48)
