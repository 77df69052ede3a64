"""CSV, as spreadsheets open it: a head, one line a row, CRLF, UTF-8.

Text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a line's end)
gets an apostrophe in front: what upstreams said may stand in it.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
Cell = str | int | float | bool | None


def lines(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Yield the lines of a table."""
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerow(head)
    yield told.getvalue()
    for row in rows:
        told.seek(0)
        told.truncate()
        writer.writerow([_cell(one) for one in row])
        yield told.getvalue()


def text(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return a table."""
    return "".join(lines(head, rows))


def _cell(value: Cell) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return value
