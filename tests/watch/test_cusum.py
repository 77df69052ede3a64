"""CUSUMs: what adds up, and what time takes."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.watch.cusum import (
    RATES,
    Bounds,
    RateCusum,
    RatioBank,
    event_steps,
    looks_per_min,
    rate_steps,
    ratio_steps,
)

SIZES = st.one_of(st.just(math.inf), st.floats(0.2, 100.0))
COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30)
SOME = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=30)


def score(events: list[tuple[int, int]], usual: float, size: float) -> list[float]:
    steps = ratio_steps(usual, 0.01, size, 60.0, 10.0)
    bank = RatioBank()
    for good, bad in events:
        bank.add(good + bad, bad, steps, Bounds(math.inf, math.inf), (0.0, 0.0))
    return bank.scores


def one_bad_more(events: list[tuple[int, int]], at: int, more: int) -> list[tuple[int, int]]:
    good, bad = events[at]
    turned = min(good, more)
    return [*events[:at], (good - turned, bad + turned), *events[at + 1 :]]


def is_nowhere_less(after: list[float], before: list[float]) -> bool:
    return all(new >= old - 1e-9 for new, old in zip(after, before, strict=True))


@given(SOME, st.floats(0.002, 0.2), st.integers(0, 29), st.integers(1, 5))
def test_one_bad_one_more_never_lowers_a_score(
    events: list[tuple[int, int]], usual: float, at: int, more: int
) -> None:
    changed = one_bad_more(events, at % len(events), more)
    assert is_nowhere_less(score(changed, usual, math.inf), score(events, usual, math.inf))


# Only at the last: a score that comes to nothing begins anew within its minute, which another bad
# one before that may prevent.
@given(SOME, st.floats(0.002, 0.2), SIZES, st.integers(1, 5))
def test_one_bad_one_more_at_the_end_never_lowers_a_score_of_bursts(
    events: list[tuple[int, int]], usual: float, size: float, more: int
) -> None:
    changed = one_bad_more(events, len(events) - 1, more)
    assert is_nowhere_less(score(changed, usual, size), score(events, usual, size))


@given(COUNTS, st.floats(0.002, 0.2), SIZES)
def test_scores_are_never_below_nothing(
    events: list[tuple[int, int]], usual: float, size: float
) -> None:
    assert min(score(events, usual, size)) >= 0.0


@given(st.floats(0.002, 0.3), st.floats(0.01, 0.2), SIZES, st.floats(1.0, 600.0))
def test_what_is_usual_takes_and_what_is_looked_for_adds(
    usual: float, rise: float, size: float, per_min: float
) -> None:
    steps = ratio_steps(usual, rise, size, per_min, 10.0)
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
    plain = ratio_steps(0.004, 0.01, math.inf, 120.0, 10.0)
    bursty = ratio_steps(0.004, 0.01, 0.7, 120.0, 10.0)
    assert all(b < p for b, p in zip(bursty.ups, plain.ups, strict=True))
    assert max(bursty.ups) <= math.log(1.0 + 0.7 / 0.48)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=12),
       st.floats(0.002, 0.05), st.floats(0.2, 50.0))  # fmt: skip
def test_what_pieces_a_minute_comes_in_changes_nothing(
    pieces: list[tuple[int, int]], usual: float, size: float
) -> None:
    steps = ratio_steps(usual, 0.01, size, 60.0, 10.0)
    free = Bounds(math.inf, math.inf)
    cut, whole = RatioBank(), RatioBank()
    first = next((at for at, (_, bad) in enumerate(pieces) if bad), 0)
    for at, (good, bad) in enumerate(pieces[first:]):
        cut.add(good + bad, bad, steps, free, (5.0 * at, 5.0 * at + 5.0))
    good, bad = (sum(one[at] for one in pieces[first:]) for at in (0, 1))
    whole.add(good + bad, bad, steps, free, (0.0, 60.0))
    for at in range(steps.lowest, len(RATES)):
        if cut.burst.begun[at] == (0.0, 0.0, 0.0):  # it was never cut to nothing
            assert cut.scores[at] == pytest.approx(whole.scores[at], abs=1e-6)


def test_one_burst_is_the_same_news_in_half_a_minute_as_ten_seconds_make_of_it() -> None:
    """Of fewer exchanges as many bad ones say more; a whole minute says what it always did."""
    steps = ratio_steps(0.004, 0.01, 0.7, 150.0, 10.0)
    found: list[float] = []
    for span_s in (10, 30, 60):
        bank = RatioBank()
        bank.add(2.5 * span_s, 8, steps, Bounds(math.inf, math.inf), (0.0, span_s))
        found.append(bank.scores[RATES.index(0.11)])
    assert found[0] > 1.3 * found[1] > 1.3 * found[2]
    at = RATES.index(0.11) - steps.lowest
    assert found[2] == pytest.approx(8 * steps.ups[at] - 150 * steps.downs[at])


@given(st.floats(0.001, 0.05), SIZES, st.floats(0.1, 600.0))
def test_a_smaller_rate_needs_no_more(usual: float, size: float, per_min: float) -> None:
    found = ratio_steps(usual, 0.01, size, per_min, 10.0).thresholds
    assert list(found) == sorted(found)
    assert found[-1] <= 10.0 + math.log(12.0)


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.11])
def test_few_false_alarms_of_a_small_rate(rate: float) -> None:
    """Two million events that are bad by chance: about n p1 e^-h alarms, and not many times it."""
    dice, usual, alarm_log = random.Random(str(rate)), 0.002, 4.0
    per_min = 4.0
    at = next(at for at, one in enumerate(RATES) if one >= rate)
    up, down = event_steps(usual, RATES[at], math.inf, per_min)
    threshold = alarm_log + math.log(looks_per_min(per_min, RATES[at]))
    score, alarms, events = 0.0, 0, 0
    while events < 2_000_000:
        good = int(math.log(1.0 - dice.random()) / math.log(1.0 - usual))
        events += good + 1
        score = max(0.0, score - good * down) + up - down
        if score >= threshold:
            alarms, score = alarms + 1, 0.0
    most = events / per_min * math.exp(-alarm_log)
    assert most / 20 < alarms < most


def test_bad_again_within_seconds_says_nothing_of_small_rates() -> None:
    steps = ratio_steps(0.002, 0.01, math.inf, 4.0, 10.0)
    bank = RatioBank()
    bank.add(1, 1, steps, Bounds(0.45, 2.0), (0.0, 15.0))
    before = list(bank.scores)
    bank.add(1, 1, steps, Bounds(0.05, 2.0, still=0.7), (15.0, 17.6))
    for at in range(steps.lowest, len(RATES)):
        grown = bank.scores[at] - before[at]
        assert (grown > 0.0) is (RATES[at] > 0.7)
        assert grown >= 0.0


def test_what_was_cleared_does_not_come_back_within_the_minute() -> None:
    steps = ratio_steps(0.004, 0.01, 0.7, 150.0, 10.0)
    bank, other = RatioBank(), RatioBank()
    bank.add(50, 50, steps, Bounds(math.inf, 2.0), (0.0, 10.0))
    assert bank.weight > 1.0
    bank.clear()
    for one in (bank, other):
        one.add(25, 1, steps, Bounds(math.inf, 2.0), (10.0, 20.0))
    assert bank.scores == other.scores
