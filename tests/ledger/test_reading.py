"""The spool is read into the ledger exactly once, on both databases."""

import shutil
from pathlib import Path

from tests.ledger.spooling import (
    assert_sums_agree,
    attempt,
    count,
    entries,
    line,
    opened,
    read_all,
    reader,
    record,
    write_dead,
    writer,
)

from penstock.ledger import tables
from penstock.ledger.store import Store, migrate


def test_records_become_exchanges_failures_and_sums(store: Store, tmp_path: Path) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    spool = writer(folder)
    failed = attempt(outcome="overloaded", status=529, upstream="gpt", input_tokens=0)
    spool.append(line(opened("a")))
    spool.append(line(record("a")))
    spool.append(line(record("b", failed, attempt(), hops=1)))
    spool.append(line(record("c", attempts=[], outcome="refused", status=429,
                             code="rate_limit_exceeded")))  # fmt: skip
    one = reader(folder, store)
    read_all(one)
    found = entries(store)
    assert {name: entry.fate for name, entry in found.items()} == {
        "a": "served",
        "b": "served",
        "c": "limited",
    }
    assert found["b"].record.attempts == [failed, attempt()]
    assert count(store, tables.failures) == 1
    assert count(store, tables.open_attempts) == 0
    assert_sums_agree(store)
    spool.close()
    read_all(one)
    assert list(folder.iterdir()) == []
    assert count(store, tables.segments) == 0


def test_a_copy_under_any_name_changes_nothing(store: Store, tmp_path: Path) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    raw = b"".join(line(opened(f"x{n}")) + line(record(f"x{n}")) for n in range(50))
    path = write_dead(folder, "00000000000001-7-000001.jsonl", raw)
    kept = tmp_path / "kept"
    shutil.copy(path, kept)
    read_all(reader(folder, store))
    before = entries(store)
    assert len(before) == 50
    for name in (
        "00000000000001-7-000001.jsonl",
        "restored.jsonl",
        "00000000000000-1-000009.jsonl",
    ):
        shutil.copy(kept, folder / name)
        one = reader(folder, store)
        read_all(one)
        assert one.counts.exchanges == 0
        assert one.counts.repeated == 50
    assert entries(store) == before
    assert_sums_agree(store)
    assert list(folder.iterdir()) == []
