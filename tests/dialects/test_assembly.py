"""A stream put together is the answer that would have come whole."""

import pytest
from hypothesis import given
from tests.dialects.samples import PLACES, cut, inquiry

from penstock.dialects.assembly import Assembly
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Event,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import StopReason, Text, ToolCall, Usage
from penstock.dialects.registry import DIALECTS

USAGE = Usage(input_tokens=9, output_tokens=4, is_known=True)
EVENTS: list[Event] = [
    Started("id-1", "m-1"),
    ThinkingDelta("Hm."),
    TextDelta("Look"),
    TextDelta("ing."),
    ToolStarted(0, "call_1", "f"),
    ArgumentsDelta(0, '{"a":'),
    ArgumentsDelta(0, "1}"),
    ToolStarted(1, "call_2", "g"),
    ArgumentsDelta(1, "{}"),
    Counted(USAGE),
    Stopped(StopReason.TOOL),
]


def stream(dialect: str, events: list[Event]) -> bytes:
    upstream = DIALECTS[dialect]
    encoder = upstream.encoder(inquiry(upstream), 1)
    written = [encoder.encode(event) for event in events]
    return b"".join([*written, encoder.finish()] if Stopped(StopReason.TOOL) in events else written)


def assembly(upstream: str, caller: str) -> Assembly:
    dialect = DIALECTS[caller]
    return Assembly(DIALECTS[upstream].decoder(), dialect, inquiry(dialect), 1)


@pytest.mark.parametrize("caller", DIALECTS)
@pytest.mark.parametrize("upstream", DIALECTS)
@given(places=PLACES)
def test_what_streams_arrives_whole(upstream: str, caller: str, places: list[int]) -> None:
    reader = assembly(upstream, caller)
    for chunk in cut(stream(upstream, EVENTS), places):
        assert reader.feed(chunk) == b""
    answer = DIALECTS[caller].read_answer(reader.finish())
    assert reader.failure is None
    assert [part.text for part in answer.parts if isinstance(part, Text)] == ["Looking."]
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    assert [call.name for call in calls] == ["f", "g"]
    assert [call.arguments.replace(" ", "") for call in calls] == ['{"a":1}', "{}"]
    assert answer.stop is StopReason.TOOL
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (9, 4)
    assert (reader.usage.output_tokens, reader.finish_reason) == (4, "tool")


@pytest.mark.parametrize("upstream", DIALECTS)
@given(places=PLACES)
def test_half_a_stream_is_no_answer(upstream: str, places: list[int]) -> None:
    whole = stream(upstream, EVENTS[:-1])
    reader = assembly(upstream, "openai_chat")
    for chunk in cut(whole, places):
        reader.feed(chunk)
    assert reader.finish() == b""
    assert reader.failure is not None


def test_an_error_in_the_stream_is_its_failure() -> None:
    reader = assembly("anthropic_messages", "openai_chat")
    error = b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}'
    reader.feed(b"event: error\ndata: " + error + b"\n\n")
    assert reader.failure is not None
    assert reader.failure.kind.value == "overloaded"
    assert reader.finish() == b""
