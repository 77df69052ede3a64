"""The audit log in pages: all entries once, whatever is written meanwhile."""

from pathlib import Path

import pytest
from sqlalchemy import insert

from penstock.apps.control.queries import changes
from penstock.apps.control.queries.changes import Only
from penstock.ledger import tables
from penstock.ledger.store import Store, migrate, open_store


def entry(at: int) -> dict[str, object]:
    return {
        "at_unix_s": 1000.0 + at,
        "actor": ("one", "two")[at % 2],
        "role": "owner",
        "address": "",
        "action": "update",
        "kind": ("tenant", "key", "prices")[at % 3],
        "object": f"object-{at % 5}",
        "before": "",
        "after": "{}",
    }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = open_store("", tmp_path)
    migrate(found)
    with found.writing() as connection:
        connection.execute(insert(tables.audit), [entry(at) for at in range(130)])
    return found


def test_pages_hold_each_entry_once_though_more_are_written(store: Store) -> None:
    seen: list[int] = []
    before = 0
    while True:
        with store.writing() as connection:
            found = changes.changes(connection, Only(before=before))
            connection.execute(insert(tables.audit), [entry(1)])
        page = found[: changes.PAGE]
        seen += [one.seq for one in page]
        if len(found) <= changes.PAGE:
            break
        before = page[-1].seq
    assert seen == list(range(130, 0, -1))


def test_filters_hold(store: Store) -> None:
    only = Only(actor="two", kind="tenant", since_unix_s=1020.0, until_unix_s=1100.0)
    with store.reading() as connection:
        found = changes.changes(connection, only)
        assert changes.choices(connection, "kind") == ["key", "prices", "tenant"]
    expected = [at for at in range(99, 19, -1) if at % 2 == 1 and at % 3 == 0]
    assert [one.at_unix_s - 1000 for one in found] == expected
