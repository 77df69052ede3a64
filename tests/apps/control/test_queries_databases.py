"""SQLite and PostgreSQL give the same answer to every question, of the same exchanges."""

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from filled import Plan, fill
from ledger_queries import QUESTIONS
from tests.postgres import Postgres

from penstock.apps.control.queries import exchanges
from penstock.ledger.store import Store, open_store

PLAN = Plan(exchanges=3_000, days=30, minutes_days=8)


def answers(store: Store) -> dict[str, Any]:
    fill(store, PLAN)
    with store.reading() as connection:
        until_s = exchanges.newest_us(connection) // exchanges.US // 60 * 60
        return {name: plain(asked(connection, until_s)) for name, asked in QUESTIONS.items()}


def plain(found: Any) -> Any:
    """Return an answer as lists, and dictionaries of them; a sum of fractions depends on order."""
    return rounded(msgspec.to_builtins(found, enc_hook=list))


def rounded(found: Any) -> Any:
    if isinstance(found, dict):
        pairs = cast("dict[Any, Any]", found)
        return {key: rounded(value) for key, value in pairs.items()}
    if isinstance(found, list | tuple):
        return [rounded(one) for one in cast("list[Any]", found)]
    return float(f"{found:.9g}") if isinstance(found, float) else found


@pytest.mark.slow
def test_both_databases_say_the_same(postgres: Postgres, tmp_path: Path) -> None:
    stores = open_store("", tmp_path), open_store(postgres.new_database(), tmp_path)
    embedded, served = (answers(store) for store in stores)
    for store in stores:
        store.close()
    assert embedded.keys() == served.keys()
    for name, answer in embedded.items():
        assert answer, name
        assert answer == served[name], name
