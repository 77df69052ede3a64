"""Ids of tool calls, in the alphabet of another dialect.

    an id that the dialect allows       stays as it is
    any other                           its allowed characters and a digest of the whole
    an id that an earlier turn used     gets a digest too: some models count from 0 in each turn

The same history gives the same ids, so an upstream's prompt cache still fits.
"""

import hashlib
import re
from typing import Final

_FOREIGN: Final = re.compile(r"[^a-zA-Z0-9_-]")
_DIGEST_CHARS: Final = 10


class ToolIds:
    """The ids of one request, in the order in which they appear."""

    def __init__(self, chars_max: int) -> None:
        self._chars_max = chars_max
        self._current: dict[str, str] = {}
        self._used: set[str] = set()

    def of_call(self, call_id: str) -> str:
        """Return the id under which a call is written."""
        written, uses = self._allowed(call_id), 0
        while written in self._used:
            uses += 1
            written = self._digested(f"{call_id}#{uses}")
        self._used.add(written)
        self._current[call_id] = written
        return written

    def of_result(self, call_id: str) -> str:
        """Return the id under which the latest call of that id was written."""
        return self._current.get(call_id) or self._allowed(call_id)

    def _allowed(self, call_id: str) -> str:
        is_allowed = call_id and len(call_id) <= self._chars_max and not _FOREIGN.search(call_id)
        return call_id if is_allowed else self._digested(call_id)

    def _digested(self, call_id: str) -> str:
        digest = hashlib.sha256(call_id.encode()).hexdigest()[:_DIGEST_CHARS]
        head = _FOREIGN.sub("_", call_id)[: self._chars_max - _DIGEST_CHARS - 1]
        return f"{head}_{digest}" if head else f"call_{digest}"
