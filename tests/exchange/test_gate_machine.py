"""Whatever guests do, and in whatever order, the gate loses nobody, and nothing that is lent."""

import gc
import weakref
from collections import Counter

import msgspec
import pytest
from tests.exchange.hall import Hall
from tests.exchange.test_gate import Waiter
from tests.exchange.test_gate_tiers import Asker, asked
from tests.exchange.world import Spec, World

from penstock.config.model import Admission, Breaker, QueueWaits, Quota
from penstock.core.claim import Claim
from penstock.core.errors import QUEUE_TIMEOUT
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind
from penstock.core.tier import Tier
from penstock.exchange.gate import DUE_SPARE

BREAKER = Breaker(failures_min=1.0, failure_ratio=0.1, cooldown_s=30.0, probes_to_close=1)


def walk(seed: int, steps: int) -> Hall:
    hall = Hall(seed)
    for _ in range(steps):
        hall.step()
    hall.empty()
    return hall


@pytest.mark.parametrize(
    "first", [0, 50, *[pytest.param(one, marks=pytest.mark.slow) for one in (100, 150)]]
)
def test_a_crowd_leaves_everything_whole(first: int) -> None:
    codes: Counter[str] = Counter()
    moved = 0
    for seed in range(first, first + 50):
        hall = walk(seed, 200)
        codes += hall.codes
        moved += hall.moved
    assert moved, "nobody was ever moved aside"
    assert len(codes) >= 6, "not every way of being refused was gone"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_larger_crowd_leaves_everything_whole() -> None:
    for seed in range(1000, 2000):
        walk(seed, 600)


# --- what crowds have found


def test_a_contract_is_not_refused_where_a_free_attempt_can_make_way() -> None:
    """However long the wait that is predicted: it is over at once."""
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    route.timeouts = msgspec.structs.replace(route.timeouts, queue_s=None)
    slow = asked(world, route, Tier.STANDARD)
    world.advance(60.0)
    slow.give_back()
    free = asked(world, route, Tier.FREE)
    assert asked(world, route, Tier.ENTERPRISE).upstream == "a"
    assert free.is_waiting


def test_a_reload_lets_more_wait_and_they_are_served() -> None:
    world = World()
    world.gate.use(Admission(queue_max=1))
    world.upstream("a", 1)
    route = world.route("a")
    holder = Waiter(world, route).ask()
    waiters = [Waiter(world, route).ask()]
    assert Waiter(world, route).ask().error is not None, "one may wait"
    world.gate.use(Admission(queue_max=3))
    waiters += [Waiter(world, route).ask() for _ in range(2)]
    assert all(one.is_waiting for one in waiters)
    for one in waiters:
        holder.give_back()
        assert one.upstream == "a"
        holder = one


def test_who_finds_no_room_where_it_would_have_to_wait_is_refused() -> None:
    """A breaker opens where it waits, and at the other upstream the band is full."""
    world = World(breaker=BREAKER)
    world.gate.use(Admission(queue_max=1))
    world.upstream("a", 1)
    world.upstream("b", 1)
    first, other = Waiter(world, world.route("a")).ask(), Waiter(world, world.route("b")).ask()
    waiting = Waiter(world, world.route("b")).ask()
    both = Waiter(world, world.route("a", "b")).ask()
    assert waiting.is_waiting
    assert both.is_waiting
    first.give_back(Failure(FailureKind.SERVER_ERROR))
    assert both.error is not None, "it would stand in no queue"
    other.give_back()
    assert waiting.upstream == "b"


def with_quota(world: World, tokens_per_min: int, model: str) -> None:
    """Let headers have told that a model of "a" has hardly any tokens left."""
    quota = Quota(tokens_per_min=tokens_per_min, target_ratio=1.0)
    other = world.upstream("other")
    other.use(msgspec.structs.replace(other.entry, quota=quota))
    world.target(Spec("a", model)).state.quota = other.quota


def test_however_many_wait_for_the_credit_of_a_model_others_pass_them() -> None:
    world = World()
    world.upstream("a", 40)
    with_quota(world, 240, "dear")
    dear, cheap = world.route(Spec("a", "dear")), world.route(Spec("a", "cheap"))
    asking = [Waiter(world, dear).ask() for _ in range(24)]
    assert [one.upstream for one in asking] == ["a"] * 4 + [""] * 20
    assert all(one.is_waiting for one in asking[4:])
    assert Waiter(world, cheap).ask().upstream == "a", "at once, and not at the next tick"


def test_who_is_granted_elsewhere_while_it_is_looked_past_is_not_put_back() -> None:
    world = World()
    world.upstream("a", 2)
    world.upstream("b", 1)
    with_quota(world, 240, "dear")
    holder = Waiter(world, world.route(Spec("a", "cheap"))).ask()
    at_b = Waiter(world, world.route("b")).ask()
    dear = Waiter(world, world.route(Spec("a", "dear")))
    dear.claim.input_tokens = 40
    assert dear.ask().upstream == "a"
    short = Waiter(world, world.route(Spec("a", "dear"), "b")).ask()
    last = Waiter(world, world.route(Spec("a", "cheap")))
    last.on_grant = lambda _: at_b.give_back()
    last.ask()
    assert last.is_waiting, "all slots are taken"
    holder.give_back()
    assert last.upstream == "a"
    assert short.upstream == "b", "what another call gave back went to it"
    assert [len(desk.queue) for desk in world.gate.desks] == [0, 0]


def test_when_a_cooldown_ends_higher_tiers_go_first() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    Waiter(world, route).ask().give_back(Failure(FailureKind.QUOTA, retry_after_s=2.0))
    tiers = [Tier.BATCH, Tier.STANDARD, Tier.FREE, Tier.CONTROL]
    waiters = [asked(world, route, tier) for tier in tiers]
    world.advance(2.0)
    assert [one.upstream for one in waiters] == ["", "", "", "a"]


def test_who_has_waited_in_vain_is_told_how_long_it_takes_now() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    Waiter(world, route).ask()
    late = Waiter(world, route, wait_s=4.0).ask()  # nothing is known of how long a slot is held
    others = [Waiter(world, route, wait_s=60.0).ask() for _ in range(3)]
    holder = world.gate.desks
    for desk in holder:
        desk.load.granted(Tier.STANDARD, world.now_s)
        desk.load.given_back(Tier.STANDARD, 10.0, world.now_s)
    world.advance(4.5)
    assert late.error is not None
    assert late.error.code == QUEUE_TIMEOUT
    assert 40.0 <= late.error.retry_after_s <= 52.0, "three wait, and each holds it for 10 s"
    assert all(one.is_waiting for one in others)


def test_who_is_moved_aside_pays_for_its_input_once() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    holder = asked(world, route, Tier.FREE)
    moved = Asker(world, route, Tier.FREE, "moved")
    moved.claim.input_tokens = 1000
    moved.ask()
    holder.give_back()
    assert moved.upstream == "a"
    (desk,) = world.gate.desks
    fairness = desk.queue.fairness(Tier.FREE)
    before = fairness.v("moved")
    urgent = asked(world, route, Tier.ENTERPRISE)
    assert moved.moves == 1
    after = fairness.v("moved")
    assert before is not None
    assert after is not None
    assert before - after == 1000.0
    urgent.give_back()
    assert fairness.v("moved") == before


def test_who_has_ended_is_let_go_of_at_the_next_tick() -> None:
    world = World()
    world.gate.use(Admission(queue_wait_max_s=QueueWaits(batch=600.0), batch_ratio=1.0))
    world.upstream("a", 1)
    route = world.route("a")
    route.timeouts = msgspec.structs.replace(route.timeouts, queue_s=None)
    holder = asked(world, route, Tier.BATCH)
    waiters = [asked(world, route, Tier.BATCH) for _ in range(1000)]
    alive = [weakref.ref(one) for one in waiters]
    while waiters:
        holder.give_back(IGNORED)
        holder = waiters.pop(0)
    world.gate.on_tick(world.now_s)
    gc.collect()
    assert sum(one() is not None for one in alive) <= DUE_SPARE + 2


def test_desks_of_upstreams_that_are_gone_are_cleared_away() -> None:
    world = World()
    here = world.upstream("here", 2)
    gone = world.upstream("gone", 2)
    last = Waiter(world, world.route("gone")).ask()
    Waiter(world, world.route("here")).ask()
    world.gate.use(Admission(), [here])
    assert {desk.upstream for desk in world.gate.desks} == {here, gone}, "somebody is there"
    last.give_back(SUCCESS)
    world.gate.use(Admission(), [here])
    assert {desk.upstream for desk in world.gate.desks} == {here}


def test_a_reload_reaches_the_ladder() -> None:
    hall = Hall(1)
    hall.gate.use(Admission(streams_per_user_max=1))
    claims = [Claim("crowd", "key", Tier.FREE, 5, hall.now_s) for _ in range(2)]
    refusals = [hall.consumers.admit(claim, hall.now_s) for claim in claims]
    assert [refusal is None for refusal in refusals] == [True, False]
