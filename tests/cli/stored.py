"""What the database of a state directory holds, as tests look at it."""

from pathlib import Path

from penstock.apps.control import book
from penstock.config.tenancy import Tenant
from penstock.ledger.store import open_store
from penstock.snapshot.model import Key


def tenants(folder: Path) -> tuple[Tenant, ...]:
    """Return the tenants by name; none without a database."""
    if not (folder / "state" / "ledger.db").exists():
        return ()
    store = open_store("", folder / "state")
    try:
        with store.reading() as connection:
            return tuple(row.entry.tenant for row in book.tenants_after(connection, "", 1000))
    finally:
        store.close()


def keys(folder: Path) -> tuple[Key, ...]:
    """Return the keys that are not revoked, by name."""
    store = open_store("", folder / "state")
    try:
        with store.reading() as connection:
            rows = book.keys_after(connection, "", 1000)
            return tuple(row.entry.key for row in rows if not row.entry.revoked_unix_s)
    finally:
        store.close()
