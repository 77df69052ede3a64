"""One exchange from its beginning to its end: attempts as bars, one below the other.

    pale     waits: in our queue, or for the first token
    full     the answer flows
    hatched  an attempt that failed
    mark     the first token

Names stand above their bars; on a phone what became of them stands beneath.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn, Words
from penstock.web.charts.frame import ticks_of
from penstock.web.quantities import seconds

ROW: Final = 56.0
BAR: Final = 12.0
FOOT: Final = 26.0
TICKS_MAX: Final = 6
EDGE: Final = 5.0  # percent: words nearer to an end of the axis do not reach beyond it


class Step(NamedTuple):
    """A bar: an attempt, or a wait. Times are in seconds after the exchange began."""

    name: str
    words: str  # what became of it
    from_s: float
    to_s: float
    first_token_s: float = 0.0  # 0: none came
    is_failed: bool = False
    is_wait: bool = False
    colour: str = "accent"


def waterfall(title: str, steps: Sequence[Step], total_s: float) -> Drawn:
    """Return the chart."""
    high = max([total_s, *(one.to_s for one in steps)]) or 1e-3
    parts = [_hatch()]
    foot = len(steps) * ROW
    for tick in ticks_of(high)[:TICKS_MAX]:
        if tick <= high:
            x = 100 * tick / high
            parts.append(drawing.line((x, 0, x, foot), "grid"))
            anchor = "start" if x < EDGE else "end" if x > 100 - EDGE else "middle"
            parts.append(drawing.text(Words(x, foot + 16, anchor), _tick(tick)))
    for at, one in enumerate(steps):
        parts += _row(one, at * ROW, high)
    label = f"{title}. " + "; ".join(
        f"{one.name}: {one.words}, from {seconds(one.from_s)} to {seconds(one.to_s)}"
        for one in steps
    )
    return Drawn(
        '<figure class="chart"><div class="plane plane-bare">'
        f"{drawing.plane(''.join(parts), foot + FOOT, label)}</div></figure>"
    )


def _row(one: Step, y: float, high: float) -> list[str]:
    def x(at_s: float) -> float:
        return 100 * max(0.0, min(high, at_s)) / high

    top = y + 22
    from_x, to_x = x(one.from_s), max(x(one.to_s), x(one.from_s) + 0.4)
    colour = "unknown" if one.is_wait else "bad" if one.is_failed else one.colour
    parts = [
        drawing.text(Words(0, y + 15, kind="strong"), one.name),
        drawing.text(Words(100, y + 15, "end", kind="beside"), one.words),
        drawing.text(Words(0, y + 48, kind="beneath"), one.words),
    ]
    title = f"{one.name}: {one.words}"
    middle = x(one.first_token_s) if one.first_token_s else to_x
    parts.append(drawing.box((from_x, top, middle - from_x, BAR), f"fill wait c-{colour}", title))
    if one.first_token_s:
        parts.append(drawing.box((middle, top, to_x - middle, BAR), f"fill c-{colour}", title))
        parts.append(drawing.line((middle, top - 4, middle, top + BAR + 4), "mark"))
    if one.is_failed:
        hatched = drawing.box((from_x, top, to_x - from_x, BAR), "hatched", title)
        parts.append(hatched.replace("<rect ", '<rect fill="url(#hatch)" ', 1))
    return parts


def _hatch() -> str:
    return (
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><rect width="2.5" height="6" class="hatch"/>'
        "</pattern></defs>"
    )


def _tick(at_s: float) -> str:
    return seconds(at_s) if at_s else "0"
