"""Tables made step by step are those that the code means, on both databases."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from penstock.core.errors import StoreError
from penstock.identity.migrate import migrate
from penstock.identity.tables import metadata
from penstock.ledger.store import Store


def test_the_steps_lead_to_the_tables_of_the_code(store: Store) -> None:
    migrate(store)
    migrate(store)
    with store.reading() as connection:
        options = {"version_table": "identity_version", "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert connection.execute(text("SELECT version_num FROM identity_version")).all()


def test_tables_of_a_newer_version_are_left_alone(store: Store) -> None:
    migrate(store)
    with store.writing() as connection:
        connection.execute(text("UPDATE identity_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer"):
        migrate(store)


def test_tables_of_others_stay(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE theirs (a INTEGER)"))
    migrate(store)
    with store.reading() as connection:
        assert connection.execute(text("SELECT * FROM theirs")).all() == []
