"""The same traffic, where streams that break are gone on with, over and over and in all dialects.

Whatever happens, the text that a caller has is the beginning of its one whole text, and all of it
if the record says that the answer is complete.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from tests.exchange.broken import CALL, answer_of, rest_of, said, seen, stream, told
from tests.exchange.scripts import ANSWERS
from tests.exchange.test_machine import MOVES, Traffic, run_traffic, walk
from tests.exchange.world import DONE, TIMEOUTS, Line, Run, Spec, problem, whole

from penstock import is_compiled
from penstock.config.model import Continuation, Policy
from penstock.core.errors import UpstreamError
from penstock.core.outcome import Failure, FailureKind, Success
from penstock.dialects.events import Event, Started
from penstock.dialects.registry import DIALECTS
from penstock.exchange.attempt import Attempt
from penstock.exchange.machine import State

NAMES: Final = sorted(DIALECTS)
STREAMS: Final = (
    "good", "good", "no_end", "cut", "cut", "cut", "closed", "error", "error", "stall", "alive",
    "called", "called_cut", "anew",
)  # fmt: skip
FAILURES: Final = (
    "status 500", "status 429", "status 400", "status 529", "whole", "reset", "unreachable",
    "silence",
)  # fmt: skip
KINDS: Final = (*STREAMS, *STREAMS, *FAILURES)
GOES_ON: Final = (State.STREAMING, State.QUEUED)
WORDS: Final = ("mill", "gate", "weir", "race", "pond", "sluice", "wheel", "brook", "timber")


def story_of(run: Run) -> str:
    """Return the one text that this exchange's answer has."""
    pick = random.Random(run.order.id)
    return "".join(f"{pick.choice(WORDS)} {at}{pick.choice(['. ', ', ', ' '])}" for at in range(40))


@dataclass
class Telling:
    """What one attempt answers: pieces, and how it ends."""

    pieces: list[bytes]
    ending: str = "complete"
    status: int = 200
    is_stream: bool = True
    has_head: bool = False
    at: int = 0
    cuts: random.Random = field(default_factory=random.Random)

    def step(self, line: Line) -> None:
        """Answer a little more."""
        if line.is_over or line.is_paused:
            return
        if not line.is_sent and self.ending != "unreachable":
            line.sent()
        elif self.status and not self.has_head:
            self.has_head = True
            kind = "text/event-stream" if self.is_stream else "application/json"
            line.head(self.status, content_type=kind)
        elif self.at < len(self.pieces):
            self.at += 1
            line.chunk(self.pieces[self.at - 1])
        elif self.ending == "complete":
            line.complete()
        elif self.ending != "silence":
            line.fail(FailureKind(self.ending))


def telling_of(kind: str, run: Run, line: Line, cuts: random.Random) -> Telling:
    """Return what a kind of answer means for this attempt."""
    if kind in ("reset", "unreachable", "silence"):
        return Telling([], kind, 0)
    if kind.startswith("status"):
        return Telling([problem("no")], status=int(kind[7:]), is_stream=False)
    if kind == "whole" or not run.order.inquiry.is_stream:
        return Telling([whole(story_of(run))], is_stream=False)
    text = story_of(run)
    if line.attempt.continuation is not None:
        if kind == "anew" and len(said(run)) > 150:
            text = text[:120] + "but something else entirely came of it. " * 9
        else:
            text = rest_of(run, line, text)
    made = stream(line, list(events_of(kind, text)))
    ending = {"no_end": "silence", "stall": "silence", "closed": "complete"}.get(kind, "complete")
    if kind in ("cut", "closed", "stall", "error", "called_cut"):
        made = made[: cuts.randrange(len(made) - len(DONE) - 20)]
        ending = "broken_stream" if kind in ("cut", "called_cut") else ending
    if kind == "error":
        failure = UpstreamError(Failure(FailureKind.SERVER_ERROR, "it broke"))
        made = made[: made.rfind(b"\n\n") + 2] + line.attempt.dialect.error_event(failure, "")
    return Telling(list(cut(made, line, kind, cuts)), ending, cuts=cuts)


def events_of(kind: str, text: str) -> Iterator[Event]:
    """Yield the events of a whole answer; calls stand behind the text."""
    events = answer_of(text, model="m-real")
    yield from events[:-2]
    if kind.startswith("called"):
        yield from CALL
    yield from events[-2:]


def cut(made: bytes, line: Line, kind: str, cuts: random.Random) -> Iterator[bytes]:
    """Yield a stream in pieces; signs of life stand between events only."""
    while made:
        size = cuts.choice([1, 30, 200, 700, 5000])
        if kind == "alive":
            at = made.find(b"\n\n", size)
            size = len(made) if at < 0 else at + 2
        yield made[:size]
        made = made[size:]
        if kind == "alive" and made:
            yield line.attempt.dialect.keep_alive


class ContinuedTraffic(Traffic):
    """Breaks streams in the middle, and goes on with them."""

    seen: ClassVar[set[tuple[State, State]]] = set()
    moves: ClassVar[set[tuple[State, State]]] = MOVES | {GOES_ON}
    hops: ClassVar[set[int]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.tellings: dict[Attempt, Telling] = {}
        self.asked = 0

    @initialize(
        seed=st.integers(0, 1 << 16),
        late=st.booleans(),
        pooled=st.booleans(),
        floor_per_s=st.sampled_from([0.5, 10.0]),
    )
    def build(self, *, seed: int, late: bool, pooled: bool, floor_per_s: float) -> None:
        super().build(seed=seed, late=late, pooled=pooled, floor_per_s=floor_per_s)
        world, holds = self.world, Continuation(hold_s=1.0)
        world.upstream("d", concurrency=3, dialect=DIALECTS["anthropic_messages"])
        world.upstream("e", concurrency=3, dialect=DIALECTS["openai_responses"])
        early = msgspec.structs.replace(TIMEOUTS, total_s=9.0)
        claude = Spec("d", "claude-haiku-4-5")
        self.routes = [
            world.route(Spec("a", "m1"), "b", "c", claude, continuation=holds),
            world.route(Spec("a", "m2"), "b", "e", policy=Policy.LOAD, continuation=holds),
            world.route(Spec("a", "m1"), continuation=Continuation(), keep_alive_s=0.3),
            world.route(claude, "c", "e", timeouts=early, continuation=Continuation()),
            world.route("c", "e", continuation=Continuation(holds_calls=False), attempts_max=6),
        ]

    @rule(
        at=st.integers(0, 4),
        is_stream=st.just(value=True),
        may_fail_over=st.sampled_from([True, True, True, False]),
        asks_usage=st.booleans(),
        pauses_at=st.sampled_from([0, 0, 150]),
    )
    def ask(
        self, *, at: int, is_stream: bool, may_fail_over: bool, asks_usage: bool, pauses_at: int
    ) -> None:
        """Ask in one dialect after the other; nearly always for a stream."""
        del asks_usage
        self.asked += 1
        self.world.start(
            self.routes[at],
            is_stream=is_stream or self.asked % 4 > 0,
            may_fail_over=may_fail_over,
            dialect=DIALECTS[NAMES[self.asked % len(NAMES)]],
            pauses_at=pauses_at,
        )

    def play(self, line: Line, answer: str, seed: int, steps: int) -> None:
        """Answer a line: the names of answers stand for kinds of our own."""
        if line.attempt not in self.tellings:
            kind = KINDS[(ANSWERS.index(answer) + seed) % len(KINDS)]
            run = self.run_of(line)
            self.tellings[line.attempt] = telling_of(kind, run, line, random.Random(seed))
        for _ in range(steps):
            self.tellings[line.attempt].step(line)

    def events_go_on_as_they_come(self) -> None:
        for run in self.open_runs():
            self.check_text(run)

    def check_text(self, run: Run) -> None:
        if run.caller.is_started:
            assert story_of(run).startswith(said(run))
            begun = sum(isinstance(event, Started) for event in seen(run))
            assert begun <= 1, "a second head"

    def limit_s(self, line: Line, run: Run) -> float:
        """Return when an attempt must be over, by what the upstream has done so far."""
        limits, attempt = run.order.route.timeouts, line.attempt
        resumed_at_s = self.resumed_at_s.get(run.order.id, 0.0)
        if not line.is_sent:
            return attempt.dialled_at_s + limits.connect_s
        if run.caller.is_paused and attempt.first_token_at_s:
            return run.deadline_s
        is_collected = attempt.reader is None and attempt.parts
        if attempt.first_token_at_s or attempt.is_holding or is_collected:
            return max(line.progress_at_s, resumed_at_s) + limits.between_tokens_s
        is_stream = run.order.inquiry.is_stream
        return attempt.sent_at_s + (limits.first_token_s if is_stream else limits.unary_s)

    def check_told(self, run: Run) -> None:
        caller, record = run.caller, self.world.record(run)
        how = (caller.ended_by, record.outcome)
        attempts = [line.attempt for line in self.lines_of(run)]
        self.check_text(run)
        if how == ("end", "complete"):
            assert said(run) == story_of(run)
            assert told(run) == []
        elif how == ("abort", "broken"):
            assert len(told(run)) == 1
        elif how == ("answer", "complete"):
            assert not run.order.inquiry.is_stream
        else:
            assert how in (
                ("", "hung_up"), ("refuse", "failed"), ("refuse", "refused"), ("answer", "failed"),
            )  # fmt: skip
        gave = [attempt for attempt in attempts[:-1] if attempt.first_token_at_s]
        assert record.hops == len(gave)
        self.hops.add(record.hops)
        written = [
            one
            for one, attempt in zip(record.attempts, attempts, strict=True)
            if attempt in gave or attempt is attempts[-1]
        ]
        assert record.output_tokens == sum(one.output_tokens for one in written)
        assert record.input_tokens == sum(one.input_tokens for one in written)

    def check_verdicts(self, run: Run) -> None:
        for line in self.lines_of(run):
            assert line.is_over
            assert line.cancels == (not isinstance(line.attempt.outcome, Success))


@pytest.mark.parametrize(
    "first", [0, *[pytest.param(one, marks=pytest.mark.slow) for one in range(40, 160, 40)]]
)
def test_dense_breaks_leave_one_whole_text(first: int) -> None:
    ContinuedTraffic.seen.clear()
    ContinuedTraffic.hops.clear()
    for seed in range(first, first + 40):
        walk(seed, 150, ContinuedTraffic)
    assert GOES_ON in ContinuedTraffic.seen or is_compiled()
    assert ContinuedTraffic.hops == {0, 1, 2}


def test_any_breaks_leave_one_whole_text() -> None:
    run_traffic(60, 40, ContinuedTraffic)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_more_breaks_leave_one_whole_text() -> None:
    run_traffic(500, 60, ContinuedTraffic)
    for seed in range(1000, 1500):
        walk(seed, 300, ContinuedTraffic)
