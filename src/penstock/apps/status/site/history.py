"""Incidents by month of UTC: /history has them all by month, /history/2026-03 is one of them.

A month's page is kept by what it shows, MONTHS_MAX of them. The overview lists the newest month
with anything in it in full, and links to all others with their numbers.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from penstock.apps.status.site import incident_rows, wording
from penstock.apps.status.site.files import File
from penstock.apps.status.site.shell import Shell, page
from penstock.apps.status.view import IncidentView, View

MONTHS_MAX: Final = 256

Names = tuple[tuple[str, str], ...]


class Month(NamedTuple):
    """One month with something in it."""

    key: str  # 2026-03
    words: str
    number: int

    @property
    def href(self) -> str:
        """Its address."""
        return f"/history/{self.key}"


class _Shown(NamedTuple):
    """What a month's page is made from."""

    key: str
    incidents: tuple[IncidentView, ...]
    names: Names
    earlier: str
    later: str


def files(view: View, shell: Shell) -> dict[str, File]:
    """Return the overview and all months by path."""
    found = months(view)
    keys = sorted(found, reverse=True)
    names = {one.id: one.name for one in view.components if not one.is_group}
    made: dict[str, File] = {}
    for at, key in enumerate(keys):
        those = found[key]
        parts = {name for one in those for name in one.components}
        known = tuple(sorted((name, names[name]) for name in parts if name in names))
        earlier = keys[at + 1] if at + 1 < len(keys) else ""
        later = keys[at - 1] if at else ""
        made[f"/history/{key}"] = _page(shell, _Shown(key, those, known, earlier, later))
    newest = found[keys[0]] if keys else ()
    made["/history"] = page(
        "history",
        shell,
        "/history",
        years=years(found),
        month=_month(keys[0], newest) if keys else None,
        days=incident_rows.by_day(newest, names),
        total=len(view.incidents),
    )
    return made


def months(view: View) -> dict[str, tuple[IncidentView, ...]]:
    """Return incidents by the month that they began in."""
    found: dict[str, list[IncidentView]] = {}
    for one in view.incidents:
        found.setdefault(wording.month(one.started_unix_s), []).append(one)
    return {key: tuple(those) for key, those in found.items()}


def years(found: Mapping[str, Sequence[IncidentView]]) -> list[tuple[str, list[Month]]]:
    """Return the months by year, the newest first."""
    made: dict[str, list[Month]] = {}
    for key in sorted(found, reverse=True):
        made.setdefault(key[:4], []).append(_month(key, found[key]))
    return list(made.items())


def _month(key: str, those: Sequence[IncidentView]) -> Month:
    return Month(key, wording.month_words(key), len(those))


@functools.lru_cache(maxsize=MONTHS_MAX)
def _page(shell: Shell, shown: _Shown) -> File:
    return page(
        "month",
        shell,
        "/history",
        month=_month(shown.key, shown.incidents),
        days=incident_rows.by_day(shown.incidents, dict(shown.names)),
        earlier=_link(shown.earlier),
        later=_link(shown.later),
    )


def _link(key: str) -> tuple[str, str] | None:
    return (f"/history/{key}", wording.month_words(key)) if key else None
