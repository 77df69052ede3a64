"""The status process's database: a file in the state directory (``ledger/own_store.py``)."""

from pathlib import Path
from typing import Final

from penstock.ledger.own_store import open_own
from penstock.ledger.store import Store

NAME: Final = "status.db"


def open_status(state_dir: Path) -> Store:
    """Return the store, with its tables up to date; raises StoreError."""
    return open_own(state_dir / NAME, "penstock.apps.status:migrations")
