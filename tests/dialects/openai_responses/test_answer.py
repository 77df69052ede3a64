"""OpenAI Responses answers: the odd forms that servers send, and what is read of them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dialects.samples import sample

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
from penstock.dialects.openai_responses import answer as responses
from penstock.dialects.openai_responses.passthrough import inquire

Fields = dict[str, object]
ASKED = inquire(b'{"model":"m","input":"hi"}')
CALL: Fields = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": ""}
DONE: Fields = {"status": "completed", "output": []}
NO_EVENTS: list[Event] = []


def event(kind: str, **fields: object) -> bytes:
    name = f"response.{kind}"
    data = msgspec.json.encode({"type": name, "sequence_number": 1} | fields)
    return f"event: {name}\ndata: ".encode() + data + b"\n\n"


def decode(*events: bytes) -> list[Event]:
    """Return what is more than a sign of life."""
    decoded = responses.ResponsesDecoder().feed(b"".join(events))
    return [each for each in decoded if not isinstance(each, KeptAlive)]


def begun(index: int = 0, **fields: object) -> bytes:
    return event("output_item.added", output_index=index, item=CALL | fields)


EVENTS: list[tuple[bytes, list[Event]]] = [
    (event("created", response={"id": "r", "model": "m"}), [Started("r", "m")]),
    (
        event("created", response={"id": "r", "model": "m", "service_tier": "default"}),
        [Started("r", "m", "standard")],
    ),
    (event("output_text.delta", delta="a"), [TextDelta("a")]),
    (
        event("output_text.delta", delta="a") + event("output_text.done", text="a"),
        [TextDelta("a")],
    ),
    (event("output_text.done", text="a"), [TextDelta("a")]),
    (event("refusal.done", refusal="no"), [TextDelta("no", is_refusal=True)]),
    (event("reasoning_text.delta", delta="a"), [ThinkingDelta("a")]),
    (
        event("reasoning_summary_text.delta", delta="a", summary_index=0)
        + event("reasoning_summary_text.delta", delta="b", summary_index=0)
        + event("reasoning_summary_text.delta", delta="c", summary_index=1),
        [ThinkingDelta("a"), ThinkingDelta("b"), ThinkingDelta("\n\nc")],
    ),
    (begun(), [ToolStarted(0, "c", "f")]),
    (begun(call_id=None), [ToolStarted(0, "fc", "f")]),
    (
        begun() + event("function_call_arguments.done", arguments="{}"),
        [ToolStarted(0, "c", "f"), ArgumentsDelta(0, "{}")],
    ),
    (
        event("output_item.done", item=CALL | {"arguments": "{}"}),
        [ToolStarted(0, "c", "f"), ArgumentsDelta(0, "{}")],
    ),
    (
        begun() + event("output_item.done", item=CALL),
        [ToolStarted(0, "c", "f"), ArgumentsDelta(0, "{}")],
    ),
    (event("output_item.added", item={"type": "web_search_call"}), NO_EVENTS),
    (event("note", anything=1) + b": ping\n\n", NO_EVENTS),
    (event("completed", response=DONE), [Stopped(StopReason.END), Ended()]),
    (
        event("completed", response=DONE | {"usage": {"input_tokens": 3, "output_tokens": 1}}),
        [Stopped(StopReason.END), Counted(Usage(3, 1, is_known=True)), Ended()],
    ),
    (event("incomplete", response={}), [Stopped(StopReason.LENGTH), Ended()]),
    (
        event("incomplete", response={"incomplete_details": {"reason": "content_filter"}}),
        [Stopped(StopReason.FILTERED), Ended()],
    ),
    (
        event("incomplete", response={"incomplete_details": {"reason": "steered"}}),
        [Stopped(StopReason.PAUSED), Ended()],
    ),
    (
        event("refusal.delta", delta="no") + event("completed", response=DONE),
        [TextDelta("no", is_refusal=True), Stopped(StopReason.FILTERED), Ended()],
    ),
    (
        begun() + event("completed", response=DONE),
        [
            ToolStarted(0, "c", "f"),
            ArgumentsDelta(0, "{}"),
            Stopped(StopReason.TOOL),
            Ended(),
        ],
    ),
    (
        begun() + event("incomplete", response={}),
        [ToolStarted(0, "c", "f"), Stopped(StopReason.LENGTH), Ended()],
    ),
]


@pytest.mark.parametrize(("sent", "expected"), EVENTS)
def test_each_event_becomes_its_own(sent: bytes, expected: list[Event]) -> None:
    assert decode(sent) == expected


def test_parallel_calls_are_told_apart_by_their_place() -> None:
    assert decode(
        begun(1),
        begun(2, call_id="d"),
        event("function_call_arguments.delta", output_index=2, delta="{}"),
        event("function_call_arguments.delta", output_index=1, delta="{"),
        event("function_call_arguments.delta", output_index=1, delta="}"),
    ) == [
        ToolStarted(0, "c", "f"),
        ToolStarted(1, "d", "f"),
        ArgumentsDelta(1, "{}"),
        ArgumentsDelta(0, "{"),
        ArgumentsDelta(0, "}"),
    ]


def test_an_upstream_that_names_no_events_is_understood() -> None:
    stream = sample("openai_responses", "tools_ok")
    unnamed = b"".join(line for line in stream.splitlines(keepends=True) if line[:6] != b"event:")
    assert decode(unnamed) == decode(stream)


def test_reasoning_and_a_refusal() -> None:
    decoded = decode(sample("openai_responses", "tolerance_reasoning_refusal"))
    thought = "".join(each.text for each in decoded if isinstance(each, ThinkingDelta))
    assert thought == "One thing.\n\nAnother."
    assert "".join(each.text for each in decoded if isinstance(each, TextDelta)) == "I cannot."
    assert Stopped(StopReason.FILTERED) in decoded


@pytest.mark.parametrize(
    "sent",
    [
        event("function_call_arguments.delta", delta="{}"),
        event("function_call_arguments.done", arguments="{}"),
        event("completed"),
        begun() + begun(),
        event("output_text.delta", delta=7),
        event("output_item.added", item=7),
        event("output_item.added", item={"type": "custom_tool_call", "name": "f"}),
        event("output_item.done", item={"type": "computer_call"}),
        b"data: {\n\n",
        b"data: [DONE]\n\n",
        b'data: {"type":7}\n\n',
    ],
)
def test_what_has_no_meaning_ends_the_stream_as_broken(sent: bytes) -> None:
    last = decode(sent)[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind is FailureKind.BROKEN_STREAM


@pytest.mark.parametrize(
    "sent",
    [
        event("failed", response={"error": {"code": "invalid_prompt", "message": "no"}}),
        b'event: error\ndata: {"type":"error","code":"invalid_prompt","message":"no"}\n\n',
    ],
)
def test_a_failure_is_told_by_its_code(sent: bytes) -> None:
    (last,) = decode(sent)
    assert isinstance(last, Failed)
    assert (last.failure.kind, last.failure.detail) == (FailureKind.REJECTED, "no")
    (silent,) = decode(event("failed"))
    assert isinstance(silent, Failed)


@given(chunks=st.lists(st.binary(max_size=60), max_size=8))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    decoder = responses.ResponsesDecoder()
    for chunk in chunks:
        decoder.feed(chunk)
        decoder.feed(b"data: " + chunk + b"\n\n")


def whole(**fields: object) -> bytes:
    return msgspec.json.encode({"id": "r", "model": "m", "status": "completed"} | fields)


def test_a_whole_answer_is_read() -> None:
    read = responses.read_answer(
        whole(
            output=[
                {"type": "reasoning", "summary": [{"text": "a"}, {"text": "b"}]},
                {"type": "reasoning", "summary": [], "content": [{"text": "c"}]},
                {"type": "web_search_call", "id": "ws"},
                {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
                CALL | {"arguments": "{}"},
            ],
            usage={"input_tokens": 3, "output_tokens": 1},
            service_tier="default",
        )
    )
    assert read == Answer(
        id="r",
        model="m",
        parts=(Text("Hi"), ToolCall("c", "f", "{}")),
        thinking="a\n\nb\n\nc",
        stop=StopReason.TOOL,
        usage=Usage(3, 1, is_known=True),
        service_tier="standard",
    )


@pytest.mark.parametrize(
    ("fields", "stop"),
    [
        ({"output": []}, StopReason.END),
        ({"output": [], "status": "incomplete"}, StopReason.LENGTH),
        (
            {"output": [], "incomplete_details": {"reason": "content_filter"}},
            StopReason.FILTERED,
        ),
        ({"output": [], "incomplete_details": {"reason": "max_context_length"}}, StopReason.LENGTH),
        ({"output": [], "incomplete_details": {"reason": "new"}}, StopReason.PAUSED),
        (
            {"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
            StopReason.FILTERED,
        ),
    ],
)
def test_why_a_whole_answer_ended(fields: Fields, stop: StopReason) -> None:
    assert responses.read_answer(whole(**fields)).stop is stop


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        whole(),
        whole(output=[], status="failed"),
        whole(output=[], status="queued"),
        whole(output=[{"type": "message", "content": 7}]),
        whole(output=[{"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "x"}]),
        b'{"status":"completed","output":[{"type":"function_call","arguments":{}}]}',
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(DialectError):
        responses.read_answer(body)


@pytest.mark.parametrize("stop", [StopReason.END, StopReason.LENGTH, StopReason.FILTERED])
def test_what_is_written_is_read_again(stop: StopReason) -> None:
    answer = Answer(
        id="resp_1",
        model="m",
        parts=(Text("Hi"),),
        thinking="hm",
        stop=stop,
        usage=Usage(17, 42, 5, 2, 7, is_known=True),
        service_tier="flex",
    )
    assert responses.read_answer(responses.write_answer(answer, ASKED, 1)) == answer


def test_what_a_vendor_says_of_a_refusal_is_a_refusal() -> None:
    answer = Answer(
        id="1", model="m", parts=(), stop=StopReason.FILTERED, explanation="no", usage=Usage()
    )
    told = msgspec.json.decode(responses.write_answer(answer, ASKED, 1))
    assert told["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]
    assert told["incomplete_details"] == {"reason": "content_filter"}


def test_what_was_cut_says_so() -> None:
    call = ToolCall("c", "f", '{"a')
    answer = Answer(
        id="1", model="m", parts=(Text("Hi"), call), stop=StopReason.LENGTH, usage=Usage()
    )
    told = msgspec.json.decode(responses.write_answer(answer, ASKED, 1))
    assert [item["status"] for item in told["output"]] == ["completed", "incomplete"]
    assert told["output"][1]["arguments"] == '{"a'
    assert told["usage"] is None


def test_an_empty_answer_has_no_items() -> None:
    answer = Answer(id="1", model="m", parts=(Text(""),), stop=StopReason.LENGTH, usage=Usage())
    told = msgspec.json.decode(responses.write_answer(answer, ASKED, 1))
    assert (told["output"], told["status"]) == ([], "incomplete")
