"""The spool is read into the ledger exactly once, on both databases."""

import contextlib
import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.ledger.spooling import (
    AT_UNIX_S,
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

from penstock.core.errors import StoreError
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


@pytest.mark.parametrize("is_after", [False, True])
def test_what_was_read_ahead_of_an_error_is_read_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_after: bool
) -> None:
    migrate(store)
    records = [record(f"x{at}", attempt()) for at in range(60)]
    for at in range(0, len(records), 4):  # a segment for each batch
        raw = b"".join(map(line, records[at : at + 4]))
        write_dead(tmp_path, f"00000000000001-7-{at:06d}.jsonl", raw)
    one = reader(tmp_path, store, bytes=1_000)
    one.reads_ahead = True
    write, calls = one.intake.write, itertools.count()

    def fail_at_times(*args: Any) -> None:
        fails = next(calls) % 3 == 1
        if is_after or not fails:
            write(*args)
        if fails:
            raise StoreError("before the commit, or behind it")

    monkeypatch.setattr(one.intake, "write", fail_at_times)
    while count(store, tables.exchanges) < len(records) and next(calls) < 300:
        with contextlib.suppress(StoreError):
            one.step(AT_UNIX_S)
    read_all(one)
    assert set(entries(store)) == {each.id for each in records}
    assert_sums_agree(store)
    assert one.counts.repeated == 0
