"""One store, two databases: what is written in a transaction is there whole, or not at all."""

from typing import Any

import pytest
from sqlalchemy import select, text

from penstock.core.errors import StoreError
from penstock.ledger import tables
from penstock.ledger.store import Store, migrate


def write(store: Store, *rows: dict[str, Any]) -> None:
    with store.writing() as connection:
        for row in rows:
            connection.execute(tables.drops.insert(), [row])


def test_what_was_written_is_read_and_a_failed_transaction_leaves_nothing(store: Store) -> None:
    migrate(store)
    row = {"stem": "1-2", "number": 3, "lines": 4, "at_unix_s": 5.0}
    write(store, row)
    with pytest.raises(StoreError):
        write(store, row | {"number": 4}, row)
    with store.reading() as connection:
        assert connection.execute(select(tables.drops.c.number)).scalars().all() == [3]


def test_an_error_of_the_database_tells_no_values(store: Store) -> None:
    with pytest.raises(StoreError) as caught, store.reading() as connection:
        connection.execute(text("SELECT 'canary' FROM nowhere"))
    assert "nowhere" in caught.value.message
    assert "canary" not in caught.value.message
