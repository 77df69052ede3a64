"""Spans arrive at a real receiver, whole and with the ids that upstreams were sent."""

import importlib
from collections.abc import Iterator
from typing import Any, Final

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.apps.control.receiving import Receiver, receiving, told
from tests.e2e.emulator import wait_until

from penstock.apps.control import tracing
from penstock.apps.control.tracing import Tracing, headers_of, start_tracing
from penstock.config.model import Config
from penstock.config.operations import Traces
from penstock.core import trace_context
from penstock.core.errors import ConfigError
from penstock.exchange.record import AttemptRecord, Record
from penstock.telemetry.spans import Place

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
CALLER: Final = "b7ad6b7169203331"
PLACES: Final = {
    "a": Place("anthropic", "claude.test", 443),
    "b": Place("openai", "gpt.test", 8443),
}


def record(number: int = 1, trace: str = f"00-{TRACE}-{CALLER}-01") -> Record:
    failed = AttemptRecord("a", "claude", "overloaded", 0.1, 0.2, status=529, detail="canary")
    good = AttemptRecord(
        "b", "gpt", "success", 0.4, 1.0, status=200, ttft_s=0.3, input_tokens=20, output_tokens=7,
        reasoning_tokens=3,
    )  # fmt: skip
    return Record(
        id=f"x{number}", at_unix_s=1_770_000_000.0, duration_s=1.5, tenant="t", key="canary",
        route="r", model="asked", dialect="openai_chat", is_stream=True, outcome="complete",
        status=200, finish_reason="stop", input_tokens=20, output_tokens=7, tier="standard",
        attempts=[failed, good], trace=trace,
    )  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_an_exchange_arrives_with_its_attempts(receiver: Receiver) -> None:
    sender = Tracing(Traces(endpoint=receiver.url), PLACES, {"x-token": "s"})
    sender.offer([record()])
    sender.stop()
    assert sender.counts.sent == 1
    assert receiver.headers[0]["x-token"] == "s"
    exchange, failed, good = receiver.spans
    assert {span.trace_id.hex() for span in receiver.spans} == {TRACE}
    assert exchange.parent_span_id.hex() == CALLER
    for number, span in enumerate((exchange, failed, good)):
        assert span.span_id.hex() == trace_context.span_of("x1", number)
    assert failed.parent_span_id == good.parent_span_id == exchange.span_id
    assert (exchange.kind, good.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert [span.status.code for span in receiver.spans] == [
        Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR, Status.STATUS_CODE_UNSET,
    ]  # fmt: skip
    assert good.end_time_unix_nano - good.start_time_unix_nano == pytest.approx(1e9, abs=1e3)
    assert told(failed)["error.type"] == "overloaded"
    said = told(good)
    assert said["gen_ai.operation.name"] == "chat"
    assert said["gen_ai.provider.name"] == "openai"
    assert said["gen_ai.request.model"] == said["gen_ai.response.model"] == "gpt"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (20, 7)
    assert (said["server.address"], said["server.port"]) == ("gpt.test", 8443)
    whole = told(exchange)
    assert whole["gen_ai.request.model"] == "asked"
    assert whole["gen_ai.response.finish_reasons"] == ["stop"]
    assert "error.type" not in whole
    assert "canary" not in repr(receiver.spans)


def test_who_has_no_trace_gets_one(receiver: Receiver) -> None:
    sender = Tracing(Traces(endpoint=receiver.url), PLACES, {})
    sender.offer([record(trace="")])
    sender.stop()
    assert receiver.spans[0].trace_id.hex() == trace_context.trace_of("x1")
    assert receiver.spans[0].parent_span_id == b""


def test_a_share_is_sent_and_whoever_samples_always_is(receiver: Receiver) -> None:
    sender = Tracing(Traces(endpoint=receiver.url, sample_ratio=0.25), PLACES, {})
    sender.offer([record(at, trace="") for at in range(1_000)])
    sender.offer([record(at) for at in range(2_000, 2_010)])
    sender.stop()
    assert sender.counts.dropped == 0
    assert 200 < sender.counts.sent - 10 < 300
    assert len(receiver.spans) == 3 * sender.counts.sent


def test_a_receiver_that_hangs_costs_records_and_no_time(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "QUEUE_MAX", 50)
    receiver.hold.clear()
    sender = Tracing(Traces(endpoint=receiver.url), PLACES, {})
    sender.offer([record(at) for at in range(1_000)])
    assert sender.counts.dropped >= 1_000 - 50 - tracing.BATCH_MAX
    receiver.hold.set()
    sender.stop()
    assert sender.counts.sent + sender.counts.dropped == 1_000
    assert len(receiver.spans) == 3 * sender.counts.sent


def test_a_receiver_that_refuses_is_told_again_with_what_comes_next(receiver: Receiver) -> None:
    receiver.status = 400
    sender = Tracing(Traces(endpoint=receiver.url), PLACES, {})
    sender.offer([record(1)])
    wait_until(lambda: sender.counts.dropped == 1)
    receiver.status = 200
    sender.offer([record(2)])
    sender.stop()
    assert (sender.counts.sent, sender.counts.dropped) == (1, 1)


def test_without_the_library_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"penstock\[otel\]"):
        Tracing(Traces(endpoint="http://127.0.0.1:1/v1/traces"), PLACES, {})


def test_headers_are_read_as_opentelemetry_has_them() -> None:
    assert headers_of("") == {}
    assert headers_of("a=1, b = x=y ,") == {"a": "1", "b": "x=y"}
    with pytest.raises(ConfigError, match="no list of headers"):
        headers_of("a=1,token")


def test_nothing_is_sent_unless_the_configuration_says_where_to(receiver: Receiver) -> None:
    assert start_tracing(Config(), {}) is None
    settings = Traces(endpoint=receiver.url, headers_env="TRACES_HEADERS")
    with pytest.raises(ConfigError, match="TRACES_HEADERS is not set"):
        start_tracing(Config(traces=settings), {})
    sender = start_tracing(Config(traces=settings), {"TRACES_HEADERS": "x-token=s"})
    assert sender
    sender.offer([record()])
    sender.stop()
    assert receiver.headers[0]["x-token"] == "s"
