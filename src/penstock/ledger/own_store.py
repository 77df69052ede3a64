"""A surface's own database: an SQLite file in the state directory, migrated when it is opened.

One that is broken is named with what to do, and left as it is: what can be saved of it is saved by
people. Nothing of ours puts it aside by itself, and nothing begins anew in its place.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.util import CommandError

from penstock.core.errors import StoreError
from penstock.ledger.store import Store, open_sqlite

# Unlike others, these do not pass by themselves.
BROKEN: Final = ("file is not a database", "malformed", "no such table", "Can't locate revision")


def open_own(path: Path, steps: str) -> Store:
    """Return the store, with its tables up to date; raises StoreError.

    ``steps``: where Alembic finds them, such as ``penstock.apps.status:migrations``.
    """
    store = open_sqlite(path)
    try:
        _migrate(store, steps)
    except StoreError as error:
        store.close()
        raise _told(path, error.message) from error
    except CommandError as error:
        store.close()
        raise _told(path, str(error)) from error
    return store


def _migrate(store: Store, steps: str) -> None:
    config = AlembicConfig()
    config.set_main_option("script_location", steps)
    with store.writing(is_durable=True) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _told(path: Path, words: str) -> StoreError:
    """Return what is wrong with a database, and what to do where it does not pass by itself."""
    if not any(one in words for one in BROKEN):
        return StoreError(f"{path}: {words}")
    return StoreError(
        f"{path}: {words}. Put back a copy, or keep it and begin anew: mv {path} {path}.broken, "
        f"and {path.name}-wal and {path.name}-shm with it if they are there; the next start makes "
        "another"
    )
