"""From a record of the spool to a row of ``exchanges``, and back.

A row holds all of the record, so that sums can be made of rows again, and undone: what has a
column stands there, the rest in ``detail`` as JSON.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from penstock.dialects.operation import Operation
from penstock.exchange.record import AttemptRecord, Record
from penstock.ledger.costs import Costs

US: Final = 1_000_000
MODEL_CHARS_MAX: Final = 200  # it is the caller's word
CODE_CHARS_MAX: Final = 64  # may be an upstream's word, and keys sums


class Detail(msgspec.Struct, omit_defaults=True, gc=False):
    """The rest of a record, as JSON in ``exchanges.detail``."""

    attempts: list[AttemptRecord] = []
    finish_reason: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    events: int = 0
    junk_lines: int = 0
    dropped: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    costs_microusd: tuple[int, ...] = ()  # of each attempt
    is_unpriced: bool = False
    trace: str = ""  # the caller's traceparent, if it sent one


class Entry(NamedTuple):
    """An exchange as it goes into the ledger."""

    record: Record
    costs: Costs
    fate: str


COLUMNS: Final = (
    "id", "at_us", "tenant", "key", "route", "model", "dialect", "operation", "tier",
    "upstream", "served_model", "outcome", "fate", "code",
    "status", "is_stream", "is_estimated", "attempts", "hops",
    "duration_s", "ttft_s", "queued_s",
    "input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens",
    "cost_microusd", "charge_microusd", "price_version", "detail",
)  # fmt: skip
FAILURE_COLUMNS: Final = (
    "exchange", "number", "at_us", "tenant", "upstream", "model", "outcome", "detail",
    "request_id", "status", "duration_s",
)  # fmt: skip
NO_FAILURES: Final = ("success", "ignored", "lost")

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Detail).decode


def row_of(entry: Entry) -> tuple[Any, ...]:
    """Return the row of ``exchanges``, in the order of ``COLUMNS``."""
    record, costs, fate = entry
    last = record.attempts[-1] if record.attempts else None
    return (
        record.id,
        at_us_of(record),
        record.tenant,
        record.key,
        record.route,
        record.model[:MODEL_CHARS_MAX],
        record.dialect,
        record.operation.value,
        record.tier,
        last.upstream if last is not None else "",
        last.model if last is not None else "",
        record.outcome,
        fate,
        record.code[:CODE_CHARS_MAX],
        record.status,
        1 if record.is_stream else 0,
        1 if record.is_estimated else 0,
        len(record.attempts),
        record.hops,
        record.duration_s,
        record.ttft_s,
        record.queued_s,
        record.input_tokens,
        record.output_tokens,
        record.cached_tokens,
        record.cache_write_tokens,
        record.reasoning_tokens,
        costs.cost_microusd,
        costs.charge_microusd,
        costs.price_version,
        _encode(_detail_of(record, costs)),
    )


def entry_of(row: Sequence[Any]) -> Entry:
    """Return what a row of ``COLUMNS`` was made of."""
    found = dict(zip(COLUMNS, row, strict=True))
    detail = _decode(bytes(found["detail"]))
    record = Record(
        **{name: found[name] for name in _SAME},
        at_unix_s=found["at_us"] / US,
        operation=Operation(found["operation"]),
        is_stream=bool(found["is_stream"]),
        is_estimated=bool(found["is_estimated"]),
        attempts=detail.attempts,
        finish_reason=detail.finish_reason,
        bytes_in=detail.bytes_in,
        bytes_out=detail.bytes_out,
        events=detail.events,
        junk_lines=detail.junk_lines,
        dropped=detail.dropped,
        degraded=detail.degraded,
        trace=detail.trace,
    )
    costs = Costs(
        found["cost_microusd"],
        found["charge_microusd"],
        found["price_version"],
        detail.costs_microusd or (0,) * len(detail.attempts),
        detail.is_unpriced,
    )
    return Entry(record, costs, found["fate"])


def failures_of(record: Record) -> list[tuple[Any, ...]]:
    """Return the rows of ``failures``, in the order of ``FAILURE_COLUMNS``."""
    if len(record.attempts) == 1 and record.attempts[0].outcome == "success":  # nearly always
        return []
    return [
        (
            record.id,
            number,
            int((record.at_unix_s + attempt.dialled_s) * US),
            record.tenant,
            attempt.upstream,
            attempt.model,
            attempt.outcome,
            attempt.detail,
            attempt.request_id,
            attempt.status,
            attempt.duration_s,
        )
        for number, attempt in enumerate(record.attempts, 1)
        if attempt.outcome not in NO_FAILURES
    ]


def at_us_of(record: Record) -> int:
    """Return when an exchange began, as the ledger keeps it."""
    return round(record.at_unix_s * US)


_SAME: Final = (
    "id", "tenant", "key", "route", "model", "dialect", "tier", "outcome", "code", "status",
    "hops", "duration_s", "ttft_s", "queued_s", "input_tokens", "output_tokens", "cached_tokens",
    "cache_write_tokens", "reasoning_tokens",
)  # fmt: skip


def _detail_of(record: Record, costs: Costs) -> Detail:
    return Detail(
        record.attempts,
        record.finish_reason,
        record.bytes_in,
        record.bytes_out,
        record.events,
        record.junk_lines,
        record.dropped,
        record.degraded,
        costs.by_attempt if costs.cost_microusd else (),
        costs.is_unpriced,
        record.trace,
    )
