"""Contracts first, tenants in turn, nobody waits in vain, and a contract may take a slot back."""

import msgspec
import pytest
from tests.exchange.test_gate import Waiter
from tests.exchange.world import DONE, Spec, World, role, stop, text

from penstock.config.model import Admission, QueueWaits, Quota
from penstock.core.errors import ShedError
from penstock.core.outcome import IGNORED
from penstock.core.spent import Spent
from penstock.core.tier import Tier
from penstock.exchange.demand import Grant
from penstock.exchange.route import Route

WHOLE = (role(), text("Hello"), stop(), DONE)


class Asker(Waiter):
    """A demand of some tier and tenant, which can be moved aside."""

    def __init__(
        self, world: World, route: Route, tier: Tier, tenant: str = "t", wait_s: float = 60.0
    ) -> None:
        super().__init__(world, route, wait_s)
        self.claim.tier = self.claim.served = tier
        self.claim.tenant = tenant
        self.claim.is_in_contract = tier is Tier.ENTERPRISE
        self.has_begun = False
        self.moves = 0

    @property
    def may_be_moved(self) -> bool:
        return self.grant is not None and not self.has_begun and not self.claim.was_moved

    def on_moved_aside(self, now_s: float) -> None:
        self.moves += 1
        self.claim.was_moved = True
        self.give_back(IGNORED)
        self.grant = None
        self.wait_until_s = now_s + 60.0
        self.ask()


def asked(world: World, route: Route, tier: Tier, tenant: str = "t") -> Asker:
    asker = Asker(world, route, tier, tenant)
    asker.ask()
    return asker


def serve(holder: Asker, waiters: list[Asker]) -> list[Asker]:
    """Give one slot back again and again; return who gets it, in order."""
    order: list[Asker] = []
    while any(one.is_waiting for one in waiters):
        holder.give_back()
        holder = next(one for one in waiters if one.grant is not None and one.grant.is_out)
        order.append(holder)
    return order


def test_higher_tiers_go_first_whoever_came_first() -> None:
    world = World()
    world.gate.use(Admission(preempts=False, floor_ratio=0.0, batch_ratio=1.0))
    world.upstream("a", 1)
    route = world.route("a")
    holder = asked(world, route, Tier.STANDARD)
    tiers = [Tier.BATCH, Tier.FREE, Tier.STANDARD, Tier.ENTERPRISE, Tier.FREE, Tier.CONTROL]
    waiters = [asked(world, route, tier) for tier in tiers]
    got = [one.claim.served for one in serve(holder, waiters)]
    assert got == sorted(tiers)


def test_tenants_of_a_tier_take_turns_however_many_ask() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    holder = asked(world, route, Tier.STANDARD)
    many = [asked(world, route, Tier.STANDARD, "many") for _ in range(20)]
    few = [asked(world, route, Tier.STANDARD, "few") for _ in range(3)]
    got = [one.claim.tenant for one in serve(holder, many + few)]
    assert got[:6].count("few") == 3


def test_a_contract_takes_the_newest_free_slot_that_has_not_begun() -> None:
    world = World()
    world.upstream("a", 3)
    route = world.route("a")
    free = [asked(world, route, Tier.FREE) for _ in range(3)]
    free[2].has_begun = True
    urgent = asked(world, route, Tier.ENTERPRISE)
    assert urgent.upstream == "a"
    assert [one.moves for one in free] == [0, 1, 0]
    assert free[1].is_waiting
    later = asked(world, route, Tier.FREE)
    urgent.give_back()
    assert free[1].upstream == "a", "at the head of its queue"
    assert later.is_waiting
    again = asked(world, route, Tier.ENTERPRISE)
    assert again.upstream == "a"
    assert [one.moves for one in free] == [1, 1, 0], "once an exchange"
    third = asked(world, route, Tier.ENTERPRISE)
    assert third.is_waiting, "what streams is not cut"


@pytest.mark.parametrize("tier", [Tier.CONTROL, Tier.STANDARD])
def test_only_a_contract_moves_others_aside(tier: Tier) -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    free = asked(world, route, Tier.FREE)
    assert asked(world, route, tier).is_waiting
    assert free.moves == 0


def test_batch_is_moved_aside_before_free() -> None:
    world = World()
    world.gate.use(Admission(batch_ratio=1.0))
    world.upstream("a", 2)
    route = world.route("a")
    batch, free = asked(world, route, Tier.BATCH), asked(world, route, Tier.FREE)
    assert asked(world, route, Tier.ENTERPRISE).upstream == "a"
    assert (batch.moves, free.moves) == (1, 0)


def test_who_would_wait_for_longer_than_its_tier_is_refused_at_once() -> None:
    world = World()
    world.gate.use(Admission(queue_wait_max_s=QueueWaits(standard=5.0)))
    world.upstream("a", 1)
    route = world.route("a")
    route.timeouts = msgspec.structs.replace(route.timeouts, queue_s=None)
    holder = asked(world, route, Tier.STANDARD)
    world.advance(2.0)
    holder.give_back()
    world.gate.on_tick(world.now_s)
    asked(world, route, Tier.STANDARD)
    waiters = [asked(world, route, Tier.STANDARD) for _ in range(4)]
    waiting = [one for one in waiters if one.is_waiting]
    refused = [one for one in waiters if one.error is not None]
    assert len(waiting) == 2, "a slot is held for 2 s, and they wait for 5"
    for one in refused:
        assert isinstance(one.error, ShedError)
        assert one.error.code == "tier_capacity"
        assert one.told_at_s == world.now_s
    other = asked(world, route, Tier.STANDARD, "other")
    assert other.is_waiting, "a tenant of its own has its own turn"


def test_a_newcomer_does_not_pass_who_waits() -> None:
    world = World()
    state = world.upstream("a", 1)
    route = world.route("a")
    asked(world, route, Tier.STANDARD)
    first = asked(world, route, Tier.STANDARD)
    state.limit.use(2, is_adaptive=False)
    second = asked(world, route, Tier.STANDARD)
    assert second.is_waiting
    world.gate.on_tick(world.now_s)
    assert first.upstream == "a"


# --- with exchanges


def test_an_exchange_that_is_moved_aside_is_answered_later() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    world.tier = Tier.FREE
    free = world.start(route)
    line = world.line
    line.sse()
    line.chunk(role())
    world.tier = Tier.ENTERPRISE
    urgent = world.start(route)
    assert line.cancels == 1
    assert free.caller.status == 0, "nobody has been told anything"
    world.line.stream(*WHOLE)
    assert world.record(urgent).outcome == "complete"
    assert world.line is not line
    world.line.stream(*WHOLE)
    record = world.record(free)
    assert record.outcome == "complete"
    assert record.tier == "free"
    assert [one.outcome for one in record.attempts] == ["ignored", "success"]
    assert "moved aside" in record.attempts[0].detail
    world.check_rest()


def test_content_is_never_taken_back() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    world.tier = Tier.FREE
    free = world.start(route)
    world.line.sse()
    world.line.chunk(role())
    world.line.chunk(text("Hello"))
    world.tier = Tier.ENTERPRISE
    world.start(route)
    assert not free.is_done
    assert not world.line.cancels


def test_slow_tokens_lower_the_limit_where_there_is_a_goal_for_them() -> None:
    world = World()
    state = world.upstream("a", 100)
    state.use(msgspec.structs.replace(state.entry, itl_goal_s=0.05))
    route = world.route("a")
    for _ in range(10):
        askers = [asked(world, route, Tier.STANDARD) for _ in range(80)]
        world.advance(10.0)
        for one in askers:
            if one.grant is None:
                world.gate.withdraw(one)
                continue
            one.grant.spent = Spent(ttft_s=1.0, input_tokens=100, output_tokens=91)  # 0.1 s each
            one.give_back()
    assert state.limit.limit < 100


def test_where_credit_is_short_its_pace_says_who_would_wait_too_long() -> None:
    world = World()
    world.gate.use(Admission(queue_wait_max_s=QueueWaits(free=8.0)))
    state = world.upstream("a", 100)
    state.use(msgspec.structs.replace(state.entry, quota=Quota(requests_per_min=120)))
    route = world.route("a")
    route.timeouts = msgspec.structs.replace(route.timeouts, queue_s=None)
    free: list[Asker] = []
    contracts: list[Asker] = []
    for second in range(40):
        free += [asked(world, route, Tier.FREE, f"t{at}") for at in range(6)]
        if second % 2:
            contracts.append(asked(world, route, Tier.ENTERPRISE))
        world.advance(1.0)
        for one in (*free, *contracts):
            if one.grant is not None and one.grant.is_out:
                one.give_back()
        world.gate.on_tick(world.now_s)
    late = [one for one in free if isinstance(one.error, ShedError) and one.error.code]
    codes = [one.error.code for one in late if one.error is not None]
    assert codes.count("tier_capacity") > 100
    assert codes.count("tier_capacity") > 3 * codes.count("queue_timeout")
    assert sum(one.grant is not None for one in free) > 40, "what there is of credit is used"
    assert all(one.grant is not None for one in contracts)
    refused = next(one.error for one in reversed(late))
    assert isinstance(refused, ShedError)
    assert 4.0 < refused.retry_after_s < 20.0
    world.advance(30.0)
    world.gate.on_tick(world.now_s)
    world.advance(1.0)
    world.gate.on_tick(world.now_s)
    assert asked(world, route, Tier.FREE).grant is not None


def test_who_is_told_by_the_clock_may_ask_for_an_upstream_that_nobody_has_asked_for() -> None:
    world = World()
    state = world.upstream("a", 100)
    state.use(msgspec.structs.replace(state.entry, quota=Quota(requests_per_min=120)))
    route, fresh = world.route("a"), world.route("b")
    asked_after: list[Asker] = []
    began_s = world.now_s

    def ask_another(grant: Grant) -> None:
        if grant.at_s > began_s:
            asked_after.append(asked(world, fresh, Tier.STANDARD))

    for _ in range(40):
        one = Asker(world, route, Tier.STANDARD)
        one.on_grant = ask_another
        one.ask()
    assert not asked_after
    world.advance(3.0)
    assert asked_after
    assert all(one.upstream == "b" for one in asked_after)


def test_credit_of_an_account_goes_to_whom_it_is_owed_whatever_other_models_are_asked_for() -> None:
    world = World()
    state = world.upstream("a", 100)
    quota = Quota(tokens_per_min=6_000, target_ratio=1.0)  # 100 a second, 1,000 saved up
    state.use(msgspec.structs.replace(state.entry, quota=quota))
    dear, cheap = world.route(Spec("a", "dear")), world.route(Spec("a", "cheap"))
    while sized(world, cheap, Tier.FREE, 100).grant is not None:
        pass  # what was saved up is gone
    contract = sized(world, dear, Tier.ENTERPRISE, 500)
    assert contract.is_waiting
    for _ in range(50):
        sized(world, cheap, Tier.FREE, 20)
        world.advance(0.1)
    assert contract.grant is not None, "its credit came together, whatever free asked for"
    world.advance(10.0)
    world.gate.on_tick(world.now_s)
    assert sized(world, cheap, Tier.FREE, 20).is_waiting is False or world.gate.waiting < 50


def sized(world: World, route: Route, tier: Tier, input_tokens: int) -> Asker:
    asker = Asker(world, route, tier)
    asker.claim.input_tokens = input_tokens
    asker.ask()
    return asker
