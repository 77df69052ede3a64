"""Google's own SDK reads what we encode, and is read in turn: over a socket, as callers do."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import pytest
from google import genai
from google.genai import errors, types
from tests.dialects.samples import inquiry, read_all, sample
from tests.dialects.test_sdks import ANSWER, BROKEN, serving, translated

from penstock.core.errors import ShedError
from penstock.dialects import capability
from penstock.dialects.contract import Inquiry
from penstock.dialects.gemini_generate.write import SIGNATURE_DUMMY
from penstock.dialects.message import Image, ToolCall, ToolResult
from penstock.dialects.registry import DIALECTS

GEMINI: Final = DIALECTS["gemini_generate"]
OTHERS: Final = pytest.mark.parametrize("source", ["openai_chat", "anthropic_messages"])
JSON: Final = "application/json"


def client(url: str) -> Any:
    """Return the SDK; its types need a library of pictures that we do not install."""
    return genai.Client(api_key="k", http_options=types.HttpOptions(base_url=url))


@contextmanager
def listening(body: bytes, kind: str) -> Generator[tuple[str, list[tuple[str, bytes]]]]:
    """Answer every request with the body, and keep what was asked."""
    asked: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            del code, size

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def parts_of(answer: types.GenerateContentResponse) -> list[types.Part]:
    assert answer.candidates
    content = answer.candidates[0].content
    assert content is not None
    return content.parts or []


@OTHERS
def test_google_reads_a_stream(source: str) -> None:
    body = translated(source, "gemini_generate", "tools_ok")
    with serving(body) as url, client(url) as google:
        chunks: list[types.GenerateContentResponse] = list(
            google.models.generate_content_stream(model="m", contents="hi")
        )
    parts = [part for chunk in chunks for part in parts_of(chunk)]
    assert "".join(part.text or "" for part in parts if not part.thought) == "Looking."
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.name, call.args) for call in calls] == [("find", {"city": "Graz"}), ("now", {})]
    assert all(call.id for call in calls)
    assert len({(chunk.response_id, chunk.model_version) for chunk in chunks}) == 1
    last = chunks[-1]
    assert last.candidates
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    usage = last.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.total_token_count) == (17, 59)
    assert (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0) == 42


def test_google_reads_a_whole_answer_and_sends_it_back() -> None:
    """What the SDK keeps of our answer is what the next question brings: calls stay signed."""
    body = GEMINI.write_answer(ANSWER, inquiry(GEMINI), 1)
    with listening(body, JSON) as (url, asked), client(url) as google:
        answer: types.GenerateContentResponse = google.models.generate_content(
            model="m", contents="hi"
        )
        assert answer.text == "Looking."
        assert answer.candidates
        said = answer.candidates[0].content
        assert said is not None
        result = types.Part.from_function_response(name="find", response={"output": "sunny"})
        google.models.generate_content(
            model="models/m",
            contents=[
                types.Content(role="user", parts=[types.Part.from_text(text="hi")]),
                said,
                types.Content(role="user", parts=[result]),
            ],
        )
    path, second = asked[1]
    assert f'"{SIGNATURE_DUMMY}"'.encode() in second
    again = GEMINI.inquire(second, path.encode())
    assert again.model == "m"
    turns = GEMINI.read_request(again).turns
    assert [part for part in turns[1].parts if isinstance(part, ToolCall)] == [ANSWER.parts[1]]
    assert [type(part) for part in turns[2].parts] == [ToolResult]


def everything(url: str) -> None:
    """Ask with every option that has a place in other dialects."""
    with client(url) as google:
        stream = google.models.generate_content_stream(
            model="claude/opus:5",
            contents=[
                types.Part.from_bytes(data=b"\xfb\xff\xfe", mime_type="image/png"),
                "What is it?",
            ],
            config=types.GenerateContentConfig(
                system_instruction="be brief",
                temperature=0.5,
                top_p=0.9,
                top_k=40,
                seed=7,
                max_output_tokens=99,
                stop_sequences=["END"],
                presence_penalty=0.5,
                frequency_penalty=0.5,
                safety_settings=[
                    types.SafetySetting(
                        category=types.HarmCategory.HARM_CATEGORY_HARASSMENT,
                        threshold=types.HarmBlockThreshold.BLOCK_NONE,
                    )
                ],
                thinking_config=types.ThinkingConfig(
                    include_thoughts=True, thinking_level=types.ThinkingLevel.LOW
                ),
                tools=[
                    types.Tool(
                        function_declarations=[
                            types.FunctionDeclaration(
                                name="find",
                                parameters=types.Schema(
                                    type=types.Type.OBJECT,
                                    properties={"n": types.Schema(type=types.Type.INTEGER)},
                                    min_properties=1,
                                ),
                            )
                        ]
                    )
                ],
                tool_config=types.ToolConfig(
                    function_calling_config=types.FunctionCallingConfig(
                        mode=types.FunctionCallingConfigMode.ANY
                    )
                ),
                service_tier=types.ServiceTier.FLEX,
            ),
        )
        list(stream)


@pytest.fixture(scope="module")
def asked() -> Inquiry:
    with listening(sample("gemini_generate", "text_ok"), "text/event-stream") as (url, requests):
        everything(url)
    (path, body), *_ = requests
    return GEMINI.inquire(body, path.encode())


def test_what_google_sends_is_read(asked: Inquiry) -> None:
    assert (asked.model, asked.is_stream) == ("claude/opus:5", True)
    assert (asked.needs_tools, asked.needs_images) == (True, True)
    request = GEMINI.read_request(asked)
    assert request.system == "be brief"
    assert request.turns[0].parts[0] == Image("image/png", "+//+")
    assert (request.temperature, request.top_p, request.top_k) == (0.5, 0.9, 40)
    assert (request.seed, request.output_tokens_max, request.stop) == (7, 99, ("END",))
    assert (request.presence_penalty, request.frequency_penalty) == (0.5, 0.5)
    assert (request.effort, request.shows_thinking) == ("low", True)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "minProperties": 1}
    assert request.tools[0].schema == schema
    assert request.service_tier == "flex"
    assert request.dropped == ("safetySettings",)


@OTHERS
def test_what_google_sends_can_go_elsewhere(asked: Inquiry, source: str) -> None:
    body, dropped = DIALECTS[source].write_request(
        GEMINI.read_request(asked), "m", capability.of(source, "m")
    )
    assert json.loads(body)["tools"]
    assert "safetySettings" in dropped


def test_google_raises_what_we_write() -> None:
    error = ShedError("full", retry_after_s=1)
    with (
        serving(GEMINI.error_body(error, "r"), 503, JSON) as url,
        client(url) as google,
        pytest.raises(errors.ServerError, match="full") as caught,
    ):
        google.models.generate_content(model="m", contents="hi")
    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("source", sorted(DIALECTS))
def test_google_raises_at_an_error_in_the_stream(source: str) -> None:
    if source == GEMINI.name:
        head = read_all(GEMINI.relay(inquiry(GEMINI)), [sample(source, "text_cut")])
    else:
        head = translated(source, "gemini_generate", "text_cut")
    with serving(head + GEMINI.error_event(BROKEN, "r")) as url, client(url) as google:
        stream = google.models.generate_content_stream(model="m", contents="hi")
        assert (next(stream).text or "").startswith("Hel")
        with pytest.raises(errors.ServerError, match="cut"):
            list(stream)


@pytest.mark.parametrize(
    "stem", ["breaks_comment", "breaks_done_line", "breaks_no_space_after_data"]
)
def test_google_reads_what_would_have_broken_it(stem: str) -> None:
    stream = sample("gemini_generate", stem)
    with (
        serving(stream) as url,
        client(url) as google,
        pytest.raises(errors.UnknownApiResponseError),
    ):
        list(google.models.generate_content_stream(model="m", contents="hi"))
    passed = read_all(GEMINI.relay(inquiry(GEMINI)), [stream])
    with serving(passed) as url, client(url) as google:
        chunks: list[types.GenerateContentResponse] = list(
            google.models.generate_content_stream(model="m", contents="hi")
        )
    assert "".join(chunk.text or "" for chunk in chunks) in ("Hello world!", "A")


def test_a_sign_of_life_is_a_blank_line_to_google() -> None:
    stream = sample("gemini_generate", "text_ok").replace(b"\r\n\r\n", b"\r\n\r\n\r\n")
    with serving(b"\r\n" + stream) as url, client(url) as google:
        chunks: list[types.GenerateContentResponse] = list(
            google.models.generate_content_stream(model="m", contents="hi")
        )
    assert "".join(chunk.text or "" for chunk in chunks) == "Hello world!"
