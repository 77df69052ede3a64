"""Limits of tenants across workers, and what crosses on its way."""

import pytest
from tests.fleet.world import Caller, World

from penstock.config.tenancy import Limits, Tenant
from penstock.core.claim import Claim
from penstock.core.errors import DialectError
from penstock.core.limits_seen import Level, LimitsSeen
from penstock.core.outcome import IGNORED, SUCCESS
from penstock.core.spent import Spent
from penstock.core.tier import Tier
from penstock.fleet import plain
from penstock.fleet.messages import Ask, Hello, RouteName
from penstock.fleet.owner import AWAY_S, HUNG_S, Session


def world_of(slots: int = 10, concurrency: int | None = None) -> World:
    world = World({"a": slots}, 2)
    tenant = Tenant(id="t", limits=Limits(concurrency=concurrency))
    world.place.gate.tenancy.use([tenant], {}, (), world.now_s, 0.0)
    for worker in world.workers:
        worker.connect()
    world.settle()
    return world


def comes(world: World, at: int) -> Caller:
    worker = world.workers[at]
    caller = Caller(worker.remote, f"at {at}")
    caller.ask(worker.route("all", world.now_s), [], 60.0, world.now_s)
    return caller


def test_a_tenants_limit_counts_all_workers() -> None:
    world = world_of(concurrency=2)
    callers = [comes(world, at) for at in (0, 1, 0, 1)]
    world.settle()
    assert [caller.grant is not None for caller in callers] == [True, True, False, False]
    assert callers[2].told == ["refused rate_limit_exceeded 1 at 100"]
    assert world.owner.under_way == 2, "who was not admitted is not known any more"
    assert [worker.remote.under_way for worker in world.workers] == [1, 1]
    for caller in callers[:2]:
        caller.give_back(SUCCESS, world.now_s)
        caller.close(world.now_s)
    world.settle()
    assert world.place.gate.tenancy.in_flight("t") == 0
    late = comes(world, 1)
    world.settle()
    assert late.grant is not None


def test_a_dead_workers_exchanges_do_not_count_against_their_tenant() -> None:
    world = world_of(concurrency=1)
    comes(world, 0)
    world.settle()
    wire = world.workers[0].wire
    assert wire is not None
    wire.close()
    world.settle()
    caller = comes(world, 1)
    world.settle()
    assert caller.grant is not None


def test_what_was_admitted_before_a_silence_is_not_admitted_again() -> None:
    world = world_of(concurrency=1)
    caller = comes(world, 0)
    world.settle()
    world.workers[0].leave()
    world.workers[0].connect()
    world.settle()
    assert world.place.gate.tenancy.in_flight("t") == 1
    caller.give_back(SUCCESS, world.now_s)
    caller.close(world.now_s)
    world.settle()
    assert world.place.gate.tenancy.in_flight("t") == 0
    assert world.owner.under_way == 0


def test_an_answer_that_crosses_a_new_question_is_not_taken_for_its_answer() -> None:
    world = world_of(1)
    caller = comes(world, 0)
    world.settle()
    caller.give_back(IGNORED, world.now_s)
    caller.ask(caller.route, [], 60.0, world.now_s)
    wire = world.workers[0].wire
    assert wire is not None
    while wire.deliver_up():
        pass
    assert wire.down, "the grant is on its way"
    caller.withdraw()
    caller.ask(caller.route, [], 60.0, world.now_s)
    while wire.deliver_down():
        pass
    assert caller.grant is None
    world.settle()
    assert caller.grant is not None
    assert world.place.in_flight == {"a": 1}


def test_what_an_attempt_tells_of_its_upstream_is_learned() -> None:
    world = world_of()
    caller = comes(world, 0)
    world.settle()
    assert caller.grant is not None
    seen = LimitsSeen(requests=Level(100, 40, 2.0))
    caller.grant.spent = Spent(3.0, 10, 20, seen)
    caller.give_back(SUCCESS, world.now_s)
    world.settle()
    state = world.place.routing.states["a", "all"]
    assert state.quota is not None
    assert state.quota.is_known
    assert state.load.latency_s == 3.0


def test_a_worker_that_hangs_is_as_dead_and_its_line_is_cut() -> None:
    world = world_of(1)
    comes(world, 0)
    world.settle()
    wire = world.workers[0].wire
    assert wire is not None
    waiting = comes(world, 1)
    world.settle()
    assert waiting.is_waiting
    wire.session.heard_at_s -= HUNG_S
    cut = world.owner.on_tick(world.now_s + 0.01)
    assert cut == [wire.session]
    world.settle()
    assert waiting.grant is not None


def test_at_the_start_those_who_are_here_wait_for_the_others_for_a_moment() -> None:
    world = World({"a": 1}, 2)
    world.workers[0].connect()
    world.settle()
    assert not world.workers[0].remote.is_remote
    world.pass_time(AWAY_S)
    world.settle()
    assert world.workers[0].remote.is_remote


def test_what_no_worker_would_say_is_refused() -> None:
    world = world_of()
    told: list[object] = []
    stranger = Session(world.owner, told.append, world.now_s)
    with pytest.raises(DialectError):
        stranger.on_message(Ask(1, 1, 1, (), 0.0), world.now_s)
    with pytest.raises(DialectError):
        stranger.on_message(Hello(0, 1, 1), world.now_s)
    with pytest.raises(DialectError):
        stranger.on_message(Hello(1, 1, 1, protocol=99), world.now_s)
    assert not told


def test_upstreams_that_have_gone_are_refused_with_a_time_to_come_back() -> None:
    world = world_of()
    wire = world.workers[0].wire
    assert wire is not None
    claim = plain.values_of(Claim("t", "k", Tier.STANDARD, 1, world.now_s))
    wire.send(RouteName(99, "gone", (("none", "m"),), is_first=False))
    wire.send(Ask(50, 1, 99, (), 200.0, claim=claim))
    while wire.deliver_up():
        pass
    assert wire.session.is_open
    assert wire.down
    assert world.owner.under_way == 0
