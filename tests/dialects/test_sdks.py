"""The official SDKs read what we encode: over HTTP from a server of our own, as callers do."""

import threading
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import anthropic
import msgspec
import openai
import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from tests.dialects.samples import inquiry, read_all, sample, whole_events

from penstock.core.errors import CallerError, ShedError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.registry import DIALECTS
from penstock.dialects.translate import Translation

OPENAI: Final = DIALECTS["openai_chat"]
RESPONSES: Final = DIALECTS["openai_responses"]
ANTHROPIC: Final = DIALECTS["anthropic_messages"]
ANSWER: Final = Answer(
    id="1",
    model="m",
    parts=(Text("Looking."), ToolCall("call_1", "find", '{"city": "Graz"}')),
    thinking="hm",
    stop=StopReason.TOOL,
    usage=Usage(17, 42, 5, 2, 7, is_known=True),
)

RESPONSE_EVENT: Final = TypeAdapter[ResponseStreamEvent](ResponseStreamEvent)
OTHERS: Final = pytest.mark.parametrize("source", ["openai_chat", "anthropic_messages"])


@contextmanager
def serving_each(
    bodies: Sequence[bytes], status: int = 200, kind: str = "text/event-stream"
) -> Generator[str]:
    """Answer the requests with the bodies, one after the other; all others with the last."""
    rest = deque(bodies)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = rest.popleft() if len(rest) > 1 else rest[0]
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.send_header("x-should-retry", "false")
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            del code, size

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serving(
    body: bytes, status: int = 200, kind: str = "text/event-stream"
) -> AbstractContextManager[str]:
    """Answer every request with the body."""
    return serving_each([body], status, kind)


def translated(source: str, target: str, stem: str) -> bytes:
    caller = DIALECTS[target]
    reader = Translation(DIALECTS[source].decoder(), caller.encoder(inquiry(caller), 1))
    return read_all(reader, [sample(source, stem)])


def chat(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0)


def claude(url: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key="k", max_retries=0)


def test_openai_reads_a_stream_of_claude() -> None:
    body = translated("anthropic_messages", "openai_chat", "tools_ok")
    with serving(body) as url, chat(url) as client:
        stream = client.chat.completions.create(
            model="m", stream=True, messages=[{"role": "user", "content": "hi"}]
        )
        chunks = list(stream)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert "".join(choice.delta.content or "" for choice in choices) == "Looking."
    calls: dict[int, list[str]] = {}
    for call in (call for choice in choices for call in choice.delta.tool_calls or []):
        assert call.function is not None
        if call.id:
            calls[call.index] = [call.id, call.function.name or "", ""]
        calls[call.index][2] += call.function.arguments or ""
    assert calls == {
        0: ["toolu_1", "find", '{"city": "Graz"}'],
        1: ["toolu_2", "now", "{}"],
    }
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["tool_calls"]
    assert [chunk.usage is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (17, 42, 59)
    assert chunks[-1].choices == []


def test_openai_helper_accumulates_a_stream_of_claude() -> None:
    body = translated("anthropic_messages", "openai_chat", "tools_ok")
    with (
        serving(body) as url,
        chat(url) as client,
        client.chat.completions.stream(
            model="m", messages=[{"role": "user", "content": "hi"}]
        ) as stream,
    ):
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls or []
    assert [call.function.arguments for call in calls if call.type == "function"] == [
        '{"city": "Graz"}', "{}",
    ]  # fmt: skip


def test_anthropic_reads_a_stream_of_chat() -> None:
    body = translated("openai_chat", "anthropic_messages", "tools_ok")
    with (
        serving(body) as url,
        claude(url) as client,
        client.messages.stream(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        ) as stream,
    ):
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 3
    assert [block.type for block in final.content] == ["text", "tool_use", "tool_use"]
    inputs = [block.input for block in final.content if block.type == "tool_use"]
    assert inputs == [{"city": "Graz"}, {}]
    assert final.stop_reason == "tool_use"
    usage = final.usage
    assert (usage.input_tokens, usage.output_tokens) == (10, 42)
    assert (usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (5, 2)


def test_whole_answers_are_of_the_sdks_types() -> None:
    completion = ChatCompletion.model_validate_json(
        OPENAI.write_answer(ANSWER, inquiry(OPENAI), 1), strict=True
    )
    message = completion.choices[0].message
    assert message.content == "Looking."
    assert completion.choices[0].finish_reason == "tool_calls"
    answer = Message.model_validate_json(
        ANTHROPIC.write_answer(ANSWER, inquiry(ANTHROPIC), 1), strict=True
    )
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.stop_reason == "tool_use"


def test_every_chunk_is_of_the_sdks_type() -> None:
    body = translated("anthropic_messages", "openai_chat", "tools_ok")
    events = [event for event in body.split(b"\n\n")[:-2] if not event.startswith(b":")]
    for event in events:
        ChatCompletionChunk.model_validate_json(event.removeprefix(b"data: "), strict=True)


def data_of(event: bytes) -> bytes:
    return event.partition(b"\ndata: ")[2].rstrip(b"\n")


@OTHERS
@pytest.mark.parametrize("stem", ["text_ok", "tools_ok"])
def test_every_response_event_is_of_the_sdks_type(source: str, stem: str) -> None:
    body = translated(source, "openai_responses", stem)
    events = [event for event in whole_events(body) if not event.startswith(b":")]
    read = [RESPONSE_EVENT.validate_json(data_of(event), strict=True) for event in events]
    assert [event.sequence_number for event in read] == list(range(len(read)))
    names = [event.partition(b"\n")[0] for event in events]
    assert names == [f"event: {event.type}".encode() for event in read]
    assert [event.type for event in read[:2]] == ["response.created", "response.in_progress"]
    assert read[-1].type == "response.completed"


@pytest.mark.parametrize("stop", StopReason)
def test_whole_responses_are_of_the_sdks_type(stop: StopReason) -> None:
    asked = RESPONSES.inquire(
        b'{"model":"m","input":"hi","instructions":"be brief","temperature":0.5,"user":"u",'
        b'"tools":[{"type":"function","name":"find","parameters":{"type":"object"}}],'
        b'"tool_choice":{"type":"function","name":"find"},"metadata":{"a":"b"},'
        b'"text":{"format":{"type":"json_schema","name":"n","schema":{}}},"max_output_tokens":9,'
        b'"reasoning":{"effort":"low","summary":"auto"},"parallel_tool_calls":false}'
    )
    answer = msgspec.structs.replace(ANSWER, stop=stop)
    body = RESPONSES.write_answer(answer, asked, 1)
    response = Response.model_validate_json(body, strict=True)
    assert response.output_text == "Looking."
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    is_incomplete = stop in (StopReason.LENGTH, StopReason.FILTERED, StopReason.PAUSED)
    assert response.status == ("incomplete" if is_incomplete else "completed")
    assert (response.incomplete_details is not None) is is_incomplete
    assert (response.instructions, response.temperature) == ("be brief", 0.5)
    assert (response.max_output_tokens, response.metadata) == (9, {"a": "b"})
    assert response.tools[0].type == "function"
    assert response.usage is not None
    assert response.usage.total_tokens == 59
    assert response.usage.output_tokens_details.reasoning_tokens == 7


@OTHERS
def test_openai_reads_a_stream_of_responses(source: str) -> None:
    body = translated(source, "openai_responses", "tools_ok")
    with serving(body) as url, chat(url) as client:
        events = list(client.responses.create(model="m", input="hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == "Looking."
    last = events[-1]
    assert last.type == "response.completed"
    first, second = events[:2]
    assert first.type == "response.created"
    assert second.type == "response.in_progress"
    assert first.response.id == second.response.id == last.response.id
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert [item.to_dict() for item in done] == [item.to_dict() for item in last.response.output]


@OTHERS
def test_openai_helper_accumulates_a_stream_of_responses(source: str) -> None:
    body = translated(source, "openai_responses", "tools_ok")
    with (
        serving(body) as url,
        chat(url) as client,
        client.responses.stream(model="m", input="hi") as stream,
    ):
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds.count("response.output_item.added") == len(final.output)
    assert final.output_text == "Looking."
    calls = [item for item in final.output if item.type == "function_call"]
    assert [call.arguments for call in calls] == ['{"city": "Graz"}', "{}"]
    assert final.usage is not None
    assert (final.usage.input_tokens, final.usage.output_tokens) == (17, 42)


def test_what_the_sdk_hands_back_is_read_again() -> None:
    """Callers put the items of an answer before their next question, as they got them."""
    body = RESPONSES.write_answer(ANSWER, inquiry(RESPONSES), 1)
    with serving(body, kind="application/json") as url, chat(url) as client:
        answer = client.responses.create(model="m", input="hi")
    items = [item.to_dict() for item in answer.output]
    result = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
    given = [{"role": "user", "content": "hi"}, *items, result]
    asked = RESPONSES.inquire(msgspec.json.encode({"model": "m", "input": given}))
    request = RESPONSES.read_request(asked)
    assert [len(turn.parts) for turn in request.turns] == [1, 2, 1]
    assert request.dropped == ("input.reasoning",)
    passed = msgspec.json.decode(RESPONSES.forward(asked, "m", asks_usage=False))
    assert [item.get("type") for item in passed["input"]] == [
        None, "message", "function_call", "function_call_output",
    ]  # fmt: skip


def test_openai_raises_what_we_write() -> None:
    error = CallerError("no such field", param="seed")
    with (
        serving(OPENAI.error_body(error, "r"), 400, "application/json") as url,
        chat(url) as client,
        pytest.raises(openai.BadRequestError) as caught,
    ):
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert (caught.value.param, caught.value.code) == ("seed", "invalid_request")


def test_anthropic_raises_what_we_write() -> None:
    error = ShedError("full", retry_after_s=1)
    with (
        serving(ANTHROPIC.error_body(error, "r"), 529, "application/json") as url,
        claude(url) as client,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
        )
    assert caught.value.status_code == 529
    assert caught.value.type == "overloaded_error"


BROKEN: Final = UpstreamError(Failure(FailureKind.BROKEN_STREAM, "cut"))


def test_openai_raises_at_an_error_in_the_stream() -> None:
    body = sample("openai_chat", "text_cut") + OPENAI.error_event(BROKEN, "r")
    with serving(body) as url, chat(url) as client:
        stream = client.chat.completions.create(
            model="m", stream=True, messages=[{"role": "user", "content": "hi"}]
        )
        with pytest.raises(openai.APIError, match="cut"):
            list(stream)


@OTHERS
def test_openai_is_told_that_a_response_failed(source: str) -> None:
    """The SDK raises nothing (DIALECTS 10): the event itself must be one that it understands."""
    reader = Translation(DIALECTS[source].decoder(), RESPONSES.encoder(inquiry(RESPONSES), 1))
    body = read_all(reader, [sample(source, "text_cut")]) + reader.broken(BROKEN)
    with serving(body) as url, chat(url) as client:
        events = list(client.responses.create(model="m", input="hi", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.failed"
    first = events[0]
    assert first.type == "response.created"
    assert last.response.id == first.response.id
    assert last.response.error is not None
    assert "cut" in last.response.error.message
    RESPONSE_EVENT.validate_json(data_of(whole_events(body)[-1]), strict=True)
    with (
        serving(body) as url,
        chat(url) as client,
        client.responses.stream(model="m", input="hi") as stream,
        pytest.raises(RuntimeError, match=r"response\.completed"),
    ):
        stream.get_final_response()


def test_anthropic_raises_at_an_error_in_the_stream() -> None:
    body = sample("anthropic_messages", "text_cut") + ANTHROPIC.error_event(BROKEN, "r")
    with serving(body) as url, claude(url) as client:
        stream = client.messages.create(
            model="m", max_tokens=9, stream=True, messages=[{"role": "user", "content": "hi"}]
        )
        with pytest.raises(anthropic.APIStatusError) as caught:
            list(stream)
    assert caught.value.type == "api_error"
