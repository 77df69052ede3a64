"""What the endpoints and pages of control work with."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from penstock.apps.control.identity import Identity
from penstock.apps.control.publishing import Publisher
from penstock.apps.control.reading import Reading
from penstock.ledger.probe import Probe
from penstock.ledger.store import Store


class Parts(msgspec.Struct, frozen=True):
    """Put together once, at the start."""

    store: Store
    publisher: Publisher
    state_dir: Path
    now_unix_s: Callable[[], float]
    reading: Reading | None = None  # of the spool; none in tests that have none
    entry: Identity | None = None  # none: nobody logs in, as where only the ledger is read
    probe: Probe | None = None  # of the database; none in tests that ask it directly

    @property
    def identity(self) -> Identity:
        """Return what log-ins work with."""
        assert self.entry is not None, "these parts were put together without identity"
        return self.entry
