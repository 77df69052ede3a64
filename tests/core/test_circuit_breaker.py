"""The breaker under every order of asking and of news, early, late and out of date."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from penstock.core.circuit_breaker import BreakerPolicy, BreakerState, CircuitBreaker, Permit
from penstock.core.outcome import IGNORED, RULES, SUCCESS, Failure, FailureKind, Outcome, Verdict

FAILURES = [Failure(kind) for kind in FailureKind]
OUTCOMES: Sequence[Outcome] = [SUCCESS, IGNORED, *FAILURES]
ERROR = Failure(FailureKind.SERVER_ERROR)
POLICY = BreakerPolicy(cooldown_max_s=60.0)

ALLOWED = {
    (BreakerState.CLOSED, BreakerState.OPEN),
    (BreakerState.OPEN, BreakerState.HALF_OPEN),
    (BreakerState.HALF_OPEN, BreakerState.OPEN),
    (BreakerState.HALF_OPEN, BreakerState.CLOSED),
}


class BreakerUnderTraffic(RuleBasedStateMachine):
    """Holds every permit that is out, and gives them back late, early or in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0
        self.moves = 0
        self.probe_is_out = False
        self.out: list[tuple[Permit, int]] = []
        self.breaker = CircuitBreaker(POLICY, self.now_s)

    @initialize(probes=st.integers(1, 4))
    def begin(self, probes: int) -> None:
        self.policy = BreakerPolicy(failures_min=2.0, probes_to_close=probes)
        self.breaker = CircuitBreaker(self.policy, self.now_s)

    def note(self, before: BreakerState) -> None:
        after = self.breaker.state
        if after is not before:
            assert (before, after) in ALLOWED
            self.moves += 1

    @rule(wait_s=st.sampled_from([0.0, 0.5, 1.0, 5.0, 64.0]))
    def ask(self, wait_s: float) -> None:
        self.now_s += wait_s
        before = self.breaker.state
        may = self.breaker.may_acquire(self.now_s)
        permit = self.breaker.try_acquire(self.now_s)
        assert may == (permit is not None), "may_acquire is not what try_acquire does"
        self.note(before)
        if permit is None:
            assert before is not BreakerState.CLOSED
            return
        assert before is not BreakerState.HALF_OPEN, "a second probe"
        if before is BreakerState.OPEN:
            assert self.now_s >= self.breaker.retry_at_s, "a probe before its time"
        self.out.append((permit, self.moves))

    @precondition(lambda self: bool(self.out))
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def finish_one(self, data: st.DataObject, outcome: Outcome) -> None:
        permit, asked_at = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before, opened = self.breaker.state, self.breaker.opened
        self.breaker.record(permit, outcome, self.now_s)
        if asked_at != self.moves:
            assert self.breaker.state is before, "old news moved it"
            assert self.breaker.opened == opened
        elif before is BreakerState.HALF_OPEN:
            assert self.breaker.state is not before, "the probe's news moved nothing"
        self.note(before)

    @invariant()
    def never_stuck(self) -> None:
        is_probing = self.breaker.state is BreakerState.HALF_OPEN
        assert not is_probing or any(asked_at == self.moves for _, asked_at in self.out)

    @invariant()
    def never_left_alone_for_longer_than_the_maximum(self) -> None:
        if self.breaker.state is BreakerState.OPEN:
            assert self.breaker.retry_at_s <= self.now_s + POLICY.cooldown_max_s


TestBreakerUnderTraffic = BreakerUnderTraffic.TestCase


def fail(breaker: CircuitBreaker, times: int, now_s: float, failure: Failure = ERROR) -> None:
    for _ in range(times):
        permit = breaker.try_acquire(now_s)
        assert permit is not None
        breaker.record(permit, failure, now_s)


def probe(breaker: CircuitBreaker, outcome: Outcome, now_s: float) -> None:
    permit = breaker.try_acquire(now_s)
    assert permit is not None
    breaker.record(permit, outcome, now_s)


def opened(now_s: float = 0.0, policy: BreakerPolicy = POLICY) -> CircuitBreaker:
    breaker = CircuitBreaker(policy, now_s)
    fail(breaker, 5, now_s)
    assert breaker.state is BreakerState.OPEN
    return breaker


def test_it_opens_at_both_limits_and_not_before() -> None:
    breaker = CircuitBreaker(POLICY, 0.0)
    fail(breaker, 4, 0.0)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, 1, 0.0)
    assert breaker.state is BreakerState.OPEN


@given(good=st.integers(0, 50), bad=st.integers(1, 50))
def test_the_share_of_failures_decides_too(good: int, bad: int) -> None:
    breaker = CircuitBreaker(POLICY, 0.0)
    for _ in range(good):
        probe(breaker, SUCCESS, 0.0)
    is_open = False
    for so_far in range(1, bad + 1):
        fail(breaker, 1, 0.0)
        is_open = so_far >= POLICY.failures_min and so_far >= POLICY.failure_ratio * (so_far + good)
        assert (breaker.state is BreakerState.OPEN) == is_open
        if is_open:
            break


def test_half_weights_count_half() -> None:
    breaker = CircuitBreaker(POLICY, 0.0)
    fail(breaker, 9, 0.0, Failure(FailureKind.OVERLOADED))
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, 1, 0.0, Failure(FailureKind.OVERLOADED))
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize("kind", list(FailureKind))
def test_each_kind_does_to_a_closed_breaker_what_its_verdict_says(kind: FailureKind) -> None:
    breaker = CircuitBreaker(BreakerPolicy(failures_min=0.5, failure_ratio=0.0), 0.0)
    fail(breaker, 1, 0.0, Failure(kind))
    is_bad = RULES[kind].verdict in {Verdict.HALF, Verdict.ONE, Verdict.OPENS}
    assert (breaker.state is BreakerState.OPEN) == is_bad


@pytest.mark.parametrize("kind", [FailureKind.ACCOUNT, FailureKind.MISCONFIGURED])
def test_some_failures_open_at_once(kind: FailureKind) -> None:
    breaker = CircuitBreaker(POLICY, 0.0)
    for _ in range(100):
        probe(breaker, SUCCESS, 0.0)
    fail(breaker, 1, 0.0, Failure(kind))
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize(("later_s", "is_open"), [(4.9, True), (9.9, True), (10.1, False)])
def test_failures_leave_with_the_window(later_s: float, *, is_open: bool) -> None:
    breaker = CircuitBreaker(POLICY, 0.0)
    fail(breaker, 4, 0.0)
    fail(breaker, 1, later_s)
    assert (breaker.state is BreakerState.OPEN) == is_open


def test_it_closes_after_enough_probes_one_at_a_time() -> None:
    breaker = opened()
    assert breaker.try_acquire(4.9) is None
    probe(breaker, SUCCESS, 5.0)
    probe(breaker, SUCCESS, 5.0)
    assert breaker.state is BreakerState.OPEN
    probe(breaker, SUCCESS, 5.0)
    assert breaker.state is BreakerState.CLOSED


def test_a_failed_probe_doubles_the_cooldown_and_starts_the_count_anew() -> None:
    breaker = opened()
    probe(breaker, SUCCESS, 5.0)
    probe(breaker, SUCCESS, 5.0)
    probe(breaker, ERROR, 5.0)
    assert breaker.retry_at_s == 15.0
    now_s = 15.0
    for cooldown_s in (20.0, 40.0, 60.0, 60.0):
        probe(breaker, ERROR, now_s)
        assert breaker.retry_at_s == now_s + cooldown_s
        now_s = breaker.retry_at_s
    for _ in range(2):
        probe(breaker, SUCCESS, now_s)
        assert breaker.state is BreakerState.OPEN
    probe(breaker, SUCCESS, now_s)
    assert breaker.state is BreakerState.CLOSED


def test_an_ignored_probe_leaves_the_count_and_lets_another_out_at_once() -> None:
    breaker = opened()
    probe(breaker, SUCCESS, 5.0)
    probe(breaker, IGNORED, 5.0)
    probe(breaker, SUCCESS, 5.0)
    probe(breaker, SUCCESS, 5.0)
    assert breaker.state is BreakerState.CLOSED


@pytest.mark.parametrize(("rest_s", "cooldown_s"), [(1.0, 10.0), (60.0, 10.0), (60.1, 5.0)])
def test_who_flaps_is_left_alone_for_longer_until_that_fades(
    rest_s: float, cooldown_s: float
) -> None:
    breaker = opened()
    for _ in range(3):
        probe(breaker, SUCCESS, 5.0)
    again_s = 5.0 + rest_s
    fail(breaker, 5, again_s)
    assert breaker.retry_at_s == pytest.approx(again_s + cooldown_s)
    assert breaker.opened == 2


def test_closing_forgets_the_failures() -> None:
    breaker = opened()
    for _ in range(3):
        probe(breaker, SUCCESS, 5.0)
    fail(breaker, 4, 5.0)
    assert breaker.state is BreakerState.CLOSED


def test_successes_leave_with_the_window_too() -> None:
    breaker = CircuitBreaker(POLICY, 0.0)
    fail(breaker, 1, 0.0)
    for _ in range(100):
        probe(breaker, SUCCESS, 0.0)
    probe(breaker, SUCCESS, 6.0)
    fail(breaker, 1, 9.9)
    fail(breaker, 4, 14.5)
    assert breaker.state is BreakerState.OPEN
