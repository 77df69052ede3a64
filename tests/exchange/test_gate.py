"""Slots go round in the order of asking, nobody is forgotten, and nobody waits for nothing."""

import gc
import weakref
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exchange.hall import watched
from tests.exchange.world import CHAT, Spec, World

from penstock import is_compiled
from penstock.config.model import Breaker, DialectName, Policy, Quota, Upstream
from penstock.config.model import Target as TargetEntry
from penstock.core.claim import Claim
from penstock.core.errors import RETRY_AFTER_MAX_S, LimitError, ShedError
from penstock.core.limits_seen import Level, LimitsSeen
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Outcome
from penstock.core.spent import Spent
from penstock.core.tier import Tier
from penstock.exchange.demand import Grant
from penstock.exchange.gate import DUE_SPARE
from penstock.exchange.route import Route
from penstock.exchange.target import Readiness, TargetState, UpstreamState

BREAKER = Breaker(failures_min=1.0, failure_ratio=0.1, cooldown_s=2.0, probes_to_close=1)


class Waiter:
    """A demand that notes what it is told."""

    def __init__(self, world: World, route: Route, wait_s: float = 5.0) -> None:
        self._world = world
        self.route = route
        self.targets = route.targets
        self.claim = Claim("tenant", "key", Tier.STANDARD, 10, world.now_s)
        self.wait_until_s = world.now_s + wait_s if wait_s else 0.0
        self.is_waiting = False
        self.grant: Grant | None = None
        self.error: ShedError | LimitError | None = None
        self.told_at_s = 0.0
        self.on_grant: Callable[[Grant], None] | None = None

    def on_granted(self, grant: Grant, now_s: float) -> None:
        assert not self.is_waiting
        assert self.grant is None
        assert self.error is None
        self.grant, self.told_at_s = grant, now_s
        if self.on_grant is not None:
            self.on_grant(grant)

    @property
    def may_be_moved(self) -> bool:
        return False

    def output_tokens_now(self) -> int:
        return 0

    def on_moved_aside(self, now_s: float) -> None:
        raise AssertionError(now_s)

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        assert not self.is_waiting
        assert self.grant is None
        assert self.error is None
        self.error, self.told_at_s = error, now_s

    def ask(self) -> "Waiter":
        self._world.gate.ask(self, self._world.now_s)
        return self

    def give_back(self, outcome: Outcome = SUCCESS) -> None:
        assert self.grant is not None
        self._world.gate.give_back(self.grant, outcome, self._world.now_s)

    @property
    def upstream(self) -> str:
        """Who it may dial, or nothing."""
        return self.grant.target.upstream.name if self.grant is not None else ""


def test_one_that_is_free_is_granted_at_once() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a", "b")
    assert [Waiter(world, route).ask().upstream for _ in range(3)] == ["a", "b", "b"]


def test_tokens_are_reserved_of_all_once_an_upstream_has_told_a_quota() -> None:
    world = World()
    route, other = world.route("a"), world.route("b")
    before = Waiter(world, route).ask()
    assert before.claim.reserved_tokens == before.claim.output_tokens == 0  # nothing asks for it
    assert before.grant is not None
    before.grant.spent = Spent(0.2, 10, 20, LimitsSeen(tokens=Level(10_000, 9_000)))
    before.give_back()
    world.gate.close(before, world.now_s)
    after = Waiter(world, other).ask()
    assert after.claim.output_tokens > 0
    assert after.claim.reserved_tokens == 10 + after.claim.output_tokens


def test_tokens_are_reserved_of_all_where_a_quota_is_declared() -> None:
    world = World()
    entry = Upstream(
        name="a",
        dialect=DialectName.OPENAI_CHAT,
        base_url="http://upstream.test/v1",
        quota=Quota(tokens_per_min=60_000),
    )
    world.upstreams["a"] = UpstreamState(entry, CHAT)
    world.gate.use(world.gate.admission, world.upstreams.values())
    assert Waiter(world, world.route("b")).ask().claim.output_tokens > 0


def test_the_policy_of_the_route_picks() -> None:
    world = World()
    specs = (Spec("a", weight=0.0), Spec("b", weight=1.0))
    route = world.route(*specs, policy=Policy.WEIGHT)
    assert {Waiter(world, route).ask().upstream for _ in range(20)} == {"b"}


def test_who_does_not_wait_is_refused_at_once() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    first = Waiter(world, route).ask()
    refused = Waiter(world, route, wait_s=0.0).ask()
    assert refused.error is not None
    assert 1.0 <= refused.error.retry_after_s <= 1.3
    first.give_back()


def test_nobody_waits_longer_than_its_bound() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    Waiter(world, route).ask()
    began_s = world.now_s
    waiters = [Waiter(world, route, wait_s=wait_s).ask() for wait_s in (3.0, 1.0, 2.0)]
    world.advance(10.0)
    assert [one.told_at_s - began_s for one in waiters] == [3.0, 1.0, 2.0]
    assert all(one.error is not None for one in waiters)
    assert world.gate.waiting == 0


def test_who_withdraws_hears_nothing() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    holder, gone, next_one = (Waiter(world, route).ask() for _ in range(3))
    world.gate.withdraw(gone)
    world.gate.withdraw(gone)
    holder.give_back()
    world.advance(10.0)
    assert next_one.upstream == "a"
    assert gone.grant is gone.error is None


def test_a_grant_comes_back_once() -> None:
    world = World()
    holder = Waiter(world, world.route("a")).ask()
    holder.give_back()
    with pytest.raises(AssertionError, match="twice"):
        holder.give_back()


# --- the order


class Rounds:
    """Three upstreams with two slots each, and all who have asked for them so far."""

    def __init__(self) -> None:
        self.world = World()
        for name in "abc":
            self.world.upstream(name, 2)
        self.asked: list[Waiter] = []

    def ask(self, names: str) -> None:
        waiter = Waiter(self.world, self.world.route(*names))
        waiter.on_grant = self.first_come
        self.asked.append(waiter)
        waiter.ask()

    def first_come(self, grant: Grant) -> None:
        mine = next(at for at, one in enumerate(self.asked) if one.grant is grant)
        before = [one for one in self.asked[:mine] if one.is_waiting]
        name = grant.target.upstream.name
        assert not any(name in targets_of(one) for one in before), "overtaken"

    def give_back(self, at: int) -> None:
        holders = [one for one in self.asked if one.grant is not None and one.grant.is_out]
        for holder in holders[at : at + 1]:
            holder.give_back()

    def withdraw(self, at: int) -> None:
        for waiter in [one for one in self.asked if one.is_waiting][at : at + 1]:
            self.world.gate.withdraw(waiter)

    def holds(self) -> None:
        now_s = self.world.now_s
        for one in self.asked:
            if one.is_waiting:
                assert one.wait_until_s > now_s
                assert all(
                    target.readiness(one.claim, now_s) is Readiness.FULL for target in one.targets
                )


NAMES = st.sampled_from(["a", "b", "ab", "ba", "abc"])
ACTS = st.tuples(
    st.sampled_from(["ask", "ask", "ask", "give_back", "give_back", "withdraw", "advance"]),
    NAMES,
    st.integers(0, 5),
    st.sampled_from([0.3, 2.0]),
)


@settings(deadline=None, derandomize=True)
@given(st.lists(ACTS, min_size=5, max_size=80))
def test_slots_go_round_in_the_order_of_asking(acts: list[tuple[str, str, int, float]]) -> None:
    rounds = Rounds()
    for act, names, at, by_s in acts:
        match act:
            case "ask":
                rounds.ask(names)
            case "give_back":
                rounds.give_back(at)
            case "withdraw":
                rounds.withdraw(at)
            case _:
                rounds.world.advance(by_s)
        rounds.holds()


def targets_of(waiter: Waiter) -> set[str]:
    return {target.upstream.name for target in waiter.targets}


def test_one_that_cannot_use_the_slot_does_not_hold_up_the_next() -> None:
    world = World()
    world.upstream("a", 1)
    one, other = world.route(Spec("a", "one")), world.route(Spec("a", "other"))
    holder = Waiter(world, one).ask()
    same, next_one = Waiter(world, one).ask(), Waiter(world, other).ask()
    holder.give_back(Failure(FailureKind.QUOTA, retry_after_s=3.0))
    assert same.is_waiting
    assert next_one.upstream == "a", "the slot is free, and its model is not cooling"
    next_one.give_back()
    world.advance(3.0)
    assert same.upstream == "a"


def test_who_is_looked_at_again_keeps_its_place() -> None:
    world = World()
    world.upstream("a", 1)
    world.upstream("b", 1)
    both, only = world.route("a", "b"), world.route("a")
    holder = Waiter(world, only).ask()
    cooling = Waiter(world, world.route("b")).ask()
    cooling.give_back(Failure(FailureKind.QUOTA, retry_after_s=2.0))
    first, second = Waiter(world, both).ask(), Waiter(world, only).ask()
    world.now_s += 2.0
    Waiter(world, world.route("b")).ask()  # b is full by the time that it has cooled down
    world.advance(0.0)
    holder.give_back()
    assert (first.upstream, second.upstream) == ("a", "")


# --- what waiting does not help


def test_nobody_queues_behind_an_open_breaker() -> None:
    world = World(breaker=BREAKER)
    route = world.route("a")
    Waiter(world, route).ask().give_back(Failure(FailureKind.SERVER_ERROR))
    refused = Waiter(world, route).ask()
    assert refused.error is not None
    assert 2.0 <= refused.error.retry_after_s <= 2.0 * 1.3


def test_who_waits_is_refused_when_the_breaker_opens() -> None:
    world = World(breaker=BREAKER)
    world.upstream("a", 1)
    route = world.route("a")
    holder = Waiter(world, route).ask()
    waiters = [Waiter(world, route).ask() for _ in range(3)]
    holder.give_back(Failure(FailureKind.SERVER_ERROR))
    assert all(one.error is not None for one in waiters)
    assert {one.told_at_s for one in waiters} == {world.now_s}


def test_who_waits_for_another_is_the_probe_when_a_breaker_is_over() -> None:
    world = World(breaker=BREAKER)
    world.upstream("a", 1)
    Waiter(world, world.route("a")).ask()
    Waiter(world, world.route("b")).ask().give_back(Failure(FailureKind.SERVER_ERROR))
    began_s = world.now_s
    waiters = [Waiter(world, world.route("a", "b")).ask() for _ in range(3)]
    world.advance(4.0)
    assert [one.upstream for one in waiters] == ["b", "", ""]
    assert waiters[0].told_at_s == began_s + 2.0


@pytest.mark.parametrize(("wait_s", "is_granted"), [(3.0, True), (2.9, False)])
def test_a_cooldown_is_waited_for_if_the_bound_allows(wait_s: float, *, is_granted: bool) -> None:
    world = World()
    route = world.route("a")
    Waiter(world, route).ask().give_back(Failure(FailureKind.QUOTA, retry_after_s=3.0))
    began_s = world.now_s
    waiter = Waiter(world, route, wait_s=wait_s).ask()
    world.advance(10.0)
    assert (waiter.grant is not None) == is_granted
    assert waiter.told_at_s == (began_s + 3.0 if is_granted else began_s)


@pytest.mark.parametrize("rest_s", [0.2, 5.5, 59.0, 300.0])
def test_a_refusal_says_when_to_come_back_and_means_it(rest_s: float) -> None:
    world = World()
    routes = [world.route(name) for name in "ab"]
    for route, factor in zip(routes, (1.0, 2.0), strict=True):
        rest = Failure(FailureKind.QUOTA, retry_after_s=rest_s * factor)
        Waiter(world, route).ask().give_back(rest)
    refused = Waiter(world, world.route("a", "b"), wait_s=0.0).ask()
    error = refused.error
    assert error is not None
    assert max(1.0, rest_s) <= error.retry_after_s <= max(1.0, rest_s * 1.3)
    assert error.should_retry == (error.retry_after_s <= RETRY_AFTER_MAX_S)
    world.now_s += error.retry_after_s
    assert Waiter(world, world.route("a", "b")).ask().upstream == "a"


# --- many


@pytest.mark.skipif(is_compiled(), reason="nobody can watch what is compiled")
def test_passing_a_slot_on_costs_the_same_with_a_thousand_waiting() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    looks: list[int] = []
    known = TargetState(BREAKER, 0.0)
    entry = TargetEntry(upstream="a")
    route.targets[0] = watched(lambda: looks.append(1), entry, world.upstreams["a"], known, "m")
    holder = Waiter(world, route).ask()
    waiters = [Waiter(world, route).ask() for _ in range(1000)]
    for waiter in waiters:
        looks.clear()
        holder.give_back()
        assert 1 <= len(looks) <= 2
        assert waiter.upstream == "a"
        holder = waiter


def test_a_thousand_who_give_back_at_once_are_served_one_by_one() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    holder = Waiter(world, route).ask()
    waiters = [Waiter(world, route) for _ in range(1000)]
    for waiter in waiters:
        waiter.on_grant = lambda grant: world.gate.give_back(grant, IGNORED, world.now_s)
        waiter.ask()
    holder.give_back()
    assert all(waiter.grant is not None and not waiter.grant.is_out for waiter in waiters)
    assert world.upstreams["a"].limit.in_flight == 0


def test_those_who_have_been_served_are_forgotten() -> None:
    world = World()
    world.upstream("a", 1)
    route = world.route("a")
    alive: list[weakref.ref[Waiter]] = []
    holders = [Waiter(world, route).ask()]
    for _ in range(1000):
        holders.append(Waiter(world, route).ask())
        alive.append(weakref.ref(holders[1]))
        holders.pop(0).give_back()
    gc.collect()
    assert sum(one() is not None for one in alive) <= DUE_SPARE + 2
