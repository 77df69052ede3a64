"""A study as a page of the documentation: Markdown, its figures as they were measured.

``penstock simulate watch --out DIR`` writes it as ``detector.md``; docs/reference has that of a
whole run.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from penstock.sim.watching import figures, study, summary
from penstock.sim.watching.plots import ASSUMED
from penstock.sim.watching.summary import Rows, Study
from penstock.watch.assessment import Verdict

MARKS: Final = {True: "met", False: "**missed**", None: "told"}


def markdown(found: Study, command: str) -> str:
    """Return the page; ``command`` is the line that made it."""
    return "\n".join(_lines(found, command)) + "\n"


def _lines(found: Study, command: str) -> Iterator[str]:
    last = found.first_seed + found.seeds - 1
    yield "# How well the detector detects"
    yield ""
    yield (
        f"Made by `{command}`: {len(found.findings):,} trials with seeds {found.first_seed} to"
        f" {last}; parameters were set on seeds from {study.SEED_TUNING} on, never on these. The"
        " watch is the status process's own code in virtual time; the installation, its faults"
        " and its people are modelled (`sim/watching/`, each file's header says how). A fault"
        " that was not found counts with the whole time that it lasted; intervals are Wilson's,"
        " 95 %."
    )
    yield ""
    yield ASSUMED
    yield ""
    yield "## Goals"
    yield ""
    goals: Rows = [
        (one.what, one.goal, one.measured, one.ideal, MARKS[one.is_met]) for one in found.goals
    ]
    yield from _table(("goal", "", "measured", "ideal", ""), goals)
    yield "## Faults by chance"
    yield ""
    yield (
        "Medians of the time to `possible` and to `problem`, p95 of the latter; `x oracle` is the"
        " mean delay over that of a CUSUM that is told both rates, at the same rate of false"
        f" alarms ({_alarms(found)} a component and 30 days). `culprit`: whose fault it is was"
        " told right. `strays`: cases in which an innocent component stood as a problem."
    )
    yield ""
    yield from _table(summary.FAULT_HEAD, summary.faults(found))
    yield "## Real outages"
    yield ""
    yield (
        "Every drill of `sim/data/drills.json`, phase by phase: what was found first, whose fault"
        " it was called, how long after the phase began, and how long before the provider's own"
        " first post."
    )
    yield ""
    yield from _drills(summary.drills(found))
    if found.reports_only:
        yield "## What each part is worth"
        yield ""
        yield (
            "The same seeds with one part switched off: waves of reports found in time, false"
            " `possible` in quiet times with reports alone, innocent components raised by an"
            " outage elsewhere."
        )
        yield ""
        yield from _table(summary.ARM_HEAD, summary.by_arm(found))


def _alarms(found: Study) -> str:
    return f"{figures.rate(found.quiets, Verdict.PROBLEM).comparable:.2f}"


def _drills(rows: Rows) -> Iterator[str]:
    shown: Rows = []
    name = ""
    for row in rows:
        if len(row) == 1:
            name = row[0]
        else:
            shown.append((name, *row))
            name = ""
    yield from _table(("drill", *summary.DRILL_HEAD), shown)


def _table(head: Sequence[str], rows: Rows) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from (_row(row) for row in rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
