"""Alarms go off once, never early, less than two ticks late, and never after they were dropped."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from penstock.wire import clock
from penstock.wire.alarms import COARSE_TICKS, FAR_TICKS, TICK_S, Alarm, Alarms

# Few values, so that many alarms share a tick.
WAITS_S = st.sampled_from([0.0, 0.005, 0.05]) | st.floats(-1.0, 100.0)
NUMBERS = st.integers(0, 4)
SLACK_S = 1e-6  # of floating point


class TimerLoop(asyncio.AbstractEventLoop):
    """A loop that has timers alone, and whose time passes when told."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.timers: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        self._count += 1
        heapq.heappush(self.timers, (self.now_s + delay, self._count, lambda: callback(*args)))
        return asyncio.TimerHandle(self.now_s + delay, callback, args, self, context)

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        return self.call_later(0.0, callback, *args, context=context)

    def get_debug(self) -> bool:
        return False

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now_s + seconds
        while self.timers and self.timers[0][0] <= end_s:
            due_s, _, callback = heapq.heappop(self.timers)
            self.now_s = max(self.now_s, due_s)
            callback()
        self.now_s = end_s


class Clocks(RuleBasedStateMachine):
    """Five alarms that are set, moved and dropped, also by one another as they go off."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.loop = TimerLoop()
        self.patch.setattr(clock, "now_s", lambda: self.loop.now_s)
        self.alarms = Alarms(self.loop)
        self.due_s: list[float | None] = [None] * 5
        self.put_s: list[float] = [0.0] * 5  # the instant by which its place was chosen
        self.late_s: list[float] = [0.0] * 5
        self.then: dict[int, tuple[int, float | None]] = {}
        self.all = [Alarm(self.alarms, self.bell(number)) for number in range(5)]

    def teardown(self) -> None:
        self.patch.undo()

    def bell(self, number: int) -> Callable[[float], None]:
        def ring(now_s: float) -> None:
            due_s = self.due_s[number]
            assert due_s is not None, "it was dropped, or has gone off before"
            assert now_s == self.loop.now_s
            assert now_s > due_s - SLACK_S, "early"
            self.due_s[number] = None
            if number in self.then:
                other, in_s = self.then.pop(number)
                self.set(other, in_s)

        return ring

    def set(self, number: int, in_s: float | None) -> None:
        if in_s is None:
            self.due_s[number] = None
            self.all[number].drop()
        else:
            due_s = self.loop.now_s + in_s
            is_far = in_s > (FAR_TICKS - 2) * TICK_S
            late_s = (COARSE_TICKS + 2 if is_far else 2) * TICK_S + SLACK_S
            if self.due_s[number] is not None and due_s >= self.put_s[number]:
                late_s = max(late_s, self.late_s[number])  # it stays where it is
            else:
                self.put_s[number] = due_s
            self.due_s[number], self.late_s[number] = due_s, late_s
            self.all[number].wake_at(due_s)

    @rule(number=NUMBERS, in_s=WAITS_S)
    def wake(self, number: int, in_s: float) -> None:
        self.set(number, in_s)

    @rule(number=NUMBERS)
    def drop(self, number: int) -> None:
        self.set(number, None)

    @rule(
        number=NUMBERS,
        other=NUMBERS,
        in_s=st.none() | WAITS_S,
    )
    def when_one_rings_set_another(self, number: int, other: int, in_s: float | None) -> None:
        self.then[number] = (other, in_s)

    @rule(number=NUMBERS, other=NUMBERS, in_s=WAITS_S, then_s=st.none() | WAITS_S)
    def two_of_one_tick(self, number: int, other: int, in_s: float, then_s: float | None) -> None:
        self.set(number, in_s)
        self.set(other, in_s)
        self.then = {number: (other, then_s), other: (number, then_s)}

    @rule(seconds=st.sampled_from([0.001, 0.009, 0.01, 0.011, 0.1, 1.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.pass_time(seconds)

    @rule(seconds=st.sampled_from([0.05, 5.0]))
    def the_loop_is_held_up(self, seconds: float) -> None:
        self.loop.now_s += seconds
        self.loop.pass_time(0.0)

    @rule()
    def settle(self) -> None:
        """When nothing was held up for two ticks, what is overdue has gone off."""
        self.then.clear()
        self.loop.pass_time(2 * TICK_S)
        for due_s, late_s in zip(self.due_s, self.late_s, strict=True):
            assert due_s is None or due_s + late_s > self.loop.now_s, "late"
        if all(due_s is None for due_s in self.due_s):  # which of a tick rings first is open
            self.loop.pass_time(2 * TICK_S)
            assert not self.loop.timers, "it does not rest"

    @invariant()
    def one_timer_at_most(self) -> None:
        assert len(self.loop.timers) <= 1


TestClocks = Clocks.TestCase


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> TimerLoop:
    loop = TimerLoop()
    monkeypatch.setattr(clock, "now_s", lambda: loop.now_s)
    return loop


def test_one_moved_from_far_ahead_is_as_late_as_what_is_far_ahead(loop: TimerLoop) -> None:
    alarms, rung = Alarms(loop), list[float]()
    loop.pass_time(0.44)
    alarm = Alarm(alarms, rung.append)
    alarm.wake_at(loop.now_s + 30.0)
    loop.pass_time(30.0)
    alarm.wake_at(loop.now_s)  # no sooner than before, so it is not put anew
    due_s = loop.now_s
    loop.pass_time(1.0)
    assert len(rung) == 1
    assert due_s <= rung[0] <= due_s + (COARSE_TICKS + 2) * TICK_S


def test_an_alarm_dropped_by_another_of_its_tick_stays_silent(loop: TimerLoop) -> None:
    alarms, rung = Alarms(loop), list[int]()
    two: list[Alarm] = []

    def bell(number: int) -> Callable[[float], None]:
        def ring(_: float) -> None:
            rung.append(number)
            two[1 - number].drop()

        return ring

    two += [Alarm(alarms, bell(0)), Alarm(alarms, bell(1))]
    for alarm in two:
        alarm.wake_at(loop.now_s + 0.5)
    loop.pass_time(1.0)
    assert len(rung) == 1


def test_an_alarm_that_raises_silences_no_other(loop: TimerLoop) -> None:
    alarms, rung = Alarms(loop), list[float]()

    def raises(_: float) -> None:
        raise LookupError

    for in_s in (0.5, 0.5, 0.5, 0.511, 0.9):
        Alarm(alarms, rung.append).wake_at(loop.now_s + in_s)
    Alarm(alarms, raises).wake_at(loop.now_s + 0.5)
    with pytest.raises(LookupError):
        loop.pass_time(1.0)
    loop.pass_time(1.0)
    assert len(rung) == 5
    assert not loop.timers
