"""What Alembic runs: the steps on the connection that it was given, in that transaction."""

from typing import Final

from alembic import context

from penstock.identity.tables import metadata

VERSION_TABLE: Final = "identity_version"  # the ledger beside us has one of its own

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
context.run_migrations()
