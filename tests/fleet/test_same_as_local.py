"""Asked through lines, the owner decides as one gate in process would: the same, in the same order.

The model is the gate itself, asked without any line between.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.fleet.world import Caller, Place, World, snapshot_of

from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind

SLOTS = {"a": 2, "b": 1, "c": 3}
OUTCOMES = (
    SUCCESS,
    SUCCESS,
    IGNORED,
    Failure(FailureKind.SERVER_ERROR, "bad", 500),
    Failure(FailureKind.QUOTA, "slow down", 429, "rate_limited", 2.0),
    Failure(FailureKind.ACCOUNT, "pay", 402),
)


Pair = tuple[Caller, Caller]


class TwoWorlds(RuleBasedStateMachine):
    """The same callers in both; ``pairs`` are one through a line, one without."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SLOTS, 2)
        self.model = Place(snapshot_of(SLOTS, 1), self.world.now_s)
        self.pairs: list[Pair] = []
        for worker in self.world.workers:
            worker.connect()
        self.world.settle()

    @rule(
        worker=st.integers(0, 1),
        model=st.sampled_from(["all", "some-x", "some-y", "load"]),
        places=st.lists(st.integers(0, 2), unique=True, max_size=2).map(sorted),
        wait_s=st.sampled_from([0.0, 1.0, 4.0]),
    )
    def come(self, worker: int, model: str, places: list[int], wait_s: float) -> None:
        own = self.world.workers[worker]
        name = f"caller {len(self.pairs)}"
        pair = (Caller(own.remote, name), Caller(self.model.gate, name))
        self.pairs.append(pair)
        self.ask(pair, worker, model, places, wait_s)

    def ask(self, pair: Pair, worker: int, model: str, places: list[int], wait_s: float) -> None:
        now_s = self.world.now_s
        own = self.world.workers[worker]
        pair[0].ask(own.route(model, now_s), places, wait_s, now_s)
        pair[1].ask(self.model.route(model, now_s), places, wait_s, now_s)
        self.world.settle()

    def some(self, data: st.DataObject, which: list[Pair]) -> Pair:
        return data.draw(st.sampled_from(which))

    @property
    def granted(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair[1].grant is not None]

    @property
    def waiting(self) -> list[Pair]:
        return [pair for pair in self.pairs if pair[1].is_waiting]

    @property
    def idle(self) -> list[Pair]:
        return [
            pair
            for pair in self.pairs
            if not (pair[1].is_closed or pair[1].is_asking or pair[1].grant is not None)
        ]

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def give_back(self, data: st.DataObject, outcome: Failure) -> None:
        for caller in self.some(data, self.granted):
            caller.give_back(outcome, self.world.now_s)
        self.world.settle()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        for caller in self.some(data, self.waiting):
            caller.withdraw()
            caller.close(self.world.now_s)
        self.world.settle()

    @precondition(lambda self: self.idle)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        for caller in self.some(data, self.idle):
            caller.close(self.world.now_s)
        self.world.settle()

    @rule(by_s=st.sampled_from([0.1, 0.9, 3.0]))
    def wait(self, by_s: float) -> None:
        self.world.pass_time(by_s)
        self.world.settle()
        self.model.wake(self.world.now_s)

    @invariant()
    def both_are_told_the_same(self) -> None:
        for caller, model in self.pairs:
            assert caller.told == model.told, caller.name
            assert caller.is_waiting == model.is_waiting, caller.name

    @invariant()
    def the_same_slots_are_in_use(self) -> None:
        assert self.world.place.in_flight == self.model.in_flight
        workers = [worker.in_flight for worker in self.world.workers]
        assert {name: sum(one[name] for one in workers) for name in SLOTS} == self.model.in_flight

    def teardown(self) -> None:
        now_s = self.world.now_s
        for caller, _ in self.pairs:
            if caller.grant is not None:
                caller.give_back(SUCCESS, now_s)
            elif caller.is_asking:
                caller.withdraw()
            if not caller.is_closed:
                caller.close(now_s)
        self.world.settle()
        assert self.world.owner.under_way == 0, "somebody was forgotten"
        for place in (self.world.place, *self.world.workers):
            assert place.gate.tenancy.in_flight("t") == 0
        assert not any(self.world.place.in_flight.values())
        for worker in self.world.workers:
            assert not any(worker.in_flight.values())
            assert worker.remote.under_way == 0


TwoWorlds.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_two_worlds = TwoWorlds.TestCase
