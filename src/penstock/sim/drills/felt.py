"""What a live drill did to each line of the status page, and whether the watch said so.

A live drill's faults are made by the gateway, so the truth is another one than of an outage:

a model     did not fail: it was not asked, or kept from answering. Whoever calls it a problem is
            wrong, unless a provider failed by itself meanwhile: then nothing is claimed
a route,    failed from the first call that was lost while the drill was on to the end of the last
API,        one, if at least ``truth.LEAST_RATIO`` of the calls in between were; else it worked.
streaming   Whose fault it was called is not judged: an operator wanted it
the rest    is not struck, and left out

Lost is what failed, broke off, or was turned away for want of room. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from penstock.sim.drills import shapes, truth
from penstock.sim.drills.shapes import Call, Seen
from penstock.sim.drills.truth import Episode, Line, Sighting
from penstock.watch.assessment import Culprit
from penstock.watch.component import Layer

API: Final = "api"
STREAMING: Final = "streaming"
EVERYBODY: Final = ("", *(one.value for one in Culprit))
OVERLOADED: Final = 500  # and above; below, a caller was over a limit of its own


class Felt(NamedTuple):
    """What is known of a live drill, in the report's seconds."""

    calls: Sequence[Call]
    from_s: float
    to_s: float
    is_quiet: bool = True  # no provider failed by itself
    reports: Mapping[str, Sequence[float]] = {}  # component -> when people reported it


def seen(lines: Sequence[Line], sightings: Sequence[Sighting], felt: Felt) -> tuple[Seen, ...]:
    """Return what was said of each line, beside what its callers felt."""
    return tuple(_seen(lines, sightings, felt))


def _seen(lines: Sequence[Line], sightings: Sequence[Sighting], felt: Felt) -> Iterator[Seen]:
    doubtful = frozenset[str]() if felt.is_quiet else frozenset(EVERYBODY)
    for line in lines:
        said = [one for one in sightings if one.component == line.id]
        mine = list(_calls_of(line, felt))
        if line.layer == Layer.MODEL.value:
            yield truth.innocent(line, said, doubtful)
        elif mine and (episode := _episode(mine)) is not None:
            found = truth.of_episode(line, episode, said, EVERYBODY)
            told_s = felt.reports.get(line.id, ())
            people_s = truth.within(told_s, episode.from_s, episode.told_until_s)
            yield msgspec.structs.replace(found, expected="", people_s=people_s)
        elif mine:
            yield truth.innocent(line, said, doubtful)


def _calls_of(line: Line, felt: Felt) -> Iterator[Call]:
    for one in felt.calls:
        is_mine = (
            (line.layer == Layer.ROUTE.value and one.route == line.name)
            or line.surface == API
            or (line.surface == STREAMING and one.is_stream)
        )
        if is_mine and felt.from_s <= one.at_s < felt.to_s:
            yield one


def _episode(calls: Sequence[Call]) -> Episode | None:
    lost = [one for one in calls if is_lost(one)]
    if not lost:
        return None
    from_s, to_s = min(one.at_s for one in lost), max(one.at_s + one.took_s for one in lost)
    among = sum(from_s <= one.at_s <= to_s for one in calls)
    share = len(lost) / among
    if share < truth.LEAST_RATIO:
        return None
    return Episode(from_s, to_s, share)._replace(told_until_s=to_s + truth.TAIL_S)


def is_lost(call: Call) -> bool:
    """Return whether its caller was let down, by no limit of its own."""
    if call.end == shapes.REFUSED:
        return call.status >= OVERLOADED
    return call.end in {shapes.FAILED, shapes.BROKEN, shapes.TRUNCATED}
