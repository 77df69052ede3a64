"""What tenants and keys have spent, kept over restarts in ``spent.json`` of the state directory.

    start              read; none, or a damaged one: begin at nothing, and say so
    every KEEP_S       written anew, if anything has changed
    stop               written

Whoever holds the gate keeps it: one process a state directory. A process that is killed forgets at
most the last ``KEEP_S`` seconds, less what was reserved then: that counts as spent. A disk that
does not take it is no reason to stop answering: ``error`` says why, and the next time is tried.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.exchange.tenancy import Tenancy

KEEP_S: Final = 5.0  # of spending that a crash may forget


class SpentFile:
    """The file of one gate. Owned by one event loop."""

    __slots__ = ("_at_s", "_last", "_path", "_tenancy", "error")

    def __init__(self, path: Path, tenancy: Tenancy) -> None:
        self._path = path
        self._tenancy = tenancy
        self._last: dict[str, Any] = {}
        self._at_s = 0.0
        self.error = ""

    def restore(self, now_s: float) -> None:
        """Give the tenancy what an earlier process has left; once, after its first ``use``."""
        self._at_s = now_s
        if not self._path.exists():
            return
        try:
            raw = private_file.read(self._path)
            self._tenancy.restore(msgspec.json.decode(raw, type=dict[str, Any]), now_s)
        except StoreError as error:
            self.error = error.message
        except (msgspec.MsgspecError, AttributeError, TypeError, ValueError) as error:
            self.error = f"{self._path} cannot be understood: {error}"

    def tick(self, now_s: float) -> None:
        """Write, if it is time to; called once a second."""
        if now_s - self._at_s >= KEEP_S:
            self.write(now_s)

    def write(self, now_s: float) -> None:
        """Write now, if anything has changed but the time."""
        self._at_s = now_s
        state = self._tenancy.state(now_s)
        content = {name: part for name, part in state.items() if name != "at_unix_s"}
        if content == self._last or not any(content.values()):
            return
        try:
            private_file.write(self._path, msgspec.json.encode(state).decode() + "\n")
        except StoreError as error:
            self.error = error.message
            return
        self.error = ""
        self._last = content
