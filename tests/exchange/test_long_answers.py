"""A whole answer goes out before it is whole only where it is too long to be held."""

import itertools
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exchange.world import START_S, TIMEOUTS, Run, World, problem, whole

from penstock.core.outcome import FailureKind
from penstock.dialects.registry import DIALECTS
from penstock.exchange.machine import State
from penstock.exchange.route import Route

HOLD: Final = 2000
LONG: Final = whole("ab " * 3000, 7, 3000)  # 9 KB
CLAUDE: Final = DIALECTS["anthropic_messages"]


def route_of(world: World, *names: str) -> Route:
    route = world.route(*names)
    route.unary_hold_bytes_max = HOLD
    return route


def begun(world: World, *names: str) -> Run:
    """Start an exchange whose answer has begun and is still held."""
    run = world.start(route_of(world, *names), is_stream=False)
    world.line.head(content_type="application/json")
    world.line.chunk(LONG[:HOLD])
    assert not run.caller.is_started
    return run


def passing(world: World, *names: str) -> Run:
    """Start an exchange whose answer has become too long."""
    run = begun(world, *names)
    world.line.chunk(LONG[HOLD : HOLD + 1])
    assert run.caller.is_started
    assert run.caller.body == LONG[: HOLD + 1]
    return run


def test_it_is_passed_on_byte_by_byte_and_counted() -> None:
    world = World()
    run = passing(world, "a", "b")
    assert b"content-type: application/json\r\n" in run.caller.headers
    assert b"x-penstock-upstream: a\r\n" in run.caller.headers
    world.line.chunk(LONG[HOLD + 1 :])
    assert run.caller.body == LONG
    assert not run.is_done, "it is HTTP that says that it is whole"
    world.line.complete()
    assert (run.caller.ended_by, run.caller.body) == ("end", LONG)
    record = world.record(run)
    assert (record.outcome, record.status, record.finish_reason) == ("complete", 200, "stop")
    assert (record.input_tokens, record.output_tokens) == (7, 3000)
    assert not record.is_estimated
    assert not record.is_stream
    assert record.bytes_out == len(LONG)
    world.check_rest()


def test_a_break_while_it_is_held_is_ordinary_failover() -> None:
    world = World()
    run = begun(world, "a", "b")
    world.line.fail(FailureKind.RESET)
    assert world.line.upstream == "b"
    world.line.answer(200, LONG)
    assert world.dialled() == "a b"
    assert run.caller.body == LONG
    assert world.record(run).outcome == "complete"


@pytest.mark.parametrize("break_", ["reset", "end", "silence"])
def test_a_break_after_that_is_no_clean_end_and_nothing_is_added(break_: str) -> None:
    world = World()
    run = passing(world, "a", "b")
    if break_ == "reset":
        world.line.fail(FailureKind.RESET)
    elif break_ == "end":
        world.line.complete()
    else:
        world.advance(TIMEOUTS.between_tokens_s + 0.1)
    assert world.dialled() == "a"
    assert (run.caller.ended_by, run.caller.body) == ("abort", LONG[: HOLD + 1])
    record = world.record(run)
    assert record.outcome == "broken"
    assert record.is_estimated
    assert record.input_tokens > 0
    assert record.output_tokens == pytest.approx(HOLD / 4, rel=0.2)
    world.check_rest()


def test_who_reads_slowly_holds_the_upstream_up() -> None:
    world = World()
    run = passing(world, "a")
    world.pause(run)
    assert world.line.is_paused
    world.advance(TIMEOUTS.between_tokens_s + 1.0)
    assert not run.is_done, "it is the caller who is slow"
    world.resume(run)
    assert not world.line.is_paused
    world.line.chunk(LONG[HOLD + 1 :])
    world.line.complete()
    assert run.caller.body == LONG
    world.check_rest()


def test_how_long_it_took_teaches_nothing_of_first_tokens() -> None:
    world = World()
    run = passing(world, "a")
    world.advance(0.5)
    world.line.chunk(LONG[HOLD + 1 :])
    world.line.complete()
    spent = world.line.attempt.grant.spent
    assert spent is not None
    assert spent.ttft_s == 0.0
    assert spent.output_tokens == 3000
    assert world.record(run).attempts[0].ttft_s == 0.0


def held(world: World, what: str) -> Run:
    """Start an exchange of whose answer nothing may go out before it is whole."""
    route = route_of(world, "a")
    if what == "translated":
        return world.start(route, is_stream=False, dialect=CLAUDE)
    if what == "http_1_0":
        world.must_be_whole = True
        return world.start(route, is_stream=False)
    return world.start(route, is_stream=False, fields={"service_tier": "auto"})


@pytest.mark.parametrize("what", ["translated", "tier", "http_1_0"])
def test_what_must_be_whole_is_held_to_its_end(what: str) -> None:
    world = World()
    run = held(world, what)
    world.line.head(content_type="application/json")
    for at in range(0, len(LONG), 500):
        world.line.chunk(LONG[at : at + 500])
    assert not run.caller.is_started
    world.line.complete()
    assert run.caller.ended_by == "answer"
    assert world.record(run).output_tokens == 3000
    world.check_rest()


@pytest.mark.parametrize("status", [200, 500])
def test_what_does_not_begin_as_an_answer_never_goes_out(status: int) -> None:
    world = World()
    run = world.start(route_of(world, "a", "b"), is_stream=False)
    body = b"<html>" * 1000 if status == 200 else problem("oops" * 1000)
    world.line.head(status, content_type="application/json")
    for at in range(0, len(body), 700):
        world.line.chunk(body[at : at + 700])
    world.line.complete()
    assert world.line.upstream == "b"
    world.line.answer(200, whole("ok", 1, 1))
    assert run.caller.ended_by == "answer"


def test_one_without_an_end_is_given_up() -> None:
    world = World()
    world.upstream("a", answer_bytes_max=20_000)
    run = world.start(route_of(world, "a"), is_stream=False)
    world.line.head(content_type="application/json")
    for _ in itertools.takewhile(lambda _: not run.is_done, range(100)):
        world.line.chunk(b'{"a":1,"b":"c","d":' * 50)
    assert (run.caller.ended_by, world.record(run).outcome) == ("abort", "broken")
    assert "20000 bytes" in world.record(run).attempts[0].detail
    world.check_rest()


def come(world: World, sizes: list[int], ends_at: int) -> None:
    """Let an answer come in pieces of these sizes, up to a byte."""
    world.line.head(content_type="application/json")
    at, turn = 0, 0
    while at < ends_at:
        size = sizes[turn % len(sizes)]
        world.line.chunk(LONG[at : min(at + size, ends_at)])
        at, turn = min(at + size, ends_at), turn + 1


def end(world: World, run: Run, ending: str) -> None:
    if ending == "complete":
        world.line.complete()
    elif ending == "reset":
        world.line.fail(FailureKind.RESET)
    elif ending == "hang_up":
        world.hang_up(run)
    else:
        world.advance(TIMEOUTS.total_s)


@given(
    sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=6),
    ends_at=st.integers(0, len(LONG)) | st.just(len(LONG)),
    ending=st.sampled_from(["complete", "complete", "reset", "hang_up", "stop"]),
)
def test_however_it_comes_the_caller_has_what_came_or_all_of_another(
    sizes: list[int], ends_at: int, ending: str
) -> None:
    world = World()
    run = world.start(route_of(world, "a", "b"), is_stream=False)
    come(world, sizes, ends_at)
    assert run.caller.body == (LONG[:ends_at] if ends_at > HOLD else b"")
    end(world, run, ending)
    is_whole = ends_at == len(LONG) and ending == "complete"
    if not run.is_done:
        assert ends_at <= HOLD, "what has gone out cannot be taken back"
        assert run.exchange.state is State.DIALLING
        world.line.answer(200, LONG)
        is_whole = True
    assert run.is_done
    assert run.caller.body == LONG or not is_whole
    assert (world.record(run).outcome == "complete") == is_whole
    assert (run.caller.ended_by in ("end", "answer")) == is_whole
    world.advance(START_S)
    world.check_rest()
