"""The failure checklist at the wire, line by line, as far as it concerns one exchange."""

import msgspec
import pytest
from tests.exchange.world import (
    DONE,
    PING,
    QUEUE_S,
    Run,
    Spec,
    World,
    error,
    problem,
    role,
    stop,
    text,
    usage,
    whole,
)

from penstock.config.model import Breaker
from penstock.core.claim import ANYONE
from penstock.core.errors import RETRY_AFTER_MAX_S, CallerError, ShedError, UpstreamError
from penstock.core.outcome import FailureKind
from penstock.dialects.registry import DIALECTS
from penstock.exchange.answering import ERROR_BYTES_MAX
from penstock.exchange.telling import HELD_BYTES_MAX

ANTHROPIC = DIALECTS["anthropic_messages"]
GOOD = (role(), text("Hello"), stop(), usage(3, 5), DONE)
CODES = {502: "upstream_failed", 503: "no_capacity"}
SLOW_DOWN = problem("slow down", "rate_limit_exceeded")


def kinds(world: World, run: Run) -> str:
    return " ".join(one.outcome for one in world.record(run).attempts)


# --- before the first content: another upstream answers, and the caller sees nothing of it


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "quota"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "overloaded"),
        (529, "overloaded"),
        (498, "shared_capacity"),
        (401, "account"),
        (402, "account"),
        (403, "account"),
        (404, "misconfigured"),
        (301, "misconfigured"),
        (408, "timed_out"),
        (504, "timed_out"),
        (409, "conflict"),
    ],
)
def test_a_status_goes_on_to_the_next_upstream(status: int, kind: str) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.answer(status, problem("no"))
    world.line.stream(*GOOD)
    assert world.dialled() == "a b"
    assert run.caller.body == b"".join([*GOOD[:3], DONE])
    assert kinds(world, run) == f"{kind} success"
    assert b"x-penstock-upstream: b\r\n" in run.caller.headers
    assert b"x-penstock-attempts: 2\r\n" in run.caller.headers
    world.check_rest()


@pytest.mark.parametrize("kind", ["reset", "unreachable", "broken_stream"])
def test_a_lost_connection_goes_on_to_the_next_upstream(kind: str) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.fail(FailureKind(kind))
    world.line.stream(*GOOD)
    assert kinds(world, run) == f"{kind} success"


@pytest.mark.parametrize(
    ("events", "kind"),
    [
        ([role(), error()], "server_error"),
        ([role(), error("full", "server_is_overloaded")], "overloaded"),
        ([role(), text("Hel") + error()], "server_error"),
        ([role(), b"data: {torn\n\n"], "broken_stream"),
        ([role()], "broken_stream"),
        ([], "broken_stream"),
        ([DONE], "broken_stream"),
    ],
)
def test_a_stream_that_fails_before_content_is_never_seen(events: list[bytes], kind: str) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.sse()
    for event in events:
        world.line.chunk(event)
    if world.dialled() == "a":
        world.line.complete()
    assert not run.caller.is_started
    world.line.stream(*GOOD)
    assert run.caller.body == b"".join([*GOOD[:3], DONE])
    assert kinds(world, run) == f"{kind} success"


def test_what_was_held_of_a_failed_attempt_is_not_told() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.sse()
    world.line.chunk(PING + role())
    world.line.fail(FailureKind.RESET)
    world.line.stream(text("Hello"), stop(), DONE)
    assert run.caller.body == text("Hello") + stop() + DONE


def test_no_more_than_the_bound_is_held() -> None:
    world = World()
    run = world.start(world.route("a"), may_fail_over=False)
    world.line.sse()
    for _ in range(HELD_BYTES_MAX // 4000 + 1):
        world.line.chunk(b": " + b"x" * 4000 + b"\n\n")
    assert kinds(world, run) == "broken_stream"
    assert world.line.cancels == 1


@pytest.mark.parametrize("body", [b"<html>", whole("Hello")[:-2], b'{"choices": []}', b""])
def test_a_whole_answer_that_is_none_goes_on(body: bytes) -> None:
    world = World()
    run = world.start(world.route("a", "b"), is_stream=False)
    world.line.answer(200, body)
    world.line.answer(200, whole("Hello"))
    assert kinds(world, run) == "broken_stream success"
    assert run.caller.body == whole("Hello")


def test_a_whole_answer_is_held_until_it_is_whole() -> None:
    world = World()
    run = world.start(world.route("a", "b"), is_stream=False)
    world.line.head(content_type="application/json")
    world.line.chunk(whole("Hello")[:20])
    world.line.fail(FailureKind.BROKEN_STREAM)
    assert run.caller.pieces == []
    world.line.answer(200, whole("Good"))
    assert run.caller.body == whole("Good")


def test_a_whole_answer_has_a_bound() -> None:
    world = World()
    world.upstream("a", answer_bytes_max=1000)
    run = world.start(world.route("a", "b"), is_stream=False)
    world.line.head(content_type="application/json")
    world.line.chunk(b" " * 1000)
    world.line.chunk(b" ")
    assert [line.cancels for line in world.dialer.lines] == [1, 0]
    world.line.answer(200, whole("Hello"))
    assert kinds(world, run) == "broken_stream success"


@pytest.mark.parametrize("body", [whole("Hello"), error()[6:-2]])
def test_a_stream_was_asked_for_and_none_came(body: bytes) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.answer(200, body)
    world.line.stream(*GOOD)
    assert world.dialled() == "a b"
    assert run.caller.ended_by == "end"


def test_the_type_of_a_stream_is_read_in_any_case() -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.head(content_type="Text/Event-Stream")
    world.line.chunk(b"".join(GOOD))
    assert run.caller.ended_by == "end"


# --- after the first content


@pytest.mark.parametrize(
    ("events", "kind", "status"),
    [
        ([], "broken_stream", 502),
        ([error()], "server_error", 502),
        ([error("full", "server_is_overloaded")], "overloaded", 503),
        ([b'data: {"choices":[{"delta": {torn\n\n'], "broken_stream", 502),
        ([DONE], "broken_stream", 502),
        ([b"data: half an eve"], "broken_stream", 502),
    ],
)
def test_a_break_is_told_and_never_a_clean_end(events: list[bytes], kind: str, status: int) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.sse()
    for event in [role() + text("Hel"), *events]:
        world.line.chunk(event)
    world.line.complete()
    assert world.dialled() == "a"
    assert run.caller.ended_by == "abort"
    head = role() + text("Hel")
    assert run.caller.body.startswith(head + b'data: {"error":')
    assert DONE not in run.caller.body
    told = msgspec.json.decode(run.caller.body[len(head) + 6 :])
    assert "other upstreams" not in told["error"]["message"], "none has been tried"
    assert kinds(world, run) == kind
    record = world.record(run)
    assert (record.outcome, record.status) == ("broken", 200)
    assert record.code == CODES[status]


@pytest.mark.parametrize("junk", [b"what is this\n\n", b"data: {torn\n\n", b"junk\ndata: [1\n\n"])
def test_one_bad_line_never_kills_a_good_stream(junk: bytes) -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.stream(role(), text("Hel"), junk, text("lo"), stop(), DONE)
    assert run.caller.body == role() + text("Hel") + text("lo") + stop() + DONE
    assert world.record(run).junk_lines >= 1


@pytest.mark.parametrize("how", ["complete", "reset", "silence", "error", "torn", "pings"])
def test_after_the_finish_reason_an_answer_is_finished_whatever_comes(how: str) -> None:
    world = World()
    run = world.start(world.route("a"))
    world.line.sse()
    world.line.chunk(role() + text("Hi") + stop())
    began_s = world.now_s
    if how == "complete":
        world.line.complete()
    elif how == "reset":
        world.line.fail(FailureKind.BROKEN_STREAM)
    elif how == "error":
        world.line.chunk(error())
    elif how == "torn":
        world.line.chunk(b'data: {"choices":[torn\n\n')
    pings = 0
    while not run.is_done:
        assert world.now_s < began_s + 2.5
        if how == "pings":
            world.line.chunk(PING)
            pings += 1
        world.advance(0.25)
    assert run.caller.body == role() + text("Hi") + stop() + PING * pings + DONE
    assert run.caller.ended_by == "end"
    assert kinds(world, run) == "success"
    assert world.record(run).is_estimated


def test_usage_that_nobody_asked_for_is_taken_out() -> None:
    world = World()
    asked = world.start(world.route("a"), fields={"stream_options": {"include_usage": True}})
    world.line.stream(*GOOD)
    unasked = world.start(world.route("a"))
    assert b'"include_usage":true' in world.line.attempt.body
    world.line.stream(*GOOD)
    assert asked.caller.body == b"".join(GOOD)
    assert unasked.caller.body == b"".join([*GOOD[:3], DONE])
    assert {world.record(run).output_tokens for run in (asked, unasked)} == {5}


# --- nobody is left


@pytest.mark.parametrize(
    ("status", "told", "code"),
    [
        (429, 503, "no_capacity"),
        (503, 503, "no_capacity"),
        (529, 503, "no_capacity"),
        (401, 503, "no_capacity"),
        (404, 502, "upstream_failed"),
        (500, 502, "upstream_failed"),
        (408, 504, "upstream_timeout"),
    ],
)
def test_exhausted(status: int, told: int, code: str) -> None:
    world = World(floor_per_s=0.0)
    world.budget.try_spend(world.now_s)
    run = world.start(world.route("a", "b"))
    for _ in range(2):
        world.line.answer(status, problem("their own words"))
    assert run.caller.status == told
    failed = run.caller.error
    assert isinstance(failed, UpstreamError)
    assert failed.code == code
    assert failed.should_retry is False
    assert "their own words" in failed.message
    assert b"x-penstock-upstream: b\r\n" in run.caller.headers
    assert world.record(run).outcome == "failed"


def test_a_provider_that_is_overloaded_is_told_as_such_in_anthropics_words() -> None:
    world = World(floor_per_s=0.0)
    world.budget.try_spend(world.now_s)
    world.upstream("a", dialect=ANTHROPIC)
    run = world.start(world.route("a"), dialect=ANTHROPIC, fields={"max_tokens": 5})
    world.line.answer(529, b"")
    assert world.record(run).status == 529


@pytest.mark.parametrize("rest_s", [5, 50, 300])
def test_exhausted_says_when_the_first_upstream_may_be_asked(rest_s: int) -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.answer(429, SLOW_DOWN, retry_after=str(rest_s))
    world.now_s += 1.0
    world.line.answer(429, SLOW_DOWN, retry_after=str(2 * rest_s))
    world.advance(0.4)
    if rest_s == 5:
        assert not run.is_done, "it waits for the first, as long as queue_s and deadline allow"
        return
    failed = run.caller.error
    assert isinstance(failed, UpstreamError)
    assert failed.retry_after_s == pytest.approx(rest_s - 1.0, abs=0.4)
    assert run.caller.status == 503


def test_the_requests_own_fault_is_told_as_sent() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    body = problem("messages is wrong")
    world.line.answer(400, body, content_type="application/json; charset=utf-8")
    assert world.dialled() == "a"
    assert (run.caller.status, run.caller.body) == (400, body)
    assert b"content-type: application/json; charset=utf-8\r\n" in run.caller.headers
    assert b"x-should-retry: false\r\n" in run.caller.headers
    assert b"x-penstock-upstream: a\r\n" in run.caller.headers
    assert world.record(run).outcome == "failed"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_says_nothing_against_the_upstream(status: int) -> None:
    world = World(breaker=Breaker(failures_min=1.0))
    for _ in range(5):
        world.start(world.route("a"))
        world.line.answer(status, problem("no"))
    assert len(world.dialer.lines) == 5


def test_a_refusal_without_a_body_or_with_half_of_one_is_told_by_us() -> None:
    for cut in (False, True):
        world = World()
        run = world.start(world.route("a"))
        world.line.head(400, content_type="application/json")
        if cut:
            world.line.chunk(problem("half of this")[:20])
            world.line.fail(FailureKind.BROKEN_STREAM)
        else:
            world.line.complete()
        assert run.caller.ended_by == "refuse"
        assert run.caller.status == 400
        assert kinds(world, run) == "rejected"


def test_an_endless_error_is_cut_short_and_its_head_still_counts() -> None:
    world = World()
    run = world.start(world.route("a", "b"))
    world.line.head(429, retry_after="9")
    for _ in range(ERROR_BYTES_MAX // 1000 + 1):
        world.dialer.lines[0].chunk(b"x" * 1000)
    assert world.dialled() == "a b"
    world.line.stream(*GOOD)
    assert kinds(world, run) == "quota success"
    assert world.target(Spec("a")).ready_at_s(ANYONE, world.now_s) == world.now_s + 9.0


def test_a_fault_of_the_request_inside_a_200_is_told_as_400() -> None:
    bad = error("bad", "context_length_exceeded")
    for is_stream in (False, True):
        world = World()
        run = world.start(world.route("a"), is_stream=is_stream)
        if is_stream:
            world.line.stream(role(), bad)
        else:
            world.line.answer(200, bad[6:-2])
        assert run.caller.ended_by == "refuse"
        assert run.caller.status == 400
        assert kinds(world, run) == "context_length"


def test_a_model_that_the_caller_named_is_the_callers_fault() -> None:
    world = World()
    run = world.start(world.route(Spec("a", ""), Spec("b", "")))
    world.line.answer(404, problem("no such model", "model_not_found"))
    assert world.dialled() == "a"
    assert run.caller.status == 404
    assert kinds(world, run) == "rejected"


def test_a_redirect_is_our_fault_whoever_named_the_model() -> None:
    world = World()
    run = world.start(world.route(Spec("a", ""), Spec("b", "")))
    world.line.answer(301, b"moved")
    world.line.stream(*GOOD)
    assert kinds(world, run) == "misconfigured success"


def test_nobody_has_what_the_request_needs() -> None:
    world = World()
    run = world.start(world.route())
    assert isinstance(run.caller.error, CallerError)
    assert run.caller.error.code == "unsupported_by_route"
    assert world.dialer.lines == []


def test_no_slot_within_the_bound_is_refused_and_the_wait_is_on_record() -> None:
    world = World()
    world.upstream("a", 1)
    world.start(world.route("a"), is_stream=False)
    world.line.sent()
    waiting = world.start(world.route("a"))
    world.advance(QUEUE_S)
    assert isinstance(waiting.caller.error, ShedError)
    assert waiting.caller.status == 503
    assert 1.0 <= waiting.caller.error.retry_after_s <= RETRY_AFTER_MAX_S
    assert waiting.caller.error.should_retry
    assert world.record(waiting).queued_s == QUEUE_S
    assert world.record(waiting).outcome == "refused"
