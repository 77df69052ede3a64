"""One store, two databases: what is written in a transaction is there whole, or not at all."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text

from penstock.core.errors import StoreError
from penstock.ledger import tables
from penstock.ledger.store import Store, Turns, migrate


def test_the_migrations_make_the_tables_that_the_code_works_with(store: Store) -> None:
    migrate(store)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_a_difference_between_tables_and_migrations_is_found(store: Store) -> None:
    migrate(store)
    with store.writing() as connection:
        connection.execute(text("ALTER TABLE drops DROP COLUMN lines"))
    with store.reading() as connection:
        context = MigrationContext.configure(connection)
        assert len(compare_metadata(context, tables.metadata)) == 1


def test_migrating_twice_at_once_and_again_is_harmless(store: Store) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [store] * 4))
    row = {"stem": "1-2", "number": 3, "lines": 4, "at_unix_s": 5.0}
    write(store, row)
    migrate(store)
    with store.reading() as connection:
        assert connection.execute(select(tables.drops.c.lines)).scalars().all() == [4]


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


def test_who_comes_first_is_let_in_first_and_who_waits_too_long_is_told() -> None:
    turns = Turns(wait_s=30.0)
    order: list[int] = []

    def enter(number: int) -> None:
        with turns.taken():
            order.append(number)

    threads: list[threading.Thread] = []
    with turns.taken():
        for number in range(5):
            threads.append(threading.Thread(target=enter, args=(number,)))
            threads[-1].start()
            until(lambda number=number: turns.waiting == number + 1)
    for thread in threads:
        thread.join(30.0)
    assert order == [0, 1, 2, 3, 4]
    impatient = Turns(wait_s=0.01)
    with impatient.taken(), pytest.raises(StoreError), impatient.taken():
        pass
    assert impatient.waiting == 0
    with impatient.taken():  # nobody holds it
        pass


def until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 30.0
    while not holds():
        assert time.monotonic() < deadline_s
