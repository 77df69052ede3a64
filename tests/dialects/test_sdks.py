"""The official SDKs read what we encode: over HTTP from a server of our own, as callers do."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import anthropic
import openai
import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.dialects.samples import inquiry, read_all, sample

from penstock.core.errors import CallerError, ShedError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.registry import DIALECTS
from penstock.dialects.translate import Translation

OPENAI: Final = DIALECTS["openai_chat"]
ANTHROPIC: Final = DIALECTS["anthropic_messages"]
ANSWER: Final = Answer(
    id="1",
    model="m",
    parts=(Text("Looking."), ToolCall("call_1", "find", '{"city": "Graz"}')),
    thinking="hm",
    stop=StopReason.TOOL,
    usage=Usage(17, 42, 5, 2, 7, is_known=True),
)


@contextmanager
def serving(body: bytes, status: int = 200, kind: str = "text/event-stream") -> Generator[str]:
    """Answer every request with the body."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
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


def test_anthropic_raises_at_an_error_in_the_stream() -> None:
    body = sample("anthropic_messages", "text_cut") + ANTHROPIC.error_event(BROKEN, "r")
    with serving(body) as url, claude(url) as client:
        stream = client.messages.create(
            model="m", max_tokens=9, stream=True, messages=[{"role": "user", "content": "hi"}]
        )
        with pytest.raises(anthropic.APIStatusError) as caught:
            list(stream)
    assert caught.value.type == "api_error"
