"""Makes records, spools and readers for tests of the ledger."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from penstock.config.model import Spool
from penstock.exchange.record import AttemptRecord, Opened, Record
from penstock.ledger import rows, tables
from penstock.ledger.costs import Costs
from penstock.ledger.reading import Size, SpoolReader
from penstock.ledger.rows import Entry
from penstock.ledger.spool import SpoolWriter
from penstock.ledger.store import Store
from penstock.ledger.sums import Sums
from penstock.ledger.verdict import Terms

AT_UNIX_S = 1_750_000_000.0


class Pennies:
    """Every attempt costs its tokens in micro-dollars; who is served pays twice that."""

    def of(self, record: Record) -> Costs:
        by_attempt = tuple(one.input_tokens + one.output_tokens for one in record.attempts)
        charge = 2 * sum(by_attempt) if record.outcome == "complete" else 0
        return Costs(sum(by_attempt), charge, 7, by_attempt, is_unpriced=False)


def attempt(**fields: Any) -> AttemptRecord:
    """Return an attempt that went well, but for what is said."""
    plain: dict[str, Any] = {
        "upstream": "claude",
        "model": "claude-sonnet",
        "outcome": "success",
        "dialled_s": 0.001,
        "duration_s": 1.5,
        "status": 200,
        "ttft_s": 0.4,
        "input_tokens": 100,
        "output_tokens": 50,
    }
    return AttemptRecord(**(plain | fields))


def record(id_: str, *attempts: AttemptRecord, **fields: Any) -> Record:
    """Return a record of an answer, but for what is said."""
    plain: dict[str, Any] = {
        "id": id_,
        "at_unix_s": AT_UNIX_S,
        "duration_s": 1.6,
        "tenant": "acme",
        "key": "k1",
        "route": "smart",
        "model": "smart",
        "dialect": "openai-chat",
        "is_stream": True,
        "outcome": "complete",
        "status": 200,
        "ttft_s": 0.45,
        "tier": "standard",
        "input_tokens": 100,
        "output_tokens": 50,
        "attempts": list(attempts) if attempts or "attempts" in fields else [attempt()],
    }
    return Record(**(plain | fields))


def opened(id_: str, number: int = 1, **fields: Any) -> Opened:
    """Return the line before a dial."""
    plain: dict[str, Any] = {
        "id": id_,
        "attempt": number,
        "upstream": "claude",
        "model": "claude-sonnet",
        "tenant": "acme",
        "key": "k1",
        "route": "smart",
        "at_unix_s": AT_UNIX_S,
        "input_tokens_estimate": 80,
    }
    return Opened(**(plain | fields))


def line(value: Any) -> bytes:
    """Return what the gateway writes of it."""
    return msgspec.json.encode(value) + b"\n"


def writer(
    folder: Path, now_unix_s: Callable[[], float] | None = None, **limits: int
) -> SpoolWriter:
    """Return a gateway's writing end."""
    return SpoolWriter(folder, Spool(**limits), now_unix_s or (lambda: AT_UNIX_S))


def write_dead(folder: Path, name: str, raw: bytes) -> Path:
    """Put a segment there as a writer that is dead has left it."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(raw)
    os.utime(path, (1.0, 1.0))
    return path


def reader(folder: Path, store: Store, **size: int) -> SpoolReader:
    """Return a reader that waits for no quiet."""
    made = SpoolReader(folder, store, Pennies(), Terms(), Size(**size))
    made.quiet_s = -10.0
    return made


def read_all(one: SpoolReader) -> None:
    """Read until there is nothing more to read."""
    while one.step(time.time()):
        pass
    one.step(time.time())


def entries(store: Store) -> dict[str, Entry]:
    """Return all exchanges of the ledger."""
    with store.reading() as connection:
        columns = [tables.exchanges.c[name] for name in rows.COLUMNS]
        found = [rows.entry_of(row) for row in connection.execute(select(*columns))]
    assert len(found) == len({entry.record.id for entry in found})
    return {entry.record.id: entry for entry in found}


def assert_sums_agree(store: Store) -> None:
    """Sums are what the exchanges add up to."""
    made = Sums()
    for entry in entries(store).values():
        made.add(entry, Terms().of_route(entry.record.route))
    for table, expected in (
        (tables.traffic, made.traffic()),
        (tables.attempts, made.attempts()),
        (tables.refusals, made.refusals()),
        (tables.usage, made.usage()),
    ):
        keys = len(table.primary_key.columns)
        with store.reading() as connection:
            there = [tuple(row) for row in connection.execute(select(table))]
        assert _rounded(there, keys) == _rounded(expected, keys), table.name


def count(store: Store, table: Any) -> int:
    """Return how many rows a table has."""
    with store.reading() as connection:
        return len(connection.execute(select(table)).all())


def _rounded(found: list[tuple[Any, ...]], keys: int) -> dict[tuple[Any, ...], list[float]]:
    rounded = {row[:keys]: [round(one, 6) for one in row[keys:]] for row in found}
    return {key: row for key, row in rounded.items() if any(row)}
