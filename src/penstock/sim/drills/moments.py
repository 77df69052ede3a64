"""Which played seconds are under a fault, which follow a change, and what time it was then.

changes    strikes of one kind at one place that touch are one, whatever their shares (the steps
           of a ramp); a change is where one of those begins or ends. Where a window is cut off
           while a fault goes on, or at the drill's end, nothing changes
settling   the ``SETTLING_S`` after each change: nobody can know before something has failed
true time  of a played second: as its window says; between two windows there is none

All are played seconds, unless said.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from penstock.sim.drills.shapes import Strike, Timetable, Window

SETTLING_S: Final = 3.0  # the drill's figures are held outside of it
TOUCHING_S: Final = 0.5  # steps that are nearer are one fault
EDGE_S: Final = 0.001
YEAR_S: Final = 31_536_000.0  # less is no time of an outage, but of what is made up


class Stretch(NamedTuple):
    """Played seconds."""

    from_s: float
    to_s: float


def changes(timetable: Timetable) -> list[float]:
    """Return when a fault begins or ends, in order."""
    edges = {edge for one in timetable.windows for edge in (one.from_s, one.to_s) if edge > EDGE_S}
    runs: dict[tuple[str, ...], list[Strike]] = defaultdict(list)
    for one in timetable.strikes:
        runs[one.place, one.kind, one.surface, one.provider, one.model].append(one)
    found = {
        at_s
        for strikes in runs.values()
        for run in joined(Stretch(one.from_s, one.to_s) for one in strikes)
        for at_s in run
    }
    return sorted(at_s for at_s in found if not any(abs(at_s - edge) < EDGE_S for edge in edges))


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return stretches of which none touch, in order."""
    made: list[Stretch] = []
    for one in sorted(stretches):
        if made and one.from_s - made[-1].to_s <= TOUCHING_S:
            made[-1] = Stretch(made[-1].from_s, max(made[-1].to_s, one.to_s))
        else:
            made.append(one)
    return made


def is_settled(from_s: float, to_s: float, changed: Sequence[float]) -> bool:
    """Return whether a span of time has nothing of the seconds after a change in it."""
    at = bisect_right(changed, to_s)  # the last change that is not after it
    return at == 0 or from_s >= changed[at - 1] + SETTLING_S


def struck(timetable: Timetable, place: str = "") -> list[Stretch]:
    """Return when something fails at a place, or anywhere."""
    return joined(
        Stretch(one.from_s, one.to_s)
        for one in timetable.strikes
        if not place or one.place == place
    )


def is_within(at_s: float, stretches: Sequence[Stretch]) -> bool:
    """Return whether an instant lies in one of them."""
    return any(one.from_s <= at_s < one.to_s for one in stretches)


def window_of(at_s: float, windows: Sequence[Window]) -> int:
    """Return the window an instant lies in; -1: in none."""
    for at, one in enumerate(windows):
        if one.from_s <= at_s < one.to_s:
            return at
    return -1


def is_dated(timetable: Timetable) -> bool:
    """Return whether what is played happened once, so that its seconds have a day."""
    return bool(timetable.windows) and timetable.windows[0].from_unix_s > YEAR_S


def true_unix_s(at_s: float, windows: Sequence[Window]) -> float | None:
    """Return what time of the outage a played second was; None: it is in no window."""
    at = window_of(at_s, windows)
    return None if at < 0 else windows[at].from_unix_s + at_s - windows[at].from_s
