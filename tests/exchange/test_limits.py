"""Limits in time: each passes when it says, whoever is slow is the one who is blamed."""

import msgspec
import pytest
from tests.exchange.world import (
    DONE,
    PING,
    TIMEOUTS,
    Run,
    World,
    problem,
    role,
    stop,
    text,
    whole,
)

from penstock.config.model import Breaker
from penstock.core.circuit_breaker import BreakerState
from penstock.core.errors import DeadlineError
from penstock.core.outcome import Failure, FailureKind, Ignored
from penstock.exchange.machine import FINISH_S, State


def kinds(world: World, run: Run) -> str:
    return " ".join(one.outcome for one in world.record(run).attempts)


def streaming(world: World, *names: str, pauses_at: int = 0) -> Run:
    """Return an exchange whose first content has gone out."""
    run = world.start(world.route(*(names or ("a", "b"))), pauses_at=pauses_at)
    world.line.sse()
    world.line.chunk(role() + text("Hel"))
    assert run.exchange.state is State.STREAMING
    return run


# --- the attempt's own limits


def test_no_connection_in_time_goes_on() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.advance(TIMEOUTS.connect_s - 0.001)
    assert world.dialled() == "a"
    world.advance(0.001)
    assert world.dialled() == "a b"
    world.line.stream(text("Hi"), stop(), DONE)
    assert kinds(world, run) == "unreachable success"
    assert [line.cancels for line in world.dialer.lines] == [1, 0]


@pytest.mark.parametrize("comes", [b"", PING, role()])
def test_keep_alives_and_roles_are_not_the_first_content(comes: bytes) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.advance(0.5)
    world.line.sse()
    for _ in range(8):
        world.advance(TIMEOUTS.first_token_s / 8 - 0.0001)
        if comes:
            world.line.chunk(comes)
    assert world.dialled() == "a"
    world.advance(0.001)
    assert world.dialled() == "a b"
    world.line.stream(text("Hi"), stop(), DONE)
    assert kinds(world, run) == "timed_out success"


def test_silence_everywhere_is_told_as_504_and_asks_nobody_twice() -> None:
    world = World()
    run = world.start(world.route("a", "b", "c"))
    for _ in range(3):
        world.line.sent()
        world.advance(TIMEOUTS.first_token_s)
    assert world.dialled() == "a b c"
    assert kinds(world, run) == "timed_out timed_out timed_out"
    assert run.caller.status == 504
    assert run.caller.error is not None
    assert run.caller.error.code == "upstream_timeout"


def test_a_whole_answer_has_its_own_limit_to_the_first_byte() -> None:
    world = World()
    world.start(world.route("a", "b"), is_stream=False)
    world.line.head(content_type="application/json")
    world.advance(TIMEOUTS.unary_s - 0.001)
    assert world.dialled() == "a"
    world.advance(0.001)
    assert world.dialled() == "a b"


def test_after_its_first_byte_a_whole_answer_may_not_stall() -> None:
    world = World()
    run = world.start(world.route("a", "b"), is_stream=False)
    world.line.head(content_type="application/json")
    for byte in whole("Hello")[:3]:
        world.line.chunk(bytes([byte]))
        world.advance(TIMEOUTS.between_tokens_s - 0.001)
    assert world.dialled() == "a"
    world.advance(0.001)
    assert world.dialled() == "a b"
    world.line.answer(200, whole("Hello"))
    assert kinds(world, run) == "stalled success"


def test_an_error_that_does_not_end_is_known_by_its_head() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.head(429, retry_after="30")
    world.line.chunk(problem("slow down")[:10])
    world.advance(TIMEOUTS.between_tokens_s)
    world.line.stream(text("Hi"), stop(), DONE)
    assert kinds(world, run) == "quota success"
    assert world.states["a", "m"].cooldown.until_s == world.now_s + 30.0


def test_a_stall_in_the_middle_is_a_break() -> None:
    world = World()
    run = streaming(world)
    world.advance(TIMEOUTS.between_tokens_s - 0.001)
    world.line.chunk(text("lo"))
    world.advance(TIMEOUTS.between_tokens_s - 0.001)
    assert not run.is_done
    world.advance(0.001)
    assert run.caller.ended_by == "abort"
    assert kinds(world, run) == "stalled"
    assert world.line.cancels == 1


# --- the deadline, in every state


def test_the_deadline_ends_an_exchange_that_waits() -> None:
    world = World()
    world.upstream("a", 1)
    streaming(world, "a")
    timeouts = msgspec.structs.replace(TIMEOUTS, queue_s=60.0, total_s=2.0)
    run = world.start(world.route("a", timeouts=timeouts))
    world.advance(2.0)
    assert run.is_done
    assert run.caller.status in (503, 504)
    assert len(world.dialer.lines) == 1


def test_the_deadline_ends_an_exchange_that_dials() -> None:
    world = World()
    timeouts = msgspec.structs.replace(TIMEOUTS, first_token_s=60.0)
    run = world.start(world.route("a", "b", timeouts=timeouts))
    world.line.sent()
    world.advance(TIMEOUTS.total_s)
    assert isinstance(run.caller.error, DeadlineError)
    assert run.caller.status == 504
    assert run.caller.error.should_retry is False
    assert world.dialled() == "a"


def test_the_deadline_ends_an_exchange_that_streams() -> None:
    world = World()
    run = streaming(world)
    while not run.is_done:
        world.line.chunk(text("x"))
        world.advance(1.0)
    assert world.now_s == run.deadline_s
    assert run.caller.ended_by == "abort"
    assert b'"deadline_exceeded"' in run.caller.body
    assert kinds(world, run) == "ignored"


def test_the_deadline_ends_a_complete_answer_well() -> None:
    world = World()
    run = streaming(world)
    while world.now_s < run.deadline_s - 1.0:
        world.line.chunk(text("x"))
        world.advance(1.0)
    world.line.chunk(stop())
    world.advance(1.0)
    assert run.is_done
    assert run.caller.ended_by == "end"
    assert kinds(world, run) == "success"


def test_no_backoff_reaches_beyond_the_deadline() -> None:
    world = World()
    timeouts = msgspec.structs.replace(TIMEOUTS, total_s=3.0)
    run = world.start(world.route("a", timeouts=timeouts))
    world.line.sent()
    world.advance(2.99)
    world.line.answer(500, problem("oops"))
    assert run.is_done
    assert run.caller.status == 502


def test_a_slot_that_comes_back_after_the_deadline_is_not_used() -> None:
    world = World(late_s=0.01)
    world.upstream("a", 1)
    streaming(world, "a")
    timeouts = msgspec.structs.replace(TIMEOUTS, queue_s=60.0, total_s=2.0)
    run = world.start(world.route("a", timeouts=timeouts))
    world.advance(2.005)
    world.line.fail(FailureKind.BROKEN_STREAM)
    assert run.is_done
    assert run.caller.status == 504
    assert len(world.dialer.lines) == 1
    world.advance(1.0)
    world.check_rest()


# --- a caller who leaves


def test_a_caller_who_leaves_while_waiting_is_forgotten() -> None:
    world = World()
    world.upstream("a", 1)
    streaming(world, "a")
    run = world.start(world.route("a"))
    world.advance(1.0)
    world.hang_up(run)
    assert world.gate.waiting == 0
    record = world.record(run)
    assert (record.outcome, record.status, record.queued_s) == ("hung_up", 499, 1.0)


def test_a_caller_who_leaves_in_a_backoff_is_not_tried_for_again() -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.answer(500, problem("oops"))
    assert run.exchange.state is State.QUEUED
    world.hang_up(run)
    world.advance(30.0)
    assert world.dialled() == "a"
    world.check_rest()


@pytest.mark.parametrize("waited_s", [0.0, 1.9, 2.0, 3.9])
def test_a_caller_who_leaves_says_nothing_unless_nothing_had_come_for_long(waited_s: float) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.sent()
    world.advance(waited_s)
    world.hang_up(run)
    assert kinds(world, run) == ("timed_out" if waited_s >= TIMEOUTS.hang_s else "ignored")
    assert world.line.cancels == 1
    assert world.dialled() == "a"
    if waited_s < TIMEOUTS.hang_s:
        assert world.record(run).attempts[0].waited_s == waited_s


@pytest.mark.parametrize(("waited_s", "kind"), [(1.9, "ignored"), (2.0, "stalled")])
def test_a_caller_who_leaves_in_the_middle(waited_s: float, kind: str) -> None:
    world = World()
    run = streaming(world)
    world.advance(waited_s)
    world.hang_up(run)
    assert kinds(world, run) == kind
    assert run.caller.ended_by == ""
    assert world.record(run).is_estimated


def test_a_deadline_after_long_silence_counts_against_the_upstream() -> None:
    world = World(breaker=Breaker(failures_min=1.0))
    timeouts = msgspec.structs.replace(TIMEOUTS, first_token_s=60.0)
    run = world.start(world.route("a", timeouts=timeouts))
    world.advance(0.5)
    world.line.sent()
    world.advance(60.0)
    assert kinds(world, run) == "timed_out"
    assert world.states["a", "m"].breaker.state is BreakerState.OPEN


def test_who_leaves_twice_leaves_once() -> None:
    world = World()
    run = streaming(world)
    world.hang_up(run)
    run.exchange.on_hang_up(world.now_s)
    run.exchange.on_wake(world.now_s)
    assert len(world.recorder.closed_by_id) == 1


# --- a caller who reads slowly


def test_a_slow_reader_pauses_the_upstream_and_is_not_its_fault() -> None:
    world = World()
    run = streaming(world, pauses_at=1)
    assert world.line.is_paused
    world.advance(TIMEOUTS.between_tokens_s * 3)
    world.resume(run)
    assert not world.line.is_paused
    world.advance(TIMEOUTS.between_tokens_s - 0.001)
    assert not run.is_done
    world.advance(0.001)
    assert kinds(world, run) == "stalled"


def test_a_slow_reader_who_leaves_says_nothing_about_the_upstream() -> None:
    world = World()
    run = streaming(world, pauses_at=1)
    world.advance(TIMEOUTS.hang_s * 2)
    world.hang_up(run)
    assert isinstance(world.line.attempt.outcome, Ignored)


def test_a_slow_reader_still_has_a_deadline() -> None:
    world = World()
    run = streaming(world, pauses_at=1)
    world.advance(TIMEOUTS.total_s)
    assert run.is_done
    assert kinds(world, run) == "ignored"


def test_a_pause_before_the_first_content_stops_no_clock_and_holds_from_the_commit_on() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.pause(run)
    world.line.sent()
    world.advance(TIMEOUTS.first_token_s)
    assert world.dialled() == "a b"
    world.line.sse()
    assert not world.line.is_paused
    world.line.chunk(text("Hi"))
    assert world.line.is_paused
    world.resume(run)
    assert not world.line.is_paused


def test_a_slow_reader_of_a_complete_answer_gets_its_end() -> None:
    world = World()
    run = streaming(world)
    world.line.chunk(stop())
    world.pause(run)
    world.advance(FINISH_S * 3)
    assert not run.is_done
    world.resume(run)
    world.advance(FINISH_S)
    assert run.caller.ended_by == "end"


def test_what_comes_after_the_end_changes_nothing() -> None:
    world = World()
    run = streaming(world)
    attempt = world.line.attempt
    world.line.chunk(stop() + DONE)
    assert run.is_done
    body, now_s = run.caller.body, world.now_s
    exchange = run.exchange
    exchange.on_chunk(attempt, text("more"), now_s)
    exchange.on_head(attempt, 500, {}, now_s)
    exchange.on_sent(attempt, now_s + 1.0)
    exchange.on_complete(attempt, now_s)
    exchange.on_failed(attempt, Failure(FailureKind.RESET), now_s)
    exchange.on_pause()
    exchange.on_resume(now_s)
    exchange.on_wake(now_s + 100.0)
    exchange.on_hang_up(now_s)
    assert run.caller.body == body
    assert len(world.recorder.closed_by_id) == 1
    assert (world.line.cancels, world.line.detaches) == (0, 1)
    world.check_rest()
