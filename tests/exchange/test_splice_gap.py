"""Between two upstreams: the gate, the clock and both ends, at every point of the gap."""

import msgspec
import pytest
from tests.exchange.broken import (
    CALL,
    PATIENT,
    RESET,
    STORY,
    answer_of,
    ask,
    begin,
    go_on,
    has_broken,
    has_ended_well,
    part,
    rest_of,
    said,
    stream,
    told,
    until,
)
from tests.exchange.world import (
    CONTINUATION,
    DONE,
    PING,
    START_S,
    Run,
    World,
    problem,
    stop,
    text,
    whole,
)

from penstock.config.model import Breaker
from penstock.core.errors import ShedError
from penstock.core.outcome import IGNORED
from penstock.core.tier import Tier
from penstock.dialects.events import Event
from penstock.dialects.registry import DIALECTS
from penstock.dialects.service_tier import HEADER_LINES
from penstock.exchange.telling import HELD_BYTES_MAX, KEEP_ALIVE_S

NAMES = sorted(DIALECTS)


# --- the gate


def test_who_goes_on_waits_for_a_slot_only_if_nobody_else_is_left() -> None:
    world = World()
    world.upstream("b", concurrency=1)
    busy = world.start(world.route("b", continuation=CONTINUATION))
    run = ask(world, "a", "b")
    begin(world, run)
    world.line.fail(RESET)
    assert world.dialled() == "b a"
    world.advance(1.0)
    assert world.dialled() == "b a a", "b is full: one more round"
    go_on(world, run)
    world.hang_up(busy)
    has_ended_well(world, run)


def test_the_gate_refuses_who_goes_on() -> None:
    world = World(breaker=Breaker(failures_min=1.0, failure_ratio=0.1))
    run = ask(world, "a")
    begin(world, run)
    world.line.fail(RESET)
    world.advance(2.0)
    assert world.dialled() == "a"
    has_broken(world, run)
    assert "the wire says so" in told(run)[0], "the break is what happened, and not the refusal"


def test_who_goes_on_may_wait_for_a_slot() -> None:
    world = World()
    world.upstream("a", concurrency=1)
    run = ask(world, "a")
    begin(world, run)
    waiting = world.start(world.route("a", continuation=CONTINUATION))
    world.line.fail(RESET)
    assert world.line.attempt.owner is waiting.exchange
    world.line.sse()
    world.advance(2.0)
    assert run.exchange.is_waiting
    world.line.chunk(text("Hello") + stop() + DONE)
    assert world.line.attempt.owner is run.exchange
    go_on(world, run)
    has_ended_well(world, run)
    assert world.record(run).queued_s == pytest.approx(2.0)


# --- the clock, and both ends


def gaps(world: World, run: Run, gap: str) -> None:
    """Bring an exchange to a point of the gap between two upstreams."""
    begin(world, run)
    if gap == "streaming":
        return
    world.line.fail(RESET)
    if gap == "dialling":
        return
    if gap in ("asked", "in_the_seam"):
        world.line.sse()
    if gap == "in_the_seam":
        rest = rest_of(run, world.line)
        world.line.chunk(part(world.line, run, rest[:20]))
        assert not world.line.attempt.first_token_at_s
    elif gap == "backoff":
        world.line.answer(500, b"")
        world.line.answer(500, b"")
        assert world.line.attempt.outcome is not None
    elif gap == "waiting":
        for _ in range(2):
            world.line.answer(429, problem("slow down"), retry_after="300")
        world.upstreams["a"].limit.try_acquire()
        world.advance(1.0)
        assert run.exchange.is_waiting


GAPS = ["streaming", "dialling", "asked", "in_the_seam", "backoff", "waiting"]
EACH_GAP = pytest.mark.parametrize("gap", GAPS)


def in_gap(gap: str) -> tuple[World, Run]:
    world = World()
    world.upstream("a", concurrency=1)
    run = world.start(world.route("a", "b", "c", timeouts=PATIENT, continuation=CONTINUATION))
    gaps(world, run, gap)
    assert not run.is_done
    return world, run


def free(world: World, gap: str) -> None:
    if gap == "waiting":
        world.upstreams["a"].limit.release()


@EACH_GAP
def test_a_hang_up_at_any_point(gap: str) -> None:
    world, run = in_gap(gap)
    had = run.caller.body
    world.hang_up(run)
    free(world, gap)
    assert run.caller.body == had
    record = world.record(run)
    assert (record.outcome, record.status) == ("hung_up", 499)
    assert all(line.is_over for line in world.dialer.lines)
    world.check_rest()
    world.advance(50.0)
    assert run.caller.body == had


@EACH_GAP
def test_the_deadline_at_any_point(gap: str) -> None:
    world, run = in_gap(gap)
    while not run.is_done:
        assert world.now_s < run.deadline_s
        if gap == "streaming":
            world.line.chunk(PING)
        world.advance(50.0)
    free(world, gap)
    assert run.caller.ended_by == "abort"
    assert len(told(run)) == 1
    assert STORY.startswith(said(run))
    if gap == "streaming":
        assert world.record(run).code == "deadline_exceeded"
    world.check_rest()


@EACH_GAP
def test_a_drain_at_any_point(gap: str) -> None:
    world, run = in_gap(gap)
    had = run.caller.body
    run.exchange.on_stop(ShedError("The gateway goes down.", retry_after_s=1.0), world.now_s)
    free(world, gap)
    has_broken(world, run, "no_capacity")
    assert told(run)[0].startswith("The gateway goes down.")
    assert run.caller.body.startswith(had)
    if gap in ("dialling", "asked", "in_the_seam", "streaming"):
        assert world.line.attempt.outcome is IGNORED


@EACH_GAP
def test_a_slow_caller_at_any_point(gap: str) -> None:
    world, run = in_gap(gap)
    world.pause(run)
    had = run.caller.body
    world.advance(3 * KEEP_ALIVE_S)
    assert run.caller.body == had, "who does not read is told nothing"
    free(world, gap)
    if gap == "streaming":
        assert world.line.is_paused
        world.line.fail(RESET)
    elif gap == "waiting":
        world.gate.on_tick(world.now_s)  # the slot came back as if by a raised limit
    assert world.line.attempt.outcome is None
    assert not world.line.is_paused, "before its content nobody is held up"
    if gap == "in_the_seam":
        world.line.chunk(stream(world.line, answer_of(rest_of(run, world.line)[20:])))
    else:
        world.line.sse()
        rest = rest_of(run, world.line)
        world.line.chunk(text(rest[:100]))
        assert world.line.is_paused
        world.resume(run)
        assert not world.line.is_paused
        world.line.chunk(text(rest[100:]) + stop())
        world.line.complete()
    has_ended_well(world, run)


@EACH_GAP
@pytest.mark.parametrize("name", NAMES)
def test_signs_of_life_while_others_go_on(gap: str, name: str) -> None:
    dialect, world = DIALECTS[name], World()
    world.upstream("a", concurrency=1)
    route = world.route("a", "b", "c", timeouts=PATIENT, continuation=CONTINUATION)
    run = world.start(route, dialect=dialect)
    gaps(world, run, gap)
    had, began_s = run.caller.body, world.now_s - (gap == "waiting")
    world.advance(began_s + KEEP_ALIVE_S - 0.001 - world.now_s)
    assert run.caller.body == had
    if gap == "streaming":
        world.advance(PATIENT.between_tokens_s - KEEP_ALIVE_S)
        assert run.caller.body == had, "a stream that flows has its upstream's"
        return
    world.advance(0.001)
    assert run.caller.body == had + dialect.keep_alive
    world.advance(KEEP_ALIVE_S)
    assert run.caller.body == had + dialect.keep_alive * 2
    world.pause(run)
    world.advance(KEEP_ALIVE_S)
    assert run.caller.body == had + dialect.keep_alive * 2
    world.resume(run)
    world.advance(0.0)
    assert run.caller.body == had + dialect.keep_alive * 3
    world.hang_up(run)
    free(world, gap)
    assert world.record(run).bytes_out == len(run.caller.body)
    world.check_rest()


@pytest.mark.parametrize("back_s", [0.0, 0.001])
def test_backoff_outlives_a_slow_caller(back_s: float) -> None:
    world = World()
    run = world.start(world.route("a", timeouts=PATIENT, continuation=CONTINUATION))
    begin(world, run)
    world.advance(KEEP_ALIVE_S - back_s)
    world.line.fail(RESET)
    world.pause(run)
    until(world, run, 2)
    world.resume(run)
    go_on(world, run)
    has_ended_well(world, run)


@pytest.mark.parametrize("name", NAMES)
def test_signs_of_life_while_calls_are_held(name: str) -> None:
    dialect, world = DIALECTS[name], World()
    speaks_early = name != "gemini_generate"  # a call there comes whole, with the end
    world.upstream("a", dialect=DIALECTS[name if speaks_early else "openai_chat"])
    run = world.start(
        world.route("a", timeouts=PATIENT, continuation=CONTINUATION), dialect=dialect
    )
    begin(world, run)
    world.advance(5.0)
    encoder = world.line.attempt.dialect.encoder(run.order.inquiry, 1)
    events: list[Event] = [*answer_of(STORY[:60])[:-2], *CALL]
    sent = [encoder.encode(event) for event in events]
    had = run.caller.body
    world.line.chunk(b"".join(sent[-2:]))
    assert world.line.attempt.is_holding
    held = run.caller.body
    world.advance(KEEP_ALIVE_S - 5.0 - 0.001)
    assert run.caller.body == held
    for at in range(1, 4):
        world.advance(KEEP_ALIVE_S)
        assert run.caller.body == held + dialect.keep_alive * at, "not only when a limit is near"
    assert held.startswith(had)
    world.hang_up(run)
    world.check_rest()


def after_signs_of_life(name: str, *, is_continuing: bool, queue_s: float) -> tuple[World, Run]:
    """Return an exchange that has waited for a slot, and has told so twice."""
    dialect, world = DIALECTS[name], World(floor_per_s=0.0)
    world.budget.try_spend(world.now_s)
    timeouts = msgspec.structs.replace(PATIENT, queue_s=queue_s, total_s=120.0)
    continuation = CONTINUATION if is_continuing else None
    world.upstream("a", concurrency=1)
    busy = world.start(world.route("a", timeouts=PATIENT))
    route = world.route("a", timeouts=timeouts, keep_alive_s=10.0, continuation=continuation)
    world.line.sse()
    world.line.chunk(text("Hi"))
    run = world.start(route, dialect=dialect)
    for at_s in (10.0, 20.0):
        world.advance(START_S + at_s - 0.001 - world.now_s)
        world.line.chunk(PING)
        assert run.caller.body == dialect.keep_alive * int(at_s / 10.0 - 1.0)
        world.advance(0.001)
        assert run.caller.body == dialect.keep_alive * int(at_s / 10.0)
    assert run.caller.headers == (
        b"content-type: text/event-stream\r\nx-penstock-tier: standard\r\n"
        + (HEADER_LINES[name][Tier.STANDARD] if name in HEADER_LINES else b"")
    )
    if queue_s > 22.0:
        world.hang_up(busy)
        assert world.line.attempt.owner is run.exchange
    return world, run


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_continuing", [False, True])
@pytest.mark.parametrize("then", ["good", "bad", "refused", "deadline"])
def test_signs_of_life_before_the_first_content(
    name: str, then: str, *, is_continuing: bool
) -> None:
    queue_s = 22.0 if then == "refused" else 25.0
    world, run = after_signs_of_life(name, is_continuing=is_continuing, queue_s=queue_s)
    if then == "good":
        world.line.stream(stream(world.line, answer_of(STORY)))
        assert said(run) == STORY
        assert run.caller.ended_by == "end"
    elif then == "bad":
        world.line.answer(400, problem("no"))
    elif then == "refused":
        world.advance(3.0)
    else:
        world.line.sse()
        world.advance(100.0)
    if then != "good":
        assert run.caller.ended_by == "abort"
        assert len(told(run)) == 1
        assert world.record(run).outcome == "broken"
    assert world.record(run).bytes_out == len(run.caller.body)
    for other in world.runs:
        if not other.is_done:
            world.hang_up(other)
    world.check_rest()


def test_each_attempt_may_be_kept_alive_without_content_for_as_long() -> None:
    world = World()
    run = world.start(world.route("a", "b", "c", continuation=CONTINUATION))
    begin(world, run)
    world.line.fail(RESET)
    had = run.caller.body
    for _ in range(2):
        line = world.line
        line.sse()
        line.chunk(PING * (HELD_BYTES_MAX // len(PING) // 2 + 9))
        assert not line.is_over
        if line.upstream == "b":
            line.fail(RESET)
    world.line.chunk(stream(world.line, answer_of(rest_of(run, world.line))))
    has_ended_well(world, run)
    assert run.caller.body.startswith(had)


def test_a_whole_answer_has_no_signs_of_life() -> None:
    world = World()
    run = world.start(
        world.route("a", timeouts=PATIENT, keep_alive_s=1.0, continuation=CONTINUATION),
        is_stream=False,
    )
    world.line.sent()
    world.advance(5.0)
    assert not run.caller.is_started
    world.line.answer(200, whole("Hello"))
    assert run.caller.ended_by == "answer"


def test_an_upstreams_own_error_after_signs_of_life_is_told_in_the_stream() -> None:
    world = World()
    run = world.start(world.route("a", timeouts=PATIENT, keep_alive_s=1.0))
    world.advance(1.5)
    assert run.caller.is_started
    world.line.answer(400, problem("no such field"))
    assert run.caller.ended_by == "abort"
    assert told(run) == ["no such field. What has come so far is not complete; ask again."]
    assert (world.record(run).outcome, world.record(run).status) == ("broken", 200)
