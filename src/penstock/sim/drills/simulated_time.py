"""Which seconds of an outage a simulated drill plays, and how many calls come in one.

    uncut     from ``BEFORE_S`` before the first change to ``TAIL_S`` after the last: every second
    cut       as an emulated drill is, with longer windows; time is left out, never sped up
    rate      the exchanges that are to be simulated, over the arms and the seconds
    which     uncut, if then at least ``RATE_MIN`` calls come a second; else the longest windows,
              the same after each change, that leave so many

Of fewer calls queues show nothing: what ten callers do to twenty slots is not what a million do to
two million.
"""

import itertools
import math
from typing import Final

import msgspec

from penstock.sim.drills.drill_file import Drill, Drills
from penstock.sim.drills.shapes import Strike, Struct, Timetable, Window
from penstock.sim.drills.timetable import changes_at, timetable

BEFORE_S: Final = 60.0
TAIL_S: Final = 600.0
AFTER_S_MIN: Final = 80.0  # as an emulated drill
RATE_MIN: Final = 100.0  # twenty times the usual mix: one customer's bursts are lost in it
DAY_S: Final = 86_400.0
HALVINGS: Final = 24


class Times(Struct, frozen=True, kw_only=True):
    """What is played, and how densely."""

    timetable: Timetable
    is_whole: bool
    rate_per_s: float


def uncut(drills: Drills, drill: Drill, before_s: float = BEFORE_S) -> Timetable:
    """Return every second of an outage."""
    edges = sorted({at for one in drill.phases for at in (one.start_unix_s, one.end_unix_s)})
    gap_s = max(after - before for before, after in itertools.pairwise(edges))
    table = timetable(drills, drill, before_s, gap_s, after_s_max=math.inf)
    return split(drill, trimmed(table, edges[-1] + TAIL_S), before_s)


def trimmed(table: Timetable, until_unix_s: float) -> Timetable:
    """Return a timetable that ends with an instant, if it would end later."""
    last = table.windows[-1]
    excess_s = last.to_unix_s - until_unix_s
    if excess_s <= 0.0:
        return table
    to_s = last.to_s - excess_s
    ended = msgspec.structs.replace(last, to_s=to_s, to_unix_s=until_unix_s)
    return msgspec.structs.replace(
        table,
        windows=(*table.windows[:-1], ended),
        strikes=tuple(_cut(one, to_s) for one in table.strikes if one.from_s < to_s),
        played_s=to_s,
    )


def chosen(drills: Drills, drill: Drill, exchanges: int, rate_min: float = RATE_MIN) -> Times:
    """Return what is played of a drill for so many exchanges an arm."""
    whole = uncut(drills, drill)
    if exchanges / whole.played_s >= rate_min:
        return Times(timetable=whole, is_whole=True, rate_per_s=exchanges / whole.played_s)
    goal_s = exchanges / rate_min
    low, high = AFTER_S_MIN, max(AFTER_S_MIN, whole.played_s)
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        fits = _around(drills, drill, middle).played_s <= goal_s
        low, high = (middle, high) if fits else (low, middle)
    table = trimmed(_around(drills, drill, low), drill.end_unix_s + TAIL_S)
    return Times(timetable=table, is_whole=False, rate_per_s=exchanges / table.played_s)


def split(drill: Drill, table: Timetable, before_s: float) -> Timetable:
    """Return one long window as several, each from ``before_s`` before its change to the next."""
    (whole,) = table.windows
    edges = sorted({at for one in drill.phases for at in (one.start_unix_s, one.end_unix_s)})
    starts = [whole.from_unix_s]
    starts += [at - before_s for at in edges if at - before_s - starts[-1] >= before_s]
    shift_s = whole.from_s - whole.from_unix_s
    made = [
        Window(
            from_s=low + shift_s,
            to_s=high + shift_s,
            from_unix_s=low,
            to_unix_s=high,
            changes=tuple(
                words for at in edges if low <= at < high for words in changes_at(drill, at)
            ),
        )
        for low, high in itertools.pairwise([*starts, whole.to_unix_s])
    ]
    return msgspec.structs.replace(table, windows=tuple(made))


def _around(drills: Drills, drill: Drill, after_s: float) -> Timetable:
    return timetable(drills, drill, BEFORE_S, after_s, after_s_max=math.inf)


def _cut(strike: Strike, to_s: float) -> Strike:
    return msgspec.structs.replace(strike, to_s=min(strike.to_s, to_s))
