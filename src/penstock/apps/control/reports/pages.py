"""Reports as pages: one file each that needs nothing else, for the screen, A4 and Letter."""

import functools
from typing import Final

import penstock
from penstock.apps.control.reports import plots, words
from penstock.apps.control.reports.load import LoadReport
from penstock.apps.control.reports.sla import Measured, SlaReport, billed
from penstock.core.calendar import DAY_S
from penstock.core.sla import STEP_S
from penstock.web import moments, page

FIRST: Final = 12  # tenants: what fits on a first page of Letter beside five upstreams
BAD_DAY: Final = 0.05  # of a day's events in bad intervals: shown as an outage


def sla_page(report: SlaReport) -> str:
    """Return a month's SLAs."""
    state, sentence = words.headline(report)
    return page.render(
        "apps/control/report_sla.html",
        title=f"Service levels, {words.month_name(report.month)}",
        report=report,
        state=state,
        sentence=sentence,
        made=_made(report.made_unix_s),
        w=words,
        first=FIRST,
        billed=billed,
        days=functools.partial(_days, report),
    )


def load_page(report: LoadReport) -> str:
    """Return how load was managed."""
    return page.render(
        "apps/control/report_load.html",
        title="How load was managed",
        report=report,
        made=_made(report.made_unix_s),
        w=words,
        sentence=sentence(report),
        plots=plots.of(report),
    )


def sentence(report: LoadReport) -> tuple[str, str]:
    """Return the state and the sentence that the report begins with."""
    shed = sum(one.shed for one in report.tiers)
    failed = sum(one.failed for one in report.tiers)
    if not report.offered:
        return "unknown", "Nothing was asked for in this period"
    if not shed and not failed:
        return "good", f"All {report.offered:,} exchanges found room, and none failed"
    if not shed:
        return "partial", f"All {report.offered:,} exchanges found room; {failed:,} failed"
    share = words.percent(shed / report.offered, 2)
    told = f"{shed:,} of {report.offered:,} exchanges ({share}) were shed; {failed:,} failed"
    return "degraded", told


def _days(report: SlaReport, found: Measured) -> list[tuple[str, str, str]]:
    """Return a day's state and words, for bars."""
    failures = {one.start_unix_s: one for one in found.days}
    made: list[tuple[str, str, str]] = []
    for at_s in range(report.from_unix_s, report.until_unix_s, DAY_S):
        one = failures.get(at_s)
        if one is None:
            made.append((moments.day(at_s), "good", "no failure"))
            continue
        ratio = one.bad / (one.good + one.bad)
        state = "bad" if ratio > BAD_DAY else "degraded"
        made.append((moments.day(at_s), state, f"{one.bad:,} failed"))
    return made


def _made(at_unix_s: float) -> str:
    return (
        f"Made {moments.utc(at_unix_s)} by Penstock {penstock.__version__} from its ledger, "
        f"in intervals of {STEP_S // 60} minutes. All times are UTC."
    )
