"""Server-sent events, cut out of chunks that may end anywhere.

    a blank line                        ends an event, if it had any line that is a field
    LF, CRLF, CR                        end a line; a CR at a chunk's end may be half a CRLF
    data, event, id, retry, a comment   are fields; any other line is junk: dropped and counted
    more bytes than ``event_bytes_max`` without a blank line raise DialectError

The bytes of an event are kept as they came, so that they can be passed on unchanged. The usual
case, whole events in one chunk, takes no slow path; where lines end in CRLF, it is one event of one
line in one chunk.

Source: WHATWG HTML, section 9.2 (Server-sent events), as to lines and fields.
"""

import re
from collections.abc import Iterator
from typing import Final

from penstock.core.errors import DialectError

EVENT_BYTES_MAX: Final = 8 * 1024 * 1024  # an event may hold a whole picture in base64
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BLANK_LINE: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n|\n\r|\r\n\r(?!\n)")
_FIELDS: Final = (b"data", b"event", b"id", b"retry")


class Splitter:
    """Cuts chunks into the raw bytes of whole events. Owned by one event loop."""

    __slots__ = ("_event_bytes_max", "_rest_bytes", "kept")

    def __init__(self, event_bytes_max: int = EVENT_BYTES_MAX) -> None:
        self.kept: list[bytes] = []  # of an event that is not whole yet
        self._rest_bytes = 0
        self._event_bytes_max = event_bytes_max

    @property
    def rest(self) -> bytes:
        """What has come of an event that is not whole yet."""
        return b"".join(self.kept)

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the events that are whole now, each with its blank line.

        Raises DialectError if an event is longer than the bound.
        """
        data = chunk
        if self.kept:
            is_decided = not self.kept[-1].endswith(b"\r")
            self.kept.append(chunk)
            if is_decided and b"\n" not in chunk and b"\r" not in chunk:
                # The middle of a long line: looking at all of it again would be quadratic.
                self._bound(self._rest_bytes + len(chunk))
                return []
            data = b"".join(self.kept)
            self.kept = []
        at = data.find(b"\r")
        if at >= 0:
            if at == len(data) - 4 and data.endswith(b"\r\n\r\n") and data.find(b"\n") > at:
                return [data]
            return self._feed_slowly(data)
        if data.endswith(b"\n\n") and data.find(b"\n\n") == len(data) - 2:
            return [data]
        pieces = data.split(b"\n\n")
        self._keep(pieces.pop())
        return [piece + b"\n\n" for piece in pieces]

    def _feed_slowly(self, data: bytes) -> list[bytes]:
        events: list[bytes] = []
        start = 0
        # A CR that is the last byte may be half of a CRLF: leave it until more has come. Two CRs
        # are a blank line whatever follows.
        is_half = data.endswith(b"\r") and not data.endswith(b"\r\r")
        end = len(data) - 1 if is_half else len(data)
        for found in _BLANK_LINE.finditer(data, 0, end):
            events.append(data[start : found.end()])
            start = found.end()
        self._keep(data[start:])
        return events

    def _keep(self, rest: bytes) -> None:
        self._bound(len(rest))
        self.kept = [rest] if rest else []

    def _bound(self, rest_bytes: int) -> None:
        self._rest_bytes = rest_bytes
        if rest_bytes > self._event_bytes_max:
            raise DialectError(f"an event is longer than {self._event_bytes_max} bytes")


class Fields:
    """What one event says: its name and data, and how much of it was junk."""

    __slots__ = ("data", "event", "junk_lines")

    def __init__(self, event: bytes, data: bytes | None, junk_lines: int) -> None:
        self.event = event
        self.data = data  # None: the event has no data line, so it is a comment or empty
        self.junk_lines = junk_lines


def fields(raw: bytes) -> Fields:
    """Read the lines of one event."""
    name = b""
    data: list[bytes] = []
    junk = 0
    for line in _lines(raw):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
        elif field and field not in _FIELDS:
            junk += 1
    return Fields(name, b"\n".join(data) if data else None, junk)


def without_junk(raw: bytes) -> bytes:
    """Return the event without the lines that are no fields; empty if nothing is left."""
    kept = [line for line in _lines(raw) if not line.partition(b":")[0] or _is_field(line)]
    return b"\n".join(kept) + b"\n\n" if kept else b""


def comment(text: bytes) -> bytes:
    """Return a comment of one line; line ends in it become blanks."""
    return b": %b\n\n" % _LINE_END.sub(b" ", text)


def is_comment(data: bytes) -> bool:
    """Tell whether whole events of ours are comments, all of them."""
    return all(line.startswith(b":") for line in data.split(b"\n") if line)


def _is_field(line: bytes) -> bool:
    return line.partition(b":")[0] in _FIELDS


def _lines(raw: bytes) -> Iterator[bytes]:
    for line in _LINE_END.split(raw.removeprefix(b"\xef\xbb\xbf")):
        if line:
            yield line
