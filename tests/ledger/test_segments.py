"""Torn lines wait, damaged ones are counted, and nobody's open segment is taken away."""

import os
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select
from tests.ledger.spooling import (
    assert_sums_agree,
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

from penstock.ledger import segments, tables
from penstock.ledger.store import Store, migrate

CHILD = """
import sys
from pathlib import Path
from penstock.config.model import Spool
from penstock.ledger.spool import SpoolWriter
spool = SpoolWriter(Path(sys.argv[1]), Spool(segment_bytes=8192), lambda: 1.0)
for line in sys.stdin.buffer:
    assert spool.append(line)
    print(flush=True)
"""


def test_a_killed_gateway_leaves_lost_exchanges_and_a_late_record_replaces_one(
    store: Store, tmp_path: Path
) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    one = reader(folder, store)
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for value in (opened("a"), record("a"), opened("b"), opened("c"), opened("c", 2)):
            child.stdin.write(line(value))
            child.stdin.flush()
            child.stdout.readline()
        read_all(one)
        assert set(entries(store)) == {"a"}, "those of a gateway that lives are not lost"
        assert count(store, tables.open_attempts) == 3
        assert len(list(folder.glob("*.jsonl"))) == 1
        child.kill()
    read_all(one)
    found = entries(store)
    assert {name: entry.fate for name, entry in found.items()} == {
        "a": "served",
        "b": "lost",
        "c": "lost",
    }
    assert found["b"].record.is_estimated
    assert found["b"].record.input_tokens == 80
    assert len(found["c"].record.attempts) == 2
    assert_sums_agree(store)
    assert list(folder.iterdir()) == []
    write_dead(folder, "late.jsonl", line(record("b")))
    read_all(one)
    assert entries(store)["b"].fate == "served"
    assert one.counts.found == 1
    assert_sums_agree(store)


def test_damaged_lines_and_holes_cost_only_themselves(store: Store, tmp_path: Path) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    too_much = line(record("m")).replace(b'"output_tokens":50', b'"output_tokens":%d' % 10**15)
    raw = b"".join((
        line(record("a")),
        b"no json\n",
        line(record("b"))[:40] + b"\0" * 5000 + line(record("c"))[40:],
        line(record("d", model="a\0b")),
        b"\0" * 3000,
        line(record("e")),
        too_much,
        line(record("n", bytes_in=1)).replace(b'"bytes_in":1', b'"bytes_in":%d' % 10**30),
        b'{"kind":"later"}\n',
        line(record("f"))[:30],
    ))  # fmt: skip
    write_dead(folder, "00000000000001-7-000001.jsonl", raw)
    one = reader(folder, store)
    read_all(one)
    assert set(entries(store)) == {"a", "d", "e"}
    assert one.counts.damaged == count(store, tables.damaged_lines) == 6
    assert list(folder.iterdir()) == []
    assert_sums_agree(store)


def test_a_line_without_its_end_waits_for_it(store: Store, tmp_path: Path) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    spool = writer(folder)
    whole = line(record("a"))
    assert spool.append(whole[:50])
    one = reader(folder, store)
    read_all(one)
    assert entries(store) == {}
    assert spool.append(whole[50:])
    read_all(one)
    assert set(entries(store)) == {"a"}
    assert one.counts.damaged == 0
    spool.close()


def test_a_copy_that_is_still_being_made_is_not_deleted(store: Store, tmp_path: Path) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    whole = line(record("a")) + line(record("b"))
    path = write_dead(folder, "copy.jsonl", whole[:-20])
    os.utime(path, (100.0, 100.0))
    one = reader(folder, store)
    one.quiet_s = 5.0
    one.step(102.0)
    path.write_bytes(whole)
    os.utime(path, (103.0, 103.0))
    one.step(104.0)
    assert path.exists()
    assert set(entries(store)) == {"a", "b"}
    one.step(109.0)
    assert not path.exists()


def test_a_segment_with_a_writer_is_held_and_dropped_lines_are_told_once(
    store: Store, tmp_path: Path
) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    seconds = iter(range(100))
    spool = writer(folder, lambda: float(next(seconds)), segment_bytes=4096, bytes_max=8192)
    sent = [f"x{number}" for number in range(60)]
    taken = [name for name in sent if spool.append(line(record(name)))]
    assert len(taken) < len(sent)
    one = reader(folder, store)
    read_all(one)
    assert segments.alive(folder, segments.listed(folder))
    assert spool.append(line(record("last")))
    read_all(one)
    spool.close()
    read_all(one)
    assert set(entries(store)) == {*taken, "last"}
    with store.reading() as connection:
        told = connection.execute(select(tables.drops.c.lines)).scalars().all()
    assert sum(told) == len(sent) - len(taken) == spool.dropped
    assert list(folder.iterdir()) == []


def test_a_segment_that_fills_a_batch_is_read_to_its_end_before_the_next(
    store: Store, tmp_path: Path
) -> None:
    migrate(store)
    folder = tmp_path / "spool"
    room = segments.PIECE_BYTES - 10 - len(line(record("a", trace="x")))
    first = line(record("a", trace="x" * (room + 1)))
    write_dead(folder, "00000000000001-7-000001.jsonl", first + line(opened("b")))
    write_dead(folder, "00000000000001-7-000002.jsonl", line(record("b")))
    one = reader(folder, store, bytes=segments.PIECE_BYTES)  # ends in the middle of b's first line
    one.step(time.time())
    assert set(entries(store)) == {"a"}
    read_all(one)
    assert {name: entry.fate for name, entry in entries(store).items()} == dict.fromkeys(
        "ab", "served"
    )
    assert one.counts.repeated == count(store, tables.open_attempts) == 0
