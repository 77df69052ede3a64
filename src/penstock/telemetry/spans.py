"""From the record of an exchange to its spans, in the words of OpenTelemetry for generative AI.

    span        kind     name                  its parent
    exchange    server   chat ROUTE            the caller's span, if it sent one
    attempt     client   chat MODEL            the exchange's

Span ids are those that upstreams were sent (``core.trace_context``). A span is in error if its
attempt failed, or if the exchange was refused, failed or broke off; a caller who left is no error.
No prompt, no answer and no key is in them.

Source: OpenTelemetry semantic conventions for generative AI, spans, of 2026 (development status).
"""

import hashlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from penstock.config.model import Config, Upstream
from penstock.core import trace_context
from penstock.core.trace_context import EXCHANGE
from penstock.dialects.operation import Operation
from penstock.exchange.record import AttemptRecord, Record

NS: Final = 1_000_000_000
HASH_MAX: Final = 2**64
WORDS: Final = {
    Operation.GENERATE: "chat",
    Operation.EMBED: "embeddings",
    Operation.COUNT_TOKENS: "count_tokens",
}
PROVIDERS: Final = {
    "anthropic_messages": "anthropic",
    "gemini_generate": "gcp.gemini",
    "openai_chat": "openai",
    "openai_responses": "openai",
}
FINE: Final = frozenset({"success", "ignored", "complete", "hung_up"})  # outcomes that are no error
Value = str | int | float | bool | tuple[str, ...]


class Place(msgspec.Struct, frozen=True):
    """Where an upstream is, as spans say it."""

    provider: str = ""
    host: str = ""
    port: int = 0


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One span; ids in hex, instants in nanoseconds of Unix time."""

    trace_id: str
    span_id: str
    parent_id: str  # empty: it has none
    name: str
    is_client: bool
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    error: str = ""  # empty: none


def places_of(config: Config) -> dict[str, Place]:
    """Return where the upstreams of a configuration are, by name."""
    return {entry.name: _place(entry) for entry in config.upstreams}


def is_sampled(record: Record, ratio: float) -> bool:
    """Whether an exchange is sent: its caller records the trace, or it is one of the share."""
    parent = trace_context.parent_of(record.trace.encode()) if record.trace else None
    if parent is not None and parent.is_sampled:
        return True
    drawn = int.from_bytes(hashlib.sha256(record.id.encode()).digest()[:8])
    return drawn < ratio * HASH_MAX


def spans_of(record: Record, places: Mapping[str, Place]) -> list[Span]:
    """Return the exchange's span and those of its attempts."""
    parent = trace_context.parent_of(record.trace.encode()) if record.trace else None
    trace_id = parent.trace_id if parent else trace_context.trace_of(record.id)
    span_id = trace_context.span_of(record.id, EXCHANGE)
    word = WORDS[record.operation]
    exchange = Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent.span_id if parent else "",
        name=f"{word} {record.route or record.model}",
        is_client=False,
        start_ns=int(record.at_unix_s * NS),
        end_ns=int((record.at_unix_s + record.duration_s) * NS),
        attributes=_of_exchange(record, word),
        error="" if record.outcome in FINE else record.code or record.outcome,
    )
    return [exchange, *_attempts(record, exchange, word, places)]


def _attempts(record: Record, exchange: Span, word: str, places: Mapping[str, Place]) -> list[Span]:
    spans: list[Span] = []
    for number, attempt in enumerate(record.attempts, 1):
        began_unix_s = record.at_unix_s + attempt.dialled_s
        error = "" if attempt.outcome in FINE else attempt.outcome
        attributes = _of_attempt(attempt, word, places.get(attempt.upstream, Place()))
        if error:
            attributes["error.type"] = error
        if number < len(record.attempts):
            attributes["penstock.failed_over"] = True
        spans.append(
            Span(
                trace_id=exchange.trace_id,
                span_id=trace_context.span_of(record.id, number),
                parent_id=exchange.span_id,
                name=f"{word} {attempt.model}",
                is_client=True,
                start_ns=int(began_unix_s * NS),
                end_ns=int((began_unix_s + attempt.duration_s) * NS),
                attributes=attributes,
                error=error,
            )
        )
    return spans


def _of_exchange(record: Record, word: str) -> dict[str, Value]:
    last = record.attempts[-1] if record.attempts else None
    found: dict[str, Value] = {
        "gen_ai.operation.name": word,
        "gen_ai.request.model": record.model,
        "gen_ai.usage.input_tokens": record.input_tokens,
        "gen_ai.usage.output_tokens": record.output_tokens,
        "http.response.status_code": record.status,
        "penstock.exchange": record.id,
        "penstock.outcome": record.outcome,
        "penstock.attempts": len(record.attempts),
        "penstock.queued_s": record.queued_s,
    }
    maybe: dict[str, Value] = {
        "gen_ai.response.model": last.model if last is not None else "",
        "gen_ai.response.finish_reasons": (record.finish_reason,) if record.finish_reason else (),
        "gen_ai.response.time_to_first_chunk": record.ttft_s,
        "gen_ai.usage.cache_read.input_tokens": record.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": record.cache_write_tokens,
        "penstock.tenant": record.tenant,
        "penstock.tier": record.tier,
        "penstock.route": record.route,
        "penstock.is_estimated": record.is_estimated,
        "error.type": "" if record.outcome in FINE else record.code or record.outcome,
    }
    return found | {name: value for name, value in maybe.items() if value}


def _of_attempt(attempt: AttemptRecord, word: str, place: Place) -> dict[str, Value]:
    found: dict[str, Value] = {
        "gen_ai.operation.name": word,
        "gen_ai.provider.name": place.provider or "unknown",
        "gen_ai.request.model": attempt.model,
        "gen_ai.usage.input_tokens": attempt.input_tokens,
        "gen_ai.usage.output_tokens": attempt.output_tokens,
        "penstock.upstream": attempt.upstream,
    }
    maybe: dict[str, Value] = {
        "gen_ai.response.model": attempt.model if attempt.outcome == "success" else "",
        "gen_ai.response.time_to_first_chunk": attempt.ttft_s,
        "gen_ai.usage.cache_read.input_tokens": attempt.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": attempt.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": attempt.reasoning_tokens,
        "http.response.status_code": attempt.status,
        "penstock.request_id": attempt.request_id,
        "penstock.is_estimated": attempt.is_estimated,
        "server.address": place.host,
        "server.port": place.port,
    }
    return found | {name: value for name, value in maybe.items() if value}


def _place(entry: Upstream) -> Place:
    url = urlsplit(entry.base_url)
    provider = entry.engine.value if entry.engine else PROVIDERS.get(entry.dialect.value, "")
    port = url.port or (443 if url.scheme == "https" else 80)
    return Place(provider, url.hostname or "", port)
