"""The trend of a drill: what share of calls completed, run after run, by tier.

Runs stand side by side in their order, as far apart as each other: they are nightly for weeks and
then ten in an hour, and on an axis of time all of those would be one line. Each is told by its day.
"""

from collections.abc import Sequence
from typing import Final

from penstock.sim.drills.digest import Digest
from penstock.sim.drills.shapes import BOUND, PENSTOCK
from penstock.web.charts import drawing
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.frame import Frame, Line
from penstock.web.moments import day, utc
from penstock.web.quantities import share

HEIGHT: Final = 240
LEVELS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
TICKS_MAX: Final = 6
HALF: Final = 0.5
YEAR: Final = len("2026-")  # left out on the axis: five whole days are too wide for a phone
# arm, tier, what it is called, colour, dash
LINES: Final = (
    (PENSTOCK, "enterprise", "enterprise", "tier-enterprise", ""),
    (PENSTOCK, "standard", "standard", "tier-standard", ""),
    (PENSTOCK, "free", "free", "tier-free", ""),
    (BOUND, "", "without", "ink", "4 3"),
)


def trend(found: Sequence[Digest]) -> Drawn:
    """Return the plot of runs, the oldest first."""
    title = f"Share of calls completed, {found[-1].drill}"
    frame = Frame(title, HEIGHT, f"{found[-1].mode}, run after run; without: callers bound to one")
    frame.head(0)
    step = max(1, -(-len(found) // TICKS_MAX))
    ticks = list(range(0, len(found), step))
    words = [day(found[at].began_unix_s)[YEAR:] for at in ticks]
    frame.scale_x(ticks, low=-HALF, high=len(found) - HALF, words=words)
    frame.scale_y(LEVELS, [share(one).replace(".0 %", " %") for one in LEVELS])
    ends: list[tuple[float, str, str]] = []
    for arm, tier, name, colour, dash in LINES:
        shares = [one.success(arm, tier) for one in found]
        runs = _runs(shares)
        for points in runs:
            line = Line(name, colour, points, dash)
            frame.draw(line)
            frame.dots(line)
        if runs:
            ends.append((runs[-1][-1][1], name, colour))
    frame.names(ends)
    for at, one in enumerate(found):
        frame.hover(at - HALF, at + HALF, _told(one))
    return frame.figure(_table(found, title), _told(found[-1]))


def _runs(shares: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """Return the points that are joined; a gap where a run has no such calls."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(shares):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((float(at), value))
    return [run for run in runs if run]


def _told(one: Digest) -> str:
    told = [
        f"{name} {share(ratio)}"
        for arm, tier, name, *_ in LINES
        if (ratio := one.success(arm, tier)) is not None
    ]
    held = "held" if one.is_passed else "did not hold"
    return f"{utc(one.began_unix_s)}, {held}: {', '.join(told) or 'no calls'}"


def _table(found: Sequence[Digest], title: str) -> str:
    rows = [
        [utc(one.began_unix_s), *(share(one.success(arm, tier)) for arm, tier, *_ in LINES)]
        for one in found
    ]
    return drawing.table(["begun", *(name for _, _, name, *_ in LINES)], rows, title)
