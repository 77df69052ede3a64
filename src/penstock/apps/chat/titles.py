"""How a conversation is called until its person says: the beginning of its first message. Pure.

One line of at most ``TITLE_MAX`` characters, cut between words; headings, lists and quotes lose
their marks. Without words, the first file's name.
"""

from collections.abc import Sequence
from typing import Final

TITLE_MAX: Final = 60  # a line of the list on a phone
WORD_MAX: Final = 20  # what is cut off at most to end between words
MARKS: Final = "#>*-`_ \t"
LOOKED_AT: Final = 2_000  # characters of a message
CUT: Final = "\N{HORIZONTAL ELLIPSIS}"


def title_of(text: str, names: Sequence[str] = ()) -> str:
    """Return the title of a first message; empty if it says nothing."""
    for line in text[:LOOKED_AT].splitlines():
        plain = " ".join(_printable(line).strip(MARKS).split())
        if plain:
            return shortened(plain)
    return shortened(" ".join(_printable(names[0]).split())) if names else ""


def shortened(line: str) -> str:
    """Return a line cut between words, where it is too long."""
    if len(line) <= TITLE_MAX:
        return line
    head = line[: TITLE_MAX - 1]
    end = head.rfind(" ")
    if end >= TITLE_MAX - WORD_MAX:
        head = head[:end]
    return head.rstrip(" ,;:.") + CUT


def _printable(line: str) -> str:
    return "".join(one if one.isprintable() else " " for one in line)
