"""The drill's plots: one line an arm over the played time, and under the axis what failed.

The axis is of played seconds, its labels are the outage's own clock. Where two windows meet a
dashed line says that what lies between was left out, and no line of a figure crosses it.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from penstock.sim.drills import moments, strips, words
from penstock.sim.drills.figures import BY
from penstock.sim.drills.shapes import Arm, Series, Timetable, Window
from penstock.web import moments as clocks
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.frame import FOOT, STRIP, Frame, Line, ticks_of
from penstock.web.quantities import number, seconds, share

HEIGHT: Final = 120.0  # of the plane itself
TICKS_MAX: Final = 9
NEAR_RATIO: Final = 0.065  # of the axis: labels that are nearer would touch
ALL: Final = 1.0
CUT_S: Final = 1.0  # windows that are nearer follow on each other
LATE_S: Final = 300.0  # an axis of no more than this names seconds


class Look(NamedTuple):
    """How a figure is shown."""

    what: str
    title: str
    note: str
    words: Callable[[float | None], str]
    top: float = 0.0
    low: float = 0.0  # of shares: where the axis begins


# Where an axis of shares may begin, and what it names: so that what differs is seen.
SHARES: Final = {
    0.0: (0.0, 0.25, 0.5, 0.75, 1.0),
    0.5: (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    0.8: (0.8, 0.85, 0.9, 0.95, 1.0),
}
SUCCESS: Final = Look("success_ratio", "Success", "share of calls that were complete", share, ALL)
LOOKS: Final = (
    SUCCESS,
    Look("added_p99_s", "Added wait", "p99; beyond what the provider itself took", seconds),
    Look("ttft_p50_s", "Time to first token", "median, with all retries", seconds),
    Look("itl_p50_s", "Time between tokens", "median", seconds),
)


def hero(timetable: Timetable, arms: Sequence[Arm]) -> Drawn | None:
    """Return the success of all API calls, for a first page; None if nothing was measured."""
    look = SUCCESS._replace(title="API calls that were complete", note="the faults beneath")
    return compared(look, timetable, arms, "")


def compared(
    look: Look, timetable: Timetable, arms: Sequence[Arm], tier: str, place: str = "api"
) -> Drawn | None:
    """Return a figure with a line for each arm; None if nothing was measured."""
    found = {arm.name: one for arm in arms if (one := _series(arm, look.what, tier, place))}
    known = [value for one in found.values() for value in one.values if value is not None]
    if not known:
        return None
    look = _zoomed(look, min(known))
    frame = plane(look, timetable, (place,), max(look.top, *known))
    ends: list[tuple[float, str, str]] = []
    for name, one in found.items():
        colour, dash = words.ARM_COLOURS.get(name, ("ink", ""))
        for points in runs(one, timetable.windows):
            frame.draw(Line(name, colour, points, dash))
        last = next((value for value in reversed(one.values) if value is not None), None)
        if last is not None:
            ends.append((last, words.SHORT.get(name, name), colour))
    frame.names(ends, is_ordered=True)
    told = [(words.SHORT.get(name, name), one) for name, one in found.items()]
    _tell(frame, look, timetable, told)
    return frame.figure("", summary(look, told))


def answered(timetable: Timetable, arm: Arm) -> Drawn | None:
    """Return which provider answered how many calls of an arm; None if nobody is known."""
    found = [one for one in arm.series if one.what.startswith(BY) and any(one.values)]
    if not found:
        return None
    step_s = found[0].step_s
    per_s = [[(value or 0.0) / step_s for value in one.values] for one in found]
    levels = [[0.0] * len(per_s[0])]
    for values in per_s:
        levels.append([low + value for low, value in zip(levels[-1], values, strict=True)])
    look = Look("by", f"Who answered, {words.ARMS.get(arm.name, arm.name)}", "calls/s", number)
    frame = plane(look, timetable, ("api",), max(levels[-1]))
    names = [words.provider(one.what.removeprefix(BY)) for one in found]
    colours = [
        words.PROVIDER_COLOURS.get(one.what.removeprefix(BY), "provider-other") for one in found
    ]
    for colour, low, high in zip(colours, levels, levels[1:], strict=False):
        for at in pieces(step_s, len(low), timetable.windows):
            points = [((index + 0.5) * step_s, high[index]) for index in at]
            if len(points) > 1:
                frame.fill(colour, [low[index] for index in at], points)
    frame.names(
        [
            ((low[-1] + high[-1]) / 2, name, colour)
            for name, colour, low, high in zip(names, colours, levels, levels[1:], strict=False)
        ]
    )
    told = [
        (name, Series(arm=arm.name, tier="", what="by", step_s=step_s, values=tuple(values)))
        for name, values in zip(names, per_s, strict=True)
    ]
    _tell(frame, look, timetable, told)
    return frame.figure("", summary(look, told))


def replayed(timetable: Timetable) -> Drawn:
    """Return what failed when: the faults alone, as they were played."""
    look = Look("", "What failed, as it was played", "height: share of requests", share)
    frame = plane(look, timetable, (), 0.0, 0.0)
    return frame.figure("", f"{len(timetable.windows)} windows of the outage")


def plane(
    look: Look,
    timetable: Timetable,
    places: Sequence[str],
    high: float,
    height: float = HEIGHT,
) -> Frame:
    """Return a plane with the axis of the drill, and the faults under it."""
    under = strips.rows(timetable, places)
    frame = Frame(look.title, int(height + FOOT + STRIP * len(under)), look.note)
    frame.beneath(len(under))
    found = ticks(timetable)
    told = [clock(timetable, at_s) for at_s in found]
    frame.scale_x(found, low=0.0, high=timetable.played_s, words=told)
    if height:
        levels = SHARES[look.low] if look.top == ALL else ticks_of(high)
        frame.scale_y(levels, [look.words(one).replace(".0 %", " %") for one in levels])
    for before, one in itertools.pairwise(timetable.windows):
        if one.from_unix_s - before.to_unix_s > CUT_S:
            frame.cut(one.from_s)
    for at, row in enumerate(under):
        frame.strip(at, row.name, row.spans)
    return frame


def ticks(timetable: Timetable) -> list[float]:
    """Return the played seconds that are named: the changes, or where windows begin."""
    wanted = moments.changes(timetable) or [one.from_s for one in timetable.windows] or [0.0]
    near_s = NEAR_RATIO * timetable.played_s
    made: list[float] = []
    for at_s in wanted:
        if not made or at_s - made[-1] >= near_s:
            made.append(at_s)
    return made if len(made) <= TICKS_MAX else made[:: -(-len(made) // TICKS_MAX)]


def clock(timetable: Timetable, at_s: float) -> str:
    """Return what the outage's clock showed in a played second."""
    true_s = moments.true_unix_s(at_s, timetable.windows)
    if true_s is None or not moments.is_dated(timetable):
        return seconds(at_s) if at_s > LATE_S else f"{at_s:.0f} s"
    return clocks.clock(true_s, max(timetable.true_s, LATE_S + 1.0))


def pieces(step_s: float, steps: int, windows: Sequence[Window]) -> list[list[int]]:
    """Return the intervals by the window in which their middle lies."""
    whole = range(steps)
    found = itertools.groupby(whole, key=lambda at: moments.window_of((at + 0.5) * step_s, windows))
    return [list(group) for _, group in found]


def runs(one: Series, windows: Sequence[Window]) -> list[list[tuple[float, float]]]:
    """Return the stretches without a gap and within a window; a lone value is as wide as a step."""
    made: list[list[tuple[float, float]]] = []
    for group in pieces(one.step_s, len(one.values), windows):
        run: list[tuple[float, float]] = []
        for at in group:
            value = one.values[at]
            if value is None:
                made.append(run)
                run = []
            else:
                run.append(((at + 0.5) * one.step_s, value))
        made.append(run)
    half_s = one.step_s / 2
    return [
        run if len(run) > 1 else [(run[0][0] - half_s, run[0][1]), (run[0][0] + half_s, run[0][1])]
        for run in made
        if run
    ]


def summary(look: Look, told: Sequence[tuple[str, Series]]) -> str:
    """Return what a plot shows, for those who do not see it."""
    return "; ".join(
        f"{name} {look.words(min(known))} to {look.words(max(known))}"
        for name, one in told
        if (known := [value for value in one.values if value is not None])
    )


def _series(arm: Arm, what: str, tier: str, place: str) -> Series | None:
    for one in arm.series:
        if (one.what, one.tier, one.place) == (what, tier, place):
            return one
    return None


def _zoomed(look: Look, least: float) -> Look:
    """Return how a share is shown, of which this is the least: its axis says where it begins."""
    low = max(one for one in SHARES if one <= least)
    if look.top != ALL or not low:
        return look
    return look._replace(low=low, note=f"{look.note}; the axis begins at {100 * low:.0f} %")


def _tell(
    frame: Frame, look: Look, timetable: Timetable, told: Sequence[tuple[str, Series]]
) -> None:
    """Tell the figures of each interval when it is pointed at."""
    step_s = told[0][1].step_s
    for at in range(max(len(one.values) for _, one in told)):
        figures = ", ".join(
            f"{name} {look.words(one.values[at])}" for name, one in told if at < len(one.values)
        )
        to_s = min(timetable.played_s, (at + 1) * step_s)
        when = clock(timetable, at * step_s)
        frame.hover(at * step_s, to_s, f"{when}: {figures}")
