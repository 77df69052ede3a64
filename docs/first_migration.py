"""Writes the first migration of each database from its tables. Only until it has been released.

python docs/first_migration.py
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from textwrap import fill
from typing import Any

from sqlalchemy import DefaultClause, MetaData, Table, UniqueConstraint

from penstock.apps.chat import tables as chat
from penstock.apps.status import tables as status
from penstock.ledger import tables as ledger

SOURCES = Path(__file__).parent.parent / "src/penstock"
WHERE = "migrations/versions/v0001_tables.py"
ALL = {"ledger": ledger.metadata, "apps/status": status.metadata, "apps/chat": chat.metadata}
HEAD = '''"""The first tables. Written by docs/first_migration.py."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
'''
ROW_ID = """ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""
HELPERS = """

def _column(name: str, kind: sa.types.TypeEngine[Any], default: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def _text(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Text(), "") for name in names.split()]


def _counts(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.BigInteger(), "0") for name in names.split()]


def _floats(names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.Float(53), "0") for name in names.split()]

"""
KINDS = {
    ("TEXT", ""): "_text",
    ("BIGINT", "0"): "_counts",
    ("FLOAT", "0"): "_floats",
}


def kind(column: Any) -> str:
    """Return which helper makes a column."""
    if column.autoincrement is True:
        return "ROW_ID"
    default = column.server_default
    word = default.arg if isinstance(default, DefaultClause) else None
    return KINDS.get((str(column.type).split("(")[0], str(word)), type(column.type).__name__)


def lines(table: Table) -> Iterator[str]:
    """Yield what stands in a call of create_table."""
    for name, columns in groupby(table.columns, kind):
        bare = [column.name for column in columns]
        names = [f'"{one}"' for one in bare]
        if name.startswith("_"):
            words = fill(" ".join(bare), 78)
            yield f'*{name}("""{words}"""),' if "\n" in words else f'*{name}("{words}"),'
        elif name == "ROW_ID":
            yield f"sa.Column({names[0]}, ROW_ID, nullable=False, autoincrement=True),"
        else:
            yield from (f"sa.Column({one}, sa.{name}, nullable=False)," for one in names)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    yield f"sa.PrimaryKeyConstraint({keys}),"
    for constraint in sorted(table.constraints, key=lambda one: str(one.name)):
        if isinstance(constraint, UniqueConstraint):
            names = [f'"{column.name}"' for column in constraint.columns]
            named = f', name="{constraint.name}"' if constraint.name else ""
            yield f"sa.UniqueConstraint({', '.join(names)}{named}),"
    if not table.dialect_options["sqlite"]["with_rowid"]:
        yield "sqlite_with_rowid=False,"


def written(metadata: MetaData) -> str:
    """Return the migration of a database."""
    tables = list(metadata.tables.values())
    ids = any(kind(column) == "ROW_ID" for table in tables for column in table.columns)
    text = HEAD + (ROW_ID if ids else "") + HELPERS
    for table in tables:
        text += f"\ndef _{table.name}() -> None:\n    op.create_table(\n"
        text += f'        "{table.name}",\n'
        text += "".join(f"        {line}\n" for line in lines(table)) + "    )\n"
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            names = ", ".join(f'"{column.name}"' for column in index.columns)
            unique = ", unique=True" if index.unique else ""
            text += f'    op.create_index("{index.name}", "{table.name}", [{names}]{unique})\n'
        text += "\n"
    text += '\ndef upgrade() -> None:\n    """Make the tables."""\n'
    return text + "".join(f"    _{table.name}()\n" for table in tables)


if __name__ == "__main__":
    for place, metadata in ALL.items():
        (SOURCES / place / WHERE).write_text(written(metadata), encoding="utf-8")
