"""Moving the ledger: all of it arrives, numbers go on, and nobody's data is written over."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select
from tests.cli.running import penstock
from tests.postgres import Postgres

from penstock.cli import ledger
from penstock.config.locking import locked
from penstock.core.errors import StoreError
from penstock.identity import tables as people
from penstock.ledger import tables
from penstock.ledger.store import Store, open_store


def counts(store: Store) -> dict[str, int]:
    every = [*tables.metadata.sorted_tables, *people.metadata.sorted_tables]
    with store.reading() as connection:
        return {
            one.name: connection.execute(select(func.count()).select_from(one)).scalar_one()
            for one in every
        }


def last_of_audit(connection: Connection) -> int:
    return connection.execute(select(func.max(tables.audit.c.seq))).scalar_one()


@pytest.mark.slow
def test_a_ledger_moves_whole_and_only_into_an_empty_database(
    tmp_path: Path, postgres: Postgres
) -> None:
    assert penstock(tmp_path, "tenants", "set", "acme", "--tier", "enterprise").returncode == 0
    assert penstock(tmp_path, "keys", "add", "a", "--tenant", "acme").returncode == 0
    told = penstock(tmp_path, "ledger", "copy")
    assert told.returncode == 1
    assert "control.database_url" in told.stderr
    url = postgres.new_database()
    text = f"[emulate]\nis_enabled = true\n[control]\ndatabase_url = '{url}'\n"
    (tmp_path / "penstock.toml").write_text(text)
    with locked(tmp_path / "state" / "run" / "control.lock"):
        assert "stop 'penstock up'" in penstock(tmp_path, "ledger", "copy").stderr
    told = penstock(tmp_path, "ledger", "copy")
    assert told.returncode == 0, told.stderr
    source, target = open_store("", tmp_path / "state"), open_store(url, tmp_path)
    assert counts(source) == counts(target)
    assert counts(target)["keys"] == 1
    with target.writing() as connection:
        before = last_of_audit(connection)
        row = {"at_unix_s": 1.0, "actor": "a", "action": "b", "kind": "c", "object": "d"}
        known = {name: value for name, value in row.items() if name in tables.audit.c}
        connection.execute(insert(tables.audit).values(known))
        assert last_of_audit(connection) > before
    with pytest.raises(StoreError, match="has keys already"):
        ledger.copied(source, target)
    source.close()
    target.close()
