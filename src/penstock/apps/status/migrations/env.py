"""Run by Alembic: the steps run in the transaction of whoever calls ``store.migrate``."""

from alembic import context

from penstock.apps.status.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
