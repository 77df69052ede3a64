"""The plots of a load report: what was asked for by tier, and what became of it, over time."""

from collections.abc import Callable
from typing import Final

from penstock.apps.control.reports.load import LoadReport, TierStep
from penstock.core.tier import WORDS
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.over_time import Look, Series, Span, lines, stacked
from penstock.web.quantities import share

TABLE_MAX: Final = 100  # steps: a table behind a plot that is longer is not read, the JSON is
MINUTE_S: Final = 60.0


def of(report: LoadReport) -> list[Drawn]:
    """Return all plots; none if nothing was asked for."""
    if not report.steps:
        return []
    steps = (report.until_unix_s - report.from_unix_s) // report.step_s
    span = Span(report.from_unix_s, report.step_s, steps)
    has_table = steps <= TABLE_MAX
    minutes = report.step_s / MINUTE_S
    offered = Look("Offered", "exchanges a minute, by tier", has_table=has_table)
    shed = Look("Shed", "share of what was offered", share, has_table=has_table)
    failed = Look("Failed", "share of what was offered", share, has_table=has_table)
    made = [stacked(offered, span, _series(report, lambda one: one.offered / minutes))]
    made.append(lines(shed, span, _series(report, _shed, is_known=True)))
    made.append(lines(failed, span, _series(report, _failed, is_known=True)))
    return made


def _shed(one: TierStep) -> float | None:
    return one.shed / one.offered if one.offered else None


def _failed(one: TierStep) -> float | None:
    return one.failed / one.offered if one.offered else None


def _series(
    report: LoadReport, value: Callable[[TierStep], float | None], *, is_known: bool = False
) -> list[Series]:
    """Return a series for each tier that was there; gaps where it was not, if that is unknown."""
    steps = (report.until_unix_s - report.from_unix_s) // report.step_s
    found: dict[str, list[float | None]] = {}
    for one in report.steps:
        values = found.setdefault(one.tier, [None if is_known else 0.0] * steps)
        values[(one.start_unix_s - report.from_unix_s) // report.step_s] = value(one)
    ordered = [tier for tier in WORDS if tier in found]
    return [Series(tier, f"tier-{tier}", found[tier]) for tier in ordered]
