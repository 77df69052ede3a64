"""Asking a database whether it is there: one that is gone is named, one that hangs is left."""

from pathlib import Path

import pytest
from tests.postgres import Postgres

from penstock.ledger.probe import Probe
from penstock.ledger.store import Store, open_store


def test_one_that_answers_is_there(store: Store) -> None:
    assert Probe(store).error(10.0) == ""


def test_one_that_is_gone_is_named(tmp_path: Path) -> None:
    store = open_store("postgresql://nobody@127.0.0.1:1/none", tmp_path)
    assert "Connection refused" in Probe(store).error(10.0)
    store.close()


@pytest.mark.slow
def test_one_that_hangs_is_not_waited_for(postgres: Postgres, tmp_path: Path) -> None:
    store = open_store(postgres.new_database(), tmp_path)
    probe = Probe(store)
    assert probe.error(10.0) == ""
    postgres.freeze()
    try:
        words = ["the database has not answered within 0.2 s"] * 2
        assert [probe.error(0.2), probe.error(0.2)] == words
    finally:
        postgres.thaw()
    assert probe.error(10.0) == ""
    store.close()
