"""Many rows at once come to the same as one after the other, in both databases."""

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, select

from penstock.ledger import bulk, tables
from penstock.ledger.store import Store, migrate

IDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
WHOLE = st.integers(-(2**63), 2**63 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)


class UndoneError(Exception):
    """Ends a transaction without a trace."""


def there(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    names = bulk.columns_of(table)
    return sorted(tuple(row) for row in connection.execute(select(*(table.c[n] for n in names))))


def test_rows_come_back_as_they_were(store: Store) -> None:
    migrate(store)

    @settings(max_examples=40, deadline=None)
    @given(
        st.dictionaries(st.tuples(IDS, WHOLE), st.tuples(IDS, st.binary(max_size=9))),
        st.dictionaries(IDS, st.tuples(WHOLE, WHOLE, REAL)),
        st.lists(IDS),
    )
    def check(
        waiting: dict[tuple[str, int], tuple[str, bytes]],
        moved: dict[str, tuple[int, int, float]],
        asked: list[str],
    ) -> None:
        opened = [(name, stem, at, line) for (name, at), (stem, line) in waiting.items()]
        segments = [(name, *one) for name, one in moved.items()]
        table = tables.open_attempts
        with suppress(UndoneError), store.writing() as connection:
            bulk.insert(connection, table, opened)
            bulk.insert_new(connection, table, opened)
            bulk.replace(connection, tables.segments, segments)
            assert there(connection, table) == sorted(opened)
            assert there(connection, tables.segments) == sorted(segments)
            wanted = {row[0] for row in opened[::2]} | set(asked)
            found = select(table.c.exchange).where(
                bulk.among(connection, table.c.exchange, sorted(wanted))
            )
            expected = sorted(row[0] for row in opened if row[0] in wanted)
            assert sorted(connection.execute(found).scalars()) == expected
            raise UndoneError

    check()


def test_what_is_added_is_added_and_the_rest_is_left(store: Store) -> None:
    migrate(store)
    table = tables.refusals
    first, second = (60, 0, "a", "", "", 503, "x", 2), (60, 0, "b", "", "", 503, "x", 5)
    with store.writing() as connection:
        bulk.add(connection, table, [first, second])
    with store.writing() as connection:
        bulk.add(connection, table, [(*first[:-1], 3)])
        bulk.insert_new(connection, table, [(*second[:-1], 9)])
        assert there(connection, table) == [(*first[:-1], 5), second]


def test_every_kind_of_column_of_ours_can_be_copied() -> None:
    for table in tables.metadata.sorted_tables:
        for name in bulk.columns_of(table):
            assert type(table.c[name].type) in bulk.KINDS, (table.name, name)
