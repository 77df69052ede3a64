"""A target is ready only if breaker, cooldowns and slots all say so, and learns from each end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.world import START_S, Spec, World

from penstock.config.model import Breaker
from penstock.core.backoff import FIRST_S
from penstock.core.claim import Claim
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Outcome
from penstock.core.spent import NOTHING
from penstock.core.tier import Tier
from penstock.exchange.target import ACCOUNT_REST_S, Readiness, Target, header_value

CLAIM = Claim("tenant", "key", Tier.STANDARD, 100, START_S)
BREAKER = Breaker(failures_min=1.0, failure_ratio=0.1, cooldown_s=2.0, probes_to_close=1)


def end(target: Target, outcome: Outcome, now_s: float = START_S) -> None:
    permit = target.acquire(CLAIM, now_s)
    assert permit is not None
    target.give_back(permit, outcome, NOTHING, now_s, lambda: 0.5)


def test_a_slot_and_a_permit_are_taken_both_or_none() -> None:
    world = World(breaker=BREAKER)
    world.upstream("a", 1)
    one, other = world.target(Spec("a", "one")), world.target(Spec("a", "other"))
    permit = one.acquire(CLAIM, START_S)
    assert permit is not None
    assert (one.state.in_flight, other.state.in_flight) == (1, 0)
    assert other.readiness(CLAIM, START_S) is Readiness.FULL
    assert other.acquire(CLAIM, START_S) is None
    one.give_back(permit, Failure(FailureKind.SERVER_ERROR), NOTHING, START_S, lambda: 0.0)
    assert one.readiness(CLAIM, START_S) is Readiness.BROKEN
    assert one.acquire(CLAIM, START_S) is None
    assert world.upstreams["a"].limit.in_flight == 0
    assert other.readiness(CLAIM, START_S) is Readiness.READY


def test_a_probe_waits_for_a_slot_without_being_used_up() -> None:
    world = World(breaker=BREAKER)
    world.upstream("a", 1)
    one, other = world.target(Spec("a", "one")), world.target(Spec("a", "other"))
    end(one, Failure(FailureKind.SERVER_ERROR))
    holder = other.acquire(CLAIM, START_S + 2.0)
    assert holder is not None
    assert one.readiness(CLAIM, START_S + 2.0) is Readiness.FULL
    assert one.acquire(CLAIM, START_S + 2.0) is None
    other.give_back(holder, SUCCESS, NOTHING, START_S + 2.0, lambda: 0.0)
    assert one.readiness(CLAIM, START_S + 2.0) is Readiness.READY


@pytest.mark.parametrize(
    ("asked_s", "rest_s"), [(0.0, ACCOUNT_REST_S), (5.0, ACCOUNT_REST_S), (90.0, 90.0)]
)
def test_a_refused_account_rests_all_models_of_the_upstream(asked_s: float, rest_s: float) -> None:
    world = World()
    one, other = world.target(Spec("a", "one")), world.target(Spec("a", "other"))
    elsewhere = world.target(Spec("b", "one"))
    end(one, Failure(FailureKind.ACCOUNT, retry_after_s=asked_s))
    assert other.readiness(CLAIM, START_S) is Readiness.COOLING
    assert other.readiness(CLAIM, START_S + rest_s - 0.001) is Readiness.COOLING
    assert other.readiness(CLAIM, START_S + rest_s) is Readiness.READY
    assert other.ready_at_s(CLAIM, START_S) == START_S + rest_s
    assert elsewhere.readiness(CLAIM, START_S) is Readiness.READY


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind is not FailureKind.ACCOUNT])
def test_a_retry_after_rests_the_model_that_asked_for_it(kind: FailureKind) -> None:
    world = World()
    one, other = world.target(Spec("a", "one")), world.target(Spec("a", "other"))
    end(one, Failure(kind, retry_after_s=7.0))
    assert one.state.cooldown.until_s == START_S + 7.0
    assert one.ready_at_s(CLAIM, START_S) == START_S + 7.0
    assert other.readiness(CLAIM, START_S) is Readiness.READY


def test_a_quota_without_a_time_rests_for_a_backoff() -> None:
    world = World()
    target = world.target(Spec("a"))
    end(target, Failure(FailureKind.QUOTA))
    assert START_S < target.state.cooldown.until_s <= START_S + 2 * FIRST_S


@pytest.mark.parametrize(
    "outcome", [SUCCESS, IGNORED, Failure(FailureKind.REJECTED), Failure(FailureKind.OVERLOADED)]
)
def test_nothing_else_rests_anybody(outcome: Outcome) -> None:
    world = World()
    target = world.target(Spec("a"))
    end(target, outcome)
    assert target.readiness(CLAIM, START_S) is Readiness.READY


def test_a_longer_rest_replaces_a_shorter_one_and_never_the_other_way_round() -> None:
    world = World()
    target = world.target(Spec("a"))
    permits = [target.acquire(CLAIM, START_S) for _ in range(3)]
    for permit, rest_s in zip(permits, (5.0, 40.0, 1.0), strict=True):
        assert permit is not None
        outcome = Failure(FailureKind.QUOTA, retry_after_s=rest_s)
        target.give_back(permit, outcome, NOTHING, START_S, lambda: 0.0)
    assert target.ready_at_s(CLAIM, START_S) == START_S + 40.0


def test_an_open_breaker_says_when_its_probe_may_go() -> None:
    world = World(breaker=BREAKER)
    target = world.target(Spec("a"))
    end(target, Failure(FailureKind.SERVER_ERROR))
    assert target.readiness(CLAIM, START_S) is Readiness.BROKEN
    assert target.ready_at_s(CLAIM, START_S) == START_S + 2.0
    assert target.readiness(CLAIM, START_S + 2.0) is Readiness.READY


@given(st.text())
def test_a_model_name_of_the_caller_cannot_write_headers(name: str) -> None:
    value = header_value(name)
    assert len(value) <= 200
    assert all(32 <= byte < 127 for byte in value)


@given(
    st.lists(st.sampled_from(list(FailureKind)), max_size=12),
    st.lists(st.floats(0.0, 30.0), min_size=12, max_size=12),
)
def test_readiness_and_acquire_agree(kinds: list[FailureKind], waits_s: list[float]) -> None:
    world = World(breaker=BREAKER)
    world.upstream("a", 1)
    target = world.target(Spec("a"))
    now_s = START_S
    for kind, wait_s in zip(kinds, waits_s, strict=False):
        is_ready = target.readiness(CLAIM, now_s) is Readiness.READY
        assert is_ready == (target.ready_at_s(CLAIM, now_s) == now_s)
        if is_ready:
            end(target, Failure(kind, retry_after_s=wait_s / 2), now_s)
        now_s += wait_s
