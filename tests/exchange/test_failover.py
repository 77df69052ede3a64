"""Who is asked next: by the kind of failure, what was tried, the budget and the time."""

import itertools

import msgspec
import pytest
from tests.exchange.world import (
    DONE,
    QUEUE_S,
    TIMEOUTS,
    Run,
    Spec,
    World,
    problem,
    stop,
    text,
)

from penstock.config.model import Breaker, Feature
from penstock.core.backoff import FIRST_S
from penstock.core.circuit_breaker import Permit
from penstock.core.errors import CallerError, ShedError
from penstock.core.outcome import RULES, Failure, FailureKind, Next
from penstock.dialects.registry import DIALECTS
from penstock.exchange.attempt import Attempt
from penstock.exchange.demand import Grant
from penstock.exchange.failover import CONTRACT_REPEATS_MAX, Failover
from penstock.exchange.machine import State
from penstock.exchange.target import Target
from penstock.sim.exchange import NOBODY

ANTHROPIC = DIALECTS["anthropic_messages"]
TOO_LONG = problem("too long", "context_length_exceeded")
SLOW_DOWN = problem("slow down", "rate_limit_exceeded")
OOPS = problem("oops")
GOOD = (text("Hello"), stop(), DONE)
# A tool choice that names no form: the other dialect cannot say it, this one passes it on.
UNTRANSLATABLE: dict[str, object] = {"tool_choice": {"type": "riddle"}}


def poor() -> World:
    """Return a world in which nothing can be spent on repeats."""
    made = World(floor_per_s=0.0)
    assert made.budget.try_spend(made.now_s)  # the burst
    return made


def outcomes(world: World, run: Run) -> str:
    return " ".join(one.outcome for one in world.record(run).attempts)


# --- by kind


@pytest.mark.parametrize("kind", list(FailureKind))
def test_where_a_failure_goes_is_what_the_rules_say(kind: FailureKind) -> None:
    world = World()
    world.start(world.route("a", "b"))
    world.line.fail(kind)
    then = RULES[kind].then
    expected = {Next.NOWHERE: "a", Next.LARGER_CONTEXT: "a", Next.REPEAT: "a a"}
    assert world.dialled() == expected.get(then, "a b")


@pytest.mark.parametrize("kind", list(FailureKind))
def test_whether_the_same_is_asked_again_is_what_the_rules_say(kind: FailureKind) -> None:
    world = World(breaker=Breaker(failures_min=100.0))
    run = world.start(world.route("a"))
    world.line.fail(kind)
    world.advance(FIRST_S)
    repeats = (Next.REPEAT, Next.ELSEWHERE_OR_REPEAT)
    assert world.dialled() == ("a a" if RULES[kind].then in repeats else "a")
    assert run.is_done == (RULES[kind].then not in repeats)


def test_a_dead_pooled_connection_is_replaced_at_once_once_and_for_free() -> None:
    world = poor()
    run = world.start(world.route("a", "b", "c"))
    for _ in range(4):
        world.line.fail(FailureKind.STALE)
    assert world.dialled() == "a a b"
    assert run.caller.status == 502


def test_dead_pooled_connections_count_from_the_second_on() -> None:
    world = World(floor_per_s=100.0)
    run = world.start(world.route(*"abcdefgh"))
    while not run.is_done:
        world.line.fail(FailureKind.STALE)
        world.advance(FIRST_S)
    assert world.dialled() == "a a b c d"


def test_a_dead_pooled_connection_does_not_make_it_wait_while_others_are_free() -> None:
    world = World()
    world.upstream("a", 1)
    first = world.start(world.route("a", "b"))
    waiting = world.start(world.route("a"))
    world.dialer.lines[0].fail(FailureKind.STALE)
    assert waiting.exchange.state is State.DIALLING, "who waits has the slot"
    world.advance(FIRST_S)
    assert first.exchange.state is State.DIALLING
    assert world.dialled() == "a a b"


# --- attempts, budget, settings


def test_attempts_have_a_hard_cap() -> None:
    world = World(floor_per_s=100.0)
    run = world.start(world.route(*"abcdef", attempts_max=3))
    while not run.is_done:
        world.line.answer(500, OOPS)
    assert world.dialled() == "a b c"


def test_the_first_failover_is_free_and_the_next_is_not() -> None:
    world = poor()
    run = world.start(world.route("a", "b", "c"))
    world.line.answer(500, OOPS)
    world.line.answer(500, OOPS)
    assert world.dialled() == "a b"
    assert run.caller.status == 502
    assert world.budget.spent == 1
    assert world.budget.exhausted == 1


def test_a_repeat_is_paid_for_and_waits() -> None:
    world = World()
    run = world.start(world.route("a"))
    began_s = world.now_s
    world.line.answer(500, OOPS)
    assert run.exchange.state is State.QUEUED
    world.advance(FIRST_S / 4 - 0.001)
    assert world.dialled() == "a"
    world.advance(FIRST_S)
    assert world.dialled() == "a a"
    assert FIRST_S / 4 <= world.line.attempt.dialled_at_s - began_s <= FIRST_S
    assert world.budget.spent == 1
    world.line.answer(500, OOPS)
    assert run.is_done, "one round of repeats, no more"


def test_a_repeat_without_budget_does_not_happen() -> None:
    world = poor()
    run = world.start(world.route("a"))
    world.line.answer(500, OOPS)
    assert run.caller.status == 502


def test_who_would_not_do_better_is_left_out_of_every_later_round() -> None:
    world = World(floor_per_s=100.0)
    run = world.start(world.route("a", "b"))
    world.line.sent()
    world.advance(TIMEOUTS.first_token_s)  # a is silent
    world.line.answer(500, OOPS)  # b may do better
    world.advance(FIRST_S)
    world.line.answer(500, OOPS)
    world.advance(10.0)
    assert world.dialled() == "a b b"
    assert outcomes(world, run) == "timed_out server_error server_error"


@pytest.mark.parametrize(("status", "dialled"), [(503, "a b"), (500, "a"), (429, "a")])
def test_only_the_kinds_that_the_operator_names_go_on(status: int, dialled: str) -> None:
    world = World()
    run = world.start(world.route("a", "b", failover_on=("overloaded",)))
    world.line.answer(status, problem("no"))
    assert world.dialled() == dialled
    assert run.is_done == (dialled == "a")


@pytest.mark.parametrize("kind", list(FailureKind))
def test_a_caller_may_switch_failover_off(kind: FailureKind) -> None:
    world = World()
    run = world.start(world.route("a", "b"), may_fail_over=False)
    world.line.fail(kind)
    if kind is FailureKind.STALE:  # our own socket had died: nobody has been asked yet
        assert world.dialled() == "a a"
        world.line.fail(kind)
    assert "b" not in world.dialled()
    assert run.is_done


# --- waiting for what asked to be left alone


def test_the_limited_one_is_left_alone_until_it_said() -> None:
    world = World()
    world.start(world.route("a", "b"))
    world.line.answer(429, SLOW_DOWN, retry_after="3")
    for wait_s, expected in ((0.0, "b"), (2.9, "b"), (0.2, "a")):
        world.advance(wait_s)
        world.start(world.route("a", "b"))
        assert world.line.upstream == expected


def test_when_all_are_cooling_it_waits_for_the_earliest() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    began_s = world.now_s
    world.line.answer(429, SLOW_DOWN, retry_after="4")
    world.line.answer(429, SLOW_DOWN, retry_after="2")
    world.advance(2.0)
    assert world.dialled() == "a b b"
    assert world.line.attempt.dialled_at_s == began_s + 2.0
    world.line.stream(*GOOD)
    assert run.caller.ended_by == "end"
    assert world.record(run).queued_s == pytest.approx(2.0)
    assert all(state.breaker.opened == 0 for state in world.states.values())


def test_a_new_exchange_waits_for_a_cooling_upstream_too() -> None:
    world = World()
    world.start(world.route("a", "b"), may_fail_over=False)
    world.line.answer(429, SLOW_DOWN, retry_after="3")
    run = world.start(world.route("a"))
    world.advance(3.0)
    world.line.stream(*GOOD)
    assert run.caller.ended_by == "end"


def test_a_refused_key_rests_every_model_of_the_upstream() -> None:
    world = World()
    world.start(world.route(Spec("a", "one"), "b"))
    world.line.answer(401, problem("bad key", "invalid_api_key"))
    world.start(world.route(Spec("a", "other"), "b"))
    assert world.dialled() == "a b b"
    world.advance(30.0)
    world.start(world.route(Spec("a", "other"), "b"))
    assert world.line.upstream == "a"


def test_the_others_are_all_busy_so_it_waits_for_any() -> None:
    world = World()
    world.upstream("b", 1)
    busy = world.start(world.route("b"))
    run = world.start(world.route("a", "b"))
    world.line.sent()
    world.advance(1.0 - 0.001)
    world.dialer.lines[0].sent()
    world.dialer.lines[1].fail(FailureKind.TIMED_OUT)
    world.advance(FIRST_S)
    assert run.exchange.is_waiting
    world.hang_up(busy)
    assert world.dialled() == "b a b"


def test_from_the_second_round_on_those_are_asked_who_are_only_full() -> None:
    """Under a contract: whoever has failed twice is not asked a third time beside a full one."""
    world = World()
    route = world.route("a", "b")
    run = world.start(route)
    failing, full = route.targets
    found = Failover(
        route,
        route.targets,
        world.budget,
        world.chance,
        is_allowed=True,
        repeats_max=CONTRACT_REPEATS_MAX,
    )
    asked: list[list[Target]] = []
    for number in (1, 2):
        attempt = Attempt(NOBODY, Grant(failing, Permit(0), run.exchange, 0.0), number, 0.0)
        plan = found.after(attempt, Failure(FailureKind.OVERLOADED, "overloaded", 529), 0.0)
        assert plan is not None
        assert plan.targets == [full]
        again = found.when_refused(0.0)
        assert again is not None
        assert again.waits
        asked.append(again.targets)
    assert asked == [[failing, full], [full]]


@pytest.mark.parametrize("repeats_max", [0, 1])
def test_who_may_repeat_nothing_still_queues_for_those_that_are_only_full(
    repeats_max: int,
) -> None:
    """The load of an upstream that dies goes into the queues of the others, whoever pays."""
    world = poor()
    world.upstream("b", 1)
    route = world.route("a", "b")
    run = world.start(route)
    failing, full = route.targets
    found = Failover(
        route, route.targets, world.budget, world.chance, is_allowed=True, repeats_max=repeats_max
    )
    attempt = Attempt(NOBODY, Grant(failing, Permit(0), run.exchange, 0.0), 1, 0.0)
    plan = found.after(attempt, Failure(FailureKind.OVERLOADED, "overloaded", 529), 0.0)
    assert plan is not None
    assert not plan.waits
    queued = found.when_refused(0.0)
    assert queued is not None
    assert queued.waits
    assert queued.targets == [full]
    attempt = Attempt(NOBODY, Grant(full, Permit(0), run.exchange, 0.0), 2, 0.0)
    assert found.after(attempt, Failure(FailureKind.OVERLOADED, "overloaded", 529), 0.0) is None


def test_without_budget_it_waits_for_the_one_that_has_not_failed() -> None:
    world = poor()
    world.upstream("b", 1)
    busy = world.start(world.route("b"))
    run = world.start(world.route("a", "b"))
    world.dialer.lines[1].fail(FailureKind.UNREACHABLE)
    assert run.exchange.is_waiting
    world.hang_up(busy)
    assert world.dialled() == "b a b"


@pytest.mark.parametrize(("repeats_max", "may"), [(CONTRACT_REPEATS_MAX, True), (1, False)])
def test_a_contract_asks_again_when_others_have_spent_the_budget(
    repeats_max: int, *, may: bool
) -> None:
    world = poor()
    route = world.route("a")
    run = world.start(route)
    found = Failover(
        route,
        list(route.targets),
        world.budget,
        world.chance,
        is_allowed=True,
        repeats_max=repeats_max,
    )
    attempt = Attempt(NOBODY, Grant(route.targets[0], Permit(0), run.exchange, 0.0), 1, 0.0)
    plan = found.after(attempt, Failure(FailureKind.OVERLOADED, "overloaded", 529), 0.0)
    assert (plan is not None) == may


def test_a_wait_after_an_attempt_that_ends_in_vain_tells_the_failure() -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.answer(429, SLOW_DOWN, retry_after="20")
    world.advance(FIRST_S)
    assert run.caller.status == 503
    assert outcomes(world, run) == "quota"


# --- too long for this model


def test_what_is_too_long_goes_to_larger_contexts_alone() -> None:
    world = World(floor_per_s=100.0)
    specs = [Spec("a", context=8000), Spec("b", context=4000), Spec("c", context=32000)]
    run = world.start(world.route(*specs, Spec("d")))
    world.line.answer(400, TOO_LONG)
    assert world.dialled() == "a c"
    world.line.answer(500, OOPS)
    world.advance(FIRST_S)
    assert world.dialled() == "a c c", "b is too small now, whatever c answers"
    world.line.stream(*GOOD)
    assert outcomes(world, run) == "context_length server_error success"


def test_too_long_for_the_largest_is_told_as_sent() -> None:
    world = World()
    run = world.start(world.route(Spec("a", context=8000), "b"))
    world.line.answer(400, TOO_LONG)
    assert world.dialled() == "a"
    assert (run.caller.status, run.caller.body) == (400, TOO_LONG)
    assert world.states["a", "m"].breaker.opened == 0


# --- between dialects


def anthropic_stream(content: str) -> bytes:
    """Return a whole stream in the other dialect."""
    message: dict[str, object] = {"id": "m", "type": "message", "role": "assistant", "model": "c"}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None}
    message |= {"usage": {"input_tokens": 11, "output_tokens": 1}}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    events: list[dict[str, object]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": content},
        },
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (str(one["type"]).encode(), msgspec.json.encode(one))
        for one in events
    )


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_another_dialect_answers_when_the_first_fails(size: int) -> None:
    world = World()
    world.upstream("b", dialect=ANTHROPIC)
    run = world.start(world.route("a", "b"), fields={"seed": 3})
    world.line.answer(500, OOPS)
    raw = anthropic_stream("Hello")
    world.line.sse()
    for at in range(0, len(raw), size):
        world.line.chunk(raw[at : at + size])
    assert run.caller.ended_by == "end"
    assert b'"content":"Hello"' in run.caller.body
    assert run.caller.body.endswith(DONE)
    assert b"x-penstock-dropped: seed\r\n" in run.caller.headers
    record = world.record(run)
    assert (record.input_tokens, record.output_tokens, record.is_estimated) == (11, 4, False)
    assert record.dropped == ("seed",)


def test_a_translated_stream_that_is_cut_is_a_break() -> None:
    world = World()
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a"))
    raw = anthropic_stream("Hello")
    world.line.stream(raw[: raw.index(b"event: message_delta")])
    assert run.caller.ended_by == "abort"
    assert run.caller.body.count(b'data: {"error":') == 1
    assert DONE not in run.caller.body


@pytest.mark.parametrize("late", [b"event: error\ndata: {}\n\n", b"data: {torn\n\n"])
def test_a_translated_answer_that_is_complete_stays_complete(late: bytes) -> None:
    world = World()
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a"))
    raw = anthropic_stream("Hello")
    world.line.sse()
    world.line.chunk(raw[: raw.index(b"event: message_stop")])
    world.line.chunk(late)
    world.line.complete()
    assert run.caller.ended_by == "end"
    assert run.caller.body.endswith(DONE)


def test_what_our_translation_was_refused_for_goes_elsewhere() -> None:
    world = World()
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a", "b"))
    world.line.answer(400, b'{"type":"error","error":{"type":"invalid_request_error"}}')
    world.line.stream(*GOOD)
    assert outcomes(world, run) == "rejected success"


def test_a_refusal_of_a_translation_is_told_in_the_callers_dialect() -> None:
    world = World()
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a"))
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"no such thing"}}'
    world.line.answer(400, body)
    assert run.caller.ended_by == "refuse"
    assert run.caller.status == 400
    assert run.caller.error is not None
    assert run.caller.error.message == "a refused our translation: no such thing"
    assert run.caller.error.code == "translation_refused"


REFUSAL = b'{"type":"error","error":{"type":"invalid_request_error","message":"no such thing"}}'


def test_a_refused_translation_does_not_hide_the_failure_before_it() -> None:
    world = poor()
    world.upstream("b", dialect=ANTHROPIC)
    run = world.start(world.route("a", "b"))
    world.line.answer(503, OOPS)
    world.line.answer(400, REFUSAL)
    assert outcomes(world, run) == "overloaded rejected"
    assert run.caller.status == 503, "the caller's request was good: it may come back"
    assert run.caller.error is not None
    assert "no such thing" not in run.caller.error.message


def test_who_failed_before_a_refused_translation_is_asked_again() -> None:
    world = World()
    world.upstream("b", dialect=ANTHROPIC)
    run = world.start(world.route("a", "b"))
    world.line.answer(500, OOPS)
    world.line.answer(400, REFUSAL)
    world.advance(FIRST_S)
    world.line.stream(*GOOD)
    assert world.dialled() == "a b a"
    assert outcomes(world, run) == "server_error rejected success"


def test_what_fails_after_a_refused_translation_is_told() -> None:
    world = poor()
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a", "b"))
    world.line.answer(400, REFUSAL)
    world.line.answer(400, problem("you are wrong"))
    assert run.caller.ended_by == "answer"
    assert b"you are wrong" in run.caller.body, "as sent: this one was not translated"


def test_what_cannot_be_translated_asks_the_others() -> None:
    world = World()
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a", "b"), fields=UNTRANSLATABLE)
    assert world.dialled() == "b"
    world.line.stream(*GOOD)
    assert len(world.record(run).attempts) == 1
    world.check_rest()


def test_what_nobody_can_translate_is_refused_by_name() -> None:
    world = World()
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a"), fields=UNTRANSLATABLE)
    assert isinstance(run.caller.error, CallerError)
    assert run.caller.error.param == "tool_choice"
    assert run.caller.status == 400
    assert world.dialer.lines == []
    world.check_rest()


def test_while_another_could_do_it_the_request_is_not_called_impossible() -> None:
    world = World()
    world.upstream("a", dialect=ANTHROPIC)
    world.upstream("b", 1)
    world.start(world.route("b"), is_stream=False)
    run = world.start(world.route("a", "b"), fields=UNTRANSLATABLE)
    world.line.sent()
    world.advance(QUEUE_S)
    assert isinstance(run.caller.error, ShedError)
    assert run.caller.status == 503


def test_what_cannot_be_translated_after_a_failure_is_no_free_repeat() -> None:
    world = World()
    world.upstream("b", dialect=ANTHROPIC)
    began_s = world.now_s
    run = world.start(world.route("a", "b"), fields=UNTRANSLATABLE)
    world.line.answer(500, OOPS)
    assert world.dialled() == "a"
    world.advance(FIRST_S)
    assert world.dialled() == "a a"
    assert world.line.attempt.dialled_at_s >= began_s + FIRST_S / 4
    assert world.budget.spent == 1
    world.line.stream(*GOOD)
    assert outcomes(world, run) == "server_error success"


# --- what the request needs


def test_who_lacks_what_is_needed_is_never_asked() -> None:
    world = World()
    tools: dict[str, object] = {"tools": [{"type": "function", "function": {"name": "f"}}]}
    specs = [Spec("a", lacks=(Feature.TOOLS,)), Spec("b", lacks=(Feature.IMAGES,))]
    run = world.start(world.route(*specs), fields=tools)
    assert world.dialled() == "b"
    refused = world.start(world.route(specs[0]), fields=tools)
    assert isinstance(refused.caller.error, CallerError)
    assert not run.is_done


def test_every_attempt_has_its_own_line_and_is_told_apart() -> None:
    world = World(floor_per_s=100.0)
    run = world.start(world.route("a", "b", "c"))
    world.advance(0.5)
    for status in (500, 503):
        world.line.answer(status, OOPS, x_request_id=f"id-{status}")
    world.line.stream(*GOOD)
    attempts = world.record(run).attempts
    assert [one.status for one in attempts] == [500, 503, 200]
    assert [one.request_id for one in attempts] == ["id-500", "id-503", ""]
    starts = [one.dialled_s for one in attempts]
    assert all(one <= other for one, other in itertools.pairwise(starts))
