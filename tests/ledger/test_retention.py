"""What was kept for long enough goes, in small steps; the rest stays, and so do the sums."""

from pathlib import Path

import pytest
from sqlalchemy import select
from tests.ledger.spooling import (
    AT_UNIX_S,
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

from penstock.config.operations import Retention
from penstock.ledger import retention, tables
from penstock.ledger.store import Store, migrate

DAY_S = 86_400
KEEP = Retention(exchanges_days=2, failures_days=3, minutes_days=1)


def filled(store: Store, folder: Path) -> bytes:
    """Put exchanges of five days into the ledger; return the segment."""
    migrate(store)
    raw = b""
    for day in range(5):
        at_unix_s = AT_UNIX_S - day * DAY_S
        for tenant in ("acme", "globex"):
            broken = attempt(outcome="server_error", status=500)
            raw += line(
                record(f"{day}-{tenant}", broken, attempt(), tenant=tenant, at_unix_s=at_unix_s)
            )
    write_dead(folder, "00000000000001-7-000001.jsonl", raw)
    read_all(reader(folder, store))
    assert len(entries(store)) == 10
    return raw


@pytest.mark.parametrize("rows_max", [1, 1000])
def test_old_rows_go_and_sums_stay(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_max: int
) -> None:
    monkeypatch.setattr(retention, "ROWS_MAX", rows_max)
    filled(store, tmp_path / "spool")
    days = count(store, tables.usage)
    deleted = retention.clean(store, KEEP, AT_UNIX_S + 1)
    assert (deleted["exchanges"], deleted["failures"]) == (6, 4)  # evidence outlives exchanges
    assert set(entries(store)) == {"0-acme", "0-globex", "1-acme", "1-globex"}
    with store.reading() as connection:
        grains = [tuple(row) for row in connection.execute(
            select(tables.traffic.c.grain_s, tables.traffic.c.start_s)
        )]  # fmt: skip
    assert len([one for one in grains if one[0] == 60]) == 2
    assert len([one for one in grains if one[0] == 300]) == 10
    assert count(store, tables.usage) == days
    assert retention.clean(store, KEEP, AT_UNIX_S + 1) == {}


def test_what_comes_back_after_its_exchanges_were_deleted_is_not_counted_again(
    store: Store, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    raw = filled(store, folder)
    retention.clean(store, KEEP, AT_UNIX_S + 1)
    write_dead(folder, "restored.jsonl", raw)
    one = reader(folder, store)
    read_all(one)
    assert (one.counts.exchanges, one.counts.too_old, one.counts.repeated) == (0, 6, 4)
    with store.reading() as connection:
        assert sum(connection.execute(select(tables.usage.c.exchanges)).scalars()) == 10


def test_a_tenant_goes_from_every_table_and_others_stay(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    filled(store, folder)
    waits = b"".join(line(opened(f"w-{tenant}", tenant=tenant)) for tenant in ("acme", "globex"))
    damaged = b'{"kind":"closed","tenant":"acme"\n{"kind":"closed","tenant":"globex"\n'
    path = write_dead(folder, "00000000000001-7-000002.jsonl", waits + damaged)
    one = reader(folder, store)
    one.quiet_s = 1e12  # somebody still writes it
    one.step(AT_UNIX_S)
    assert path.exists()
    assert count(store, tables.open_attempts) == count(store, tables.damaged_lines) == 2
    assert not retention.delete_tenant(store, "acme", lambda: True).is_all
    forgotten = retention.delete_tenant(store, "acme")
    deleted = forgotten.rows
    assert forgotten.is_all
    assert deleted["exchanges"] == deleted["failures"] == 5
    assert deleted["lines"] == 2
    assert all(entry.record.tenant == "globex" for entry in entries(store).values())
    for table in tables.metadata.sorted_tables:
        with store.reading() as connection:
            assert "acme" not in str(connection.execute(select(table)).all()), table.name
    assert count(store, tables.usage) == 5
