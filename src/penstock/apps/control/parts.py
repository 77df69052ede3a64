"""What the endpoints and pages of control work with."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from penstock.apps.control.publishing import Publisher
from penstock.apps.control.reading import Reading
from penstock.ledger.store import Store


class Parts(msgspec.Struct, frozen=True):
    """Put together once, at the start."""

    store: Store
    publisher: Publisher
    state_dir: Path
    now_unix_s: Callable[[], float]
    reading: Reading | None = None  # of the spool; none in tests that have none
