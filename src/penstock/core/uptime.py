"""Uptime: how long something was in which condition, by day of UTC, and the ratios of it.

    merge     where spans overlap (a group and its members, two incidents), the time counts once,
              as the worst of them; time that no span covers is unknown
    day       86,400 s; the first one begins when the component did, the current one ends now, and
              days before the first one have no time at all
    weighted  1 - (1.0 major + 0.3 partial) / known time     as Statuspage has it
    clear     1 - (major + partial) / known time             minutes of outage
    known     known time / all time

Degraded performance and maintenance are shown apart and count as no outage. Time of which nothing
is known is no uptime and no downtime: it leaves the denominator, and ``known`` says how much of it
there is. A ratio over no time is None.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from penstock.core.calendar import DAY_S
from penstock.core.rollup import Condition

PARTIAL_WEIGHT: Final = 0.3
MAJOR_WEIGHT: Final = 1.0


class Span(NamedTuple):
    """A condition from one instant to another, the later one left out."""

    condition: Condition
    from_unix_s: float
    to_unix_s: float


class Day(NamedTuple):
    """Seconds of one day of UTC by condition; what is not named worked."""

    day: int  # since 1970-01-01
    total_s: float
    unknown_s: float
    maintenance_s: float
    degraded_s: float
    partial_s: float
    major_s: float


class Ratios(NamedTuple):
    """What some days come to; None: not known."""

    weighted: float | None
    clear: float | None
    known: float | None


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans that do not overlap, in order, the worst of each instant; touching ones joined.

    A span that ends before it begins is none: clocks are set back.
    """
    edges: list[tuple[float, int, Condition]] = []
    for span in spans:
        if span.from_unix_s < span.to_unix_s:
            edges.append((span.from_unix_s, 1, span.condition))
            edges.append((span.to_unix_s, -1, span.condition))
    edges.sort()
    found: list[Span] = []
    open_ones = dict.fromkeys(Condition, 0)
    since_unix_s = 0.0
    for at_unix_s, change, condition in edges:
        if any(open_ones.values()) and since_unix_s < at_unix_s:
            worst = max(one for one, count in open_ones.items() if count)
            _append(found, Span(worst, since_unix_s, at_unix_s))
        open_ones[condition] += change
        since_unix_s = at_unix_s
    return found


def days(
    spans: Sequence[Span], start_unix_s: float, now_unix_s: float, count: int
) -> tuple[Day, ...]:
    """Return the last days up to now, the oldest first, of spans that do not overlap.

    ``start_unix_s`` is since when there is anything to speak of.
    """
    today = int(now_unix_s // DAY_S)
    first = today - count + 1
    from_unix_s = max(start_unix_s, float(first * DAY_S))
    sums = [dict.fromkeys(Condition, 0.0) for _ in range(count)]
    for span in spans:
        for day, length_s in _by_day(span, from_unix_s, now_unix_s):
            sums[day - first][span.condition] += length_s
    return tuple(
        _day(first + index, sum_, _total_s(first + index, start_unix_s, now_unix_s))
        for index, sum_ in enumerate(sums)
    )


def ratios(some: Iterable[Day]) -> Ratios:
    """Return the ratios over some days together."""
    total_s = unknown_s = partial_s = major_s = 0.0
    for day in some:
        total_s += day.total_s
        unknown_s += day.unknown_s
        partial_s += day.partial_s
        major_s += day.major_s
    if total_s <= 0.0:
        return Ratios(None, None, None)
    known_s = total_s - unknown_s
    known = _within(known_s / total_s)
    if known_s <= 0.0:
        return Ratios(None, None, known)
    weighted_s = MAJOR_WEIGHT * major_s + PARTIAL_WEIGHT * partial_s
    return Ratios(
        _within(1.0 - weighted_s / known_s), _within(1.0 - (major_s + partial_s) / known_s), known
    )


def _append(found: list[Span], span: Span) -> None:
    """Append a span, or lengthen the last one by it."""
    last = found[-1] if found else None
    if last and last.condition is span.condition and last.to_unix_s == span.from_unix_s:
        found[-1] = last._replace(to_unix_s=span.to_unix_s)
    else:
        found.append(span)


def _by_day(span: Span, from_unix_s: float, to_unix_s: float) -> Iterator[tuple[int, float]]:
    """Yield how much of a span lies on which day, of the time between two instants."""
    at_unix_s = max(span.from_unix_s, from_unix_s)
    end_unix_s = min(span.to_unix_s, to_unix_s)
    while at_unix_s < end_unix_s:
        day = int(at_unix_s // DAY_S)
        until_unix_s = min(end_unix_s, float((day + 1) * DAY_S))
        yield day, until_unix_s - at_unix_s
        at_unix_s = until_unix_s


def _total_s(day: int, start_unix_s: float, now_unix_s: float) -> float:
    from_unix_s = max(start_unix_s, float(day * DAY_S))
    return max(0.0, min(now_unix_s, float((day + 1) * DAY_S)) - from_unix_s)


def _day(day: int, sums: dict[Condition, float], total_s: float) -> Day:
    known_s = sum(length_s for one, length_s in sums.items() if one is not Condition.UNKNOWN)
    return Day(
        day=day,
        total_s=total_s,
        unknown_s=max(0.0, total_s - known_s),
        maintenance_s=sums[Condition.MAINTENANCE],
        degraded_s=sums[Condition.DEGRADED],
        partial_s=sums[Condition.PARTIAL],
        major_s=sums[Condition.MAJOR],
    )


def _within(ratio: float) -> float:
    return min(1.0, max(0.0, ratio))
