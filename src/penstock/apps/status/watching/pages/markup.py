"""Feeds taken apart without an XML parser: no entity is expanded, nothing is fetched, no depth.

It knows elements, attributes, CDATA, comments and text, and pays no heed to what surrounds them:
names lose their prefix and their case. One pass from left to right; what is not closed ends it.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

import msgspec

NAME: Final = re.compile(r"/?([^\s/>]{1,40})")
ATTRIBUTE: Final = re.compile(r"([^\s=\"'/>]{1,40})\s{0,4}=\s{0,4}(?:\"([^\"]*)\"|'([^']*)')")
SKIPPED: Final = (("<!--", "-->"), ("<?", "?>"), ("<!", ">"))
CDATA: Final = "<![CDATA["
CDATA_ENDS: Final = "]]>"
TAG_CHARS_MAX: Final = 4096  # a longer one is no tag of a feed


class Tag(msgspec.Struct, frozen=True):
    """The beginning or the end of an element."""

    name: str
    is_end: bool
    is_empty: bool = False
    inside: str = ""  # its attributes, as they stand there

    def attribute(self, name: str) -> str:
        """Return an attribute's value; empty if it is not there."""
        for found in ATTRIBUTE.finditer(self.inside):
            if _plain(found[1]) == name:
                return html.unescape(found[2] if found[2] is not None else found[3])
        return ""


def tokens(document: str) -> Iterator[Tag | str]:
    """Yield tags and texts; ends where something is not closed."""
    at = 0
    while at < len(document):
        begins = document.find("<", at)
        if begins < 0:
            yield html.unescape(document[at:])
            return
        if begins > at:
            yield html.unescape(document[at:begins])
        ends, found = _piece(document, begins)
        if ends < 0:
            return
        if found is not None:
            yield found
        at = ends


def _piece(document: str, begins: int) -> tuple[int, Tag | str | None]:
    """Return where what begins here ends, and what it is; -1: it does not end."""
    if document.startswith(CDATA, begins):
        ends = document.find(CDATA_ENDS, begins)
        if ends < 0:
            return -1, None
        return ends + len(CDATA_ENDS), document[begins + len(CDATA) : ends]
    for opening, closing in SKIPPED:
        if document.startswith(opening, begins):
            ends = document.find(closing, begins + len(opening))
            return (ends + len(closing) if ends >= 0 else -1), None
    ends = document.find(">", begins, begins + TAG_CHARS_MAX)
    return (ends + 1, _tag(document[begins + 1 : ends])) if ends >= 0 else (-1, None)


def _tag(inside: str) -> Tag | None:
    name = NAME.match(inside)
    if name is None:
        return None
    is_end, is_empty = inside.startswith("/"), inside.endswith("/")
    return Tag(_plain(name[1]), is_end, is_empty, inside[name.end() :])


def _plain(name: str) -> str:
    return name.rpartition(":")[2].lower()


def words(markup: str) -> str:
    """Return the text of HTML, tags left out."""
    return " ".join(one if isinstance(one, str) else " " for one in tokens(markup))
