"""Drills: the results that were kept, and how the same drill went over time.

/drills                      ?drill= mode= after= (a name)
/drills/NAME/report.html     a result as a page to read and print
/drills/NAME/result.json     the same for programs

The trend is of the drill and mode that are asked for, or else of the newest result; its line of
callers without Penstock shows what the outage was.
"""

from typing import Final

import msgspec
from starlette.responses import Response

from penstock.apps.control import drills
from penstock.apps.control.api import drills as api
from penstock.apps.control.console import drills_trend, links
from penstock.apps.control.console.view import Page, View
from penstock.apps.control.drills import Kept
from penstock.sim.drills.digest import Digest, Loss
from penstock.sim.drills.shapes import BOUND, CHAOS, EMULATED, LIVE, PENSTOCK, SIMULATED
from penstock.web.charts.drawing import Drawn
from penstock.web.endpoint import REPORT_WITHIN_S
from penstock.web.http import file, json
from penstock.web.quantities import money, number

ROWS: Final = 50
TREND_MAX: Final = 120  # runs: four months of nightly ones; more are no line any more
MODES: Final = (EMULATED, SIMULATED, LIVE, CHAOS)
TIERS: Final = ("enterprise", "standard", "free")


class Row(msgspec.Struct, frozen=True):
    """One result as the page shows it."""

    digest: Digest
    state: str
    words: str
    shares: tuple[float | None, ...]  # of each of TIERS, with everything on
    without: float | None
    saved: str  # what the user stated that it costs, without and with; empty: nothing


def index(view: View) -> str:
    """Return the list."""
    only = {name: view.query.get(name, "") for name in ("drill", "mode")}
    after = view.query.get("after", "")
    with view.parts.store.reading() as connection:
        found = drills.listed(connection, ROWS + 1, before=after, **only)
        choices = drills.played(connection)
        newest = found[0].digest if found else None
        same: list[Kept] = []
        if newest is not None:
            same = drills.listed(connection, TREND_MAX, drill=newest.drill, mode=newest.mode)
    page = found[:ROWS]
    older = {**only, "after": page[-1].digest.name} if len(found) > ROWS else {}
    return view.page(
        "drills.html",
        title="Drills",
        rows=[row_of(one.digest) for one in page],
        headline=headline(newest) if newest is not None and not after else None,
        trend=_trend([one.digest for one in same]),
        choices=choices,
        modes=MODES,
        only=only,
        tiers=TIERS,
        older=links.href("/drills", older) if older else "",
        newest=links.href("/drills", only) if after else "",
    )


def row_of(one: Digest) -> Row:
    """Return a line of the table."""
    return Row(
        one,
        "good" if one.is_passed else "bad",
        verdict(one),
        tuple(one.success(PENSTOCK, tier) for tier in TIERS),
        one.success(BOUND, ""),
        _saved(one),
    )


def verdict(one: Digest) -> str:
    """Return whether what was to hold did, in words."""
    if one.is_passed:
        return "held"
    broken = len(one.broken) + len(one.unmet)
    return f"{number(broken)} of {number(one.checks)} broken"


def headline(one: Digest) -> tuple[str, str, str]:
    """Return state, words, and what else there is to say of the newest result."""
    if one.is_passed:
        return "good", f"The last drill held: {one.title}", one.first
    named = ", ".join((*one.broken, *one.unmet)[:3])
    return "bad", f"The last drill did not hold: {one.title}", one.first or named


def report(view: View) -> Response:
    """Return a result as a page."""
    return file(api.report(view.call()))


def result(view: View) -> Response:
    """Return a result as JSON."""
    return json(api.show_drill(view.call()))


def _trend(found: list[Digest]) -> Drawn | None:
    """Return how it went; None: one result is no trend."""
    return drills_trend.trend(found[::-1]) if len(found) > 1 else None


def _saved(one: Digest) -> str:
    told = [_lost(one, arm) for arm in (BOUND, PENSTOCK)]
    return f"{told[0]} / {told[1]}" if any(told) else ""


def _lost(one: Digest, arm: str) -> str:
    loss = next((x for x in one.losses if x.arm == arm), Loss(arm=arm))
    amounts = [x for x in (loss.impact_microusd, loss.credit_microusd) if x is not None]
    return money(sum(amounts)) if amounts else "-"


PAGES: Final = (
    Page(path="/drills", handler=index),
    Page(
        path="/drills/{name}/report.html",
        handler=report,
        within_s=REPORT_WITHIN_S,
        marks="/drills",
    ),
    Page(path="/drills/{name}/result.json", handler=result, marks="/drills"),
)
