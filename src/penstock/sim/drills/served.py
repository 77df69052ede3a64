"""Served: which share of a tier's calls completed, by part of the true outage.

finest    by the steps of the series ``success_ratio``, weighed by the series ``calls``
else      by the counts of each window; else by those of the whole drill
places    all that a tier called from count together, of those that are asked for
nobody    called in a part: nothing is known of it
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from penstock.sim.drills.figures import PLACES
from penstock.sim.drills.shapes import Arm, Counts, Series, Timetable
from penstock.sim.drills.uncut import Part, parts


class Served(NamedTuple):
    """A part of the outage, and what became of its calls; None: there were none."""

    part: Part
    ratio: float | None
    calls_per_s: float

    @property
    def lost_ratio(self) -> float:
        """The share that did not complete; of what is not known nothing is lost."""
        return 0.0 if self.ratio is None else 1.0 - self.ratio

    @property
    def lost_s(self) -> float:
        """Seconds of the true outage that were lost: ten at half are five."""
        return self.part.true_s * self.lost_ratio


class _Span(NamedTuple):
    """Calls of some played seconds."""

    from_s: float
    to_s: float
    calls: float
    complete: float


def served(
    arm: Arm, tier: str, timetable: Timetable, places: Collection[str] = PLACES
) -> tuple[Served, ...]:
    """Return what a tier was served in an arm, part by part."""
    found = _by_step(arm, tier, places)
    spans = tuple(found) or tuple(_by_window(arm, tier, timetable, places))
    return tuple(_of_part(part, spans) for part in parts(timetable))


def _of_part(part: Part, spans: tuple[_Span, ...]) -> Served:
    calls = complete = 0.0
    for span in spans:
        share = part.overlap_s(span.from_s, span.to_s) / (span.to_s - span.from_s)
        calls += span.calls * share
        complete += span.complete * share
    return Served(part, min(1.0, complete / calls) if calls else None, calls / part.played_s)


def _by_step(arm: Arm, tier: str, places: Collection[str]) -> Iterator[_Span]:
    for row in arm.series:
        if row.tier != tier or row.what != "success_ratio" or row.place not in places:
            continue
        calls = next((one.values for one in arm.series if _is_beside(one, row)), ())
        for at, ratio in enumerate(row.values):
            number = (calls[at] or 0.0) if at < len(calls) else 1.0
            if ratio is not None and number:
                yield _Span(at * row.step_s, (at + 1) * row.step_s, number, number * ratio)


def _is_beside(one: Series, row: Series) -> bool:
    return one.what == "calls" and (one.place, one.tier) == (row.place, row.tier)


def _by_window(
    arm: Arm, tier: str, timetable: Timetable, places: Collection[str]
) -> Iterator[_Span]:
    mine = [one for one in arm.counts if one.tier == tier and one.place in places]
    split = [one for one in mine if one.window >= 0]
    for one in split or mine:
        ended = one.calls - one.unfinished
        from_s, to_s = _when(one, timetable)
        if ended > 0 and to_s > from_s:
            yield _Span(from_s, to_s, ended, one.complete)


def _when(one: Counts, timetable: Timetable) -> tuple[float, float]:
    if one.window < 0:
        return 0.0, timetable.played_s
    if one.window < len(timetable.windows):
        window = timetable.windows[one.window]
        return window.from_s, window.to_s
    return 0.0, 0.0
