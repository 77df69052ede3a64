"""The thread's turns: it pauses when it is not far behind, and cleans between two steps."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event
from tests.ledger.spooling import AT_UNIX_S, count, line, record, write_dead

from penstock.apps.control.reading import CLEAN_S, IDLE_S, RETRY_S, Reading
from penstock.config.model import Config
from penstock.config.operations import Control, Retention
from penstock.ledger import retention, tables
from penstock.ledger.store import Store, migrate, open_store

DAY_S = 86_400.0
CONFIG = Config(control=Control(retention=Retention(exchanges_days=2)))


def test_old_rows_go_a_few_at_a_time_while_new_ones_come(store: Store, tmp_path: Path) -> None:
    migrate(store)
    now = [AT_UNIX_S]
    reading = Reading(tmp_path, store, lambda: CONFIG, lambda: now[0])
    old = [record(f"old-{at}", at_unix_s=AT_UNIX_S - 3 * DAY_S) for at in range(retention.ROWS_MAX)]
    write_dead(tmp_path, "00000000000001-7-000001.jsonl", b"".join(map(line, old)))
    reading.reader.quiet_s = -1e9
    assert reading.turn() == IDLE_S
    assert count(store, tables.exchanges) == len(old)
    now[0] += CLEAN_S
    write_dead(tmp_path, "00000000000001-7-000002.jsonl", line(record("new", at_unix_s=now[0])))
    assert reading.turn() == 0.0  # there may be more to delete
    assert count(store, tables.exchanges) == 1
    waits = [reading.turn() for _ in range(10)]
    assert waits[-1] == IDLE_S
    assert reading.turn() == IDLE_S
    assert reading.reader.counts.exchanges == len(old) + 1


def test_a_full_database_is_said_once_and_read_into_once_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "penstock")
    store = open_store("", tmp_path)
    migrate(store)
    room_pages = [0]  # 0: as many as there are, and no more

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={room_pages[0] or 1}")

    event.listen(store.engine, "checkout", limit)
    reading = Reading(tmp_path, store, lambda: CONFIG, lambda: AT_UNIX_S)
    reading.reader.quiet_s = -1e9
    lines = [line(record(f"new-{at}")) for at in range(2_000)]
    write_dead(tmp_path, "00000000000001-7-000001.jsonl", b"".join(lines))
    waits = [reading.turn() for _ in range(3)]
    assert waits == [RETRY_S, 2 * RETRY_S, 4 * RETRY_S]
    assert "database or disk is full" in reading.state().error
    assert reading.state().behind_bytes > 0
    assert count(store, tables.exchanges) == count(store, tables.traffic) == 0
    room_pages[0] = 1_000_000
    assert reading.turn() == IDLE_S
    assert (reading.state().error, reading.state().behind_bytes) == ("", 0)
    assert count(store, tables.exchanges) == len(lines)
    assert [one.message for one in caplog.records] == ["reading_stopped", "reading_goes_on"]
    store.close()
