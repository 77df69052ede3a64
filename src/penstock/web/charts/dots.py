"""Dots on a logarithmic axis of time, a row for each thing: who knew when.

Every dot has a shape of its own kind and its figure beside it; the key names the shapes. Dots that
would touch share the row all the same: their figures stand above and below in turn. Names of rows
stand beside the plane, and above it where it is narrow.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn, Words
from penstock.web.quantities import seconds

TICKS_S: Final = (1.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0, 360_000.0)
ROW: Final = 54.0
FOOT: Final = 26.0
NAME: Final = 12.0  # of a row, where it stands above its line
LINE: Final = 36.0
NEAR: Final = 6.0  # percent: figures that are nearer would touch
SIZE: Final = 4.5


class Dot(NamedTuple):
    """When, in words, and what kind: a colour and a shape (disc, ring, triangle, square)."""

    value_s: float
    words: str
    colour: str
    shape: str
    kind: str


class DotRow(NamedTuple):
    """One thing."""

    name: str
    dots: Sequence[Dot]


class DotPlot(NamedTuple):
    """Rows of dots."""

    title: str
    note: str
    rows: Sequence[DotRow]

    def figure(self) -> Drawn:
        """Return the plot for a page."""
        height = ROW * len(self.rows) + FOOT
        most_s = max((dot.value_s for row in self.rows for dot in row.dots), default=1.0)
        last = next((tick for tick in TICKS_S[1:] if tick >= most_s), TICKS_S[-1])
        ticks = [tick for tick in TICKS_S if tick <= last]
        inner = [_axis(ticks, height)]
        inner += [_row(row, at, last) for at, row in enumerate(self.rows)]
        told = "; ".join(
            f"{row.name}: {', '.join(f'{dot.kind} {dot.words}' for dot in row.dots) or 'nobody'}"
            for row in self.rows
        )
        note = f'<span class="muted small">{drawing.escape(self.note)}</span>'
        plane = drawing.plane("".join(inner), height, f"{self.title}. {told}")
        return Drawn(
            f'<figure class="chart"><figcaption><b>{drawing.escape(self.title)}</b>{note}'
            f'</figcaption>{self._keys()}<div class="plane plane-dots">{plane}</div></figure>'
        )

    def _keys(self) -> str:
        kinds = {dot.kind: (dot.shape, dot.colour) for row in self.rows for dot in row.dots}
        told = "".join(
            f'<li><svg aria-hidden="true">{_shape(shape, colour, "7", 7.0)}</svg>'
            f"{drawing.escape(kind)}</li>"
            for kind, (shape, colour) in kinds.items()
        )
        return f'<ul class="keys keys-always">{told}</ul>'


def _axis(ticks: Sequence[float], height: float) -> str:
    parts: list[str] = []
    for tick in ticks:
        x = _x(tick, ticks[-1])
        parts.append(drawing.line((x, 0, x, height - FOOT), "grid"))
        anchor = "start" if tick == ticks[0] else "end" if tick == ticks[-1] else "middle"
        parts.append(drawing.text(Words(x, height - 9, anchor), seconds(tick)))
    return "".join(parts)


def _row(row: DotRow, at: int, last: float) -> str:
    y = ROW * at + LINE
    parts = [
        drawing.text(Words(0, y + 4, "end", "strong beside", aside=-12), row.name),
        drawing.text(Words(0, ROW * at + NAME, kind="strong halo beneath"), row.name),
        drawing.line((0, y, 100, y), "axis"),
    ]
    was = -math.inf
    is_below = False
    for dot in sorted(row.dots):
        x = _x(dot.value_s, last)
        is_below = x - was < NEAR and not is_below
        was = x
        parts.append(_shape(dot.shape, dot.colour, f"{x:.2f}%", y))
        words = Words(x, y + 15 if is_below else y - 8, _anchor(x), "strong halo tiny")
        parts.append(drawing.text(words, dot.words))
        parts.append(drawing.box((x - 1, y - 10, 2, 20), "hover", f"{dot.kind}: {dot.words}"))
    if not row.dots:
        parts.append(drawing.text(Words(100, y - 8, "end"), "nobody knew"))
    return "".join(parts)


def _anchor(x: float) -> str:
    return "start" if x < NEAR / 2 else "middle"


def _x(value_s: float, last: float) -> float:
    """Return where a time lies, in percent."""
    return 100 * math.log(min(last, max(TICKS_S[0], value_s))) / math.log(last)


def _shape(shape: str, colour: str, x: str, y: float) -> str:
    """Return a mark around a point; what is drawn lies in an SVG of its own, moved to the point."""
    r, wide = SIZE, 2 * SIZE
    match shape:
        case "ring":
            drawn = f'<circle r="{r + 2}" class="ring c-{colour}"/>'
        case "triangle":
            drawn = f'<path d="M0 {-r - 1}L{r + 1} {r}H{-r - 1}z" class="fill c-{colour}"/>'
        case "square":
            drawn = (
                f'<rect x="{-r}" y="{-r}" width="{wide}" height="{wide}" class="fill c-{colour}"/>'
            )
        case _:
            drawn = f'<circle r="{r}" class="fill c-{colour}"/>'
    return (
        f'<svg x="{x}" y="{y:.1f}" class="at" width="1" height="1" overflow="visible">{drawn}</svg>'
    )
