"""Plots as SVG, drawn with a few functions of our own: lines, stacked areas, bars with a mark.

Colours are names of style (``--blue``), so that the page's light and dark are the plots' too;
``alone`` makes a file that can stand by itself. Every line has its name beside its end, and a shape
of its own, so that colour says nothing alone. Text is escaped here and nowhere else.
"""

import html
import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

WIDTH: Final = 640
LINE_HEIGHT: Final = 15.0
STYLE: Final = """
:root { --ink: #1b1f24; --soft: #5b6470; --grid: #dfe3e8; --paper: #ffffff; --card: #f6f8fa;
  --blue: #1d5fd1; --teal: #0b7f78; --amber: #b35c00; --violet: #7a3fc4; --rose: #bd2358;
  --grey: #78818c; --green: #2c7a2c; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ebef; --soft: #a3acb8; --grid: #333a44; --paper: #14171c; --card: #1c2128;
    --blue: #78a9ff; --teal: #4fd1c5; --amber: #f0a04b; --violet: #c299ff; --rose: #ff8fb1;
    --grey: #9aa4b0; --green: #7ccf7c; --bad: #ff8a7a; }
}
svg text { font: 12px system-ui, sans-serif; fill: var(--soft); }
svg .name { fill: var(--ink); font-weight: 600; font-size: 13px; }
svg .grid { stroke: var(--grid); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
"""


class Line(NamedTuple):
    """A named line; ``dash`` as SVG has it, empty: none. Points are in order of x."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    dash: str = ""
    width: float = 2.0


class Bar(NamedTuple):
    """A bar of 0-1 and more, and a mark."""

    name: str
    colour: str
    value: float
    words: str


class Frame:
    """The plane of a plot: from data to pixels, with axes."""

    def __init__(self, title: str, height: int = 300, right: int = 130) -> None:
        self.title = title
        self.height = height
        self.left, self.top, self.right, self.bottom = 58.0, 34.0, float(right), 40.0
        self._parts: list[str] = [text(0, 14, title, "name")]
        self._x: Callable[[float], float] = float
        self._y: Callable[[float], float] = float

    @property
    def inner(self) -> tuple[float, float]:
        """The size of the plane."""
        return WIDTH - self.left - self.right, self.height - self.top - self.bottom

    def scale_x(
        self, ticks: Sequence[float], label: str, *, is_log: bool = False, high: float = 0.0
    ) -> None:
        """Draw the x axis, from the first tick to ``high`` or the last one."""
        place = _scale(ticks[0], high or ticks[-1], is_log=is_log)
        self._x = lambda value: self.left + self.inner[0] * place(value)
        foot = self.height - self.bottom
        for tick in ticks:
            self._parts.append(text(self._x(tick), foot + 16, f"{tick:g}", anchor="middle"))
        self._parts.append(line(self.left, foot, WIDTH - self.right, foot, "axis"))
        middle = self.left + self.inner[0] / 2
        self._parts.append(text(middle, foot + 34, label, anchor="middle"))

    def scale_y(self, ticks: Sequence[float], words: Sequence[str], *, is_log: bool) -> None:
        """Draw the y axis with a line of the grid for each tick."""
        place = _scale(ticks[0], ticks[-1], is_log=is_log)
        self._y = lambda value: self.height - self.bottom - self.inner[1] * place(value)
        for tick, word in zip(ticks, words, strict=True):
            y = self._y(tick)
            self._parts.append(line(self.left, y, WIDTH - self.right, y, "grid"))
            self._parts.append(text(self.left - 6, y + 4, word, anchor="end"))

    def draw(self, one: Line) -> None:
        """Draw a line."""
        points = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in one.points)
        dash = f' stroke-dasharray="{one.dash}"' if one.dash else ""
        self._parts.append(
            f'<polyline fill="none" stroke="var(--{one.colour})" stroke-width="{one.width}"'
            f' stroke-linejoin="round"{dash} points="{points}"/>'
        )

    def dots(self, one: Line) -> None:
        """Mark the points of a line."""
        for x, y in one.points:
            self._parts.append(
                f'<circle cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="3"'
                f' fill="var(--{one.colour})"/>'
            )

    def fill(self, colour: str, low: Sequence[float], high: Sequence[tuple[float, float]]) -> None:
        """Fill between two lines with the same x."""
        up = [f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in high]
        down = [f"{self._x(x):.1f},{self._y(y):.1f}" for (x, _), y in zip(high, low, strict=True)]
        self._parts.append(
            f'<polygon fill="var(--{colour})" fill-opacity="0.55" points="'
            f'{" ".join(up + down[::-1])}"/>'
        )

    def names(self, entries: Sequence[tuple[float, str, str]]) -> None:
        """Write names at the right: (y, name, colour), moved apart where they would touch."""
        ordered = sorted((self._y(y), name, colour) for y, name, colour in entries)
        at = -math.inf
        placed: list[tuple[float, str, str]] = []
        for y, name, colour in ordered:
            at = max(y, at + LINE_HEIGHT)
            placed.append((at, name, colour))
        over = max(0.0, (placed[-1][0] if placed else 0.0) - (self.height - self.bottom))
        for y, name, colour in placed:
            x = WIDTH - self.right + 8
            self._parts.append(line(x, y - over, x + 10, y - over, "", colour))
            self._parts.append(text(x + 14, y - over + 4, name))

    def shade(self, from_x: float, to_x: float, words: str) -> None:
        """Shade a span of x, and say what it is."""
        x, width = self._x(from_x), self._x(to_x) - self._x(from_x)
        height = self.inner[1]
        self._parts.append(
            f'<rect x="{x:.1f}" y="{self.top}" width="{width:.1f}" height="{height:.1f}"'
            ' fill="var(--grey)" fill-opacity="0.12"/>'
        )
        self._parts.append(text(x + 4, self.top + 12, words))

    def svg(self) -> str:
        """Return the plot."""
        return wrap("".join(self._parts), self.height, self.title)


def _scale(low: float, high: float, *, is_log: bool) -> Callable[[float], float]:
    if is_log:
        span = math.log(high / low)
        return lambda value: math.log(min(high, max(low, value)) / low) / span
    return lambda value: (min(high, max(low, value)) - low) / (high - low)


def wrap(body: str, height: float, title: str) -> str:
    """Return an SVG element that is as wide as its place."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}"'
        f' role="img" aria-label="{html.escape(title)}">{body}</svg>'
    )


def alone(svg: str) -> str:
    """Return a plot as a file of its own, with its style and a ground."""
    ground = '<rect width="100%" height="100%" fill="var(--paper)"/>'
    head, _, rest = svg.partition(">")
    return f"{head}><style>{STYLE}</style>{ground}{rest}\n"


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """Return a word at a place."""
    of_kind = f' class="{kind}"' if kind else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{of_kind}>{html.escape(words)}</text>'
    )


def line(*ends: float | str) -> str:
    """Return a straight line: x1, y1, x2, y2, its class or nothing, and its colour if it has one.

    The class is that of the style sheet.
    """
    x1, y1, x2, y2 = (float(one) for one in ends[:4])
    words = [str(one) for one in ends[4:]]
    look = f' class="{words[0]}"' if words and words[0] else ""
    if len(words) > 1:
        look = f' stroke="var(--{words[1]})" stroke-width="3"'
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"{look}/>'


def bars(title: str, entries: Sequence[Bar], top: float) -> str:
    """Return bars from the left, with a mark where the value is 1."""
    left, right, row = 190.0, 90.0, 22.0
    width = WIDTH - left - right
    parts = [text(0, 14, title, "name")]
    for at, one in enumerate(entries):
        y = 30 + at * row
        long = width * min(one.value, top) / top
        parts.append(text(left - 8, y + 13, one.name, anchor="end"))
        parts.append(
            f'<rect x="{left}" y="{y + 2:.1f}" width="{long:.1f}" height="14" rx="2"'
            f' fill="var(--{one.colour})"/>'
        )
        parts.append(text(WIDTH - 4, y + 13, one.words, anchor="end"))
    mark = left + width / top
    foot = 30 + len(entries) * row
    parts.append(
        f'<line x1="{mark:.1f}" y1="26" x2="{mark:.1f}" y2="{foot:.1f}" class="axis"'
        ' stroke-dasharray="3 3"/>'
    )
    parts.append(text(mark, foot + 14, "the best possible", anchor="middle"))
    return wrap("".join(parts), foot + 22, title)


def ticks_of(high: float) -> list[float]:
    """Return about five round ticks from 0 to at least ``high``."""
    if high <= 0:
        return [0.0, 1.0]
    rough = high / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 2.5, 5, 10) if one * power >= rough)
    return [step * at for at in range(math.ceil(high / step - 1e-9) + 1)]
