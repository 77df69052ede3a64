"""SQLite files with their tables: the steps to them run once, and each test begins with a copy.

    store = begun(open_status, tmp_path)   what ``open_status(tmp_path)`` returns, 8 times sooner
    begin(ledger, tmp_path)                only the files, for a process that opens them

What is there already stays as it is. Tests of the steps themselves run them.
"""

import functools
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from penstock.apps.chat.store import open_chat
from penstock.identity import migrate as accounts
from penstock.ledger.store import Store, migrate, open_store

Make = Callable[[Path], Store]


def begun(make: Make, folder: Path) -> Store:
    """Return the store that is made in a folder, which begins with a copy if it has none."""
    begin(make, folder)
    return make(folder)


def begin(make: Make, folder: Path) -> None:
    """Put copies of a store's files into a folder, those that it has not."""
    for name, content in _files(make).items():
        path = folder / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(content)


def ledger(folder: Path) -> Store:
    """Make the ledger's store."""
    store = open_store("", folder)
    migrate(store)
    return store


def ledger_with_accounts(folder: Path) -> Store:
    """Make the ledger's store, as the control process has it."""
    store = ledger(folder)
    accounts.migrate(store)
    return store


def accounts_alone(folder: Path) -> Store:
    """Make a store with nothing but accounts."""
    store = open_store("", folder)
    accounts.migrate(store)
    return store


def chat_with_accounts(folder: Path) -> Store:
    """Make the chat's store, as the chat process has it."""
    store = open_chat(folder)
    accounts.migrate(store)
    return store


@functools.cache
def _files(make: Make) -> Mapping[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="penstock-migrated-") as name:
        folder = Path(name)
        make(folder).close()  # SQLite puts its other files into the one, and removes them
        return {path.name: path.read_bytes() for path in folder.iterdir()}
