"""The status process's database: made by its migrations, as the code means it."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from penstock.apps.status import tables
from penstock.apps.status.store import open_status


def test_the_migrations_make_the_tables_that_the_code_works_with(tmp_path: Path) -> None:
    open_status(tmp_path).close()
    store = open_status(tmp_path)
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []
        without = "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%' ORDER BY name"
        meant = [
            name
            for name, table in sorted(tables.metadata.tables.items())
            if not table.dialect_options["sqlite"]["with_rowid"]
        ]
        assert list(connection.execute(text(without)).scalars()) == meant
    store.close()
