"""Asks the database whether it is there, and does not wait for one that hangs.

One question at a time: while one hangs, all who ask are told so, and no more threads are made.
"""

import threading

from sqlalchemy import text

from penstock.core.errors import StoreError
from penstock.ledger.store import Store


class Probe:
    """Asks one database. May be shared by threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None
        self._error = ""

    def error(self, within_s: float) -> str:
        """Return why the database does not answer; empty if it does. Blocks for that long."""
        with self._lock:
            if self._asking is None or not self._asking.is_alive():
                self._asking = threading.Thread(target=self._ask, name="probe", daemon=True)
                self._asking.start()
            asking = self._asking
        asking.join(within_s)
        if asking.is_alive():
            return f"the database has not answered within {within_s:g} s"
        return self._error

    def _ask(self) -> None:
        try:
            with self._store.reading() as connection:
                connection.execute(text("SELECT 1"))
        except StoreError as error:
            self._error = error.message
        else:
            self._error = ""
