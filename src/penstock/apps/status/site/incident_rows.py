"""Incidents as lists have them: name, impact, when, for how long, and what was said last."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from penstock.apps.status.site.wording import clock, date, impact, joined, span, status, when
from penstock.apps.status.view import IncidentView
from penstock.web.charts.drawing import Drawn
from penstock.web.markdown import plain

WORDS_MAX: Final = 240  # of an update, in a list; the incident's page has all of it
NAMES_MAX: Final = 4


class Brief(NamedTuple):
    """One incident."""

    one: IncidentView
    href: str
    shape: str
    impact: str
    status: str
    words: Drawn  # of the newest update
    times: str
    affects: str


def brief(one: IncidentView, names: Mapping[str, str]) -> Brief:
    """Return one incident for a list; ``names`` are those of components."""
    shape, words = impact(one)
    text = one.updates[0].body if one.updates else ""
    if len(text) > WORDS_MAX:
        text = _begin(text)
    known = [names[name] for name in one.components if name in names]
    return Brief(
        one=one,
        href=f"/incidents/{one.id}",
        shape=shape,
        impact=words,
        status=status(one.status),
        words=plain(text),
        times=times(one),
        affects=joined(known, NAMES_MAX),
    )


def _begin(text: str) -> str:
    """Return the first sentences of a text, as many as fit; the first words of a long one."""
    begin = text[:WORDS_MAX]
    end = max(begin.rfind(". "), begin.rfind(".\n"))
    if end >= WORDS_MAX // 3:
        return begin[: end + 1]
    return begin.rsplit(maxsplit=1)[0] + "\u2026"


def times(one: IncidentView) -> str:
    """Return from when to when, and how long that was."""
    if one.is_maintenance:
        from_s, until_s = one.scheduled_for_unix_s, one.scheduled_until_unix_s
        return between(from_s, until_s) if until_s else f"from {when(from_s)}"
    if one.is_open or not one.resolved_unix_s:
        return f"since {when(one.started_unix_s)}"
    return between(one.started_unix_s, one.resolved_unix_s)


def between(from_unix_s: float, until_unix_s: float) -> str:
    """Return a span of time with its length; the day is told once where it is one."""
    is_one_day = date(from_unix_s) == date(until_unix_s)
    until = clock(until_unix_s) if is_one_day else when(until_unix_s)
    since = when(from_unix_s).removesuffix(" UTC")
    return f"{since} to {until} ({span(until_unix_s - from_unix_s)})"


def by_day(
    found: Iterable[IncidentView], names: Mapping[str, str]
) -> list[tuple[str, Sequence[Brief]]]:
    """Return incidents by the day that they began, the newest first."""
    ordered = sorted(found, key=lambda one: one.started_unix_s, reverse=True)
    return [
        (day, [brief(one, names) for one in those])
        for day, those in groupby(ordered, key=lambda one: date(one.started_unix_s))
    ]
