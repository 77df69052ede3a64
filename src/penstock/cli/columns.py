"""Tables and bars in lines of a given width.

Columns come in the order of their rank while there is room, and stand in the order in which they
are declared; the bar, of width 0, takes what is left. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from rich.text import Text

BAR_MIN: Final = 8
BAR_SHARE: Final = 6  # of the width, a sixth, before the next column comes
BAR_MAX: Final = 64
DIM: Final = "bright_black"

R = TypeVar("R")


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column; ``rank`` 0 is always there, a ``width`` of 0 is the bar's."""

    title: str
    width: int
    rank: int
    cell: Callable[[R, int], Text]
    is_left: bool = False


def bar(parts: Iterable[tuple[float, tuple[str, str]]], total: float, width: int) -> Text:
    """Return a bar of parts, each with its shade and colour; a part above 0 is seen."""
    text, end, passed = Text(), 0, 0.0
    for size, (shade, colour) in parts:
        passed += size
        upto = round(width * passed / total) if total > 0 else 0
        if size > 0.0:
            upto = max(upto, end + 1)
        upto = min(upto, width)
        text.append(shade * (upto - end), colour)
        end = max(end, upto)
    return text


def table(columns: Sequence[Column[R]], rows: Iterable[R], width: int) -> list[Text]:
    """Return a head and a line for each row, with as many columns as there is room for."""
    chosen = _fitting(columns, width)
    spare = width - sum(one.width + 1 for one in chosen if one.width)
    widths = [one.width or max(1, min(BAR_MAX, spare - 1)) for one in chosen]
    head = [Text(one.title) for one in chosen]
    lines = [_line(chosen, widths, head, DIM)]
    for row in rows:
        cells = [one.cell(row, size) for one, size in zip(chosen, widths, strict=True)]
        lines.append(_line(chosen, widths, cells))
    return lines


def _fitting(columns: Sequence[Column[R]], width: int) -> list[Column[R]]:
    """Return the columns for which there is room, in the order in which they are declared."""
    left = width + 1  # none stands behind the last
    bar_min = max(BAR_MIN, width // BAR_SHARE)
    kept: set[int] = set()
    for at in sorted(range(len(columns)), key=lambda at: columns[at].rank):
        needed = (columns[at].width or bar_min) + 1
        if needed > left:
            break
        left -= needed
        kept.add(at)
    return [column for at, column in enumerate(columns) if at in kept]


def _line(
    columns: Sequence[Column[R]], widths: Sequence[int], cells: Sequence[Text], style: str = ""
) -> Text:
    line = Text(style=style)
    for at, (column, size, cell) in enumerate(zip(columns, widths, cells, strict=True)):
        cell.truncate(size, overflow="ellipsis")
        space = " " * (size - cell.cell_len)
        line.append(" " if at else "")
        if column.is_left or not column.width:
            line.append_text(cell).append(space)
        else:
            line.append(space).append_text(cell)
    return line
