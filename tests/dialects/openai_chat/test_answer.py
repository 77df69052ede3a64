"""OpenAI chat answers: the odd forms that servers send, and what callers get."""

import msgspec
import pytest

from penstock.core.errors import DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Ended,
    Event,
    Failed,
    KeptAlive,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.openai_chat import answer as chat
from penstock.dialects.openai_chat.passthrough import inquire

Fields = dict[str, object]
REQUEST = b'{"model":"m","messages":[],"stream":true'
START = Started("c", "m")


def chunk(delta: Fields | None = None, finish: str | None = None, **fields: object) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    data: Fields = {"id": "c", "model": "m", "choices": [choice]}
    return b"data: " + msgspec.json.encode(data | fields) + b"\n\n"


def calls(*fields: Fields) -> bytes:
    return chunk({"tool_calls": list(fields)})


def decode(*events: bytes) -> list[Event]:
    """Return what follows the start."""
    decoded = chat.ChatDecoder().feed(b"".join(events))
    assert decoded[0] == START
    return decoded[1:]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (chunk({"role": "assistant", "content": ""}), []),
        (chunk({"content": "a"}), [TextDelta("a")]),
        (chunk({"reasoning_content": "a"}), [ThinkingDelta("a")]),
        (chunk({"reasoning": "a"}), [ThinkingDelta("a")]),
        (
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]}),
            [ThinkingDelta("a")],
        ),
        (
            chunk({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            [TextDelta("ab")],
        ),
        (chunk(finish="length"), [Stopped(StopReason.LENGTH)]),
        (chunk(finish="new_reason"), [Stopped(StopReason.END)]),
        (
            chunk({"refusal": "no"}) + chunk(finish="stop"),
            [TextDelta("no", is_refusal=True), Stopped(StopReason.FILTERED)],
        ),
        (chunk(finish="stop") + chunk(finish="stop"), [Stopped(StopReason.END)]),
        (
            chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 0}),
            [Counted(Usage(3, 0, is_known=True))],
        ),
        (  # thoughts in the total alone
            chunk(
                choices=[],
                usage={"prompt_tokens": 106, "completion_tokens": 22, "total_tokens": 289},
            ),
            [Counted(Usage(106, 183, is_known=True))],
        ),
        (chunk(choices=[], usage={"total_tokens": 9}), [Counted(Usage(is_known=True))]),
        (chunk() + b"data: [DONE]\n\n", [Ended()]),
        (chunk() + b": ping\n\n", [KeptAlive()]),
        (chunk() + b'event: note\ndata: {"x": 1}\n\n', [KeptAlive()]),
    ],
)
def test_each_chunk_becomes_its_events(sent: bytes, expected: list[Event]) -> None:
    assert decode(sent) == expected


def test_id_and_name_in_every_delta_are_one_call() -> None:
    fields: Fields = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}
    rest: Fields = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}}
    assert decode(calls(fields), calls(rest)) == [
        ToolStarted(0, "a", "f"),
        ArgumentsDelta(0, "{"),
        ArgumentsDelta(0, "}"),
    ]


def test_calls_that_a_server_numbers_all_0_are_told_apart() -> None:
    sent = [calls({"id": each, "function": {"name": each, "arguments": "{}"}}) for each in "ab"]
    assert decode(*sent) == [
        ToolStarted(0, "a", "a"),
        ArgumentsDelta(0, "{}"),
        ToolStarted(1, "b", "b"),
        ArgumentsDelta(1, "{}"),
    ]


def test_arguments_before_the_name_are_kept_for_it() -> None:
    sent = (
        calls({"index": 0, "function": {"arguments": "{"}}),
        calls({"index": 0, "function": {"name": "f", "arguments": "}"}}),
    )
    assert decode(*sent) == [ToolStarted(0, "call_c_0", "f"), ArgumentsDelta(0, "{}")]


def test_calls_that_end_with_stop_are_calls() -> None:
    fields: Fields = {"index": 0, "id": "a", "function": {"name": "f"}}
    assert decode(calls(fields), chunk(finish="stop"))[-1] == Stopped(StopReason.TOOL)


@pytest.mark.parametrize(
    "sent",
    [
        b'data: {"choices":[{"index":0,"delta":{"content":7}}]}\n\n',
        b"data: {\n\n",
        b"data: " + b"[" * 50_000 + b"\n\n",
        chunk(choices=[{"index": 1, "delta": {"content": "a"}}]),
        calls({"index": 0, "function": {"arguments": "{}"}}) + chunk(finish="tool_calls"),
    ],
)
def test_what_cannot_be_told_is_broken(sent: bytes) -> None:
    last = chat.ChatDecoder().feed(sent + chunk({"content": "late"}))[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind is FailureKind.BROKEN_STREAM


def test_an_error_is_classified() -> None:
    last = chat.ChatDecoder().feed(b'data: {"error":{"code":"slow_down"}}\n\n')[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind is FailureKind.SHARED_CAPACITY


@pytest.mark.parametrize("wants_usage", [True, False])
def test_usage_is_told_to_those_who_ask(*, wants_usage: bool) -> None:
    options = b',"stream_options":{"include_usage":true}}' if wants_usage else b"}"
    encoder = chat.ChatEncoder(inquire(REQUEST + options), 1)
    out = [encoder.encode(event) for event in (START, TextDelta("a"), Stopped(StopReason.END))]
    assert encoder.encode(Counted(Usage(3, 4, is_known=True))) == b""
    end = encoder.finish()
    assert all((b'"usage":null' in each) is wants_usage for each in out)
    assert (b'"total_tokens":7' in end) is wants_usage
    assert end.endswith(b"data: [DONE]\n\n")


def test_usage_that_never_came_is_not_invented() -> None:
    encoder = chat.ChatEncoder(inquire(REQUEST + b',"stream_options":{"include_usage":true}}'), 1)
    encoder.encode(START)
    assert encoder.finish() == b"data: [DONE]\n\n"


def test_a_pause_is_not_shown_as_an_end() -> None:
    encoder = chat.ChatEncoder(inquire(REQUEST + b"}"), 1)
    encoder.encode(START)
    assert b'"finish_reason":"length"' in encoder.encode(Stopped(StopReason.PAUSED))


def test_what_a_vendor_said_of_its_refusal_is_the_refusal() -> None:
    encoder = chat.ChatEncoder(inquire(REQUEST + b"}"), 1)
    encoder.encode(START)
    refusal, finish = encoder.encode(Stopped(StopReason.FILTERED, "", "no")).split(b"\n\n")[:2]
    assert b'"delta":{"refusal":"no"}' in refusal
    assert b'"finish_reason":"content_filter"' in finish
    answer = msgspec.structs.replace(WHOLE, stop=StopReason.FILTERED, explanation="no")
    body = msgspec.json.decode(chat.write_answer(answer, 1))
    assert body["choices"][0]["message"]["refusal"] == "no"


@pytest.mark.parametrize(
    ("own", "tier"), [("default", "standard"), ("flex", "flex"), ("scale", ""), ("auto", "")]
)
def test_the_tier_that_served_is_told_in_a_stream(own: str, tier: str) -> None:
    (start,) = chat.ChatDecoder().feed(chunk(service_tier=own))
    assert start == Started("c", "m", tier)
    out = chat.ChatEncoder(inquire(REQUEST + b"}"), 1).encode(start)
    assert (f'"service_tier":"{own}"'.encode() in out) is bool(tier)


def test_ids_of_calls_are_in_the_alphabet() -> None:
    encoder = chat.ChatEncoder(inquire(REQUEST + b"}"), 1)
    encoder.encode(START)
    out = encoder.encode(ToolStarted(0, "functions.f:0", "f"))
    assert b'"id":"functions_f_0_' in out


WHOLE = Answer(
    id="1",
    model="m",
    parts=(Text("a"), ToolCall("c", "f", '{"x": 1}')),
    thinking="hm",
    stop=StopReason.TOOL,
    usage=Usage(9, 8, 3, 2, 1, is_known=True),
    service_tier="standard",
)


def test_a_whole_answer_is_read_as_it_was_written() -> None:
    read = chat.read_answer(chat.write_answer(WHOLE, 1))
    assert read == msgspec.structs.replace(WHOLE, id="chatcmpl-1")


def test_a_refusal() -> None:
    body = {"choices": [{"message": {"refusal": "no"}, "finish_reason": "stop"}]}
    answer = chat.read_answer(msgspec.json.encode(body))
    assert (answer.parts, answer.stop) == ((Text("no"),), StopReason.FILTERED)


def test_thoughts_and_text_in_parts() -> None:
    content: list[Fields] = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "h"}], "closed": True},
        {"type": "thinking", "thinking": "m"},
        {"type": "text", "text": "a"},
    ]
    body = {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}
    answer = chat.read_answer(msgspec.json.encode(body))
    assert (answer.parts, answer.thinking) == ((Text("a"),), "hm")


def test_an_answer_that_says_nothing() -> None:
    answer = chat.read_answer(b'{"choices":[{"index":0,"finish_reason":"length"}]}')
    assert (answer.parts, answer.stop) == ((), StopReason.LENGTH)


def test_a_call_that_nobody_can_read_is_no_answer() -> None:
    reason = "function_call_filter: MALFORMED_FUNCTION_CALL"
    (failed,) = decode(chunk({"role": "assistant"}, reason))
    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.BROKEN_STREAM
    body: Fields = {"choices": [{"message": None, "finish_reason": reason}]}
    with pytest.raises(DialectError, match="MALFORMED_FUNCTION_CALL"):
        chat.read_answer(msgspec.json.encode(body))


def test_a_call_without_arguments_gets_an_empty_object() -> None:
    body = chat.write_answer(msgspec.structs.replace(WHOLE, parts=(ToolCall("c", "f", ""),)), 1)
    message = msgspec.json.decode(body)["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    "body",
    [b"{}", b"<html>", b'{"choices":[]}', b'{"choices":[{"message":{"content":"cut"}}]}'],
)
def test_what_is_no_whole_answer(body: bytes) -> None:
    with pytest.raises(DialectError):
        chat.read_answer(body)
