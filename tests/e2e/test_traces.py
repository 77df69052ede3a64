"""One trace, from the caller's span through gateway and upstreams to a tracing backend.

Everything is a process or a socket of its own: the caller, ``penstock up``, a relay before each
emulated provider that notes what it was sent, and a receiver of OTLP over HTTP.
"""

import contextlib
import http.client
import json
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.apps.control.receiving import receiving, told
from tests.cli.running import REAL, port, running
from tests.e2e.conftest import StartEmulator
from tests.e2e.emulator import KEY, wait_until
from tests.e2e.gateway import CLAUDE, GPT
from tests.e2e.stack import table_text

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER: Final = "00f067aa0ba902b7"
STATE: Final = "vendor=opaque"
PROMPT: Final = "canary of the prompt"
NS: Final = 1e9
WITHIN_S: Final = 60.0


class Relay:
    """Hands requests on to a provider, and notes the trace that each belonged to."""

    def __init__(self, base_url: str) -> None:
        self.heard: list[tuple[str, str]] = []  # traceparent, tracestate
        relay = self
        place = urlsplit(base_url)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                trace = self.headers.get("traceparent", ""), self.headers.get("tracestate", "")
                relay.heard.append(trace)
                onward = http.client.HTTPConnection(place.netloc, timeout=WITHIN_S)
                with contextlib.closing(onward):
                    headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                    onward.request("POST", self.path, body, headers)
                    response = onward.getresponse()
                    answer = response.read()
                self.send_response(response.status)
                for name in ("content-type", "request-id", "x-request-id"):
                    if response.headers[name]:
                        self.send_header(name, response.headers[name])
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}{place.path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def relayed(base_url: str) -> Generator[Relay]:
    """Relay for the time of a block."""
    relay = Relay(base_url)
    try:
        yield relay
    finally:
        relay.close()


def write_config(folder: Path, claude: Relay, gpt: Relay, endpoint: str) -> None:
    """Write a route whose first upstream is Claude and whose second one is GPT."""
    key = folder / "upstream.key"
    key.touch(mode=0o600)
    key.write_text(KEY)
    upstreams: tuple[dict[str, object], ...] = (
        {"name": "a", "dialect": "anthropic_messages", "base_url": claude.url},
        {"name": "b", "dialect": "openai_chat", "base_url": gpt.url},
    )
    targets = f'[{{upstream = "a", model = "{CLAUDE}"}}, {{upstream = "b", model = "{GPT}"}}]'
    parts = [
        table_text("[watch]", {"finds_probes": False}),
        table_text("[traces]", {"endpoint": endpoint}),
        *(table_text("[[upstreams]]", {**one, "api_key_file": str(key)}) for one in upstreams),
        f'[[routes]]\nname = "smart"\ntargets = {targets}\n',
    ]
    (folder / "penstock.toml").write_text("\n".join(parts))


def ask(url: str, key: str) -> tuple[int, str, dict[str, Any]]:
    """Ask as a caller whose trace is recorded; return status, the exchange's id and the answer."""
    turn = {"role": "user", "content": f"{PROMPT} [[say:We are open.]]"}
    body = json.dumps({"model": "smart", "messages": [turn]})
    headers = {
        "authorization": f"Bearer {key}",
        "traceparent": f"00-{TRACE}-{CALLER}-01",
        "tracestate": STATE,
    }
    connection = http.client.HTTPConnection("127.0.0.1", port(url), timeout=WITHIN_S)
    with contextlib.closing(connection):
        connection.request("POST", "/v1/chat/completions", body, headers)
        response = connection.getresponse()
        return response.status, response.headers["x-request-id"], json.loads(response.read())


@pytest.mark.slow
def test_one_trace_leads_from_the_caller_over_a_failover_to_the_receiver(
    start_emulator: StartEmulator, tmp_path: Path
) -> None:
    emulator = start_emulator("--instant")
    emulator.faults({"kind": "http_529", "provider": "claude"})
    with (
        relayed(emulator.urls["claude"]) as claude,
        relayed(emulator.urls["gpt"]) as gpt,
        receiving() as receiver,
    ):
        write_config(tmp_path, claude, gpt, receiver.url)
        with running(tmp_path, REAL) as up:
            ready = up.ready()
            status, exchange_id, answer = ask(ready["urls"]["gateway"], ready["key"])
            assert status == 200
            wait_until(lambda: len(receiver.spans) >= 3, WITHIN_S)
            assert up.stop() == 0
        spans = receiver.spans
    exchange, failed, good = spans  # and no more than these
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert exchange.parent_span_id.hex() == CALLER
    assert failed.parent_span_id == good.parent_span_id == exchange.span_id
    assert len({CALLER, *(span.span_id.hex() for span in spans)}) == 4
    assert claude.heard == [(f"00-{TRACE}-{failed.span_id.hex()}-01", STATE)]
    assert gpt.heard == [(f"00-{TRACE}-{good.span_id.hex()}-01", STATE)]
    server, client = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT
    assert [span.kind for span in spans] == [server, client, client]
    check_times(exchange, failed, good)
    check_words(exchange, failed, good)
    whole = told(exchange)
    assert whole["penstock.exchange"] == exchange_id
    assert whole["gen_ai.usage.output_tokens"] == answer["usage"]["completion_tokens"]
    assert told(failed)["server.port"] == claude.port
    assert told(good)["server.port"] == gpt.port
    assert PROMPT not in repr(spans)
    assert ready["key"] not in repr(spans)


def check_times(exchange: Span, failed: Span, good: Span) -> None:
    """One attempt follows the other, within the exchange."""
    assert exchange.start_time_unix_nano <= failed.start_time_unix_nano
    assert failed.end_time_unix_nano <= good.start_time_unix_nano + 0.001 * NS
    assert good.end_time_unix_nano <= exchange.end_time_unix_nano + 0.001 * NS


def check_words(exchange: Span, failed: Span, good: Span) -> None:
    """The words are those of OpenTelemetry for generative AI."""
    unset, error = Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR
    assert [span.status.code for span in (exchange, failed, good)] == [unset, error, unset]
    assert [span.name for span in (exchange, failed, good)] == [
        "chat smart", f"chat {CLAUDE}", f"chat {GPT}",
    ]  # fmt: skip
    whole, first, second = told(exchange), told(failed), told(good)
    assert {one["gen_ai.operation.name"] for one in (whole, first, second)} == {"chat"}
    assert (whole["gen_ai.request.model"], whole["gen_ai.response.model"]) == ("smart", GPT)
    assert whole["gen_ai.response.finish_reasons"] == ["stop"]
    assert whole["penstock.attempts"] == 2
    assert (first["gen_ai.provider.name"], second["gen_ai.provider.name"]) == (
        "anthropic", "openai",
    )  # fmt: skip
    assert (first["error.type"], first["http.response.status_code"]) == ("overloaded", 529)
    assert first["penstock.failed_over"]
    assert "penstock.failed_over" not in second
    assert second["gen_ai.request.model"] == second["gen_ai.response.model"] == GPT
    for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        assert second[name] == whole[name] > 0
