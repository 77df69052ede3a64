"""Bars from the left with their names and figures, and small lines that stand in a row of text."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn, Words

ROW: Final = 34.0
SPARK: Final = (96.0, 20.0)
SMALL: Final = 56.0


class Bar(NamedTuple):
    """A bar, and its figure in words."""

    name: str
    colour: str
    value: float
    words: str


class Mark(NamedTuple):
    """A line across all bars."""

    value: float
    words: str


class BarPlot(NamedTuple):
    """Bars whose scale ends at ``top``, or at the largest."""

    title: str
    entries: Sequence[Bar]
    top: float = 0.0
    mark: Mark | None = None

    def figure(self) -> Drawn:
        """Return the plot for a page."""
        inner, height = self._plane()
        label = f"{self.title}. " + "; ".join(f"{one.name} {one.words}" for one in self.entries)
        return Drawn(
            f'<figure class="chart"><figcaption><b>{drawing.escape(self.title)}</b></figcaption>'
            f'<div class="plane plane-bare">{drawing.plane(inner, height, label)}</div></figure>'
        )

    def alone(self, style: str) -> str:
        """Return the plot as a file of its own, with its style and a ground."""
        inner, height = self._plane()
        return drawing.alone(inner, height, self.title, style)

    def _plane(self) -> tuple[str, float]:
        """Return the inside of the plane, and its height."""
        most = self.top or max((one.value for one in self.entries), default=0.0) or 1.0
        parts: list[str] = []
        for at, one in enumerate(self.entries):
            y = at * ROW
            long = 100 * max(0.0, min(one.value, most)) / most
            parts.append(drawing.text(Words(0, y + 13, kind="strong"), one.name))
            parts.append(drawing.text(Words(100, y + 13, "end"), one.words))
            parts.append(drawing.box((0, y + 18, 100, 8), "track"))
            parts.append(drawing.box((0, y + 18, long, 8), f"fill c-{one.colour}"))
        foot = len(self.entries) * ROW
        if self.mark is None:
            return "".join(parts), foot
        x = 100 * self.mark.value / most
        parts.append(drawing.line((x, 0, x, foot), "axis", "3 3"))
        parts.append(drawing.text(Words(x, foot + 12, "end"), self.mark.words))
        return "".join(parts), foot + 16


def spark(values: Sequence[float | None], label: str, colour: str = "accent") -> Drawn:
    """Return a line without axes; a gap where a value is not known."""
    width, height = SPARK
    return Drawn(
        f'<svg class="spark" role="img" aria-label="{drawing.escape(label)}"'
        f' viewBox="0 0 {width:g} {height:g}" preserveAspectRatio="none">'
        f"{_line(values, (width, height), colour)}</svg>"
    )


def small(title: str, words: str, values: Sequence[float | None], colour: str = "accent") -> Drawn:
    """Return one of many small charts: a name, the figure of now, and how it came there."""
    label = drawing.escape(f"{title}: {words}")
    line = _line(values, (100.0, SMALL), colour)
    return Drawn(
        f'<figure class="chart"><figcaption><b>{drawing.escape(title)}</b>'
        f'<span class="muted row-end">{drawing.escape(words)}</span></figcaption>'
        f'<div class="plane plane-bare"><svg role="img" aria-label="{label}" height="{SMALL:g}"'
        f' viewBox="0 0 100 {SMALL:g}" preserveAspectRatio="none">{line}</svg></div></figure>'
    )


def _line(values: Sequence[float | None], size: tuple[float, float], colour: str) -> str:
    width, height = size
    high = max((one for one in values if one is not None), default=0.0) or 1.0
    step = width / max(1, len(values) - 1)
    runs: list[list[str]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{at * step:.1f},{height - 1.5 - (height - 3) * value / high:.1f}")
    return "".join(
        f'<polyline class="stroke thin c-{colour}" vector-effect="non-scaling-stroke"'
        f' points="{" ".join(run)}"/>'
        for run in runs
        if len(run) > 1
    )
