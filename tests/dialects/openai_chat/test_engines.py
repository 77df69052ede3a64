"""Streams as the engines document them: read to the same answer, and passed on as they are."""

import msgspec
import pytest

from penstock.core.outcome import FailureKind
from penstock.dialects import capability
from penstock.dialects.capability import Engine
from penstock.dialects.message import StopReason, ToolCall
from penstock.dialects.openai_chat import errors
from penstock.dialects.openai_chat.answer import read_answer
from penstock.dialects.openai_chat.passthrough import ChatRelay, forward, inquire
from penstock.dialects.registry import DIALECTS
from penstock.dialects.translate import Translation

Fields = dict[str, object]
ASKED = inquire(b'{"model":"m","messages":[],"stream":true}')


def chunk(delta: Fields, finish: str | None = None, **fields: object) -> bytes:
    choice: Fields = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head: Fields = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + msgspec.json.encode(head | {"choices": [choice]} | fields) + b"\n\n"


def call(name: str, arguments: object, **fields: object) -> Fields:
    return {"type": "function", "function": {"name": name, "arguments": arguments}} | fields


ROLE = chunk({"role": "assistant", "content": ""})
COUNTED: Fields = {"prompt_tokens": 5, "total_tokens": 7, "completion_tokens": 2}
TIMINGS = {"prompt_n": 5, "predicted_n": 2, "predicted_per_second": 90.1}
TOO_LONG = "request (9 tokens) exceeds the available context size (4 tokens), try increasing it"
DONE = b"data: [DONE]\n\n"
VLLM = (
    ROLE
    + chunk({"reasoning_content": "hm"})
    + chunk({"content": "Hi"}, None, usage=None)
    + chunk({"content": ""}, "stop", stop_reason=None)
    + b'data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":5,"total_tokens":7,'
    b'"completion_tokens":2,"prompt_tokens_details":null}}\n\n' + DONE
)
LLAMA_CPP = (
    chunk({"role": "assistant", "content": None})
    + chunk({"reasoning_content": "hm"})
    + chunk({"content": "Hi"})
    + chunk({}, "stop", timings=TIMINGS, usage=COUNTED)
    + DONE
)
OLLAMA = (
    chunk({"role": "assistant", "content": "", "reasoning": "hm"}, system_fingerprint="fp_ollama")
    + chunk({"role": "assistant", "content": "Hi"})
    + chunk({"role": "assistant", "content": ""}, "stop")
    + DONE
)
EMPTY_REASONS = (
    chunk({"role": "assistant", "reasoning": "hm"}, "")
    + chunk({"content": "Hi"}, "")
    + chunk({}, "stop")
)
STREAMS = {"vllm": VLLM, "llama.cpp": LLAMA_CPP, "ollama": OLLAMA, "no [DONE]": EMPTY_REASONS}
STREAM = pytest.mark.parametrize("stream", list(STREAMS.values()), ids=list(STREAMS))


@STREAM
def test_a_stream_is_translated_to_the_same_answer(stream: bytes) -> None:
    claude = DIALECTS["anthropic_messages"]
    asked = claude.inquire(b'{"model":"m","max_tokens":5,"messages":[],"stream":true}')
    reader = Translation(DIALECTS["openai_chat"].decoder(), claude.encoder(asked, 0))
    out = reader.feed(stream) + reader.finish()
    assert reader.failure is None
    assert reader.is_ended
    assert b'"thinking":"hm"' in out
    assert b'"text":"Hi"' in out
    assert out.count(b'"stop_reason":"end_turn"') == 1
    assert out.rstrip().endswith(b'data: {"type":"message_stop"}')


@STREAM
def test_a_stream_passes_and_ends_with_the_terminator(stream: bytes) -> None:
    reader = ChatRelay(ASKED)
    out = reader.feed(stream) + reader.finish()
    assert reader.failure is None
    assert reader.finish_reason == "stop"
    assert out.endswith(DONE)
    assert out.count(DONE) == 1
    assert out.startswith(stream[: stream.index(b'"Hi"')])


@STREAM
def test_a_stream_without_its_end_is_a_break(stream: bytes) -> None:
    reader = ChatRelay(ASKED)
    reader.feed(stream[: stream.index(b'"Hi"') + 2])
    assert not reader.is_complete
    assert reader.finish() == b""
    assert reader.failure is not None


@pytest.mark.parametrize(
    "deltas",
    [
        [[call("f", {"a": 1}), call("g", "{}")]],  # both numbered 0, without ids
        [[call("f", '{"a":1}', index=None, id="")], [call("g", "{}", index=1, id="")]],
        [[call("f", '{"a":1}', index=0, id="x")], [call("g", {}, index=0, id="y")]],
        [
            [call("f", "", index=0, id="x")],
            [{"index": 0, "function": {"arguments": '{"a"'}}],
            [{"index": 0, "id": "", "function": {"name": "", "arguments": ":1}"}}],
            [call("g", "{}", index=1, id="y")],
        ],
    ],
)
def test_calls_come_through_however_they_are_numbered(deltas: list[list[Fields]]) -> None:
    stream = ROLE + b"".join(chunk({"tool_calls": calls}) for calls in deltas)
    claude = DIALECTS["anthropic_messages"]
    asked = claude.inquire(b'{"model":"m","max_tokens":5,"messages":[],"stream":true}')
    reader = Translation(DIALECTS["openai_chat"].decoder(), claude.encoder(asked, 0))
    out = reader.feed(stream + chunk({}, "stop") + DONE)
    assert reader.failure is None
    assert reader.finish_reason == StopReason.TOOL.value
    events = [line for line in out.split(b"\n") if line.startswith(b"data: ")]
    told = [msgspec.json.decode(line[6:]) for line in events]
    blocks = [one["content_block"] for one in told if one["type"] == "content_block_start"]
    assert [block["name"] for block in blocks] == ["f", "g"]
    assert len({block["id"] for block in blocks}) == 2
    assert all(block["id"] for block in blocks)
    json = ["", ""]
    for one in told:
        if one["type"] == "content_block_delta":
            json[one["index"]] += one["delta"]["partial_json"]
    assert msgspec.json.decode(json[0]) == {"a": 1}
    assert json[1] in ("", "{}")


@pytest.mark.parametrize("arguments", ['{"a":[1.50,"x"]}', {"a": [1.5, "x"]}])
def test_a_whole_answers_calls_are_text_again(arguments: object) -> None:
    message: Fields = {"role": "assistant", "content": "", "tool_calls": [call("f", arguments)]}
    choice: Fields = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = read_answer(msgspec.json.encode({"id": "c", "model": "m", "choices": [choice]}))
    assert answer.stop is StopReason.TOOL
    (part,) = answer.parts
    assert isinstance(part, ToolCall)
    assert part.id
    assert msgspec.json.decode(part.arguments) == {"a": [1.5, "x"]}
    assert not answer.usage.is_known


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            400,
            {"object": "error", "message": "no", "type": "BadRequestError", "code": 400},
            "rejected",
        ),
        (
            400,
            {"error": {"code": 400, "message": "no", "type": "invalid_request_error"}},
            "rejected",
        ),
        (
            400,
            {"error": {"code": 400, "message": TOO_LONG, "type": "exceed_context_size_error"}},
            "context_length",
        ),
        (404, {"error": {"message": 'model "m" not found, try pulling it first'}}, "misconfigured"),
        (400, {"error": "'response_format.type' must be 'json_schema'"}, "rejected"),
        (
            503,
            {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
            "overloaded",
        ),
    ],
)
def test_an_engines_errors_have_a_kind(status: int, body: Fields, kind: str) -> None:
    failure = errors.classify(status, {}, msgspec.json.encode(body))
    assert failure.kind is FailureKind(kind)


MODERN = (
    b'{"model":"m","messages":[{"role":"developer","content":"Be 1.50 brief"},'
    b'{"role":"user","content":"developer"}],"max_completion_tokens":7,"seed":1e2}'
)


@pytest.mark.parametrize("engine", [one for one in Engine if one is not Engine.OTHER])
def test_a_declared_engine_is_asked_in_words_that_it_knows(engine: Engine) -> None:
    row = capability.openai("m", engine)
    sent = forward(inquire(MODERN), "m", asks_usage=False, capability=row)
    assert sent == (
        b'{"model":"m","messages":[{"role":"system","content":"Be 1.50 brief"},'
        b'{"role":"user","content":"developer"}],"seed":1e2,"max_tokens":7}'
    )


@pytest.mark.parametrize("model", ["gpt-5", "a-stranger", "gemini-3"])
def test_whom_nothing_is_known_of_gets_the_callers_bytes(model: str) -> None:
    row = capability.openai(model)
    assert forward(inquire(MODERN), "m", asks_usage=False, capability=row) == MODERN


def test_an_engine_gets_the_callers_bytes_where_they_need_no_other_words() -> None:
    plain = b'{"model": "m", "messages": [{"role":"user","content":"hi"}], "max_tokens": 7}'
    row = capability.openai("m", Engine.OLLAMA)
    assert forward(inquire(plain), "m", asks_usage=False, capability=row) == plain
