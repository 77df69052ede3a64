"""What control refuses to publish, whatever the book says."""

from pathlib import Path

import pytest

from penstock.apps.control import importing
from penstock.apps.control.publishing import Publisher
from penstock.config.model import Config, Emulate
from penstock.core.errors import StoreError
from penstock.ledger.book import KeyEntry
from penstock.ledger.store import Store, migrate, open_store
from penstock.ledger.tables import keys as key_table
from penstock.snapshot import plan
from penstock.snapshot.model import Key
from penstock.snapshot.plan import PlanFile

NOW_S = 1_800_000_000.0


def publisher(folder: Path, database: str) -> tuple[Publisher, Store]:
    (folder / database).mkdir()
    store = open_store("", folder / database)
    migrate(store)
    return Publisher(folder, store), store


def know(store: Store, name: str, revoked_unix_s: float = 0.0) -> None:
    key = Key(id=name, tenant=name, sha256=name.ljust(64, "0"))
    entry = KeyEntry(key=key, revoked_unix_s=revoked_unix_s)
    with store.writing() as connection:
        connection.execute(store.insert(key_table).values(importing.key_row(entry, NOW_S)))


def test_a_database_that_knows_none_of_the_keys_shuts_nobody_out(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    config = Config(emulate=Emulate(is_enabled=True))
    plan.write(plan.path_of(tmp_path), PlanFile(config=config))
    ours, store = publisher(tmp_path, "ours")
    for name in ("local", "a", "b"):
        know(store, name)
    ours.publish(NOW_S)
    served = ours.path.read_bytes()

    other, stranger = publisher(tmp_path, "other")
    know(stranger, "local")
    with pytest.raises(StoreError, match="none of the 2 callers' keys"):
        other.publish(NOW_S)
    know(stranger, "new")
    with pytest.raises(StoreError, match="database_url"):
        other.publish(NOW_S)
    assert ours.path.read_bytes() == served

    know(stranger, "b", revoked_unix_s=NOW_S)  # it is known: the database is ours, if an older one
    other.publish(NOW_S)
    ours.path.unlink()
    fresh, _ = publisher(tmp_path, "fresh")
    fresh.publish(NOW_S)
