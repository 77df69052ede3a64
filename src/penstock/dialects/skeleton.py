"""The shape of a JSON text that passes by in pieces: all of it but what is long.

    string of more than LONG_BYTES    ""            a picture, a text, vectors in base64
    run of 9 numbers and more         1             a vector
    anything else                     as it came    keys, counts, ids, reasons

What is left is JSON of the same shape, so whoever looks for counts and reasons finds them where
they would have been in the whole. Text that is no JSON stays none. The work for each byte is done
by regular expressions, and what waits for its end is at most a short string or a number.
"""

import re
from typing import Final

LONG_BYTES: Final = 256  # as JSON writes them
_INSIDE: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NUMBERS: Final = re.compile(rb"(?<![-+.\deE])-?\d[-+.\deE]*+(?:\s*+,\s*+-?\d[-+.\deE]*+){8,}+")
_OF_NUMBERS: Final = b"-+.0123456789eE, \t\r\n"
_WAITING_BYTES_MAX: Final = 4096  # of numbers: white space without end is kept as it is


class Skeleton:
    """Takes the pieces of one text. Owned by one event loop."""

    __slots__ = ("_is_inside", "_kept", "_rest", "size_bytes")

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._rest = b""  # what the next piece goes on with
        self._is_inside = False  # a long string
        self.size_bytes = 0  # of what is kept

    def feed(self, piece: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        text = self._rest + piece
        if self._is_inside:
            end = _end_of_inside(text)
            if end == len(text) or text[end] != ord('"'):
                self._rest = text[end:]  # nothing, or the first half of an escape
                return
            self._is_inside = False
            self._keep(b'""')
            text = text[end + 1 :]
        at = 0
        while (opening := text.find(b'"', at)) >= 0:
            string = _STRING.match(text, opening)
            if string is None:
                break
            self._keep(_NUMBERS.sub(b"1", text[at:opening]))
            self._keep(string[0] if len(string[0]) <= LONG_BYTES + 2 else b'""')
            at = string.end()
        self._wait(text[at:])

    def whole(self) -> bytes:
        """Return the shape of all that has come; it is as cut as what has come."""
        return b"".join(self._kept) + self._rest

    def _wait(self, text: bytes) -> None:
        """Keep what can no longer change, and let what has no end yet wait for it."""
        opening = text.find(b'"')
        before = _NUMBERS.sub(b"1", text if opening < 0 else text[:opening])
        if opening < 0:
            end = len(before.rstrip(_OF_NUMBERS))
            end = end if len(before) - end <= _WAITING_BYTES_MAX else len(before)
            self._keep(before[:end])
            self._rest = before[end:]
            return
        self._keep(before)
        self._rest = text[opening:]
        if len(self._rest) > LONG_BYTES + 1:
            self._is_inside = True
            self._rest = self._rest[1 + _end_of_inside(self._rest[1:]) :]

    def _keep(self, text: bytes) -> None:
        if text:
            self._kept.append(text)
            self.size_bytes += len(text)


def _end_of_inside(text: bytes) -> int:
    """Return where the inside of a string ends: at its quote, half an escape, or the end."""
    inside = _INSIDE.match(text)
    assert inside is not None  # it matches nothing, too
    return inside.end()
