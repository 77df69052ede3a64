"""What receivers are told, once, in words: each kind of receiver dresses it in its own way.

    title    the answer in one line: what burns, or that it is over
    lines    the evidence, the most important first
    fields   the same for machines
    link     where to look

No secret is in it, and nothing that a caller sent.
"""

from typing import Any

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message. ``id`` is the same however often it is sent: receivers tell repeats by it."""

    id: str
    kind: str  # opened, raised, lowered, resolved, reminder, test
    severity: str  # page, ticket; empty: neither
    title: str
    lines: tuple[str, ...] = ()
    link: str = ""
    at_unix_s: float = 0.0
    fields: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n".join(part for part in (self.title, "", *self.lines, "", self.link) if part)
