"""What happens over time: stacked areas or lines, one value an interval, incidents as bands.

    stacked   parts of a whole; the whole is told when an interval is pointed at
    lines     figures beside each other; None is a gap: not known is not zero

An interval is told by its beginning. The last one may still be filling: leave it out.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.frame import Frame, Line, ticks_of
from penstock.web.moments import clock, utc
from penstock.web.quantities import number

ROWS_MAX: Final = 120  # of the table behind; the last ones
STEPS_S: Final = (
    10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200,
    86_400, 172_800, 432_000, 604_800, 1_209_600, 2_592_000, 7_776_000,
)  # fmt: skip
TICKS_MAX: Final = 7


class Series(NamedTuple):
    """One value for each interval; None: not known."""

    name: str
    colour: str
    values: Sequence[float | None]
    dash: str = ""


class Band(NamedTuple):
    """A span of time that has a name; ``state`` bad: an outage."""

    from_s: float
    to_s: float
    words: str
    state: str = ""


class Mark(NamedTuple):
    """An instant that has a name."""

    at_s: float
    words: str


class Span(NamedTuple):
    """The intervals of a chart: ``steps`` of ``step_s`` seconds, from ``start_s`` (Unix time)."""

    start_s: float
    step_s: float
    steps: int

    @property
    def end_s(self) -> float:
        """When the last one ends."""
        return self.start_s + self.step_s * self.steps

    def at(self, index: int) -> float:
        """When one begins."""
        return self.start_s + self.step_s * index


class Look(NamedTuple):
    """How a chart is told."""

    title: str
    note: str = ""  # the unit, in words
    words: Callable[[float | None], str] = number
    height: int = 220
    has_table: bool = True
    is_named: bool = True  # false: the title is the name of the only line
    top: float = 0.0  # that the scale reaches at least: 1 of shares


def stacked(look: Look, span: Span, series: Sequence[Series], bands: Sequence[Band] = ()) -> Drawn:
    """Return areas on top of each other, the first at the bottom."""
    levels = [[0.0] * span.steps]
    for one in series:
        values = [value or 0.0 for value in one.values]
        levels.append([low + value for low, value in zip(levels[-1], values, strict=True)])
    frame = _frame(look, span, max(levels[-1], default=0.0), bands)
    for one, low, high in zip(series, levels[:-1], levels[1:], strict=True):
        if high != low:
            points = _steps(span, high)
            frame.fill(one.colour, [y for _, y in _steps(span, low)], points)
    ends = [
        ((low[-1] + high[-1]) / 2 if span.steps else 0.0, one.name, one.colour)
        for one, low, high in zip(series, levels[:-1], levels[1:], strict=True)
        if high != low
    ]
    frame.names(ends)
    return _finished(frame, look, span, series)


def lines(
    look: Look,
    span: Span,
    series: Sequence[Series],
    bands: Sequence[Band] = (),
    marks: Sequence[Mark] = (),
) -> Drawn:
    """Return a line for each series."""
    known = [value for one in series for value in one.values if value is not None]
    seen = [one for one in marks if span.start_s <= one.at_s <= span.end_s]
    frame = _frame(look, span, max([look.top, *known]), bands, len(seen))
    ends: list[tuple[float, str, str]] = []
    for one in series:
        for points in _runs(span, one.values):
            frame.draw(Line(one.name, one.colour, points, one.dash))
        last = next((value for value in reversed(one.values) if value is not None), None)
        if last is not None:
            ends.append((last, one.name, one.colour))
    if look.is_named:
        frame.names(ends)
    for row, mark in enumerate(seen):
        frame.mark(mark.at_s, mark.words, row)
    return _finished(frame, look, span, series)


def ticks(span: Span) -> list[float]:
    """Return where a time axis has labels: at round times of UTC."""
    found: list[float] = []
    for step_s in STEPS_S:
        first = -(-span.start_s // step_s) * step_s
        found = [at for n in range(TICKS_MAX + 2) if (at := first + n * step_s) <= span.end_s]
        if len(found) <= TICKS_MAX + 1:
            break
    return found[: TICKS_MAX + 1]


def _frame(look: Look, span: Span, high: float, bands: Sequence[Band], rows: int = 0) -> Frame:
    frame = Frame(look.title, look.height, look.note)
    frame.head(rows)
    found = ticks(span)
    told = [clock(at, span.end_s - span.start_s) for at in found]
    frame.scale_x(found, low=span.start_s, high=span.end_s, words=told)
    levels = ticks_of(high)
    frame.scale_y(levels, [look.words(one).replace(".0 %", " %") for one in levels])
    for band in bands:
        from_s, to_s = max(span.start_s, band.from_s), min(span.end_s, band.to_s)
        frame.shade(from_s, to_s, band.words, band.state)
    return frame


def _steps(span: Span, values: Sequence[float]) -> list[tuple[float, float]]:
    """Return points in the middle of intervals, and at both ends, so that the plane is filled."""
    if not values:
        return []
    middle = [(span.at(at) + span.step_s / 2, value) for at, value in enumerate(values)]
    return [(span.start_s, values[0]), *middle, (span.end_s, values[-1])]


def _runs(span: Span, values: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """Return the stretches without a gap; a single value is drawn as wide as its interval."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((span.at(at) + span.step_s / 2, value))
    half_s = span.step_s / 2
    return [
        run if len(run) > 1 else [(run[0][0] - half_s, run[0][1]), (run[0][0] + half_s, run[0][1])]
        for run in runs
        if run
    ]


def _finished(frame: Frame, look: Look, span: Span, series: Sequence[Series]) -> Drawn:
    for at in range(span.steps):
        told = [
            f"{one.name} {look.words(one.values[at])}" for one in series[::-1] if one.values[at]
        ]
        frame.hover(span.at(at), span.at(at + 1), f"{utc(span.at(at))}: {', '.join(told) or '0'}")
    rows = [
        [utc(span.at(at)), *(look.words(one.values[at]) for one in series)]
        for at in range(max(0, span.steps - ROWS_MAX), span.steps)
    ]
    head = ["from", *(one.name for one in series)]
    table = drawing.table(head, rows, look.title) if look.has_table else ""
    return frame.figure(table, _summary(look, span, series))


def _summary(look: Look, span: Span, series: Sequence[Series]) -> str:
    told = [
        f"{one.name} {look.words(min(known))} to {look.words(max(known))}"
        for one in series
        if (known := [value for value in one.values if value is not None])
    ]
    return f"{utc(span.start_s)} to {utc(span.end_s)}: {'; '.join(told) or 'nothing'}"
