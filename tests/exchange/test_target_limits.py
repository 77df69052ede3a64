"""Quotas, the adaptive limit and the tiers' ceilings, as a target asks and settles them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.world import START_S, Spec, World

from penstock.config.model import Quota
from penstock.core.circuit_breaker import Permit
from penstock.core.claim import Claim
from penstock.core.limits_seen import Level, LimitsSeen
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Outcome
from penstock.core.spent import NOTHING, UNTOLD, Spent
from penstock.core.tier import Tier
from penstock.dialects.anthropic_messages.dialect import AnthropicMessages
from penstock.exchange.target import ENGINE_FRESH_S, ChargedPermit, Readiness, Target


def claim(tier: Tier = Tier.STANDARD, input_tokens: int = 100, output_tokens: int = 50) -> Claim:
    one = Claim("tenant", "key", tier, input_tokens, START_S)
    one.output_tokens = output_tokens
    return one


def at_claude(world: World, quota: Quota | None = None) -> Target:
    """A target of a provider that charges what is used."""
    upstream = world.upstream("a", dialect=AnthropicMessages())
    upstream.use(msgspec.structs.replace(upstream.entry, quota=quota or Quota()))
    return world.target(Spec("a"))


def end(
    target: Target, permit: Permit | None, outcome: Outcome, spent: Spent, now_s: float = START_S
) -> None:
    assert permit is not None
    target.give_back(permit, outcome, spent, now_s, lambda: 0.5)


def run(target: Target, spent: Spent, now_s: float, outcome: Outcome = SUCCESS) -> None:
    end(target, target.acquire(claim(), now_s), outcome, spent, now_s)


def test_a_tier_may_fill_as_many_slots_as_its_ceiling_says() -> None:
    world = World()
    upstream = world.upstream("a", 4)
    upstream.ceilings = (4, 4, 3, 2, 1)
    target = world.target(Spec("a"))
    taken = dict.fromkeys(Tier, 0)
    for tier in sorted(Tier, reverse=True):
        while target.readiness(claim(tier), START_S) is Readiness.READY:
            assert target.acquire(claim(tier), START_S) is not None
            taken[tier] += 1
        assert target.readiness(claim(tier), START_S) is Readiness.FULL
        assert target.acquire(claim(tier), START_S) is None
    assert list(taken.values()) == [0, 1, 1, 1, 1]


def test_the_tier_that_counts_is_the_one_it_is_served_in() -> None:
    world = World()
    upstream = world.upstream("a", 4)
    upstream.ceilings = (4, 4, 0, 0, 0)
    fallen = claim(Tier.ENTERPRISE)
    fallen.served = Tier.STANDARD
    assert world.target(Spec("a")).acquire(fallen, START_S) is None


def test_a_declared_quota_is_shared_by_the_models_of_an_upstream() -> None:
    world = World()
    one = at_claude(world, Quota(requests_per_min=6, target_ratio=1.0))
    other = world.target(Spec("a", "other"))
    assert one.acquire(claim(), START_S) is not None
    assert other.readiness(claim(), START_S) is Readiness.SHORT
    assert other.acquire(claim(), START_S) is None
    assert other.ready_at_s(claim(), START_S) == pytest.approx(START_S + 10.0)
    assert other.acquire(claim(), START_S + 10.001) is not None


def test_what_headers_tell_holds_for_one_model() -> None:
    world = World()
    one = at_claude(world)
    other = world.target(Spec("a", "other"))
    run(one, Spent(seen=LimitsSeen(requests=Level(60, 0, 7.0))), START_S)
    assert one.readiness(claim(), START_S) is Readiness.SHORT
    assert other.readiness(claim(), START_S) is Readiness.READY
    assert one.ready_at_s(claim(), START_S) == pytest.approx(START_S + 60.0 / 57.0)


def test_what_was_reserved_and_not_used_comes_back() -> None:
    world = World()
    target = at_claude(world, Quota(output_tokens_per_min=600, target_ratio=1.0))
    big = claim(output_tokens=90)
    permit = target.acquire(big, START_S)
    assert target.acquire(big, START_S) is None
    end(target, permit, SUCCESS, Spent(0.5, 100, 5))
    assert target.acquire(big, START_S) is not None


@pytest.mark.parametrize(
    ("outcome", "comes_back"),
    [(SUCCESS, False), (IGNORED, False), (Failure(FailureKind.SERVER_ERROR), True)],
)
def test_a_use_that_is_not_known_stays_charged_unless_it_failed(
    outcome: Outcome, *, comes_back: bool
) -> None:
    world = World()
    target = at_claude(world, Quota(output_tokens_per_min=600, target_ratio=1.0))
    big = claim(output_tokens=90)
    end(target, target.acquire(big, START_S), outcome, UNTOLD)
    assert (target.acquire(big, START_S) is not None) is comes_back


@pytest.mark.parametrize("is_openai", [True, False])
def test_what_was_never_sent_is_charged_nowhere(*, is_openai: bool) -> None:
    """Also by providers from whom nothing comes back: they have seen nothing of it."""
    world = World()
    target = at_claude(world)
    if is_openai:
        target = world.target(Spec("o"))
    quota = Quota(tokens_per_min=600, requests_per_min=600, target_ratio=1.0)
    upstream = target.upstream
    upstream.use(msgspec.structs.replace(upstream.entry, quota=quota))
    for _ in range(1000):
        end(target, target.acquire(claim(), START_S), IGNORED, NOTHING)
    assert upstream.quota.usage_ratio(START_S) == 0.0
    run(target, Spent(0.5, 100, 50), START_S)
    assert target.acquire(claim(), START_S) is None


def test_what_the_ladder_caps_is_not_charged() -> None:
    world = World()
    upstream = world.upstream("a")  # of OpenAI's, which charges the bound when it comes
    quota = Quota(tokens_per_min=6000, target_ratio=1.0)
    upstream.use(msgspec.structs.replace(upstream.entry, quota=quota))
    target, one = world.target(Spec("a")), claim()
    one.output_tokens_max, one.output_tokens_cap = 900, 128
    assert [target.acquire(one, START_S) is not None for _ in range(8)] == [True] * 7 + [False]


def test_our_own_429_freezes_the_quota_and_lowers_no_limit() -> None:
    world = World()
    target = at_claude(world, Quota(requests_per_min=600))
    seen = LimitsSeen(requests=Level(600, 0, 12.0), output_tokens=Level(8000, 8000))
    run(target, Spent(seen=seen), START_S, Failure(FailureKind.QUOTA))
    assert target.upstream.limit.limit == 100
    assert target.ready_at_s(claim(), START_S) == pytest.approx(START_S + 12.0, abs=0.3)
    assert target.readiness(claim(), START_S + 11.9) is Readiness.COOLING
    assert target.saturation(START_S + 5.0) == 1.0
    other = world.target(Spec("a", "other"))
    assert other.readiness(claim(), START_S + 11.9) is Readiness.SHORT, "its account is limited"
    assert target.readiness(claim(), START_S + 12.3) is Readiness.READY
    ready = 0
    while target.acquire(claim(), START_S + 13.0) is not None:
        ready += 1
    assert ready == 4, "of 95 % of ten a second half, and a little"


def test_an_overload_lowers_the_limit_and_rests_nobody() -> None:
    world = World()
    target = at_claude(world)
    run(target, NOTHING, START_S, Failure(FailureKind.OVERLOADED))
    assert target.upstream.limit.limit == 70
    assert target.readiness(claim(), START_S) is Readiness.READY


def test_a_refused_probe_takes_nothing() -> None:
    world = World()
    target = at_claude(world, Quota(requests_per_min=60))
    run(target, NOTHING, START_S, Failure(FailureKind.ACCOUNT))
    later_s = START_S + 3600.0
    probe = target.acquire(claim(), later_s)
    before = target.upstream.quota.usage_ratio(later_s)
    assert target.acquire(claim(), later_s) is None, "one probe is out"
    assert target.upstream.limit.in_flight == 1
    assert target.upstream.quota.usage_ratio(later_s) == before
    end(target, probe, SUCCESS, NOTHING, later_s)
    assert target.upstream.limit.in_flight == 0


def test_saturation_is_that_of_the_tightest() -> None:
    world = World()
    upstream = world.upstream("a", 4)
    target = world.target(Spec("a"))
    assert upstream.saturation(START_S) == 0.0
    assert target.acquire(claim(), START_S) is not None
    assert upstream.saturation(START_S) == 0.25
    upstream.on_engine(0.8, START_S)
    assert upstream.saturation(START_S + 1.0) == 0.8
    assert upstream.saturation(START_S + ENGINE_FRESH_S) == 0.25, "old news of the engine"
    upstream.on_engine(1.0, START_S)
    assert upstream.limit.limit == 3


def test_without_any_quota_a_permit_is_the_breakers_own() -> None:
    world = World()
    target = world.target(Spec("a"))
    assert type(target.acquire(claim(), START_S)) is Permit
    run(target, Spent(seen=LimitsSeen(tokens=Level(1000, 1000))), START_S)
    assert type(target.acquire(claim(), START_S)) is ChargedPermit


SEEN = st.builds(
    LimitsSeen,
    st.builds(Level, st.integers(1, 100), st.integers(0, 100), st.floats(0.0, 9.0)),
    st.builds(Level, st.none() | st.integers(1, 9000), st.none() | st.integers(0, 9000)),
)
ENDS = st.tuples(
    st.sampled_from([SUCCESS, IGNORED, *map(Failure, FailureKind)]),
    st.none() | SEEN,
    st.floats(0.0, 5.0),
    st.sampled_from(list(Tier)),
)


@given(st.lists(ENDS, max_size=40))
def test_readiness_and_acquire_agree_whatever_is_learned(
    ends: list[tuple[Outcome, LimitsSeen | None, float, Tier]],
) -> None:
    world = World()
    target = at_claude(world, Quota(requests_per_min=50, tokens_per_min=9000))
    target.upstream.ceilings = (9, 9, 5, 3, 1)
    now_s, out = START_S, list[Permit]()
    for outcome, seen, wait_s, tier in ends:
        one = claim(tier, input_tokens=int(wait_s * 100))
        readiness, ready_s = target.readiness(one, now_s), target.ready_at_s(one, now_s)
        assert ready_s >= now_s
        if readiness is Readiness.READY:
            assert ready_s == now_s
        permit = target.acquire(one, now_s)
        assert (permit is not None) == (readiness is Readiness.READY)
        if permit is not None:
            out.append(permit)
        now_s += wait_s
        if out and wait_s > 1.0:
            target.give_back(out.pop(0), outcome, Spent(wait_s, 10, 10, seen), now_s, lambda: 0.5)
        assert target.upstream.limit.in_flight == target.state.in_flight == len(out)
