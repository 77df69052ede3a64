"""A receiver of OTLP over HTTP, as a tracing backend is one: it decodes what comes."""

import contextlib
import gzip
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Receiver:
    """Takes OTLP over HTTP and keeps the spans; may refuse."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.hold = threading.Event()
        self.hold.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.hold.wait(30)
                receiver.take(body, {name.lower(): value for name, value in self.headers.items()})
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/traces"

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        self.headers.append(headers)
        if self.status == 200:
            told = ExportTraceServiceRequest.FromString(body)
            for resource in told.resource_spans:
                self.spans += [one for scope in resource.scope_spans for one in scope.spans]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def receiving() -> Generator[Receiver]:
    """Receive for the time of a block."""
    made = Receiver()
    try:
        yield made
    finally:
        made.hold.set()
        made.close()


def told(span: Span) -> dict[str, Any]:
    """Return a span's attributes."""
    found: dict[str, Any] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        assert kind
        value = getattr(one.value, kind)
        found[one.key] = (
            [each.string_value for each in value.values] if kind == "array_value" else value
        )
    return found
