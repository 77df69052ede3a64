"""A server that speaks OpenAI's dialect as an engine does, with that engine's ways and gaps.

It answers the probe's questions well where the engine would, and refuses or ignores where the
engine does. It keeps what it was asked.
"""

import contextlib
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import msgspec

MODEL: Final = "qwen3-8b"
PAGES: Final[dict[str, dict[str, object]]] = {
    "vllm": {"/version": {"version": "0.11.0"}},
    "llama_cpp": {"/props": {"default_generation_settings": {"n_ctx": 4096}}},
    "ollama": {"/api/version": {"version": "0.12.0"}},
    "lm_studio": {},
}
OWNERS: Final = {
    "vllm": "vllm", "llama_cpp": "me", "ollama": "library", "lm_studio": "organization_owner",
}  # fmt: skip


class RefusedError(Exception):
    """What the engine answers with status 400."""


@dataclass
class Engine:
    """One engine: which it is, where it listens, and what it was asked."""

    kind: str
    key: str = ""
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    keys: set[str] = field(default_factory=set[str])

    def answer(self, body: dict[str, Any]) -> dict[str, object]:
        """Return the message for a request, or refuse it."""
        if body.get("max_tokens", 0) > 100_000 and self.kind == "vllm":
            message = "'max_tokens' is too large: the maximum context length is 32768 tokens"
            raise RefusedError(message)
        form = body.get("response_format", {}).get("type")
        if form == "json_object" and self.kind == "lm_studio":
            raise RefusedError("'response_format.type' must be 'json_schema' or 'text'")
        if form:
            return {"content": '{"ok":true}'}
        return self._tools(body) if body.get("tools") else {"content": self._text(body)}

    def _text(self, body: dict[str, Any]) -> str:
        whole = "1 2 3 4 5 6"
        last = body["messages"][-1]
        goes_on = self.kind == "llama_cpp" or bool(
            self.kind == "vllm" and body.get("continue_final_message")
        )
        if last["role"] == "assistant" and goes_on:
            whole = whole.removeprefix(last["content"])
        for stop in body.get("stop", []):
            whole = whole.partition(stop)[0]
        return whole

    def _tools(self, body: dict[str, Any]) -> dict[str, object]:
        choice: Any = body.get("tool_choice", "auto")
        is_object = not isinstance(choice, str)
        if is_object and self.kind in {"llama_cpp", "lm_studio"}:
            raise RefusedError("tool_choice must be a string")
        if choice == "auto" or self.kind == "ollama":
            return {"content": "No need."}
        shown = body["tools"][0]["function"]["name"]
        name = choice["function"]["name"] if is_object else shown
        function = {"name": name, "arguments": '{"ok":true}'}
        return {"content": None, "tool_calls": [{"id": "", "index": 0, "function": function}]}


class Handler(BaseHTTPRequestHandler):
    """Answers for the engine of its class."""

    engine: Engine

    def do_GET(self) -> None:
        self.engine.keys.add(self.headers.get("authorization", ""))
        if self.path == "/v1/models":
            model = {"id": MODEL, "owned_by": OWNERS[self.engine.kind]}
            self._reply(
                200,
                {
                    "data": [
                        model | ({"max_model_len": 32768} if self.engine.kind == "vllm" else {})
                    ]
                },
            )
        elif page := PAGES[self.engine.kind].get(self.path):
            self._reply(200, page)
        else:
            self._reply(404, {"error": "no such page"})

    def do_POST(self) -> None:
        self.engine.keys.add(self.headers.get("authorization", ""))
        body = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        self.engine.asked.append(body)
        try:
            message = self.engine.answer(body)
        except RefusedError as refused:
            told = f"{refused} ({self.engine.key})"
            self._reply(400, {"error": {"message": told, "type": "invalid_request_error"}})
            return
        self._stream(message) if body.get("stream") else self._whole(message)

    def _whole(self, message: dict[str, object]) -> None:
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._reply(200, {"id": "c", "model": MODEL, "choices": [choice]})

    def _stream(self, message: dict[str, object]) -> None:
        choice = {"index": 0, "delta": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 3, "completion_tokens": 2}
        chunks: list[object] = [{"id": "c", "choices": [choice]}]
        chunks += (
            [] if self.engine.kind == "lm_studio" else [{"id": "c", "choices": [], "usage": usage}]
        )
        lines = [b"data: " + msgspec.json.encode(one) + b"\n\n" for one in chunks]
        self._send(200, b"".join(lines), "text/event-stream")

    def _reply(self, status: int, document: object) -> None:
        self._send(status, msgspec.json.encode(document), "application/json")

    def _send(self, status: int, raw: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(kind: str, key: str = "") -> Generator[Engine]:
    """Yield a running engine of this kind."""
    engine = Engine(kind, key)
    bound = type("Bound", (Handler,), {"engine": engine})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    engine.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
