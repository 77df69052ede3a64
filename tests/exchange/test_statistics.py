"""What is told of a gate is what it does: slots, queues and waits by tier, and no guess."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.test_gate_tiers import Asker, asked
from tests.exchange.world import World

from penstock.config.model import Admission, Quota
from penstock.core.claim import Claim
from penstock.core.tier import WORDS, Tier
from penstock.exchange.consumers import Consumers
from penstock.exchange.statistics import (
    WAIT_S_MAX,
    ConsumerStatistics,
    DeskStatistics,
    GateStatistics,
    statistics_of,
)


def desk_of(world: World, name: str = "a") -> DeskStatistics:
    told = statistics_of(world.gate, world.now_s)
    return next(desk for desk in told.desks if desk.upstream == name)


def test_nobody_has_asked() -> None:
    world = World()
    state = world.upstream("a", 4)
    told = statistics_of(world.gate, world.now_s, [state])
    assert told.waiting == 0
    assert told.desks == (DeskStatistics("a", 4, 4, 0),)
    assert statistics_of(world.gate, world.now_s).desks == ()


def test_each_upstream_is_told_once_in_the_order_that_is_given() -> None:
    world = World()
    states = [world.upstream(name, 4) for name in ("a", "b", "c")]
    asked(world, world.route("b"), Tier.FREE)
    told = statistics_of(world.gate, world.now_s, states)
    assert [(desk.upstream, desk.in_flight) for desk in told.desks] == [
        ("a", 0),
        ("b", 1),
        ("c", 0),
    ]
    assert told.desks[1].tiers["free"].in_flight == 1


def test_slots_and_queues_are_told_by_tier() -> None:
    world = World()
    world.gate.use(Admission(preempts=False, batch_ratio=1.0, reserve=0))
    world.upstream("a", 2)
    route = world.route("a")
    asked(world, route, Tier.STANDARD)
    asked(world, route, Tier.FREE)
    asked(world, route, Tier.ENTERPRISE)
    world.advance(1.0)
    for tier in (Tier.FREE, Tier.FREE, Tier.BATCH):
        asked(world, route, tier)
    world.advance(0.5)
    told = statistics_of(world.gate, world.now_s)
    (desk,) = told.desks
    assert told.waiting == 4
    assert (desk.limit, desk.in_flight) == (2, 2)
    assert {word: band.in_flight for word, band in desk.tiers.items() if band.in_flight} == {
        "standard": 1,
        "free": 1,
    }
    assert {word: band.waiting for word, band in desk.tiers.items() if band.waiting} == {
        "enterprise": 1,
        "free": 2,
        "batch": 1,
    }
    waits = {word: band.oldest_wait_s for word, band in desk.tiers.items() if band.waiting}
    assert waits == pytest.approx({"enterprise": 1.5, "free": 0.5, "batch": 0.5})


def test_what_is_not_known_yet_is_zero_and_then_is_told() -> None:
    world = World()
    world.gate.use(Admission(preempts=False, reserve=1))
    world.upstream("a", 4)
    route = world.route("a")
    holders = [asked(world, route, Tier.STANDARD) for _ in range(3)]
    world.gate.on_tick(world.now_s)
    first = desk_of(world)
    assert (first.held_s, first.reserve) == (0.0, 1)
    assert [first.tiers[word].ceiling for word in WORDS][-1] < first.tiers["enterprise"].ceiling
    world.advance(3.0)
    holders.pop().give_back()
    asked(world, route, Tier.STANDARD)
    desk = desk_of(world)
    assert desk.held_s == pytest.approx(3.0)
    assert desk.tiers["standard"].load_ratio == pytest.approx(0.75, abs=0.01)
    assert desk.tiers["enterprise"].wait_s == 0.0, "it would go at once"
    assert 0.0 < desk.tiers["batch"].wait_s <= WAIT_S_MAX


def test_quota_and_rest_are_told_where_there_are_some() -> None:
    world = World()
    state = world.upstream("a", 4)
    told = statistics_of(world.gate, world.now_s, [state]).desks[0]
    assert (told.quota_usage_ratio, told.saturation_ratio, told.rest_s) == (None, None, 0.0)
    state.use(msgspec.structs.replace(state.entry, quota=Quota(requests_per_min=60)))
    state.account.rest_until(world.now_s + 7.0)
    state.on_engine(0.6, world.now_s)
    told = statistics_of(world.gate, world.now_s, [state]).desks[0]
    assert (told.quota_usage_ratio, told.saturation_ratio) == (0.0, 0.6)
    assert told.rest_s == pytest.approx(7.0)
    world.advance(10.0)
    told = statistics_of(world.gate, world.now_s, [state]).desks[0]
    assert (told.saturation_ratio, told.rest_s) == (None, 0.0), "old news is no news"


def test_consumers_are_told_where_somebody_looks_after_them() -> None:
    world = World()
    world.gate.consumers = None
    assert statistics_of(world.gate, world.now_s).consumers is None
    consumers = Consumers(Admission(), b"salt", 0.0, lambda: 0.5, world.now_s)
    assert consumers.admit(Claim("t", "k", Tier.FREE, 10, world.now_s), world.now_s) is None
    world.gate.consumers = consumers
    told = statistics_of(world.gate, world.now_s).consumers
    assert told == ConsumerStatistics(level=0, tickets=1, new_ratio=1.0, kept_ratio=1.0)


ACTS = st.lists(
    st.tuples(st.sampled_from([*Tier]), st.booleans(), st.floats(0.0, 3.0)), max_size=40
)


@given(ACTS, st.integers(1, 5))
def test_the_sums_agree_with_the_world_whatever_happens(
    acts: list[tuple[Tier, bool, float]], slots: int
) -> None:
    world = World()
    world.upstream("a", slots)
    route = world.route("a")
    everybody: list[Asker] = []
    for tier, gives_back, passed_s in acts:
        holders = [one for one in everybody if one.grant is not None and one.grant.is_out]
        if gives_back and holders:
            holders[0].give_back()
        else:
            everybody.append(asked(world, route, tier))
        world.advance(passed_s)
    told = statistics_of(world.gate, world.now_s)
    bands = [(Tier(at), desk.tiers[word]) for desk in told.desks for at, word in enumerate(WORDS)]
    for tier, band in bands:
        mine = [one for one in everybody if one.claim.served is tier]
        out = [one for one in mine if one.grant is not None and one.grant.is_out]
        assert band.in_flight == len(out)
        assert band.waiting == sum(one.is_waiting for one in mine)
        passed_s = sum(act[2] for act in acts) if band.waiting else 0.0
        assert 0.0 <= band.oldest_wait_s <= passed_s + 1e-6  # monotonic seconds are rounded
        assert 0.0 <= band.wait_s <= WAIT_S_MAX
    assert sum(desk.in_flight for desk in told.desks) == sum(band.in_flight for _, band in bands)
    again = msgspec.json.decode(msgspec.json.encode(told), type=GateStatistics)
    assert again == told
