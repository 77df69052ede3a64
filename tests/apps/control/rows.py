"""Rows of the ledger for tests of pages."""

from typing import Any

import msgspec
from sqlalchemy import insert

from penstock.exchange.record import AttemptRecord
from penstock.ledger import tables
from penstock.ledger.rows import Detail
from penstock.ledger.store import Store

US = 1_000_000
FAILED = AttemptRecord(
    "claude", "claude-4", "server_error", 0.0, 0.2, status=500, detail="<boom>", request_id="r-1"
)
WELL = AttemptRecord("gpt", "gpt-5", "success", 0.25, 2.0, status=200, ttft_s=0.5)


def exchange(number: int, at_unix_s: float, **values: Any) -> dict[str, Any]:
    """Return a row that was served by the second upstream, unless told otherwise."""
    detail = values.pop("detail", Detail(attempts=[FAILED, WELL], costs_microusd=(0, 1200)))
    row = {
        "id": f"req_{number:08d}", "at_us": int(at_unix_s * US), "tenant": "acme", "key": "k1",
        "route": "claude", "model": "claude", "dialect": "openai_chat", "operation": "generate",
        "tier": "standard", "upstream": "gpt", "served_model": "gpt-5", "outcome": "complete",
        "fate": "served", "code": "", "status": 200, "is_stream": 1, "is_estimated": 0,
        "attempts": 2, "hops": 0, "duration_s": 2.25, "ttft_s": 0.75, "queued_s": 0.0,
        "input_tokens": 1000, "output_tokens": 200, "cached_tokens": 0, "cache_write_tokens": 0,
        "reasoning_tokens": 0, "cost_microusd": 1200, "charge_microusd": 1500, "price_version": 3,
        "detail": msgspec.json.encode(detail),
    }  # fmt: skip
    return row | values


def put(store: Store, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert rows."""
    with store.writing() as connection:
        connection.execute(insert(table), rows)


def traffic(start_s: float, exchanges: int, **values: Any) -> dict[str, Any]:
    """Return a minute's sum."""
    row = {
        "grain_s": 60, "start_s": int(start_s) // 60 * 60, "tenant": "acme", "tier": "standard",
        "route": "claude", "upstream": "gpt", "model": "gpt-5", "exchanges": exchanges,
        "served": exchanges,
    }  # fmt: skip
    return row | values


def attempts(start_s: float, upstream: str, outcome: str, count: int) -> dict[str, Any]:
    """Return a minute's attempts at one upstream."""
    return {
        "grain_s": 60, "start_s": int(start_s) // 60 * 60, "upstream": upstream, "model": "m",
        "outcome": outcome, "status": 200 if outcome == "success" else 500, "attempts": count,
        tables.TTFT[9]: count if outcome == "success" else 0,
    }  # fmt: skip
