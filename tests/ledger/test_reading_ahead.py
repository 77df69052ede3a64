"""The next batch is read and made while the present one is written, and counts only after it."""

import itertools
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
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
)
from tests.postgres import Postgres

from penstock.core.errors import StoreError
from penstock.exchange.record import Record
from penstock.ledger import bulk, tables
from penstock.ledger.reading import SpoolReader
from penstock.ledger.store import Store, migrate, open_store

WITHIN_S = 20.0
SMALL = 2_000  # bytes of a batch: a few records
KILLS = 6
STEP_S = 0.02
CHILD = """
import sys, time
from pathlib import Path
from tests.ledger.spooling import reader
from penstock.ledger.store import open_store
store = open_store(sys.argv[2], Path(sys.argv[3]))
one = reader(Path(sys.argv[1]), store, bytes=2_000)
one.reads_ahead = True
while one.step(time.time()):
    print(flush=True)
"""


def records(name: str, number: int) -> list[Record]:
    """Return records of ids that begin with a name."""
    return [record(f"{name}{at:05d}", attempt()) for at in range(number)]


def lines(made: list[Record]) -> bytes:
    """Return what gateways write of them."""
    return b"".join(line(opened(one.id)) + line(one) for one in made)


def spread(folder: Path, made: list[Record], each: int = 5, start: int = 1) -> list[Path]:
    """Put segments there of so many records each, which a small batch takes one of."""
    return [
        write_dead(folder, f"{start:014d}-7-{at:06d}.jsonl", lines(made[at : at + each]))
        for at in range(0, len(made), each)
    ]


def ahead(folder: Path, store: Store) -> SpoolReader:
    """Return a reader of small batches that reads ahead, whatever the database."""
    made = reader(folder, store, bytes=SMALL)
    made.reads_ahead = True
    return made


def between(
    patch: pytest.MonkeyPatch, one: SpoolReader, look: Callable[[], None] = lambda: None
) -> None:
    """Have ``look`` called at each write, once the next batch is there and none is committed."""
    write = one.intake.write

    def written(*args: Any) -> None:
        if one.ahead is not None:
            one.ahead.result(WITHIN_S)
            look()
        write(*args)

    patch.setattr(one.intake, "write", written)


def test_the_next_batch_is_made_before_the_present_one_is_there(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(store)
    made = records("x", 60)
    spread(tmp_path, made)
    one = ahead(tmp_path, store)
    there: list[int] = []

    def look() -> None:
        assert one.ahead is not None
        following = [each.id for each in one.ahead.result().made.records]
        there.append(count(store, tables.exchanges))
        after = there[-1] + 5  # the present batch
        assert following == [each.id for each in made[after : after + 5]]

    between(monkeypatch, one, look)
    read_all(one)
    assert there == list(range(0, 60, 5)), "one batch ahead, and no more"
    assert list(entries(store)) == [each.id for each in made], "in the order of the segment"
    assert_sums_agree(store)


def test_what_the_present_batch_makes_a_duplicate_is_none_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(store)
    made = records("x", 30)
    for start, taken in enumerate((made[:20], made[10:], made[10:], made[:20]), 1):
        spread(tmp_path, taken, 10, start)
    one = ahead(tmp_path, store)
    between(monkeypatch, one)
    read_all(one)
    assert set(entries(store)) == {each.id for each in made}
    assert (one.counts.exchanges, one.counts.repeated) == (30, 50)
    assert_sums_agree(store)


def test_a_record_that_was_read_ahead_takes_the_place_of_its_loss(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(store)
    late = records("late", 5)
    left = b"".join(line(opened(one.id)) for one in late)
    write_dead(tmp_path, "00000000000001-7-000001.jsonl", left)
    one = ahead(tmp_path, store)
    read_all(one)
    assert {entry.fate for entry in entries(store).values()} == {"lost"}
    others = records("x", 20)
    spread(tmp_path, others + late, start=2)
    between(monkeypatch, one)
    read_all(one)
    found = entries(store)
    assert set(found) == {each.id for each in (*late, *others)}
    assert {entry.fate for entry in found.values()} == {"served"}
    assert one.counts.found == len(late)
    assert_sums_agree(store)


@pytest.mark.slow
def test_a_server_that_ends_us_in_a_transaction_has_what_was_made_ahead_forgotten(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database()
    store, other = open_store(url, tmp_path), open_store(url, tmp_path)
    migrate(store)
    made = records("x", 60)
    spool = tmp_path / "spool"
    spread(spool, made)
    replace, calls = bulk.replace, itertools.count()

    def end_at_times(*args: Any) -> None:
        if next(calls) % 3 == 1:
            with other.reading() as connection:
                connection.execute(text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ))  # fmt: skip
        replace(*args)

    monkeypatch.setattr(bulk, "replace", end_at_times)
    one = ahead(spool, store)
    between(monkeypatch, one)
    errors = 0
    while count(other, tables.exchanges) < len(made):
        try:
            one.step(AT_UNIX_S)
        except StoreError:
            errors += 1
    read_all(one)
    assert errors > 1
    assert list(entries(store)) == [each.id for each in made]
    assert one.counts.repeated == 0
    assert_sums_agree(store)
    store.close()
    other.close()


@pytest.mark.slow
def test_a_reader_that_is_killed_at_any_instant_loses_nothing_and_doubles_nothing(
    store: Store, tmp_path: Path
) -> None:
    migrate(store)
    made = records("x", 12_000)
    spool, dice = tmp_path / "spool", random.Random(1)
    for number, path in enumerate(spread(spool, made, 100)):
        shutil.copy2(path, spool / f"{999 - number}-restored.jsonl")  # the other way round
    url = store.engine.url.render_as_string(hide_password=False) if store.is_postgres else ""
    asked = [sys.executable, "-c", CHILD, str(spool), url, str(tmp_path)]
    there = [0]
    for _ in range(KILLS):
        with subprocess.Popen(asked, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(dice.randrange(1, 12)):
                child.stdout.readline()
            with suppress(subprocess.TimeoutExpired):
                child.wait(dice.uniform(0.0, STEP_S))
            child.kill()
        there.append(count(store, tables.exchanges))
    assert there == sorted(set(there)), "each was killed in the midst, and what was there stayed"
    assert there[-1] < len(made)
    read_all(reader(spool, store))
    assert set(entries(store)) == {each.id for each in made}
    assert_sums_agree(store)
    assert list(spool.glob("*.jsonl")) == []
