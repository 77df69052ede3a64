"""The faults as rows under a time axis: what failed when, and for which share of requests.

a row      the chat, the log-in, the console; each provider's API; each model that failed alone
a share    kinds on one surface add up, to all at most; of surfaces that are one thing here (web
           and mobile are our chat) the worst counts
"""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.sim.drills import words
from penstock.sim.drills.shapes import Strike, Timetable
from penstock.web.quantities import share

ROWS_MAX: Final = 6  # under a plot; what follows is one more
OURS: Final = "ours"  # the place of blows to our own parts, which all callers may feel
ALL: Final = 1.0
SAME: Final = 1e-9


class Span(NamedTuple):
    """Played seconds with one share."""

    from_s: float
    to_s: float
    share: float
    words: str


class Row(NamedTuple):
    """What failed, and when."""

    name: str
    place: str
    spans: tuple[Span, ...]


def rows(timetable: Timetable, places: Sequence[str] = ()) -> list[Row]:
    """Return a row for each thing that failed at these places, or anywhere; in order of time.

    Parts of our own that were killed on purpose are shown beside all of them.
    """
    groups: dict[tuple[str, str], list[Strike]] = defaultdict(list)
    for one in sorted(timetable.strikes, key=lambda strike: strike.from_s):
        if not places or one.place in (*places, OURS):
            groups[one.place, name_of(one)].append(one)
    made = [Row(name, place, tuple(spans(group))) for (place, name), group in groups.items()]
    if len(made) <= ROWS_MAX:
        return made
    rest = [one for key in list(groups)[ROWS_MAX - 1 :] for one in groups[key]]
    return [*made[: ROWS_MAX - 1], Row("others", "", tuple(spans(rest)))]


def name_of(one: Strike) -> str:
    """Return what a strike is at, in words."""
    if one.place == OURS:
        return one.surface
    if one.place != "api":
        return words.PLACES.get(one.place, one.place)
    if one.surface.startswith("model:"):
        return words.surface(one.surface)
    return words.provider(one.provider)


def spans(strikes: Sequence[Strike]) -> list[Span]:
    """Return when what share failed; neighbours that say the same are one."""
    edges = sorted({edge for one in strikes for edge in (one.from_s, one.to_s)})
    made: list[Span] = []
    for from_s, to_s in itertools.pairwise(edges):
        on = [one for one in strikes if one.from_s <= from_s and to_s <= one.to_s]
        if not on:
            continue
        here = Span(from_s, to_s, _share(on), _told(on))
        last = made[-1] if made else None
        if last and abs(last.to_s - from_s) < SAME and last[2:] == here[2:]:
            made[-1] = last._replace(to_s=to_s)
        else:
            made.append(here)
    return made


def _share(on: Sequence[Strike]) -> float:
    by_surface: dict[tuple[str, str], float] = defaultdict(float)
    for one in on:
        by_surface[one.surface, one.model] += one.share
    return min(ALL, max(by_surface.values()))


def _told(on: Sequence[Strike]) -> str:
    kinds: dict[str, Strike] = {}
    for one in on:
        kinds[one.kind] = max(kinds.get(one.kind, one), one, key=lambda strike: strike.share)
    return ", ".join(
        f"{words.kind(one.kind)} {share(one.share)}{' (assumed)' if one.is_assumed else ''}"
        for one in kinds.values()
    )
