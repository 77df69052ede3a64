"""The chat's database: a file in the state directory (``ledger/own_store.py``).

Its triggers call ``search_words``, so every connection has it. What is deleted or written over is
overwritten with zeros: an account that is deleted is not to be found in the file any more.
"""

import sqlite3
from pathlib import Path
from typing import Final

from sqlalchemy import event

from penstock.apps.chat.words import tagged
from penstock.ledger.own_store import open_own
from penstock.ledger.store import Store

NAME: Final = "chat.db"
WORDS: Final = "search_words"


def open_chat(state_dir: Path) -> Store:
    """Return the store, with its tables up to date; raises StoreError."""
    store = open_own(state_dir / NAME, "penstock.apps.chat:migrations")
    event.listen(store.engine, "connect", _set_up)
    store.engine.dispose()  # the connections of the migration do not have it
    return store


def _set_up(connection: sqlite3.Connection, _: object) -> None:
    connection.create_function(WORDS, 2, tagged, deterministic=True)
    connection.execute("PRAGMA trusted_schema=ON")  # or triggers may not call it
    connection.execute("PRAGMA secure_delete=ON")
