"""Response times as one of many small charts, all on the same scale, so that they compare.

The line is the median, the band above it reaches to the 95th percentile; where nothing was measured
there is a gap. Many points are thinned to POINTS_MAX: the worst of each stretch stays.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn
from penstock.web.quantities import seconds

POINTS_MAX: Final = 48
HEIGHT: Final = 64.0
FOOT: Final = 16.0

Pair = tuple[float | None, float | None]  # median, 95th percentile


class Multiple(NamedTuple):
    """One small chart; ``href`` is what is behind it, ``span`` its time in words."""

    title: str
    pairs: Sequence[Pair]
    high_s: float
    href: str = ""
    span: str = "24 h ago"


def highest_s(pairs: Sequence[Pair]) -> float:
    """Return where a scale for these must end at least."""
    return max((value for pair in pairs for value in pair if value is not None), default=0.0)


def figure(one: Multiple) -> Drawn:
    """Return the chart for a page."""
    pairs = thinned(one.pairs)
    high_s = one.high_s or 1.0
    last = next((pair for pair in reversed(pairs) if pair[0] is not None), (None, None))
    words = f"{seconds(last[0])} · p95 {seconds(last[1])}" if last[0] is not None else "no figures"
    name = drawing.escape(one.title)
    head = f'<a href="{drawing.escape(one.href)}">{name}</a>' if one.href else name
    label = f"{one.title}: median and 95th percentile now {words}; scale to {seconds(high_s)}"
    words_at = HEIGHT + 13
    inner = (
        drawing.line((0, HEIGHT, 100, HEIGHT), "axis")
        + drawing.stretched("".join(_runs(pairs, high_s)), HEIGHT)
        + drawing.text(drawing.Words(0, 10), seconds(high_s))
        + drawing.text(drawing.Words(0, words_at), one.span)
        + drawing.text(drawing.Words(100, words_at, "end"), "now")
    )
    return Drawn(
        f'<figure class="chart"><figcaption><b>{head}</b>'
        f'<span class="muted small row-end">{drawing.escape(words)}</span></figcaption>'
        f'<div class="plane plane-bare">{drawing.plane(inner, HEIGHT + FOOT, label)}</div></figure>'
    )


def thinned(pairs: Sequence[Pair]) -> list[Pair]:
    """Return at most POINTS_MAX points; of each stretch the worst median and the worst tail."""
    size = -(-len(pairs) // POINTS_MAX) or 1
    found: list[Pair] = []
    for at in range(0, len(pairs), size):
        stretch = pairs[at : at + size]
        medians = [low for low, _ in stretch if low is not None]
        tails = [high for _, high in stretch if high is not None]
        found.append((max(medians, default=None), max(tails, default=None)))
    return found


def _runs(pairs: Sequence[Pair], high_s: float) -> Sequence[str]:
    """Return the band and the line of each stretch without a gap."""
    step = 100 / max(1, len(pairs))
    runs: list[list[tuple[float, float, float]]] = [[]]
    for at, (low, high) in enumerate(pairs):
        if low is None:
            runs.append([])
        else:
            above = high if high is not None else low
            runs[-1].append(((at + 0.5) * step, _down(low, high_s), _down(above, high_s)))
    drawn: list[str] = []
    for run in runs:
        if run:
            first, last = run[0], run[-1]  # as wide as their intervals, be it a single one
            wide = [(first[0] - step / 2, *first[1:]), *run, (last[0] + step / 2, *last[1:])]
            up = [(x, y) for x, _, y in wide]
            down = [(x, y) for x, y, _ in wide]
            drawn.append(drawing.area(up + down[::-1], "fill tail c-accent"))
            drawn.append(drawing.path(down, "stroke thin c-accent"))
    return drawn


def _down(value_s: float, high_s: float) -> float:
    return HEIGHT - (HEIGHT - 16) * min(1.0, max(0.0, value_s / high_s))
