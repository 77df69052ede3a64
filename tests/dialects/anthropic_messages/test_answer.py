"""Anthropic Messages answers: the odd forms that servers send, and what callers get."""

import msgspec
import pytest

from penstock.core.errors import DialectError
from penstock.core.outcome import FailureKind
from penstock.dialects.anthropic_messages import answer as claude
from penstock.dialects.anthropic_messages.passthrough import inquire
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

Fields = dict[str, object]
REQUEST = inquire(b'{"model":"m","messages":[],"max_tokens":1,"stream":true}')
START = Started("msg_1", "m")
STOPPED = Stopped(StopReason.TOOL)


def event(kind: str, **fields: object) -> bytes:
    data = msgspec.json.encode({"type": kind} | fields)
    return f"event: {kind}\n".encode() + b"data: " + data + b"\n\n"


def block(index: int, **fields: object) -> bytes:
    return event("content_block_start", index=index, content_block=fields)


def delta(index: int, **fields: object) -> bytes:
    return event("content_block_delta", index=index, delta=fields)


CALL = block(3, type="tool_use", id="t", name="f", input={})
STOP = event("content_block_stop", index=3)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            event("message_start", message={"id": "a", "model": "m", "usage": {"input_tokens": 3}}),
            [Started("a", "m"), Counted(Usage(3, 0))],
        ),
        (
            event("message_start", message={"usage": {"service_tier": "priority"}}),
            [Started("", "", "priority"), Counted(Usage())],
        ),
        (
            event("message_start", message={"usage": {"service_tier": "batch"}}),
            [Started("", ""), Counted(Usage())],
        ),
        (event("ping"), [KeptAlive()]),
        (event("gateway_note", x=1), [KeptAlive()]),
        (b": comment\n\n", [KeptAlive()]),
        (block(0, type="text", text=""), []),
        (block(0, type="text", text="a"), [TextDelta("a")]),
        (block(0, type="fallback"), []),
        (delta(0, type="text_delta", text="a"), [TextDelta("a")]),
        (delta(0, type="thinking_delta", thinking="a"), [ThinkingDelta("a")]),
        (delta(0, type="signature_delta", signature="a"), [KeptAlive()]),
        (delta(0, type="citations_delta", citation={}), [KeptAlive()]),
        (delta(0, type="input_json_delta", partial_json="{"), [KeptAlive()]),
        (CALL + STOP, [ToolStarted(0, "t", "f"), ArgumentsDelta(0, "{}")]),
        (
            block(1, type="tool_use", id="t", name="f", input={"a": 1}) + STOP.replace(b"3", b"1"),
            [ToolStarted(0, "t", "f"), ArgumentsDelta(0, '{"a":1}')],
        ),
        (
            CALL + delta(3, partial_json='{"a"') + delta(3, partial_json=":1}") + STOP,
            [ToolStarted(0, "t", "f"), ArgumentsDelta(0, '{"a"'), ArgumentsDelta(0, ":1}")],
        ),
        (
            CALL + event("message_delta", delta={"stop_reason": "tool_use"}),
            [ToolStarted(0, "t", "f"), ArgumentsDelta(0, "{}"), STOPPED],
        ),
        (event("message_stop"), [Ended()]),
        (b'data: {"type":"message_stop"}\n\n', [Ended()]),
        (b'event: message_stop\r\ndata: {"type":"message_stop"}\r\n\r\n', [Ended()]),
    ],
)  # fmt: skip
def test_each_event_becomes_its_events(sent: bytes, expected: list[Event]) -> None:
    assert claude.MessagesDecoder().feed(sent) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            event("message_delta", delta={"stop_reason": "stop_sequence", "stop_sequence": "E"}),
            [Stopped(StopReason.STOP_SEQUENCE, "E")],
        ),
        (
            event("message_delta", delta={"stop_reason": "model_context_window_exceeded"}),
            [Stopped(StopReason.LENGTH)],
        ),
        (event("message_delta", delta={"stop_reason": "pause_turn"}), [Stopped(StopReason.PAUSED)]),
        (
            event(
                "message_delta",
                delta={"stop_reason": "refusal", "stop_details": {"explanation": "no"}},
            ),
            [Stopped(StopReason.FILTERED, "", "no")],
        ),
        (
            event("message_delta", delta={"stop_reason": "refusal", "stop_details": None}),
            [Stopped(StopReason.FILTERED)],
        ),
    ],
)
def test_why_the_model_stopped(sent: bytes, expected: list[Event]) -> None:
    assert claude.MessagesDecoder().feed(sent) == expected


@pytest.mark.parametrize("sent", [b"data: {\n\n", delta(0, text=7), b"data: \xff\n\n"])
def test_what_cannot_be_told_is_broken(sent: bytes) -> None:
    (last,) = claude.MessagesDecoder().feed(sent + event("ping"))
    assert isinstance(last, Failed)
    assert last.failure.kind is FailureKind.BROKEN_STREAM


def test_an_error_is_classified() -> None:
    (last,) = claude.MessagesDecoder().feed(event("error", error={"type": "rate_limit_error"}))
    assert isinstance(last, Failed)
    assert last.failure.kind is FailureKind.QUOTA


def encode(*events: Event) -> list[Fields]:
    """Return the data of what comes out, after the start."""
    encoder = claude.MessagesEncoder(REQUEST, 1)
    encoder.encode(START)
    out = b"".join(encoder.encode(each) for each in events) + encoder.finish()
    data: list[Fields] = []
    for raw in out.split(b"\n\n")[:-1]:
        name, _, body = raw.partition(b"\n")
        fields = msgspec.json.decode(body.removeprefix(b"data: "), type=Fields)
        assert name == f"event: {fields['type']}".encode()
        data.append(fields)
    return data


def shape(data: list[Fields]) -> list[tuple[object, object]]:
    return [(str(each["type"]).removeprefix("content_block_"), each.get("index")) for each in data]


def test_blocks_come_one_after_another() -> None:
    data = encode(
        ThinkingDelta("h"),
        TextDelta("a"),
        TextDelta("b"),
        ToolStarted(0, "t", "f"),
        ArgumentsDelta(0, "{}"),
        ToolStarted(1, "u", "f"),
        ArgumentsDelta(1, "{}"),
        STOPPED,
    )
    assert shape(data) == [
        ("start", 0), ("delta", 0), ("stop", 0),
        ("start", 1), ("delta", 1), ("delta", 1), ("stop", 1),
        ("start", 2), ("delta", 2), ("stop", 2),
        ("start", 3), ("delta", 3), ("stop", 3),
        ("message_delta", None), ("message_stop", None),
    ]  # fmt: skip


def test_a_call_waits_until_the_one_before_it_is_whole() -> None:
    data = encode(
        ToolStarted(0, "t", "f"),
        ArgumentsDelta(0, '{"a"'),
        ToolStarted(1, "u", "g"),
        ArgumentsDelta(1, "{"),
        ArgumentsDelta(0, ":1}"),
        ArgumentsDelta(1, "}"),
        STOPPED,
    )
    assert shape(data)[:-2] == [
        ("start", 0), ("delta", 0), ("delta", 0), ("stop", 0),
        ("start", 1), ("delta", 1), ("delta", 1), ("stop", 1),
    ]  # fmt: skip


def test_arguments_for_a_call_that_has_ended_are_not_swallowed() -> None:
    encoder = claude.MessagesEncoder(REQUEST, 1)
    for each in (START, ToolStarted(0, "t", "f"), ArgumentsDelta(0, "{}"), TextDelta("a")):
        encoder.encode(each)
    assert encoder.encode(ArgumentsDelta(0, "\n")) == b""
    with pytest.raises(DialectError):
        encoder.encode(ArgumentsDelta(0, ',"b":1}'))


def test_usage_comes_with_the_end() -> None:
    end = encode(
        TextDelta("a"), Stopped(StopReason.END), Counted(Usage(10, 5, 3, 2, 1, is_known=True))
    )[-2]
    assert end["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert end["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 3,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 1},
    }


WHOLE = Answer(
    id="msg_1",
    model="m",
    parts=(Text("a"), ToolCall("c", "f", '{"x" : 1.0}')),
    thinking="hm",
    stop=StopReason.STOP_SEQUENCE,
    stop_sequence="E",
    usage=Usage(9, 8, 3, 2, 1, is_known=True),
    service_tier="priority",
)


def test_a_whole_answer_is_read_as_it_was_written() -> None:
    assert claude.read_answer(claude.write_answer(WHOLE)) == WHOLE
    refused = msgspec.structs.replace(
        WHOLE, stop=StopReason.FILTERED, explanation="no", stop_sequence=""
    )
    assert claude.read_answer(claude.write_answer(refused)) == refused


def test_the_tier_that_waits_is_called_batch() -> None:
    body = claude.write_answer(msgspec.structs.replace(WHOLE, service_tier="flex"))
    assert b'"service_tier":"batch"' in body


def test_a_refusal_and_the_tier_are_told_in_a_stream() -> None:
    encoder = claude.MessagesEncoder(REQUEST, 1)
    assert b'"service_tier":"priority"' in encoder.encode(Started("a", "m", "priority"))
    events = encode(Stopped(StopReason.FILTERED, "", "no"))
    assert events[-2]["delta"] == {
        "stop_reason": "refusal",
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": "no"},
    }


@pytest.mark.parametrize(
    ("arguments", "written"),
    [("", {}), ("{", {"_raw": "{"}), ("[1]", {"_raw": "[1]"}), ('{"a":1}', {"a": 1})],
)
def test_arguments_are_never_lost(arguments: str, written: Fields) -> None:
    call = ToolCall("a.b", "f", arguments)
    body = msgspec.json.decode(claude.write_answer(msgspec.structs.replace(WHOLE, parts=(call,))))
    assert body["content"][-1]["input"] == written
    assert body["content"][-1]["id"].startswith("a_b_")


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"content":[],"stop_reason":null}'])
def test_what_is_no_whole_answer(body: bytes) -> None:
    with pytest.raises(DialectError):
        claude.read_answer(body)
