"""A real gateway process before a stand-in for a provider."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from penstock.config.model import Config, DialectName, Gateway, Route, Target, Upstream
from penstock.snapshot import file
from penstock.snapshot.build import build
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key

BOUND_S = 20.0
CALLER_KEY = "pk-canary-of-the-caller"
UPSTREAM_KEY = "sk-canary-of-the-upstream"
PATH = "/v1/chat/completions"


def event(text: str | None, reason: str | None = None) -> bytes:
    delta = {"content": text} if text is not None else {}
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps(chunk | {"choices": [choice]}).encode() + b"\n\n"


class StandIn:
    """Answers as OpenAI does; a stream waits in its middle until it is let go."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.keys: list[str] = []
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                stand_in.keys.append(self.headers["authorization"])
                stand_in.answer(self, json.loads(body))

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                del code, size

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, request: dict[str, Any]) -> None:
        if request["model"] == "refused":  # quotes the key, as some do
            error = {"message": f"Incorrect API key provided: {UPSTREAM_KEY}.", "code": "bad_key"}
            self._send(handler, 401, {"error": error})
        elif request.get("stream"):
            handler.send_response(200)
            handler.send_header("content-type", "text/event-stream")
            handler.send_header("connection", "close")
            handler.end_headers()
            handler.wfile.write(event("first"))
            self.go_on.wait(BOUND_S)
            handler.wfile.write(event("last") + event(None, "stop") + b"data: [DONE]\n\n")
            handler.close_connection = True
        else:
            message = {"role": "assistant", "content": "an answer"}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
            usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
            self._send(handler, 200, answer | {"choices": [choice], "usage": usage})

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()


def config_of(url: str, **gateway: Any) -> Config:
    return Config(
        gateway=Gateway(**gateway),
        upstreams=(
            Upstream(
                name="up",
                dialect=DialectName.OPENAI_CHAT,
                base_url=url,
                api_key_env="STAND_IN_KEY",
            ),
        ),
        routes=(Route(name="*", targets=(Target(upstream="up"),)),),
    )


def publish(state_dir: Path, config: Config, version: int) -> None:
    key = Key(id="local", tenant="local", sha256=sha256(CALLER_KEY))
    snapshot = build(config, [key], version=version, now_unix_s=1.0)
    file.write(state_dir / "snapshot", snapshot)


class RunningGateway:
    """The process; killed at the end if it has not ended."""

    def __init__(self, state_dir: Path, *more: str) -> None:
        self.state_dir = state_dir
        self.log = state_dir / "log"
        self.ready_file = state_dir / "ready.json"
        self.ready_file.unlink(missing_ok=True)
        options = ["--state-dir", str(state_dir), "--ready-file", str(self.ready_file)]
        ports = ["--port", "0", "--admin-port", "0"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "penstock", "gateway", *options, *ports, *more],
                stderr=log,
                stdout=log,
                env=os.environ | {"STAND_IN_KEY": UPSTREAM_KEY},
            )
        self.ready: dict[str, Any] = {}

    def __enter__(self) -> Self:
        for _ in range(int(BOUND_S / 0.02)):
            if self.ready_file.exists():
                self.ready = json.loads(self.ready_file.read_text())
                return self
            if self.ended_within(0.02):
                break
        self.process.kill()
        self.process.wait()
        raise AssertionError(self.log.read_text())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()

    def ended_within(self, seconds: float) -> bool:
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(BOUND_S)

    def connect(self, url_name: str = "url") -> http.client.HTTPConnection:
        parts = urlsplit(str(self.ready[url_name]))
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=BOUND_S)

    def ask(
        self, body: object, key: str = CALLER_KEY, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        all_headers = {"authorization": f"Bearer {key}", **(headers or {})}
        connection = self.connect()
        try:
            connection.request("POST", PATH, raw, all_headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def admin(self, path: str) -> bytes:
        connection = self.connect("admin_url")
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def telemetry(self) -> dict[str, Any]:
        return json.loads(self.admin("/telemetry"))

    def until(self, path: Path, text: str) -> str:
        """Wait until a file says something."""
        for _ in range(int(BOUND_S / 0.02)):
            if path.exists() and text in (found := path.read_text()):
                return found
            assert not self.ended_within(0.02), self.log.read_text()
        raise AssertionError(f"{text!r} never came: {path.read_text() if path.exists() else None}")
