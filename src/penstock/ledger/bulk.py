"""Many rows at once, as fast as each database takes them.

    SQLite        executemany: there is no way to a server to save
    PostgreSQL    COPY; where rows may be there already, into a temporary table, and from there

COPY is binary: written as text, each figure is made a text here and read again there, and a row of
histograms has ninety. Everything else of the ledger is the same for both. Rows have all columns of
their table, in its order, without the number that the database gives.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, cast

import msgspec
import psycopg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Float,
    LargeBinary,
    MetaData,
    Table,
    Text,
    any_,
    delete,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import NullType

Row = tuple[Any, ...]
Rows = Sequence[Row]
Of = tuple[Table, Rows]
NewValue = Callable[[Any, Any], Any]
KINDS: Final[dict[type[Any], str]] = {  # of columns: PostgreSQL's names
    BigInteger: "int8",
    Float: "float8",
    LargeBinary: "bytea",
    Text: "text",
}


def columns_of(target: Table) -> list[str]:
    """Return what a row has."""
    return [one.name for one in target.columns if one.autoincrement is not True]


def insert(connection: Connection, target: Table, rows: Rows) -> None:
    """Insert rows of which none is there; one that is there is an error."""
    if not rows:
        return
    if is_postgres(connection):
        _copy(connection, target.name, target, rows)
    else:
        connection.exec_driver_sql(_insert_of(target), list(rows))


def insert_new(connection: Connection, target: Table, rows: Rows) -> None:
    """Insert rows; those whose key is there change nothing."""
    _merge(connection, target, rows, None)


def replace(connection: Connection, target: Table, rows: Rows) -> None:
    """Insert rows, or put them in the place of those of the same key."""
    _merge(connection, target, rows, _fresh)


def add(connection: Connection, target: Table, rows: Rows) -> None:
    """Insert rows, or add them to those of the same key."""
    _merge(connection, target, rows, _sum)


def is_postgres(connection: Connection) -> bool:
    """Say which of the two it is."""
    return connection.dialect.name == "postgresql"


def among(
    connection: Connection, one: ColumnElement[str], values: Sequence[str]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of many values, as one parameter."""
    if is_postgres(connection):
        return one == any_(literal(_array(values), NullType()))
    listed = func.json_each(msgspec.json.encode(values).decode()).table_valued("value")
    return one.in_(select(listed.c.value))


def rows(connection: Connection, places: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a row is one of those: ``rowid`` in SQLite, ``ctid`` otherwise."""
    if is_postgres(connection):
        tids = literal([str(one) for one in places], ARRAY(Text)).op("::")(literal_column("tid[]"))
        return literal_column("ctid") == any_(tids)
    listed = func.json_each(msgspec.json.encode(places).decode()).table_valued("value")
    return literal_column("rowid").in_(select(listed.c.value))


def _array(values: Sequence[str]) -> str:
    """Return PostgreSQL's word for an array: the driver makes it of a list four times slower.

    It is to be given without a type. A cast would hide it from the planner, which looks for each
    row's value in a list that it does not know one by one.
    """
    quoted = [one.replace("\\", r"\\").replace('"', r"\"") for one in values]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def delete_by(
    connection: Connection, one: ColumnElement[str], target: Table, values: Sequence[str]
) -> int:
    """Delete the rows whose column has one of the values; return how many there were."""
    if not values:
        return 0
    return connection.execute(delete(target).where(among(connection, one, values))).rowcount


@cache
def _insert_of(target: Table) -> str:
    """Return SQLite's statement for one row."""
    return str(
        sqlite.insert(target).compile(dialect=sqlite.dialect(), column_keys=columns_of(target))
    )


def _merge(connection: Connection, target: Table, rows: Rows, new: NewValue | None) -> None:
    if not rows:
        return
    if not is_postgres(connection):
        connection.exec_driver_sql(_merge_of_rows(target, new), list(rows))
        return
    fresh = _fresh_name(target)
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {fresh}"
        f" (LIKE {target.name} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
    )
    _copy(connection, fresh, target, rows)
    connection.exec_driver_sql(_merge_of_table(target, new))


@cache  # of a few tables; to make one takes as long as to write hundreds of rows
def _merge_of_rows(target: Table, new: NewValue | None) -> str:
    """Return SQLite's statement for one row."""
    merged = _on_conflict(sqlite.insert(target), target, new)
    return str(merged.compile(dialect=sqlite.dialect(), column_keys=columns_of(target)))


@cache
def _merge_of_table(target: Table, new: NewValue | None) -> str:
    """Return PostgreSQL's statement for all rows of the temporary table."""
    names = columns_of(target)
    there = Table(_fresh_name(target), MetaData(), *(Column(name, Text) for name in names))
    copied = postgresql.insert(target).from_select(names, select(there))
    return str(_on_conflict(copied, target, new).compile(dialect=postgresql.dialect()))


def _fresh_name(target: Table) -> str:
    return f"fresh_{target.name}"


def _fresh(old: Any, fresh: Any) -> Any:
    del old
    return fresh


def _sum(old: Any, fresh: Any) -> Any:
    return old + fresh


def _on_conflict(statement: Any, target: Table, new: NewValue | None) -> Any:
    key = [one.name for one in target.primary_key.columns]
    if new is None:
        return statement.on_conflict_do_nothing(index_elements=key)
    old = target.c
    changed = {
        name: new(old[name], statement.excluded[name])
        for name in columns_of(target)
        if name not in key
    }
    return statement.on_conflict_do_update(index_elements=key, set_=changed)


def _copy(connection: Connection, name: str, like: Table, rows: Rows) -> None:
    """Copy into the table of that name, which has the columns of another."""
    raw = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
    names = columns_of(like)
    listed = ", ".join(f'"{one}"' for one in names)
    asked = f"COPY {name} ({listed}) FROM STDIN (FORMAT BINARY)".encode()
    with raw.cursor() as cursor, cursor.copy(asked) as copy:
        copy.set_types([KINDS[type(like.columns[one].type)] for one in names])
        write_row = copy.write_row
        for row in rows:
            write_row(row)
