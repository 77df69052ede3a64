"""Tool calls are held back until they are whole, so that a break leaves all of them or none."""

import msgspec
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
    outcomes,
    rest_of,
    stream,
    told,
)
from tests.exchange.world import (
    DONE,
    TIMEOUTS,
    World,
    error,
    role,
    stop,
    text,
)

from penstock.config.model import Continuation
from penstock.dialects.events import Event, Stopped
from penstock.dialects.message import StopReason

CALLED = b'"name":"look"'


def opening(at: int = 0, count: int = 1) -> bytes:
    """Return chunks that begin a tool call."""
    function = {"name": "look", "arguments": '{"at":'}
    call = {"index": at, "id": f"call_{at}", "type": "function", "function": function}
    return delta(tool_calls=[call]) * count


def delta(**fields: object) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": fields}]}
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def arguments(json: str) -> bytes:
    return delta(tool_calls=[{"index": 0, "function": {"arguments": json}}])


def called(events: bytes) -> int:
    return events.count(CALLED)


def test_a_break_while_only_calls_are_held_is_a_plain_failover() -> None:
    world = World()
    run = ask(world)
    world.line.sse()
    world.line.chunk(role() + opening() + arguments('"x"'))
    assert not run.caller.is_started
    world.line.fail(RESET)
    assert world.line.attempt.continuation is None
    world.line.stream(text("Hello"), stop(), DONE)
    has_ended_well(world, run, "Hello")
    assert called(run.caller.body) == 0
    assert world.record(run).hops == 0


def test_a_break_while_calls_are_held_behind_text_goes_on_from_the_text() -> None:
    world = World()
    run = ask(world)
    begin(world, run)
    had = run.caller.body
    world.line.chunk(opening() + arguments('"x"'))
    assert run.caller.body == had
    world.line.fail(RESET)
    assert world.line.attempt.continuation is not None
    rest = rest_of(run, world.line)
    events: list[Event] = [*answer_of(rest)[:-1], *CALL, Stopped(StopReason.TOOL)]
    world.line.stream(stream(world.line, events))
    has_ended_well(world, run)
    assert called(run.caller.body) == 1
    assert world.record(run).finish_reason == "tool"


def test_whole_calls_go_out_at_the_end() -> None:
    world = World()
    run = ask(world)
    begin(world, run)
    world.line.chunk(opening() + arguments('"x"}'))
    assert called(run.caller.body) == 0
    world.line.chunk(stop("tool_calls"))
    assert called(run.caller.body) == 1
    world.line.complete()
    has_ended_well(world, run, STORY[:60])


def test_a_call_that_went_out_half_is_never_gone_on_with() -> None:
    world = World()
    route = world.route("a", "b", continuation=Continuation(holds_calls=False))
    run = world.start(route)
    begin(world, run)
    world.line.chunk(opening())
    assert called(run.caller.body) == 1
    world.line.chunk(error("the first failure"))
    assert world.dialled() == "a"
    has_broken(world, run)
    assert told(run)[0].startswith("the first failure")


def test_what_is_held_for_too_long_goes_out() -> None:
    world = World()
    route = world.route("a", "b", timeouts=PATIENT, continuation=Continuation(hold_s=10.0))
    run = world.start(route)
    begin(world, run)
    world.line.chunk(opening())
    world.advance(9.9)
    world.line.chunk(arguments('"'))
    assert called(run.caller.body) == 0
    world.advance(0.1)
    world.line.chunk(arguments("x"))
    assert called(run.caller.body) == 1
    world.line.chunk(arguments("y"))
    assert run.caller.body.endswith(arguments("y"))
    world.line.fail(RESET)
    has_broken(world, run)


def test_what_is_held_is_let_go_of_with_the_break_that_ends_it() -> None:
    world = World()
    route = world.route("a", "b", timeouts=PATIENT, continuation=Continuation(hold_s=10.0))
    run = world.start(route)
    begin(world, run)
    world.line.chunk(opening())
    world.advance(20.0)
    world.line.chunk(error())
    assert called(run.caller.body) == 0
    go_on(world, run)
    has_ended_well(world, run)


def test_each_upstream_may_hold_for_as_long() -> None:
    world = World()
    route = world.route("a", "b", timeouts=PATIENT, continuation=Continuation(hold_s=10.0))
    run = world.start(route)
    world.line.sse()
    world.line.chunk(role() + opening())
    world.advance(9.0)
    world.line.fail(RESET)
    world.advance(5.0)
    world.line.sse()
    world.line.chunk(role() + opening())
    assert not run.caller.is_started
    world.advance(9.9)
    world.line.chunk(arguments("1}"))
    assert not run.caller.is_started
    world.line.chunk(stop("tool_calls") + DONE)
    has_ended_well(world, run, "")
    assert called(run.caller.body) == 1


def test_more_than_may_be_held_goes_out() -> None:
    world = World()
    route = world.route("a", "b", continuation=Continuation(held_bytes_max=2000))
    run = world.start(route)
    begin(world, run)
    world.line.chunk(opening())
    while not called(run.caller.body):
        assert world.dialer.lines[0].attempt.is_holding
        world.line.chunk(arguments("x" * 100))
    assert len(run.caller.body) < 6000
    world.line.fail(RESET)
    has_broken(world, run)


def test_silence_while_calls_are_held_is_a_stall() -> None:
    world = World()
    run = ask(world)
    world.line.sse()
    world.line.chunk(role() + opening())
    world.advance(TIMEOUTS.between_tokens_s - 0.01)
    assert world.dialled() == "a"
    world.advance(0.01)
    assert world.dialled() == "a b"
    world.line.stream(text("Hello"), stop(), DONE)
    assert outcomes(world, run) == "stalled success"
