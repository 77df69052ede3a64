"""When sessions were last seen: written with the log's next batch, so that nobody waits for it.

once    a session whose instant waits to be written is not noted again: no more of them wait than
        there are sessions, however long the database takes nothing
later   what was written by then stays: an instant never goes back
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from penstock.apps.chat.answering.log import Change

SEEN: Final = "UPDATE sessions SET seen_unix_s = max(seen_unix_s, ?) WHERE id = ?"


class Seen:
    """Owned by one event loop."""

    def __init__(self, change: Callable[[Change], None]) -> None:
        self._change = change
        self._waiting: set[str] = set()

    def note(self, session: str, now_unix_s: float) -> None:
        """Have it written that a session was seen."""
        if session not in self._waiting:
            self._waiting.add(session)
            written = partial(self._waiting.discard, session)
            self._change(Change(SEEN, (now_unix_s, session), written))
