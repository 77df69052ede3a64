"""A plane with axes: from data to percent across and pixels down.

    scale_x, scale_y   first, in this order; they draw axes and grid
    fill, draw, dots   areas and lines; values beyond the scale stand at its edge
    shade              a span of x with its name: an incident, a phase
    head, mark         instants with their names above the plane: who noticed, who spoke
    beneath, strip     rows under the axis, first told how many: what was the matter meanwhile
    cut                where two stretches of time meet between which something is left out
    names              beside the right end of each series, moved apart where they would touch;
                       on a narrow plane they stand beneath
    hover              what is told of a span of x when it is pointed at

Every line has its name beside its end and may have a dash of its own: colour says nothing alone.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn, Words

NAME_CHARACTERS_MAX: Final = 13  # in the 116 px at the right
LINE_HEIGHT: Final = 15.0
TOP: Final = 8.0
FOOT: Final = 24.0  # of labels
FOOT_NAMED: Final = 42.0  # with the axis' name
RIGHT: Final = 60.0  # percent: the words of a band that begins beyond end with it
STRIP: Final = 14.0  # a row under the axis, with what parts it from the next
STRIP_HIGH: Final = 11.0
STRIP_LEAST: Final = 2.0  # what is there is seen
TICKS_NARROW: Final = 6  # beyond so many every other one is left out on a narrow plane
LEAST: Final = 1e-12  # what is less is nothing: of so little there are no round parts


class Line(NamedTuple):
    """A named line; ``dash`` as SVG has it, empty: none. Points are in order of x."""

    name: str
    colour: str  # of tokens.css: tier-free, series-1, ink
    points: Sequence[tuple[float, float]]
    dash: str = ""
    kind: str = ""  # thin, thick


class Frame:
    """One plot under construction."""

    def __init__(self, title: str, height: int = 240, note: str = "") -> None:
        self.title = title
        self.note = note
        self.height = float(height)
        self.top = TOP
        self.foot = FOOT
        self._beneath = 0.0
        self._under: list[str] = []
        self._paths: list[str] = []
        self._over: list[str] = []
        self._keys: list[tuple[str, str]] = []
        self._dashes: dict[str, str] = {}  # colour -> dash of its line
        self._x: Callable[[float], float] = float
        self._y: Callable[[float], float] = float

    @property
    def bottom(self) -> float:
        """Where the x axis lies."""
        return self.height - self.foot

    def scale_x(
        self,
        ticks: Sequence[float],
        label: str = "",
        *,
        is_log: bool = False,
        low: float | None = None,
        high: float | None = None,
        words: Sequence[str] = (),
    ) -> None:
        """Draw the x axis, from ``low`` or the first tick to ``high`` or the last one."""
        from_x = ticks[0] if low is None else low
        place = _scale(from_x, ticks[-1] if high is None else high, is_log=is_log)
        self._x = lambda value: 100 * place(value)
        self.foot = (FOOT_NAMED if label else FOOT) + self._beneath
        for at, tick in enumerate(ticks):
            kind = "odd" if at % 2 and len(ticks) > TICKS_NARROW else ""
            told = words[at] if words else f"{tick:g}"
            at_x = Words(self._x(tick), self.bottom + 17, "middle", kind)
            self._under.append(drawing.text(at_x, told))
        if label:
            self._under.append(drawing.text(Words(50, self.bottom + 36, "middle"), label))

    def scale_y(
        self, ticks: Sequence[float], words: Sequence[str], *, is_log: bool = False
    ) -> None:
        """Draw the y axis with a line of the grid for each tick."""
        place = _scale(ticks[0], ticks[-1], is_log=is_log)
        self._y = lambda value: self.bottom - (self.bottom - self.top) * place(value)
        for at, (tick, word) in enumerate(zip(ticks, words, strict=True)):
            y = self._y(tick)
            self._under.append(drawing.line((0, y, 100, y), "grid" if at else "axis"))
            self._under.append(drawing.text(Words(0, y + 4, "end", aside=-8), word))

    def draw(self, one: Line) -> None:
        """Draw a line."""
        points = [(self._x(x), self._y(y)) for x, y in one.points]
        kind = f"stroke c-{one.colour} {one.kind}".rstrip()
        self._dashes[one.colour] = one.dash
        self._paths.append(drawing.path(points, kind, one.dash))

    def dots(self, one: Line) -> None:
        """Mark the points of a line."""
        self._over += [
            f'<circle cx="{self._x(x):.2f}%" cy="{self._y(y):.1f}" r="3"'
            f' class="fill c-{one.colour}"/>'
            for x, y in one.points
        ]

    def fill(self, colour: str, low: Sequence[float], high: Sequence[tuple[float, float]]) -> None:
        """Fill between two lines with the same x."""
        up = [(self._x(x), self._y(y)) for x, y in high]
        down = [(self._x(x), self._y(y)) for (x, _), y in zip(high, low, strict=True)]
        self._paths.append(drawing.area(up + down[::-1], f"fill soft seamed c-{colour}"))

    def names(self, entries: Sequence[tuple[float, str, str]], *, is_ordered: bool = False) -> None:
        """Write names at the right: (y, name, colour); the keys beneath in this order, or by y."""
        ordered = sorted((self._y(y), name, colour) for y, name, colour in entries)
        self._keys = [(name, colour) for _, name, colour in (entries if is_ordered else ordered)]
        at = -math.inf
        placed: list[tuple[float, str, str]] = []
        for y, name, colour in ordered:
            at = max(y, at + LINE_HEIGHT)
            placed.append((at, name, colour))
        over = max(0.0, (placed[-1][0] if placed else 0.0) - self.bottom)
        drawn = [
            drawing.key(colour, self._dashes.get(colour, ""), (3, y - over))
            + drawing.text(Words(0, y - over + 4, kind="strong", aside=21), _short(name))
            for y, name, colour in placed
        ]
        self._over.append(
            f'<svg x="100%" class="names" width="1" height="1" overflow="visible">'
            f"{''.join(drawn)}</svg>"
        )

    def shade(self, from_x: float, to_x: float, words: str, state: str = "") -> None:
        """Shade a span of x, and say what it is; ``state`` bad: an outage."""
        x, width = self._x(from_x), self._x(to_x) - self._x(from_x)
        kind = "band-bad" if state == "bad" else "band"
        place = (x, self.top, max(0.3, width), self.bottom - self.top)
        self._under.append(drawing.box(place, kind, words))
        is_right = x > RIGHT
        at = Words(x + width if is_right else x, self.top + 12, "end" if is_right else "start")
        self._over.append(drawing.text(at._replace(aside=-4 if is_right else 4), words))

    def head(self, rows: int) -> None:
        """Leave room above the plane for the names of marks; before the scales."""
        self.top = TOP + LINE_HEIGHT * rows

    def beneath(self, rows: int) -> None:
        """Leave room under the axis for strips; before the scales."""
        self._beneath = STRIP * rows

    def strip(self, row: int, name: str, spans: Sequence[tuple[float, float, float, str]]) -> None:
        """Draw a row under the axis: spans of x, each as high as its share, and in words."""
        foot = self.height - self._beneath + STRIP * row + STRIP_HIGH
        self._under.append(drawing.line((0, foot, 100, foot), "grid"))
        self._under.append(drawing.text(Words(0, foot - 1, "end", "tiny", aside=-8), name))
        for from_x, to_x, share, words in spans:
            high = max(STRIP_LEAST, STRIP_HIGH * share)
            x = self._x(from_x)
            place = (x, foot - high, max(0.3, self._x(to_x) - x), high)
            self._under.append(drawing.box(place, "fill c-bad", words))

    def cut(self, x: float) -> None:
        """Mark where something is left out."""
        at_x = self._x(x)
        self._under.append(drawing.line((at_x, self.top, at_x, self.height), "cut"))

    def mark(self, x: float, words: str, row: int = 0) -> None:
        """Mark an instant; its name stands above the plane, in a row of its own."""
        at_x = self._x(x)
        y = LINE_HEIGHT * (row + 1) - 3
        self._under.append(drawing.line((at_x, y - 9, at_x, self.bottom), "instant"))
        is_right = at_x > RIGHT
        at = Words(at_x, y, "end" if is_right else "start", "strong halo", -5 if is_right else 5)
        self._over.append(drawing.text(at, words))

    def hover(self, from_x: float, to_x: float, words: str) -> None:
        """Tell what lies in a span of x, when it is pointed at."""
        x, width = self._x(from_x), self._x(to_x) - self._x(from_x)
        self._over.append(drawing.box((x, self.top, width, self.bottom - self.top), "hover", words))

    def figure(self, table: str = "", summary: str = "") -> Drawn:
        """Return the plot for a page, with its title, its keys and the table behind it."""
        label = f"{self.title}. {summary}" if summary else self.title
        note = f'<span class="muted small">{drawing.escape(self.note)}</span>' if self.note else ""
        named = " plane-named" if self._keys else ""
        return Drawn(
            f'<figure class="chart"><figcaption><b>{drawing.escape(self.title)}</b>{note}'
            f'</figcaption><div class="plane{named}">'
            f"{drawing.plane(self._inner(), self.height, label)}</div>"
            f"{drawing.keys(self._keys, self._dashes)}{table}</figure>"
        )

    def alone(self, style: str) -> str:
        """Return the plot as a file of its own, with its style and a ground."""
        return drawing.alone(self._inner(), self.height, self.title, style)

    def _inner(self) -> str:
        paths = drawing.stretched("".join(self._paths), self.height) if self._paths else ""
        return "".join(self._under) + paths + "".join(self._over)


def _scale(low: float, high: float, *, is_log: bool) -> Callable[[float], float]:
    if high <= low:
        return lambda _: 0.0
    if is_log:
        span = math.log(high / low)
        return lambda value: math.log(min(high, max(low, value)) / low) / span
    return lambda value: (min(high, max(low, value)) - low) / (high - low)


def ticks_of(high: float) -> list[float]:
    """Return about five round ticks from 0 to at least ``high``."""
    if high < LEAST:
        return [0.0, 1.0]
    rough = high / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 2.5, 5, 10) if one * power >= rough)
    return [step * at for at in range(math.ceil(high / step - 1e-9) + 1)]


def _short(name: str) -> str:
    """Return a name as fits beside the plane; hovering, the table and the keys have it whole."""
    return name if len(name) <= NAME_CHARACTERS_MAX else name[: NAME_CHARACTERS_MAX - 1] + "\u2026"
