"""What is counted and told of an answer that several upstreams have given parts of."""

import re

import pytest
from tests.exchange.broken import (
    RESET,
    ask,
    begin,
    go_on,
    has_broken,
    has_ended_well,
    outcomes,
    part,
    rest_of,
    seen,
)
from tests.exchange.world import (
    CONTINUATION,
    DONE,
    Run,
    Spec,
    World,
    role,
    stop,
    text,
)

from penstock.dialects.events import Counted
from penstock.dialects.message import Usage
from penstock.dialects.registry import DIALECTS

NAMES = sorted(DIALECTS)


def test_the_record_has_the_sum_of_all_hops_once_each() -> None:
    world = World()
    run = ask(world, "a", Spec("b", "other"), "c", "d")
    begin(world, run)
    world.line.chunk(b"data: {torn\n\n")
    world.advance(0.5)
    world.line.fail(RESET)
    assert world.dialled() == "a c", "the same model first"
    world.advance(0.25)
    world.line.sse()
    world.line.chunk(role())
    world.line.fail(RESET)
    assert world.dialled() == "a c d"
    rest = rest_of(run, world.line)
    world.line.sse()
    world.line.chunk(part(world.line, run, rest[:110]))
    world.line.fail(RESET)
    assert world.dialled() == "a c d b"
    go_on(world, run, usage=Usage(50, 7, 3, 2, 1, is_known=True))
    has_ended_well(world, run)
    check_sums(world, run)


def check_sums(world: World, run: Run) -> None:
    record = world.record(run)
    assert record.hops == 2
    assert outcomes(world, run) == "broken_stream broken_stream broken_stream success"
    first, lost, second, last = record.attempts
    assert [one.seam for one in record.attempts] == ["", "held", "anchor", "anchor"]
    assert (last.input_tokens, last.output_tokens, last.cached_tokens) == (50, 7, 3)
    assert lost.input_tokens > 0
    for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"):
        assert getattr(record, name) == sum(getattr(one, name) for one in (first, second, last))
    assert record.is_estimated
    assert not last.is_estimated
    assert record.ttft_s == first.ttft_s == 0.0
    assert record.junk_lines == 1
    lines = [world.dialer.lines[at] for at in (0, 2, 3)]
    assert record.events == sum(line.attempt.reader.events for line in lines if line.attempt.reader)
    opened = world.recorder.opened_by_id[run.order.id]
    assert [one.upstream for one in opened] == ["a", "c", "d", "b"]


@pytest.mark.parametrize("name", NAMES)
def test_the_caller_is_told_the_same_sum(name: str) -> None:
    world = World()
    fields: dict[str, object] = {"stream_options": {"include_usage": True}}
    route = world.route("a", "b", continuation=CONTINUATION)
    run = world.start(route, dialect=DIALECTS[name], fields=fields if "chat" in name else {})
    begin(world, run)
    world.line.fail(RESET)
    go_on(world, run, usage=Usage(50, 7, is_known=True))
    has_ended_well(world, run)
    counted = [event.usage for event in seen(run) if isinstance(event, Counted)][-1]
    record = world.record(run)
    assert (counted.input_tokens, counted.output_tokens) == (
        record.input_tokens,
        record.output_tokens,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_that_breaks_for_good_is_numbered_to_the_end(name: str) -> None:
    world = World()
    dialect = DIALECTS[name]
    for upstream in "ab":
        world.upstream(upstream, dialect=dialect)
    run = world.start(
        world.route("a", "b", continuation=CONTINUATION, attempts_max=2), dialect=dialect
    )
    begin(world, run)
    world.line.fail(RESET)
    world.line.sse()
    world.line.chunk(part(world.line, run, rest_of(run, world.line)[:110]))
    assert world.line.attempt.first_token_at_s
    world.line.fail(RESET)
    has_broken(world, run)
    numbers = [int(at) for at in re.findall(rb'"sequence_number": ?([0-9]+)', run.caller.body)]
    assert numbers == list(range(len(numbers)))
    assert bool(numbers) == (name == "openai_responses")


def test_the_first_content_is_what_the_caller_waited_for() -> None:
    world = World()
    run = ask(world)
    world.advance(0.5)
    begin(world, run)
    world.advance(1.0)
    world.line.fail(RESET)
    world.advance(0.25)
    go_on(world, run)
    assert world.record(run).ttft_s == pytest.approx(0.5)
    assert world.record(run).duration_s == pytest.approx(1.75)


def test_an_answer_without_a_break_has_nothing_of_a_splice() -> None:
    for continuation in (None, CONTINUATION):
        world = World()
        run = world.start(world.route("a", continuation=continuation))
        world.line.stream(role(), text("Hello"), stop(), DONE)
        record = world.record(run)
        assert run.caller.body == role() + text("Hello") + stop() + DONE
        assert (record.hops, record.attempts[0].seam, record.outcome) == (0, "", "complete")
