"""Counts and vectors go the way of any exchange; only what they cost and teach is different."""

import msgspec
import pytest
from tests.exchange.world import Run, World, whole

from penstock.core.estimate import tokens
from penstock.core.outcome import FailureKind
from penstock.dialects.operation import Operation
from penstock.dialects.registry import DIALECTS, ENDPOINTS

COUNT = ENDPOINTS["anthropic_count_tokens"]
EMBED = ENDPOINTS["openai_embeddings"]
VECTORS = b'{"object":"list","data":[{"index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":3}}'


def world_of(**dialects: str) -> World:
    world = World()
    for name, dialect in dialects.items():
        world.upstream(name, dialect=DIALECTS[dialect])
    return world


def count(world: World, *upstreams: str) -> Run:
    return world.start(world.route(*upstreams), dialect=COUNT, is_stream=False)


def embed(world: World, *upstreams: str) -> Run:
    route = world.route(*upstreams)
    return world.start(route, dialect=EMBED, is_stream=False, fields={"input": "weir"})


def test_only_those_who_can_are_asked() -> None:
    world = world_of(a="openai_chat", b="anthropic_messages")
    count(world, "a", "b")
    assert world.line.upstream == "b"
    assert world.line.attempt.path == b"/v1/messages/count_tokens"
    embed(world, "b", "a")
    assert world.line.upstream == "a"
    assert world.line.attempt.path == b"/embeddings"


def test_a_count_costs_nothing_and_is_no_load() -> None:
    world = world_of(b="anthropic_messages")
    run = count(world, "b")
    before = world.line.attempt.target.load(world.now_s)
    world.now_s += 1.0
    target = world.line.attempt.target
    world.line.answer(200, b'{"input_tokens":12}')
    assert run.caller.body == b'{"input_tokens":12}'
    record = world.record(run)
    assert (record.operation, record.outcome, record.input_tokens) == (
        Operation.COUNT_TOKENS,
        "complete",
        0,
    )
    assert world.recorder.opened_by_id[run.order.id][0].input_tokens_estimate == 0
    assert target.load(world.now_s) <= before


def test_a_broken_count_costs_nothing_either() -> None:
    world = world_of(b="anthropic_messages", c="gemini_generate")
    run = count(world, "b", "c")
    world.line.answer(200, b'{"tokens":12}')
    world.line.answer(200, b'{"totalTokens":13}')
    assert run.caller.body == b'{"input_tokens":13}'
    record = world.record(run)
    assert [one.outcome for one in record.attempts] == ["broken_stream", "success"]
    assert [one.input_tokens for one in record.attempts] == [0, 0]


def test_where_nobody_can_count_it_is_estimated_without_an_upstream() -> None:
    world = world_of(a="openai_chat")
    run = count(world, "a")
    assert run.is_done
    assert b"x-penstock-estimated: true" in run.caller.headers
    assert msgspec.json.decode(run.caller.body)["input_tokens"] > 0
    record = world.record(run)
    assert (record.outcome, record.finish_reason, record.attempts) == ("complete", "estimated", [])


@pytest.mark.parametrize("status", [404, 405, 501])
def test_who_does_not_offer_it_is_no_worse_for_it(status: int) -> None:
    world = world_of(b="anthropic_messages", c="gemini_generate")
    run = count(world, "b", "c")
    world.line.answer(status, b"{}")
    assert world.line.upstream == "c"
    world.line.answer(200, b'{"totalTokens":13}')
    assert [one.outcome for one in world.record(run).attempts] == ["not_offered", "success"]
    for _ in range(20):
        run = count(world, "b")
        world.line.answer(status, b"{}")
        assert b"x-penstock-estimated: true" in run.caller.headers
        assert b"x-penstock-attempts: 1" in run.caller.headers
    answer = world.start(world.route("b"), fields={"max_tokens": 9}, dialect=COUNT.dialect)
    assert not answer.is_done, "the breaker lets through"


def test_an_answer_of_404_still_opens_the_breaker() -> None:
    world = world_of(a="openai_chat")
    run = world.start(world.route("a"), is_stream=False)
    world.line.answer(404, b"{}")
    assert world.record(run).attempts[0].outcome == FailureKind.MISCONFIGURED.value


def test_vectors_cost_their_input() -> None:
    world = world_of(a="openai_chat")
    run = embed(world, "a")
    world.line.answer(200, VECTORS)
    assert run.caller.body == VECTORS
    record = world.record(run)
    assert (record.operation, record.dialect) == (Operation.EMBED, "openai_embeddings")
    assert (record.input_tokens, record.output_tokens, record.is_estimated) == (3, 0, False)


def test_vectors_that_nobody_counted_are_no_output() -> None:
    world = world_of(a="openai_chat")
    run = embed(world, "a")
    body = world.line.attempt.body
    world.line.answer(200, b'{"data":[{"index":0,"embedding":[0.5]}]}')
    record = world.record(run)
    assert (record.input_tokens, record.output_tokens) == (tokens(len(body)), 0)
    assert record.is_estimated


def test_vectors_fail_over_and_are_translated() -> None:
    world = world_of(a="openai_chat", g="gemini_generate")
    run = embed(world, "a", "g")
    world.line.answer(503, b"{}")
    assert world.line.attempt.path == b"/models/m:batchEmbedContents"
    world.line.answer(200, b'{"embeddings":[{"values":[0.5,1]}]}')
    assert msgspec.json.decode(run.caller.body)["data"][0]["embedding"] == [0.5, 1.0]


def test_a_vector_that_is_missing_is_a_broken_answer() -> None:
    world = world_of(g="gemini_generate", a="openai_chat")
    run = embed(world, "g", "a")
    world.line.answer(200, b'{"embeddings":[]}')
    world.line.answer(200, VECTORS)
    assert run.caller.body == VECTORS
    assert world.record(run).attempts[0].outcome == "broken_stream"


def test_an_answer_names_no_operation() -> None:
    world = world_of(a="openai_chat")
    run = world.start(world.route("a"), is_stream=False)
    world.line.answer(200, whole("Hello", 1, 1))
    assert b"operation" not in msgspec.json.encode(world.record(run))
    assert b"operation" not in msgspec.json.encode(world.recorder.opened_by_id[run.order.id])
