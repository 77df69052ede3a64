"""A stream that breaks is gone on with: who is asked for what, and what the caller sees of it."""

from collections.abc import Callable

import msgspec
import pytest
from tests.exchange.broken import (
    RESET,
    STORY,
    answer_of,
    ask,
    begin,
    go_on,
    has_broken,
    has_ended_well,
    outcomes,
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
    TIMEOUTS,
    Line,
    Spec,
    World,
    error,
    event,
    problem,
    role,
    whole,
)

from penstock.config.model import Continuation, Policy
from penstock.core.outcome import FailureKind
from penstock.dialects.registry import DIALECTS
from penstock.dialects.seam import anchor_of
from penstock.exchange.machine import FINISH_S
from penstock.exchange.splice import HOPS_MAX

NAMES = sorted(DIALECTS)
TORN = b'data: {"id":"chatcmpl-one","choices":[{"delta": {torn\n\n'


# --- who is asked, and for what


@pytest.mark.parametrize("chars", [6, 60, 150])
def test_the_next_upstream_is_asked_for_the_rest(chars: int) -> None:
    world = World()
    run = ask(world)
    begin(world, run, chars)
    sent = said(run)
    world.line.fail(RESET)
    assert world.dialled() == "a b"
    asked = msgspec.json.decode(world.line.attempt.body)
    assert asked["stream"] is True
    assert asked["messages"][1] == {"role": "assistant", "content": sent.rstrip()}
    assert sent.rstrip()[-30:] in asked["messages"][2]["content"], "the anchor"
    assert world.line.attempt.caller_headers is run.order.headers
    assert not run.is_done
    go_on(world, run)
    has_ended_well(world, run)
    assert run.caller.body.count(b'"role":"assistant"') == 1, "one head"
    assert run.caller.body.count(b"data: [DONE]") == 1
    assert run.caller.body.count(b": penstock continued by m\n\n") == 1
    assert outcomes(world, run) == "broken_stream success"
    assert world.record(run).hops == 1
    assert [one.seam for one in world.record(run).attempts] == ["", "anchor"]


def test_an_operators_own_prompt_is_used() -> None:
    world = World()
    continuation = Continuation(prompt="Onward from <{anchor}>!")
    run = world.start(world.route("a", "b", continuation=continuation))
    begin(world, run)
    world.line.fail(RESET)
    asked = msgspec.json.decode(world.line.attempt.body)
    assert asked["messages"][2]["content"] == f"Onward from <{anchor_of(STORY[:60])}>!"


def test_a_model_that_takes_a_prefill_is_given_one() -> None:
    world = World()
    world.upstream("b", dialect=DIALECTS["anthropic_messages"])
    run = ask(world, "a", Spec("b", "claude-haiku-4-5"))
    begin(world, run)
    world.line.fail(RESET)
    asked = msgspec.json.decode(world.line.attempt.body)
    assert [one["role"] for one in asked["messages"]] == ["user", "assistant"]
    go_on(world, run)
    has_ended_well(world, run)
    assert world.record(run).attempts[1].seam == "blunt"


@pytest.mark.parametrize("before", NAMES)
@pytest.mark.parametrize("after", NAMES)
@pytest.mark.parametrize("caller", NAMES)
def test_any_dialects_make_one_answer(caller: str, before: str, after: str) -> None:
    world = World()
    world.upstream("a", dialect=DIALECTS[before])
    world.upstream("b", dialect=DIALECTS[after])
    run = world.start(world.route("a", "b", continuation=CONTINUATION), dialect=DIALECTS[caller])
    begin(world, run)
    world.line.fail(RESET)
    go_on(world, run)
    has_ended_well(world, run)


@pytest.mark.parametrize("policy", [Policy.ORDER, Policy.LOAD, Policy.WEIGHT])
def test_the_same_model_is_preferred(policy: Policy) -> None:
    for seed in range(8):
        world = World(seed)
        first = Spec("a", "x", weight=1e9)
        route = world.route(
            first,
            Spec("b", "y"),
            Spec("c", "x", weight=1e-9),
            policy=policy,
            continuation=CONTINUATION,
        )
        if policy is Policy.LOAD:
            world.target(Spec("b", "y")).state.load.observe(9.0, world.now_s)
            world.target(Spec("c", "x")).state.load.observe(9.0, world.now_s)
        run = world.start(route)
        if world.dialled() != "a":
            continue
        begin(world, run)
        world.line.fail(RESET)
        assert world.dialled() == "a c"
        world.line.answer(500, b"")
        assert world.dialled() == "a c b"


def test_the_model_that_began_stays_the_preferred_one() -> None:
    world = World()
    world.upstream("c", concurrency=1)
    busy = world.start(world.route("c"))
    run = ask(world, Spec("a", "x"), Spec("b", "y"), Spec("d", "y"), Spec("c", "x"))
    begin(world, run)
    world.line.fail(RESET)
    world.line.sse()
    world.line.chunk(part(world.line, run, rest_of(run, world.line)[:110]))
    world.hang_up(busy)
    world.line.fail(RESET)
    assert world.dialled() == "c a b c"
    assert world.dialer.lines[2].attempt.first_token_at_s


@pytest.mark.parametrize("policy", [Policy.ORDER, Policy.LOAD])
@pytest.mark.parametrize("floor_per_s", [0.0, 10.0])
def test_another_model_is_asked_where_the_same_one_is_busy(
    policy: Policy, floor_per_s: float
) -> None:
    world = World(floor_per_s=floor_per_s)
    world.upstream("c", concurrency=1)
    busy = world.start(world.route(Spec("c", "x"), continuation=CONTINUATION))
    route = world.route(Spec("a", "x"), policy=policy, continuation=CONTINUATION)
    route.targets += [world.target(Spec("b", "y")), world.target(Spec("c", "x"))]
    world.target(Spec("b", "y")).state.load.observe(9.0, world.now_s)
    run = world.start(route)
    assert world.dialled() == "c a"
    begin(world, run)
    world.line.fail(RESET)
    assert world.dialled() == "c a b"
    go_on(world, run)
    world.hang_up(busy)
    has_ended_well(world, run)


def test_two_may_go_on_and_no_more() -> None:
    world = World()
    run = ask(world, "a", "b", "c", "d")
    begin(world, run)
    for hop in range(HOPS_MAX):
        world.line.fail(RESET)
        assert len(world.dialer.lines) == hop + 2
        rest = rest_of(run, world.line)
        world.line.sse()
        world.line.chunk(part(world.line, run, rest[:110]))
        assert world.line.attempt.first_token_at_s
    had = said(run)
    world.line.fail(RESET)
    assert world.dialled() == "a b c"
    assert said(run) == had
    has_broken(world, run)
    assert world.record(run).hops == 2


@pytest.mark.parametrize("cut", range(0, 700, 35))
def test_a_second_break_at_any_byte_of_the_hop(cut: int) -> None:
    world = World()
    run = ask(world)
    begin(world, run)
    world.line.fail(RESET)
    world.line.sse()
    world.line.chunk(stream(world.line, answer_of(rest_of(run, world.line)))[:cut])
    assert STORY.startswith(said(run))
    world.line.fail(RESET)
    assert world.dialled() == "a b c"
    assert b"continue" in world.line.attempt.body or world.line.attempt.continuation is not None
    go_on(world, run)
    has_ended_well(world, run)
    assert outcomes(world, run) == "broken_stream broken_stream success"
    record = world.record(run)
    is_hop = record.attempts[1].ttft_s > 0 or world.dialer.lines[1].attempt.first_token_at_s > 0
    assert record.hops == 1 + is_hop


FAILING: list[tuple[Callable[[Line], None], str]] = [
    (lambda line: line.answer(500, problem("no")), "server_error"),
    (lambda line: line.answer(429, problem("no"), retry_after="90"), "quota"),
    (lambda line: line.answer(400, problem("no")), "rejected"),
    (lambda line: line.answer(400, problem("no", "context_length_exceeded")), "context_length"),
    (lambda line: line.answer(200, whole("Hello")), "broken_stream"),
    (lambda line: line.answer(200, error()[6:-2]), "server_error"),
    (lambda line: line.answer(200, b"<html>", content_type="text/html"), "broken_stream"),
    (lambda line: line.stream(role(), error()), "server_error"),
    (lambda line: line.stream(), "broken_stream"),
    (lambda line: line.stream(DONE), "broken_stream"),
    (lambda line: line.fail(FailureKind.UNREACHABLE), "unreachable"),
    (lambda line: line.stream(b"data: {torn\n\n"), "broken_stream"),
]


@pytest.mark.parametrize(("how", "kind"), FAILING)
def test_a_hop_that_fails_is_followed_by_another(how: Callable[[Line], None], kind: str) -> None:
    world = World()
    run = ask(world, "a", "b", Spec("c", context=100_000))
    begin(world, run)
    had = run.caller.body
    world.line.fail(RESET)
    how(world.line)
    assert run.caller.body == had
    assert world.dialled() == "a b c"
    go_on(world, run)
    has_ended_well(world, run)
    assert outcomes(world, run) == f"broken_stream {kind} success"
    assert world.record(run).hops == 1


def test_a_hop_that_says_nothing_has_the_limits_of_any_attempt() -> None:
    world = World()
    run = ask(world)
    begin(world, run)
    world.line.fail(RESET)
    world.advance(TIMEOUTS.connect_s)
    assert world.dialled() == "a b c"
    world.line.sse()
    world.advance(TIMEOUTS.first_token_s - 0.1)
    world.line.chunk(PING)
    assert not run.is_done
    world.advance(0.1)
    assert outcomes_so_far(world) == "broken_stream unreachable timed_out"
    assert world.dialer.lines[0].attempt.outcome is not None
    until(world, run, 4)  # one more round, after a backoff
    go_on(world, run)
    has_ended_well(world, run)


def outcomes_so_far(world: World) -> str:
    """Return the kinds of failure of all attempts that are over."""
    kinds = [getattr(line.attempt.outcome, "kind", None) for line in world.dialer.lines]
    return " ".join(kind.value for kind in kinds if kind is not None)


def test_a_break_by_silence_is_gone_on_with() -> None:
    world = World()
    run = ask(world)
    begin(world, run)
    world.advance(TIMEOUTS.between_tokens_s)
    assert world.dialled() == "a b"
    go_on(world, run)
    has_ended_well(world, run)
    assert outcomes(world, run) == "stalled success"


@pytest.mark.parametrize(
    "last",
    [
        error(),
        error("full", "server_is_overloaded"),
        TORN,
        DONE,
    ],
)
def test_an_error_in_the_stream_is_gone_on_with(last: bytes) -> None:
    for is_apart in (True, False):
        world = World()
        run = ask(world)
        begin(world, run)
        if is_apart:
            world.line.chunk(last)
        else:
            choice = {"index": 0, "delta": {"content": STORY[60:66]}}
            world.line.chunk(event(id="chatcmpl-one", choices=[choice]) + last)
        assert world.dialled() == "a b"
        assert b'"error"' not in run.caller.body
        go_on(world, run)
        has_ended_well(world, run)


def test_text_and_the_end_of_a_hop_in_one_chunk_are_not_lost() -> None:
    world = World()
    run = ask(world)
    begin(world, run)
    world.line.fail(RESET)
    rest = rest_of(run, world.line)
    world.line.sse()
    world.line.chunk(part(world.line, run, rest[:120]) + error())
    assert len(said(run)) > 60, "what came before the error went out"
    assert world.dialled() == "a b c"
    go_on(world, run)
    has_ended_well(world, run)
    assert world.record(run).hops == 2


# --- who is not asked


def test_a_continuation_that_begins_anew_is_never_spliced() -> None:
    world = World()
    run = ask(world)
    begin(world, run, 150)
    had = said(run)
    world.line.chunk(error("the first failure"))
    world.line.sse()
    world.line.chunk(stream(world.line, answer_of(STORY[:90] + "though it was late. " * 20)))
    assert said(run) == had
    assert world.dialled() == "a b"
    has_broken(world, run)
    assert told(run)[0].startswith("the first failure"), "the break is what happened"
    assert outcomes(world, run) == "server_error rejected"
    assert world.record(run).attempts[1].seam == "restarted"


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
        {"logprobs": True},
    ],
)
def test_what_cannot_be_gone_on_with_is_broken_at_once(fields: dict[str, object]) -> None:
    world = World()
    run = world.start(world.route("a", "b", continuation=CONTINUATION), fields=fields)
    begin(world, run)
    world.line.chunk(error("the first failure"))
    assert world.dialled() == "a"
    has_broken(world, run)
    assert told(run) == ["the first failure. What has come so far is not complete; ask again."]


def test_a_break_that_is_not_gone_on_with_costs_no_retry() -> None:
    for continuation in (None, CONTINUATION):
        world = World()
        fields: dict[str, object] = {"n": 2}
        run = world.start(world.route("a", continuation=continuation), fields=fields)
        begin(world, run)
        world.line.fail(RESET)
        has_broken(world, run)
        assert world.budget.spent == 0


def test_whole_answers_are_not_gone_on_with() -> None:
    world = World()
    run = world.start(world.route("a", continuation=CONTINUATION), is_stream=False)
    world.line.answer(200, whole(STORY))
    assert run.caller.ended_by == "answer"
    world.check_rest()


def test_who_wants_no_failover_wants_none_in_the_middle_either() -> None:
    world = World()
    run = world.start(world.route("a", "b", continuation=CONTINUATION), may_fail_over=False)
    begin(world, run)
    world.line.fail(RESET)
    assert world.dialled() == "a"
    has_broken(world, run)


def test_an_operator_may_name_the_failures_that_are_gone_on_with() -> None:
    world = World()
    run = world.start(world.route("a", "b", failover_on=("overloaded",), continuation=CONTINUATION))
    begin(world, run)
    world.line.fail(RESET)
    has_broken(world, run)


def test_the_only_upstream_is_asked_again() -> None:
    world = World()
    run = ask(world, "a")
    begin(world, run)
    world.line.fail(RESET)
    assert world.dialled() == "a"
    until(world, run, 2)
    assert world.dialled() == "a a"
    go_on(world, run)
    has_ended_well(world, run)
    assert world.budget.spent == 1


def test_without_a_budget_nobody_is_asked_again() -> None:
    world = World(floor_per_s=0.0)
    while world.budget.try_spend(world.now_s):
        pass
    run = ask(world, "a")
    while world.budget.try_spend(world.now_s):
        pass
    begin(world, run)
    world.line.fail(RESET)
    has_broken(world, run)
    assert world.dialled() == "a"


@pytest.mark.parametrize("more", ["", "b"])
def test_a_quota_in_the_middle_ends_once(more: str) -> None:
    world = World()
    run = ask(world, *["a", more][: 1 + bool(more)])
    begin(world, run)
    world.line.chunk(error("slow down", "rate_limit_exceeded"))
    for _ in range(40):
        if run.is_done:
            break
        line = world.line
        if line.attempt.outcome is None:
            line.answer(429, problem("slow down", "rate_limit_exceeded"), retry_after="3")
        world.advance(0.5)
    has_broken(world, run, "no_capacity")
    assert world.now_s < run.deadline_s
    assert len(world.dialer.lines) <= 4


def test_attempts_are_bounded_over_all_hops() -> None:
    world = World()
    route = world.route("a", "b", "c", attempts_max=2, continuation=CONTINUATION)
    run = world.start(route)
    begin(world, run)
    world.line.fail(RESET)
    world.line.answer(500, b"")
    has_broken(world, run)
    assert world.dialled() == "a b"


# --- the answer's own end


def test_a_break_at_the_output_limit_is_the_end() -> None:
    world = World()
    run = world.start(world.route("a", "b", continuation=CONTINUATION), fields={"max_tokens": 15})
    begin(world, run)
    world.line.fail(RESET)
    assert world.dialled() == "a"
    assert run.caller.body.endswith(DONE)
    assert b'"finish_reason":"length"' in run.caller.body
    has_ended_well(world, run, STORY[:60])
    assert outcomes(world, run) == "broken_stream"
    record = world.record(run)
    assert record.finish_reason == "length"
    assert record.is_estimated
    assert record.hops == 0
    assert world.budget.spent == 0


def test_half_a_call_is_no_end_at_the_output_limit() -> None:
    world = World()
    route = world.route("a", "b", continuation=Continuation(holds_calls=False))
    run = world.start(route, fields={"max_tokens": 15})
    begin(world, run)
    call = {"index": 0, "id": "call_0", "function": {"name": "look", "arguments": "{"}}
    world.line.chunk(event(choices=[{"index": 0, "delta": {"tool_calls": [call]}}]))
    world.line.fail(RESET)
    has_broken(world, run)


def test_a_break_before_the_output_limit_is_gone_on_with() -> None:
    world = World()
    run = world.start(world.route("a", "b", continuation=CONTINUATION), fields={"max_tokens": 16})
    begin(world, run)
    world.line.fail(RESET)
    assert world.dialled() == "a b"


def test_a_stop_sequence_across_the_seam_ends_the_answer() -> None:
    world = World()
    run = world.start(
        world.route("a", "b", continuation=CONTINUATION), fields={"stop": [STORY[50:70]]}
    )
    begin(world, run)
    world.line.fail(RESET)
    world.line.sse()
    rest = rest_of(run, world.line)
    world.line.chunk(part(world.line, run, rest))
    had = said(run)
    assert STORY[:60] == had[:60]
    assert b'"finish_reason":"stop"' in run.caller.body
    world.line.chunk(error())
    world.advance(FINISH_S)
    has_ended_well(world, run, had)
    assert world.record(run).finish_reason == "stop_sequence"
    assert outcomes(world, run) == "broken_stream success"


def test_an_error_in_the_chunk_that_holds_the_stop_sequence_changes_nothing() -> None:
    world = World()
    run = world.start(
        world.route("a", "b", continuation=CONTINUATION), fields={"stop": [STORY[50:70]]}
    )
    begin(world, run)
    world.line.fail(RESET)
    world.line.sse()
    rest = rest_of(run, world.line)
    world.line.chunk(part(world.line, run, rest) + error())
    world.advance(FINISH_S)
    has_ended_well(world, run, said(run))
