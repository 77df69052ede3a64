"""Whoever dies, hangs or is cut off: a slot has one user, nobody is answered twice or forgotten.

the owner's count   is never below what those have under way who ask it
a worker alone      begins no more than its share
in the end          all lines are up again: everybody is answered, every slot comes back
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.fleet.world import Caller, Wire, Worker, World

from penstock.core.outcome import IGNORED, SUCCESS
from penstock.fleet.owner import AWAY_S

SLOTS = {"a": 4, "b": 2}
WORKERS = 2


class Crashes(RuleBasedStateMachine):
    """Messages are delivered one by one, when the machine says so."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SLOTS, WORKERS)
        self.callers: list[tuple[int, Caller]] = []  # with the number of its worker
        for worker in self.world.workers:
            worker.connect()
        self.world.settle()
        assert all(worker.remote.is_remote for worker in self.world.workers)

    # --- callers

    @rule(
        at=st.integers(0, WORKERS - 1),
        places=st.sampled_from([[], [0], [1]]),
        wait_s=st.sampled_from([0.0, 60.0]),
    )
    def come(self, at: int, places: list[int], wait_s: float) -> None:
        worker = self.world.workers[at]
        caller = Caller(worker.remote, f"caller {len(self.callers)}")
        self.callers.append((at, caller))
        before = worker.in_flight
        is_remote = worker.remote.is_remote
        caller.ask(worker.route("all", self.world.now_s), places, wait_s, self.world.now_s)
        if not is_remote and caller.grant is not None:
            name = caller.grant.target.upstream.name
            assert before[name] < SLOTS[name] // WORKERS, "more than its share"

    def of(self, *, granted: bool) -> list[Caller]:
        callers = [caller for _, caller in self.callers]
        return [one for one in callers if (one.grant is not None if granted else one.is_asking)]

    @precondition(lambda self: self.of(granted=True))
    @rule(data=st.data(), is_end=st.booleans())
    def give_back(self, data: st.DataObject, *, is_end: bool) -> None:
        caller = data.draw(st.sampled_from(self.of(granted=True)))
        caller.give_back(SUCCESS if is_end else IGNORED, self.world.now_s)
        if is_end:
            caller.close(self.world.now_s)
            self.forget(caller)
        else:
            caller.ask(caller.route, [], 60.0, self.world.now_s)

    @precondition(lambda self: self.of(granted=False))
    @rule(data=st.data())
    def hang_up(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(self.of(granted=False)))
        caller.withdraw()
        caller.close(self.world.now_s)
        self.forget(caller)

    def forget(self, gone: Caller) -> None:
        self.callers = [pair for pair in self.callers if pair[1] is not gone]

    # --- lines

    @precondition(lambda self: self.world.wires)
    @rule(data=st.data(), is_up=st.booleans(), count=st.integers(1, 4))
    def deliver(self, data: st.DataObject, *, is_up: bool, count: int) -> None:
        wire: Wire = data.draw(st.sampled_from(self.world.wires))
        for _ in range(count):
            if not (wire.deliver_up() if is_up else wire.deliver_down()):
                return

    @precondition(lambda self: any(one.wire for one in self.world.workers))
    @rule(data=st.data())
    def find_the_owner_silent(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from([one for one in self.world.workers if one.wire])).leave()

    @precondition(lambda self: not all(one.wire for one in self.world.workers))
    @rule(data=st.data())
    def connect(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from([one for one in self.world.workers if not one.wire])).connect()

    @rule()
    def settle(self) -> None:
        self.world.settle()

    @rule()
    def kill_the_owner(self) -> None:
        self.world.start_owner()
        for worker in self.world.workers:
            if worker.wire is not None:
                worker.lose()

    @rule(at=st.integers(0, WORKERS - 1))
    def kill_a_worker(self, at: int) -> None:
        old = self.world.workers[at]
        if old.wire is not None:
            old.wire.close()
        self.world.workers[at] = Worker(self.world, at + 1, self.world.snapshot)
        self.world.workers[at].pid = old.pid + WORKERS
        self.callers = [pair for pair in self.callers if pair[0] != at]

    @rule(by_s=st.sampled_from([0.1, AWAY_S, 1.0]))
    def wait(self, by_s: float) -> None:
        self.world.pass_time(by_s)

    # --- what holds

    @invariant()
    def the_owner_knows_of_all_that_ask_it(self) -> None:
        world = self.world
        if world.owner.is_paused:
            return
        for name in SLOTS:
            used = sum(one.in_flight[name] for one in world.workers if self.is_heard(one))
            assert world.place.in_flight[name] >= used, f"{name} has more users than are known"

    def is_heard(self, worker: Worker) -> bool:
        return worker.wire is not None and worker.wire.session.has_reported

    @invariant()
    def what_is_under_way_is_what_callers_have(self) -> None:
        for at, worker in enumerate(self.world.workers):
            held = [caller.grant for who, caller in self.callers if who == at and caller.grant]
            for name in SLOTS:
                count = sum(grant.target.upstream.name == name for grant in held)
                assert worker.in_flight[name] == count

    def teardown(self) -> None:
        world = self.world
        for worker in world.workers:
            if worker.wire is None:
                worker.connect()
        for _ in range(3):
            world.settle()
            world.pass_time(AWAY_S)
        world.settle()
        assert all(worker.remote.is_remote for worker in world.workers)
        assert not world.owner.is_paused
        while granted := self.of(granted=True):
            for caller in granted:
                caller.give_back(SUCCESS, world.now_s)
            world.settle()
        assert not self.of(granted=False), "somebody waits for nothing"
        for _, caller in self.callers:
            caller.close(world.now_s)
        world.settle()
        assert world.owner.under_way == 0
        for place in (world.place, *world.workers):
            assert place.gate.tenancy.in_flight("t") == 0
        assert not any(world.place.in_flight.values()), world.place.in_flight
        assert all(worker.remote.under_way == 0 for worker in world.workers)


Crashes.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
test_crashes = Crashes.TestCase
