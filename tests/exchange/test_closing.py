"""What is booked is the provider's own figure to the token, or else marked as an estimate."""

import pytest
from tests.exchange.world import DONE, Run, World, error, problem, role, stop, text, usage, whole

from penstock.core.estimate import tokens
from penstock.core.outcome import FailureKind
from penstock.dialects import counting


def booked(world: World, run: Run) -> tuple[int, int, bool]:
    record = world.record(run)
    return record.input_tokens, record.output_tokens, record.is_estimated


def asked(run: Run) -> int:
    return counting.estimate(run.order.dialect, run.order.inquiry).usage.input_tokens


def test_a_stream_that_was_counted_is_exact() -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.stream(role(), text("Hello"), stop(), usage(11, 1), DONE)
    assert booked(world, run) == (11, 1, False)


def test_an_explicit_zero_stays_zero() -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.stream(role(), text("Hello"), stop(), usage(11, 0), DONE)
    assert booked(world, run) == (11, 0, False)


def test_a_whole_answer_that_was_counted_is_exact() -> None:
    world = World()
    run = world.start(world.route("a"), is_stream=False)
    world.line.answer(200, whole("Hello", 11, 5))
    assert booked(world, run) == (11, 5, False)


def test_cached_written_and_reasoning_tokens_are_kept() -> None:
    world = World()
    run = world.start(world.route("a"))
    counted = (
        b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":8,'
        b'"prompt_tokens_details":{"cached_tokens":7,"cache_write_tokens":1},'
        b'"completion_tokens_details":{"reasoning_tokens":6}}}\n\n'
    )
    world.line.stream(text("Hello"), stop(), counted, DONE)
    record = world.record(run)
    assert (record.cached_tokens, record.cache_write_tokens, record.reasoning_tokens) == (7, 1, 6)


@pytest.mark.parametrize("is_stream", [True, False])
def test_an_answer_that_was_not_counted_is_estimated(*, is_stream: bool) -> None:
    world = World()
    run = world.start(world.route("a"), is_stream=is_stream)
    if is_stream:
        world.line.stream(role(), text("x" * 40), stop(), DONE)
    else:
        world.line.answer(200, whole("x" * 40))
    assert booked(world, run) == (asked(run), tokens(40), True)


@pytest.mark.parametrize("how", ["cut", "leaves", "error"])
@pytest.mark.parametrize("is_counted", [True, False])
def test_a_broken_answer_is_estimated_from_what_came(how: str, *, is_counted: bool) -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.sse()
    world.line.chunk(text("x" * 80) + (usage(11, 3) if is_counted else b""))
    if how == "cut":
        world.line.fail(FailureKind.BROKEN_STREAM)
    elif how == "error":
        world.line.chunk(error())
    else:
        world.hang_up(run)
    expected = 11 if is_counted else asked(run)
    assert booked(world, run) == (expected, tokens(80), True)


def test_a_whole_answer_that_broke_off_is_estimated_from_its_text_alone() -> None:
    world = World()
    run = world.start(world.route("a", "b"), is_stream=False)
    body = whole("x" * 80)
    world.line.head(200, content_type="application/json")
    world.line.chunk(body[: body.index(b"x" * 80) + 60])
    world.line.fail(FailureKind.BROKEN_STREAM)
    world.line.answer(200, whole("Hello", 11, 5))
    first = world.record(run).attempts[0]
    assert (first.input_tokens, first.output_tokens) == (asked(run), tokens(60))
    assert first.is_estimated


def test_a_picture_that_was_not_counted_is_not_charged_by_its_bytes() -> None:
    world = World()
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
    turn = {"role": "user", "content": [url]}
    run = world.start(world.route("a"), fields={"messages": [turn]})
    world.line.sse()
    world.line.chunk(text("x" * 80))
    world.hang_up(run)
    assert 0 < world.record(run).input_tokens < 2_000


def test_what_was_counted_of_an_answer_of_no_use_is_kept() -> None:
    world = World()
    run = world.start(world.route("a", "b"))  # a stream was asked for
    world.line.answer(200, whole("Hello", 11, 5))
    world.line.stream(text("Hello"), stop(), usage(11, 5), DONE)
    first = world.record(run).attempts[0]
    assert (first.outcome, first.input_tokens, first.output_tokens) == ("broken_stream", 11, 5)


def test_a_broken_answer_that_counted_more_than_came_is_believed() -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.sse()
    world.line.chunk(text("x") + usage(11, 300))
    world.hang_up(run)
    assert booked(world, run) == (11, 300, True)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_costs_nothing(status: int) -> None:
    world = World()
    run = world.start(world.route("a"), may_fail_over=False)
    world.line.answer(status, problem("no"))
    assert booked(world, run) == (0, 0, False)


@pytest.mark.parametrize("kind", [FailureKind.UNREACHABLE, FailureKind.RESET])
def test_a_connection_that_died_before_an_answer_costs_nothing(kind: FailureKind) -> None:
    world = World()
    run = world.start(world.route("a"), may_fail_over=False)
    world.line.fail(kind)
    assert booked(world, run) == (0, 0, False)


def test_each_attempt_is_booked_by_itself_and_the_exchange_once() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.stream(role())  # ends before its content: estimated, and not the exchange's
    world.line.stream(text("Hello"), stop(), usage(11, 5), DONE)
    first, second = world.record(run).attempts
    assert (first.is_estimated, second.is_estimated) == (True, False)
    assert (second.input_tokens, second.output_tokens) == (11, 5)
    assert booked(world, run) == (11, 5, False)


def test_times_are_durations_from_the_beginning() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.advance(0.25)
    world.line.answer(500, problem("no"))
    world.advance(0.25)
    world.line.sse()
    world.line.chunk(text("Hello"))
    world.advance(1.0)
    world.line.chunk(stop() + usage(1, 1) + DONE)
    record = world.record(run)
    assert (record.duration_s, record.ttft_s, record.queued_s) == (1.5, 0.5, 0.0)
    first, second = record.attempts
    assert (first.dialled_s, first.duration_s, first.ttft_s) == (0.0, 0.25, 0.0)
    assert (second.dialled_s, second.duration_s, second.ttft_s) == (0.25, 1.25, 0.25)


def test_bytes_are_those_of_the_caller() -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.stream(role(), text("Hello"), stop(), usage(1, 1), DONE)
    record = world.record(run)
    assert record.bytes_in == len(run.order.inquiry.body)
    assert record.bytes_out == len(run.caller.body)
    assert record.events == 5
    assert record.finish_reason == "stop"
