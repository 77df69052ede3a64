"""What was read of the spool in one go, put in order before the database is asked.

closed    the record of an exchange; the first of its id counts
opened    waits for its record; one that comes in the same batch answers it at once
dropped   lines that the gateway could not write
damaged   whatever is none of these, or holds a figure that cannot be
"""

from typing import Final

import msgspec

from penstock.exchange.record import AttemptRecord, Opened, Record
from penstock.ledger.spool import Dropped

NUL: Final = b"\\u0000"  # PostgreSQL's text cannot hold it
NO_CHARACTER: Final = b"\\ufffd"
LINE_BYTES_MAX: Final = 4096  # kept of a damaged line
TOKENS_MAX: Final = 10**12
SECONDS_MAX: Final = 10**9
UNIX_S_MAX: Final = 10**11  # the year 5138

_decode: Final = msgspec.json.Decoder(Record | Opened | Dropped).decode
_decode_opened: Final = msgspec.json.Decoder(Opened).decode
Opening = tuple[str, str, int, bytes]  # exchange, stem, number, line: a row of open_attempts


class Batch:
    """Lines, sorted by what they are. Owned by one thread."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.opened: dict[str, list[Opening]] = {}
        self.dropped: list[Dropped] = []
        self.damaged: list[tuple[str, int, bytes]] = []  # segment, offset, line
        self.lines = 0
        self.repeated = 0  # records of an id that is in this batch already

    def add(self, segment: str, stem: str, at_bytes: int, line: bytes) -> None:
        """Take one line."""
        self.lines += 1
        if NUL in line:
            line = line.replace(NUL, NO_CHARACTER)
        found = _read(line)
        if found is None:
            self.damaged.append((segment, at_bytes, line[:LINE_BYTES_MAX]))
        elif isinstance(found, Record):
            if found.id in self.records:
                self.repeated += 1
            else:
                self.records[found.id] = found
            self.opened.pop(found.id, None)
        elif isinstance(found, Opened):
            if found.id not in self.records:
                opening = (found.id, stem, found.attempt, line)
                self.opened.setdefault(found.id, []).append(opening)
        else:
            self.dropped.append(found)


def _read(line: bytes) -> Record | Opened | Dropped | None:
    try:
        found = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found if is_sound(found) else None


def is_sound(line: Record | Opened | Dropped) -> bool:
    """Say whether all figures are such that the ledger can add them."""
    if not 0 <= line.at_unix_s < UNIX_S_MAX:
        return False
    if isinstance(line, Record):
        return (
            _is_sound(line)
            and 0 <= line.queued_s < SECONDS_MAX
            and all(_is_sound(one) and 0 <= one.dialled_s < SECONDS_MAX for one in line.attempts)
        )
    if isinstance(line, Opened):
        return 0 <= line.input_tokens_estimate <= TOKENS_MAX and 0 < line.attempt < SECONDS_MAX
    return 0 <= line.lines < TOKENS_MAX and 0 <= line.exchanges < TOKENS_MAX


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


def _is_sound(line: Record | AttemptRecord) -> bool:
    return (
        0 <= line.duration_s < SECONDS_MAX
        and 0 <= line.ttft_s < SECONDS_MAX
        and 0 <= line.input_tokens <= TOKENS_MAX
        and 0 <= line.output_tokens <= TOKENS_MAX
        and 0 <= line.cached_tokens <= TOKENS_MAX
        and 0 <= line.cache_write_tokens <= TOKENS_MAX
        and 0 <= line.reasoning_tokens <= TOKENS_MAX
        and 0 <= line.status < SECONDS_MAX
    )
