"""What was read of the spool in one go, put in order before the database is asked.

closed    the record of an exchange; the first of its id counts
opened    waits for its record; one that comes in the same batch answers it at once
dropped   lines that the gateway could not write
damaged   whatever is none of these, or holds a figure that cannot be
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from penstock.exchange.record import AttemptRecord, Dropped, Opened, Record

NUL: Final = b"\\u0000"  # PostgreSQL's text cannot hold it
NO_CHARACTER: Final = b"\\ufffd"
LINE_BYTES_MAX: Final = 4096  # kept of a damaged line

_decode: Final = msgspec.json.Decoder(Record | Opened | Dropped).decode
_decode_opened: Final = msgspec.json.Decoder(Opened).decode
Opening = tuple[str, str, int, bytes]  # exchange, stem, number, line: a row of open_attempts


class Batch:
    """Lines, sorted by what they are. Owned by one thread.

    ``on_record`` is given each record at once, but for those that are in the batch already.
    """

    def __init__(self, on_record: Callable[[Record], None]) -> None:
        self._on_record = on_record
        self.records: dict[str, Record] = {}
        self.opened: dict[str, list[Opening]] = {}
        self.dropped: list[Dropped] = []
        self.damaged: list[tuple[str, int, bytes]] = []  # segment, offset, line
        self.lines = 0
        self.repeated = 0  # records of an id that is in this batch already

    def add(self, segment: str, stem: str, lines: Sequence[tuple[int, bytes]]) -> None:
        """Take lines of a segment, each with where it begins."""
        records, opened = self.records, self.opened
        self.lines += len(lines)
        for at_bytes, raw in lines:
            line = raw.replace(NUL, NO_CHARACTER) if NUL in raw else raw
            try:
                found = _decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.damaged.append((segment, at_bytes, line[:LINE_BYTES_MAX]))
                continue
            if isinstance(found, Record):
                if records.setdefault(found.id, found) is found:
                    self._on_record(found)
                else:
                    self.repeated += 1
                opened.pop(found.id, None)
            elif isinstance(found, Dropped):
                self.dropped.append(found)
            elif found.id not in records:
                opening = (found.id, stem, found.attempt, line)
                opened.setdefault(found.id, []).append(opening)


def lost(lines: list[bytes]) -> Record:
    """Return the record of an exchange of which only opened lines are there."""
    opened = sorted((_decode_opened(line) for line in lines), key=lambda one: one.attempt)
    last = opened[-1]
    return Record(
        id=last.id,
        at_unix_s=last.at_unix_s,
        duration_s=0.0,
        tenant=last.tenant,
        key=last.key,
        route=last.route,
        model=last.route,
        dialect="",
        is_stream=False,
        outcome="lost",
        status=0,
        code="lost",
        operation=last.operation,
        input_tokens=last.input_tokens_estimate,
        is_estimated=True,
        attempts=[
            AttemptRecord(
                one.upstream,
                one.model,
                "lost",
                0.0,
                0.0,
                input_tokens=one.input_tokens_estimate,
                is_estimated=True,
            )
            for one in opened
        ],
    )
