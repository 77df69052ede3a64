"""Many exchanges over a few shared upstreams that do everything wrong, in any order."""

import itertools
import random
from typing import ClassVar, Final

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.exchange.scripts import ANSWERS, Script, script_of
from tests.exchange.world import DONE, TIMEOUTS, Line, Run, Spec, World, text

from penstock import is_compiled
from penstock.config.model import Breaker, Policy, Timeouts
from penstock.core.backoff import FIRST_S
from penstock.core.circuit_breaker import BreakerState
from penstock.core.claim import ANYONE
from penstock.core.outcome import Failure, FailureKind, Ignored, Success
from penstock.exchange.attempt import Attempt
from penstock.exchange.failover import CONTRACT_REPEATS_MAX, REPEATS_MAX
from penstock.exchange.machine import FINISH_S, State
from penstock.exchange.route import Route
from penstock.exchange.target import Readiness, Target

BREAKER: Final = Breaker(
    window_s=10.0, failures_min=4.0, cooldown_s=2.0, cooldown_max_s=8.0, probes_to_close=2
)
LATE_S: Final = 0.01  # a tick of the gateway's alarms
SLACK_S: Final = 1e-6 + LATE_S
WAITS_S: Final = (0.004, 0.2, 0.2, 0.5, 0.9, 1.5, 2.0, 3.1, 7.0)
ACTS: Final = ("pause", "pause", "resume", "resume", "leave")
AT: Final = st.integers(0, 1 << 16)
STATUSES: Final = (400, 409, 502, 503, 504)
BARRED: Final = ("timed_out", "stalled", "account", "misconfigured", "context_length")
MOVES: Final = {
    (State.QUEUED, State.QUEUED),
    (State.QUEUED, State.DIALLING),
    (State.QUEUED, State.DONE),
    (State.DIALLING, State.QUEUED),
    (State.DIALLING, State.STREAMING),
    (State.DIALLING, State.DONE),
    (State.STREAMING, State.DONE),
}


class Traffic(RuleBasedStateMachine):
    """Starts exchanges, answers their attempts in any way and order, and lets time pass."""

    seen: ClassVar[set[tuple[State, State]]] = set()
    moves: ClassVar[set[tuple[State, State]]] = MOVES

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.routes: list[Route] = []
        self.scripts: dict[Attempt, Script] = {}
        self.marks = itertools.count()
        self.resumed_at_s: dict[str, float] = {}
        self.checked: set[str] = set()

    @initialize(
        seed=st.integers(0, 1 << 16),
        late=st.booleans(),
        pooled=st.booleans(),
        floor_per_s=st.sampled_from([0.5, 10.0]),
    )
    def build(self, *, seed: int, late: bool, pooled: bool, floor_per_s: float) -> None:
        self.world = world = World(
            seed=seed,
            breaker=BREAKER,
            late_s=LATE_S if late else 0.0,
            floor_per_s=floor_per_s,
        )
        world.dialer.is_pooled = pooled
        world.upstream("a", concurrency=2)
        world.upstream("b", concurrency=1)
        world.upstream("c", concurrency=50)
        short: Timeouts = msgspec.structs.replace(TIMEOUTS, total_s=6.0)
        self.routes = [
            world.route(Spec("a", "m1"), Spec("b"), Spec("c", context=100_000)),
            world.route(Spec("a", "m2"), Spec("b"), policy=Policy.LOAD),
            world.route(Spec("a", "m1")),
            world.route("b", Spec("a", "m2"), timeouts=short, attempts_max=2),
            world.route("c", "b", failover_on=("overloaded", "server_error")),
        ]

    # --- rules

    @rule(
        at=st.integers(0, 4),
        is_stream=st.sampled_from([True, True, False]),
        may_fail_over=st.sampled_from([True, True, True, False]),
        asks_usage=st.booleans(),
        pauses_at=st.sampled_from([0, 0, 150]),
    )
    def ask(
        self,
        *,
        at: int,
        is_stream: bool,
        may_fail_over: bool,
        asks_usage: bool,
        pauses_at: int,
    ) -> None:
        fields: dict[str, object] = {}
        if asks_usage and is_stream:
            fields["stream_options"] = {"include_usage": True}
        self.world.start(
            self.routes[at],
            is_stream=is_stream,
            may_fail_over=may_fail_over,
            fields=fields,
            pauses_at=pauses_at,
        )

    @precondition(lambda self: self.under_way())
    @rule(at=AT, answer=st.sampled_from(ANSWERS), seed=AT, steps=st.sampled_from([1, 3, 9, 60]))
    def answer(self, *, at: int, answer: str, seed: int, steps: int) -> None:
        """Answer a line, or go on with its answer."""
        lines = self.under_way()
        self.play(lines[at % len(lines)], answer, seed, steps)

    def play(self, line: Line, answer: str, seed: int, steps: int) -> None:
        if line.attempt not in self.scripts:
            mark = f"w{next(self.marks)}"
            inquiry = self.run_of(line).order.inquiry
            self.scripts[line.attempt] = script_of(answer, mark, inquiry, random.Random(seed))
        for _ in range(steps):
            self.scripts[line.attempt].step(line, self.world.now_s)

    @rule(by_s=st.sampled_from(WAITS_S))
    def wait(self, by_s: float) -> None:
        self.world.advance(by_s)

    @precondition(lambda self: self.open_runs())
    @rule(at=AT, what=st.sampled_from(ACTS))
    def caller_acts(self, *, at: int, what: str) -> None:
        runs = self.open_runs()
        run = runs[at % len(runs)]
        if what == "pause":
            self.world.pause(run)
        elif what == "resume":
            self.resumed_at_s[run.order.id] = self.world.now_s
            self.world.resume(run)
        else:
            self.world.hang_up(run)

    @precondition(lambda self: self.past())
    @rule(at=AT, what=st.integers(0, 4))
    def old_news(self, *, at: int, what: int) -> None:
        """Something comes from an attempt that is over: it must change nothing."""
        past = self.past()
        attempt = past[at % len(past)].attempt
        now_s, owner = self.world.now_s, attempt.owner
        if what == 0:
            owner.on_sent(attempt, now_s)
        elif what == 1:
            owner.on_head(attempt, 200, {b"content-type": b"text/event-stream"}, now_s)
        elif what == 2:
            owner.on_chunk(attempt, text("leaked"), now_s)
        elif what == 3:
            owner.on_complete(attempt, now_s)
        else:
            owner.on_failed(attempt, Failure(FailureKind.RESET), now_s)

    # --- what must always be true

    @invariant()
    def holds(self) -> None:
        self.what_was_lent_is_out_or_back()
        self.nobody_is_forgotten()
        self.no_limit_passes_unnoticed()
        self.events_go_on_as_they_come()
        self.who_has_ended_has_ended_well()
        self.repeats_are_paid_for()

    def what_was_lent_is_out_or_back(self) -> None:
        under_way = [line.attempt for line in self.under_way()]
        for upstream in self.world.upstreams.values():
            used = sum(one.target.upstream is upstream for one in under_way)
            assert upstream.limit.in_flight == used
        for state in self.world.states.values():
            used = sum(one.target.state is state for one in under_way)
            assert state.in_flight == used
            assert used or state.breaker.state is not BreakerState.HALF_OPEN, "stuck half-open"

    def nobody_is_forgotten(self) -> None:
        now_s, dialled = self.world.now_s, {self.run_of(line).order.id for line in self.under_way()}
        runs = self.open_runs()
        assert self.world.gate.waiting == sum(run.exchange.is_waiting for run in runs)
        for run in runs:
            exchange = run.exchange
            assert now_s < run.deadline_s + SLACK_S
            if run.order.id in dialled:
                assert exchange.state is not State.QUEUED
                assert run.timer.at_s is not None
            elif exchange.is_waiting:
                assert now_s < exchange.wait_until_s + SLACK_S
                assert not any(self.is_long_ready(one) for one in exchange.targets), "not woken"
            else:
                assert run.timer.at_s is not None, "nobody will wake it"
                assert now_s < run.timer.at_s + SLACK_S
                failed_at_s = self.lines_of(run)[-1].attempt.ended_at_s
                rounds = CONTRACT_REPEATS_MAX if run.order.claim.is_in_contract else REPEATS_MAX
                longest_s = FIRST_S * 2 ** (rounds - 1)
                assert now_s < failed_at_s + longest_s + SLACK_S, "the backoff has no end"

    def is_long_ready(self, target: Target) -> bool:
        """Tell whether whoever waits should have been let through already.

        A breaker that has been open is left out: who waits for another is not told of its moves. So
        is an account whose credit somebody lacks: nobody goes before who is first and lacks it.
        """
        if target.state.breaker.opened or self.is_owed_credit(target):
            return False
        return target.readiness(ANYONE, self.world.now_s - SLACK_S) is Readiness.READY

    def is_owed_credit(self, target: Target) -> bool:
        """Tell whether somebody waits here until the account has enough for them."""
        return any(
            run.exchange.is_waiting
            and one.upstream is target.upstream
            and one.lacks_account_credit(run.order.claim, self.world.now_s - SLACK_S)
            for run in self.open_runs()
            for one in run.exchange.targets
        )

    def no_limit_passes_unnoticed(self) -> None:
        for line in self.under_way():
            run = self.run_of(line)
            limit_s = self.limit_s(line, run) + SLACK_S
            assert self.world.now_s < limit_s, "a limit has passed unnoticed"

    def events_go_on_as_they_come(self) -> None:
        for run in self.open_runs():
            if run.caller.is_started:
                script = self.scripts[self.lines_of(run)[-1].attempt]
                assert run.caller.body == script.out()

    def who_has_ended_has_ended_well(self) -> None:
        for run in self.world.runs:
            if run.is_done and run.order.id not in self.checked:
                self.checked.add(run.order.id)
                self.check_record(run)
                self.check_told(run)
                self.check_verdicts(run)
                assert set(run.moves) <= self.moves
                self.seen.update(run.moves)

    def repeats_are_paid_for(self) -> None:
        owed = 0
        for run in self.world.runs:
            attempts = [line.attempt for line in self.lines_of(run)]
            is_free = {"stale": True, "failover": True}
            tried: set[object] = set()
            for last, attempt in itertools.pairwise(attempts):
                if last.was_moved:
                    continue
                tried.add(last.target)
                is_stale = isinstance(last.outcome, Failure) and last.outcome.kind.value == "stale"
                if is_stale and attempt.target is last.target and is_free["stale"]:
                    is_free["stale"] = False
                elif attempt.target not in tried and is_free["failover"]:
                    is_free["failover"] = False
                else:
                    owed += 1
        assert owed <= self.world.budget.spent

    def teardown(self) -> None:
        self.world.advance(TIMEOUTS.total_s + 1.0)
        self.world.check_rest()
        self.holds()

    # --- how it is checked

    def under_way(self) -> list[Line]:
        return [line for line in self.world.dialer.lines if line.attempt.outcome is None]

    def past(self) -> list[Line]:
        return [line for line in self.world.dialer.lines if line.attempt.outcome is not None]

    def open_runs(self) -> list[Run]:
        return [run for run in self.world.runs if not run.is_done]

    def run_of(self, line: Line) -> Run:
        return next(run for run in self.world.runs if run.exchange is line.attempt.owner)

    def lines_of(self, run: Run) -> list[Line]:
        return [line for line in self.world.dialer.lines if line.attempt.owner is run.exchange]

    def limit_s(self, line: Line, run: Run) -> float:
        """Return when an attempt must be over, by what the upstream has done so far."""
        limits = run.order.route.timeouts
        script = self.scripts.get(line.attempt, Script())
        resumed_at_s = self.resumed_at_s.get(run.order.id, 0.0)
        is_stream = run.order.inquiry.is_stream
        if not line.is_sent:
            at_s = line.attempt.dialled_at_s + limits.connect_s
        elif run.caller.is_started and run.caller.is_paused:
            at_s = run.deadline_s
        elif run.caller.is_started and script.is_complete:
            at_s = max(script.finish_at_s, resumed_at_s) + FINISH_S
        elif run.caller.is_started:
            at_s = max(line.progress_at_s, resumed_at_s) + limits.between_tokens_s
        elif script.offset and line.attempt.reader is None:
            at_s = line.progress_at_s + limits.between_tokens_s
        else:
            wait_s = limits.first_token_s if is_stream else limits.unary_s
            at_s = line.attempt.sent_at_s + wait_s
        return at_s

    def check_record(self, run: Run) -> None:
        record = self.world.record(run)
        lines = self.lines_of(run)
        opened = self.world.recorder.opened_by_id.get(record.id, [])
        assert [one.attempt for one in opened] == list(range(1, len(lines) + 1))
        assert [one.upstream for one in opened] == [line.upstream for line in lines]
        assert [one.upstream for one in record.attempts] == [line.upstream for line in lines]
        stale = sum(one.outcome == "stale" for one in record.attempts)
        moved = sum(line.attempt.was_moved for line in lines)
        assert moved <= 1
        free = moved + min(1, stale)
        assert len(lines) <= run.order.route.attempts_max + free
        if not run.order.may_fail_over:
            assert len(lines) <= 1 + free
        assert run.timer.at_s is None, "an alarm is still set"
        for at, one in enumerate(record.attempts):
            later = [line.attempt.target for line in lines[at + 1 :]]
            assert one.outcome not in BARRED or lines[at].attempt.target not in later
        assert record.queued_s <= record.duration_s + 1e-6
        if record.outcome in ("complete", "broken", "hung_up") and run.caller.is_started:
            assert record.bytes_out == len(run.caller.body)

    def check_told(self, run: Run) -> None:
        caller, record = run.caller, self.world.record(run)
        lines = self.lines_of(run)
        script = self.scripts.get(lines[-1].attempt) if lines else None
        script = script or Script()
        how = (caller.ended_by, record.outcome)
        if caller.has_left:
            assert how == ("", "hung_up")
            assert record.status == 499
            return
        assert record.status == caller.status
        if how == ("end", "complete"):
            out = script.out()
            assert script.is_complete, "a cut answer was made to look whole"
            assert caller.body == (out if out.endswith(DONE) else out + DONE)
        elif how == ("abort", "broken"):
            assert not script.is_complete, "a whole answer was broken off"
            rest = caller.body.removeprefix(script.out())
            assert rest.startswith(b'data: {"error":')
            assert rest.count(b"\n\n") == 1
            assert DONE not in caller.body
        elif how == ("answer", "complete"):
            assert script.is_complete
            assert caller.body == script.raw
        elif how == ("answer", "failed"):
            assert caller.status == script.status >= 400
            assert caller.body == script.raw
            assert b"x-should-retry: false" in caller.headers
        else:
            assert how in (("refuse", "failed"), ("refuse", "refused"))
            assert caller.status in STATUSES

    def check_verdicts(self, run: Run) -> None:
        limits = run.order.route.timeouts
        for line in self.lines_of(run):
            attempt, outcome = line.attempt, line.attempt.outcome
            assert line.is_over
            assert line.cancels == (not isinstance(outcome, Success))
            if isinstance(outcome, Ignored):
                gone = run.caller.has_left or attempt.ended_at_s >= run.deadline_s
                assert gone, "no verdict without a reason"
                quiet_s = attempt.ended_at_s - attempt.progress_at_s
                is_blocked = run.caller.is_started and run.caller.is_paused
                assert quiet_s < limits.hang_s or is_blocked, "a hanging upstream looks healthy"
            if not isinstance(outcome, Failure):
                continue
            quiet_s = attempt.ended_at_s - attempt.progress_at_s + 1e-6
            if outcome.detail.startswith("no connection in"):
                assert attempt.ended_at_s - attempt.dialled_at_s + 1e-6 >= limits.connect_s
            elif outcome.detail.startswith("no content"):
                assert attempt.ended_at_s - attempt.sent_at_s + 1e-6 >= limits.first_token_s
            elif outcome.detail.startswith("nothing came"):
                assert not (run.caller.is_started and run.caller.is_paused), "the caller was slow"
                assert quiet_s >= limits.between_tokens_s
            elif outcome.detail.startswith("nothing had come"):
                assert quiet_s >= limits.hang_s


def walk(seed: int, steps: int, kind_of_traffic: type[Traffic] = Traffic) -> None:
    """Let chance alone choose what happens: denser than what Hypothesis dares."""
    pick = random.Random(seed)
    traffic = kind_of_traffic()
    traffic.build(
        seed=seed, late=seed % 2 == 0, pooled=seed % 3 > 0, floor_per_s=pick.choice([0.5, 10.0])
    )
    for _ in range(steps):
        kind = pick.random()
        at, lines = pick.randrange(1 << 16), traffic.under_way()
        if (kind < 0.15 and len(traffic.open_runs()) < 8) or not traffic.open_runs():
            traffic.ask(
                at=at % 5,
                is_stream=pick.random() < 0.7,
                may_fail_over=pick.random() < 0.8,
                asks_usage=pick.random() < 0.5,
                pauses_at=pick.choice([0, 0, 150]),
            )
        elif kind < 0.75 and lines:
            line = lines[at % len(lines)]
            traffic.play(line, pick.choice(ANSWERS), at, pick.choice([1, 3, 9, 60]))
        elif kind < 0.88:
            traffic.wait(pick.choice(WAITS_S) * pick.choice([0.2, 0.5, 1.0]))
        elif kind < 0.95 and traffic.open_runs():
            traffic.caller_acts(at=at, what=pick.choice(ACTS))
        elif traffic.past():
            traffic.old_news(at=at, what=pick.randrange(5))
        traffic.holds()
    traffic.teardown()


@pytest.mark.parametrize(
    "first", [0, *[pytest.param(one, marks=pytest.mark.slow) for one in range(60, 300, 60)]]
)
def test_dense_traffic_leaves_everything_whole(first: int) -> None:
    Traffic.seen.clear()
    for seed in range(first, first + 60):
        walk(seed, 150)
    assert Traffic.seen == MOVES or is_compiled(), "a move of the header never happened"


@pytest.mark.parametrize("seed", [1194])  # who left one's queue stood in that of another, idle
def test_what_chance_has_found_stays_whole(seed: int) -> None:
    walk(seed, 300)


def run_traffic(examples: int, steps: int, kind_of_traffic: type[Traffic] = Traffic) -> None:
    run_state_machine_as_test(
        kind_of_traffic,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_any_traffic_leaves_everything_whole() -> None:
    run_traffic(100, 40)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_much_more_traffic_leaves_everything_whole() -> None:
    run_traffic(1000, 60)
    for seed in range(1000, 2000):
        walk(seed, 300)
