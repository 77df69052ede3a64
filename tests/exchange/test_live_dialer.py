"""Live faults over the real machine and gate: what callers see, what is learned, what is left."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.world import (
    DONE,
    FakeTimer,
    Line,
    Run,
    Spec,
    World,
    role,
    stop,
    text,
    usage,
    whole,
)

from penstock.core.circuit_breaker import BreakerState
from penstock.core.fault import Fault, FaultKind
from penstock.core.live_faults import ACTIONS, LiveFault, LiveFaults
from penstock.core.tier import Tier
from penstock.exchange.live_dialer import LiveDialer
from penstock.exchange.ports import Ports

WORDS: Final = [f"word{at} " for at in range(8)]
WHOLE: Final = "".join(WORDS)
EVERYBODY: Final = frozenset((Tier.ENTERPRISE, Tier.STANDARD, Tier.FREE, Tier.BATCH))
STEP_S: Final = 0.05


@dataclass
class Drill:
    """A world whose dialer is struck, and upstreams that answer well."""

    world: World
    dialer: LiveDialer
    said: dict[Line, int] = field(default_factory=dict[Line, int])

    def begin(self, fault: LiveFault, ratio: float = 1.0) -> LiveFaults:
        faults = LiveFaults([fault], ratio, self.world.now_s)
        self.dialer.use("d1", faults)
        return faults

    def answer(self, *, is_stream: bool, steps: int = 200) -> None:
        """Let the upstreams answer, an event a step, whoever is asked."""
        for _ in range(steps):
            for line in list(self.world.dialer.lines):
                if line.is_over or line.is_paused:
                    continue
                at = self.said.get(line, -1)
                self.said[line] = at + 1
                if not is_stream:
                    line.answer(200, whole(WHOLE, 5, 8))
                elif at < 0:
                    line.sse()
                    line.chunk(role())
                elif at < len(WORDS):
                    line.chunk(text(WORDS[at]))
                else:
                    line.chunk(stop() + usage(5, 8) + DONE)
                    line.complete()
            self.world.advance(STEP_S)


def make(seed: int = 1) -> Drill:
    world = World(seed=seed)
    dialer = LiveDialer(world.dialer, lambda ring: FakeTimer(world, ring), world.chance)
    world.ports = Ports(dialer, world.gate, world.recorder, world.budget, world.chance)
    return Drill(world, dialer)


def fault(kind: FaultKind, world: World, **more: Any) -> LiveFault:
    values: dict[str, Any] = {"delay_s": 1.0, "after_events": 3} | more
    ends_s: float = values.pop("lasts_s", 60.0)
    share: float = values.pop("share", 1.0)
    return LiveFault(
        fault=replace(Fault(kind=kind), **values),
        ends_at_s=world.now_s + ends_s,
        share_ratio=share,
        tiers=EVERYBODY,
        upstream="a",
    )


def is_whole(run: Run) -> bool:
    return all(word.encode() in run.caller.body for word in WORDS)


@dataclass
class Case:
    """A fault, and when the drill is stopped, in steps."""

    kind: FaultKind
    is_stream: bool
    share: float
    ratio: float
    delay_s: float | None
    after_events: int
    stops_after: int
    seed: int


CASES: Final = st.builds(
    Case,
    kind=st.sampled_from(sorted(ACTIONS)),
    is_stream=st.booleans(),
    share=st.sampled_from([0.3, 1.0]),
    ratio=st.sampled_from([0.2, 0.5, 1.0]),
    delay_s=st.sampled_from([0.2, 2.5, 40.0, None]),
    after_events=st.integers(1, 12),
    stops_after=st.sampled_from([0, 4, 30, 600]),
    seed=st.integers(0, 1 << 16),
)


@given(CASES)
def test_nobody_is_cheated_and_nothing_is_learned(case: Case) -> None:
    drill = make(case.seed)
    world, is_stream = drill.world, case.is_stream
    route = world.route(Spec("a"), Spec("b"))
    more = {"delay_s": case.delay_s, "after_events": case.after_events}
    struck_by = fault(case.kind, world, share=case.share, lasts_s=25.0, **more)
    faults = drill.begin(struck_by, case.ratio)
    for _ in range(6):
        world.start(route, is_stream=is_stream)
    drill.answer(is_stream=is_stream, steps=case.stops_after)
    drill.dialer.stop(world.now_s)
    drill.answer(is_stream=is_stream, steps=600)
    world.check_rest()
    assert not world.timers, "a fault has left an alarm behind"
    assert faults.struck <= case.ratio * faults.seen + 1e-9
    for run in world.runs:
        record = world.record(run)
        if record.outcome == "complete":
            assert is_whole(run), "a truncation looked complete"
        else:
            assert run.caller.ended_by in ("abort", "refuse")
        for one in record.attempts:
            assert one.drill or one.outcome == "success", "a good upstream was blamed"
            assert not one.drill or one.outcome in ("ignored", "success")
            assert not one.drill_outcome or one.drill
    marked = sum(any(one.drill for one in world.record(run).attempts) for run in world.runs)
    assert marked <= faults.struck
    state = world.states["a", "m"]
    assert state.breaker.state is BreakerState.CLOSED
    assert not state.cooldown.until_s


@pytest.mark.parametrize("kind", [FaultKind.HTTP_529, FaultKind.RESET, FaultKind.STREAM_CUT])
def test_one_who_is_struck_is_answered_elsewhere(kind: FaultKind) -> None:
    drill = make()
    drill.begin(fault(kind, drill.world, after_events=1))
    run = drill.world.start(drill.world.route(Spec("a"), Spec("b")))
    drill.answer(is_stream=True)
    record = drill.world.record(run)
    assert [one.upstream for one in record.attempts] == ["a", "b"]
    assert record.attempts[0].drill == f"d1 {kind.value}"
    assert record.attempts[0].drill_outcome
    assert record.outcome == "complete"
    assert is_whole(run)


def test_an_error_in_its_place_is_never_dialled() -> None:
    drill = make()
    drill.begin(fault(FaultKind.HTTP_503, drill.world))
    drill.world.start(drill.world.route(Spec("a")))
    drill.world.advance(1.0)
    assert drill.world.dialer.lines == []


def test_a_hang_is_dialled_when_it_is_over() -> None:
    drill = make()
    drill.begin(fault(FaultKind.HANG, drill.world, delay_s=2.0))
    run = drill.world.start(drill.world.route(Spec("a")))
    drill.world.advance(1.9)
    assert drill.world.dialer.lines == []
    drill.world.advance(0.2)
    assert len(drill.world.dialer.lines) == 1
    drill.answer(is_stream=True)
    assert is_whole(run)


@pytest.mark.parametrize("kind", [FaultKind.HANG, FaultKind.STALL, FaultKind.SLOW_TTFT])
def test_stopping_lets_go_of_who_was_held(kind: FaultKind) -> None:
    drill = make()
    drill.begin(fault(kind, drill.world, delay_s=None))
    run = drill.world.start(drill.world.route(Spec("a")))
    drill.answer(is_stream=True, steps=20)
    assert not run.is_done
    assert kind is FaultKind.HANG or drill.world.line.is_paused, "what is held back is read on"
    drill.dialer.stop(drill.world.now_s)
    drill.answer(is_stream=True, steps=20)
    assert run.is_done
    assert is_whole(run)
    assert drill.world.record(run).attempts[0].outcome == "success"


def test_a_break_of_the_upstreams_own_is_no_drill() -> None:
    drill = make()
    drill.begin(fault(FaultKind.STREAM_CUT, drill.world, after_events=100))
    run = drill.world.start(drill.world.route(Spec("a")))
    line = drill.world.line
    line.answer(503, b"{}")
    drill.world.advance(20.0)
    first = drill.world.record(run).attempts[0]
    assert (first.outcome, first.drill) == ("overloaded", "")
