"""A contract at one worker takes a slot back from a free attempt at another."""

from tests.fleet.world import Caller, World

from penstock.core.outcome import IGNORED, SUCCESS
from penstock.core.tier import Tier


class Movable(Caller):
    """A free caller that lets its attempt go when it is asked to, as an exchange does."""

    def on_moved_aside(self, now_s: float) -> None:
        self.told.append("moved")
        self.claim.was_moved = True
        self.give_back(IGNORED, now_s)
        self.ask(self.route, [], 60.0, now_s)


def comes(world: World, at: int, tier: Tier) -> Movable:
    worker = world.workers[at]
    caller = Movable(worker.remote, tier.word)
    caller.claim.tier = caller.claim.served = tier
    caller.ask(worker.route("all", world.now_s), [], 60.0, world.now_s)
    world.settle()
    return caller


def world_of(slots: int) -> World:
    world = World({"a": slots}, 2)
    for worker in world.workers:
        worker.connect()
    world.settle()
    return world


def test_the_slot_goes_to_the_contract_and_comes_back() -> None:
    world = world_of(1)
    free = comes(world, 0, Tier.FREE)
    assert free.grant is not None
    owed = comes(world, 1, Tier.ENTERPRISE)
    assert "moved" in free.told
    assert owed.grant is not None
    assert free.is_waiting
    owed.give_back(SUCCESS, world.now_s)
    world.settle()
    assert free.grant is not None
    again = comes(world, 1, Tier.ENTERPRISE)
    assert again.is_waiting, "moved once, it stays"


def test_one_that_has_begun_stays_and_another_goes() -> None:
    world = world_of(2)
    older, newer = comes(world, 0, Tier.FREE), comes(world, 0, Tier.FREE)
    newer.tokens = 5  # its worker knows, and has not told yet
    owed = comes(world, 1, Tier.ENTERPRISE)
    assert "moved" not in newer.told
    assert "moved" in older.told
    assert owed.grant is not None


def test_progress_is_told_once_a_second_so_that_nobody_is_asked_in_vain() -> None:
    world = world_of(1)
    free = comes(world, 0, Tier.FREE)
    free.tokens = 5
    world.workers[0].remote.progress()
    world.settle()
    owed = comes(world, 1, Tier.ENTERPRISE)
    assert owed.is_waiting
    assert "moved" not in free.told


def test_places_are_told_to_who_wants_to_know() -> None:
    world = world_of(1)
    comes(world, 0, Tier.STANDARD)
    first, second = comes(world, 1, Tier.STANDARD), comes(world, 1, Tier.STANDARD)
    gate = world.workers[1].remote
    assert gate.place(second, world.now_s) is None
    world.settle()
    world.owner.tell_places(world.now_s)
    world.settle()
    found = gate.place(second, world.now_s)
    assert found is not None
    assert found.position == 2
    assert gate.place(first, world.now_s) is None, "it has not asked before"


def test_statistics_and_the_ladder_are_the_owners() -> None:
    world = world_of(3)
    comes(world, 0, Tier.STANDARD)
    world.owner.tell_statistics(world.now_s)
    world.settle()
    for worker in world.workers:
        told = worker.remote.statistics
        assert told is not None
        assert [desk.in_flight for desk in told.desks] == [1]
    world.workers[0].leave()
    assert world.workers[0].remote.statistics is None
