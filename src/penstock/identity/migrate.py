"""Brings the tables of identity up to date, in one transaction; the version is its own."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from penstock.core.errors import StoreError
from penstock.identity.rows import Rows

STEPS: Final = Path(__file__).with_name("migrations")


def migrate(rows: Rows) -> None:
    """Make or change the tables; raises StoreError, and then nothing has changed."""
    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with rows.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the tables of identity are of a newer version: {error}") from error
