"""Sends spans of recorded exchanges by OTLP over HTTP, beside everything else.

offer    from the thread that reads the spool, after a batch is committed: takes a record into the
         queue, or counts it as dropped if there is no room; never waits
send     a thread of its own makes spans and sends them in batches; a batch that cannot be sent
         is counted as dropped, and the next is tried
stop     what is in the queue is sent, for a bounded time

Needs ``penstock[otel]``; without it, and with an endpoint set, control says so and does not start.
"""

import importlib
import queue
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from penstock.config.model import Config
from penstock.config.operations import Traces
from penstock.core.errors import ConfigError, Problem
from penstock.exchange.record import Record
from penstock.telemetry import log
from penstock.telemetry.spans import Place, Span, is_sampled, places_of, spans_of

QUEUE_MAX: Final = 20_000  # records: one batch of the reader; a few tens of megabytes
BATCH_MAX: Final = 256  # records: some hundred kilobytes on the wire
TIMEOUT_S: Final = 10.0  # for one batch
STOP_S: Final = 15.0  # for what is left, at the end
MISSING: Final = "OpenTelemetry is not installed here"
REMEDY: Final = "install penstock[otel], or leave [traces] endpoint empty"


class Counts(msgspec.Struct):
    """What became of the records since this process began."""

    sent: int = 0
    dropped: int = 0  # no room, or could not be sent


class Tracing:
    """Sends spans. ``offer`` may be called by any thread."""

    def __init__(
        self, settings: Traces, places: Mapping[str, Place], headers: Mapping[str, str]
    ) -> None:
        self._ratio = settings.sample_ratio
        self._sender = Sender(settings.endpoint, headers)
        self.places = places
        self.counts = Counts()
        self._queue: queue.Queue[Record | None] = queue.Queue(QUEUE_MAX)
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._thread.start()

    def offer(self, records: Sequence[Record]) -> None:
        """Take records that have been inserted; never waits, never raises."""
        for record in records:
            if not is_sampled(record, self._ratio):
                continue
            try:
                self._queue.put_nowait(record)
            except queue.Full:
                self.counts.dropped += 1

    def stop(self) -> None:
        """Send what is left, and end."""
        try:
            self._queue.put(None, timeout=STOP_S)
        except queue.Full:
            return  # it hangs; the thread is a daemon
        self._thread.join(STOP_S)
        self._sender.close()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            first = self._queue.get()
            batch: list[Record] = []
            while first is not None:
                batch.append(first)
                if len(batch) >= BATCH_MAX or self._queue.empty():
                    break
                first = self._queue.get()
            is_over = first is None
            if batch:
                self._send(batch)

    def _send(self, batch: list[Record]) -> None:
        spans = [span for record in batch for span in spans_of(record, self.places)]
        error = self._sender.send(spans)
        if error:
            self.counts.dropped += len(batch)
            if not self._is_failing:
                log.warn("traces_failing", reason=error)
        else:
            self.counts.sent += len(batch)
            if self._is_failing:
                log.info("traces_recovered", dropped=self.counts.dropped)
        self._is_failing = bool(error)


class Sender:
    """OpenTelemetry's own exporter, told our spans."""

    def __init__(self, endpoint: str, headers: Mapping[str, str]) -> None:
        try:
            self._trace: Any = importlib.import_module("opentelemetry.trace")
            self._sdk: Any = importlib.import_module("opentelemetry.sdk.trace")
            exporting: Any = importlib.import_module("opentelemetry.sdk.trace.export")
            resources: Any = importlib.import_module("opentelemetry.sdk.resources")
            otlp: Any = importlib.import_module(
                "opentelemetry.exporter.otlp.proto.http.trace_exporter"
            )
        except ImportError as error:
            raise ConfigError([Problem("traces.endpoint", MISSING, REMEDY)]) from error
        self._success = exporting.SpanExportResult.SUCCESS
        self._resource = resources.Resource({"service.name": "penstock"})
        self._exporter = otlp.OTLPSpanExporter(
            endpoint=endpoint, headers=dict(headers), timeout=TIMEOUT_S
        )

    def send(self, spans: Iterable[Span]) -> str:
        """Send spans; return why that failed, or nothing."""
        try:
            result = self._exporter.export([self._readable(span) for span in spans])
        except (OSError, ValueError, RuntimeError) as error:  # requests raises OSErrors
            return type(error).__name__
        return "" if result is self._success else "the receiver did not take them"

    def close(self) -> None:
        """Let go of the connection."""
        self._exporter.shutdown()

    def _readable(self, span: Span) -> Any:
        trace = self._trace
        status = trace.Status(trace.StatusCode.ERROR, span.error) if span.error else trace.Status()
        return self._sdk.ReadableSpan(
            name=span.name,
            context=self._context(span.trace_id, span.span_id),
            parent=self._context(span.trace_id, span.parent_id) if span.parent_id else None,
            resource=self._resource,
            attributes=span.attributes,
            kind=trace.SpanKind.CLIENT if span.is_client else trace.SpanKind.SERVER,
            status=status,
            start_time=span.start_ns,
            end_time=span.end_ns,
        )

    def _context(self, trace_id: str, span_id: str) -> Any:
        sampled = self._trace.TraceFlags(self._trace.TraceFlags.SAMPLED)
        return self._trace.SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=sampled
        )


def start_tracing(config: Config, environment: Mapping[str, str]) -> Tracing | None:
    """Return what sends spans, None if no endpoint is set; raises ConfigError."""
    settings = config.traces
    if not settings.endpoint:
        return None
    name = settings.headers_env
    if name and name not in environment:
        problem = f"the variable {name} is not set"
        raise ConfigError([Problem("traces.headers_env", problem, "set it, or leave this empty")])
    return Tracing(settings, places_of(config), headers_of(environment.get(name, "")))


def headers_of(text: str) -> dict[str, str]:
    """Read ``name=value,name=value``, as OTEL_EXPORTER_OTLP_HEADERS; raises ConfigError."""
    found: dict[str, str] = {}
    for pair in filter(None, (one.strip() for one in text.split(","))):
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            problem = "what the variable holds is no list of headers"
            raise ConfigError([Problem("traces.headers_env", problem, "write name=value,...")])
        found[name.strip()] = value.strip()
    return found
