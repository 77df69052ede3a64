"""The thread's turns: it pauses when it is not far behind, and cleans between two steps."""

from pathlib import Path

from tests.ledger.spooling import AT_UNIX_S, count, line, record, write_dead

from penstock.apps.control.reading import CLEAN_S, IDLE_S, Reading
from penstock.config.model import Config
from penstock.config.operations import Control, Retention
from penstock.ledger import retention, tables
from penstock.ledger.store import Store, migrate

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
