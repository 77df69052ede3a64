"""Judging: what a result cost, what had to hold of it, and what its user expected of it.

In this order, for an expectation may be about a bill: the cost of failover as a series of each arm,
the bills, the invariants, the expectations, and then what went wrong, for findings are about checks
too.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from penstock.core.price import Rates
from penstock.sim.drills import bills, expect, figures
from penstock.sim.drills.bills import Asked
from penstock.sim.drills.expect import Expectation
from penstock.sim.drills.findings import findings
from penstock.sim.drills.impact import UNSTATED
from penstock.sim.drills.invariants import invariants
from penstock.sim.drills.shapes import Call, Result
from penstock.sim.drills.terms import Impact


class Stated(NamedTuple):
    """What the user says of money, and of what must hold."""

    impact: Impact = UNSTATED
    expectations: tuple[Expectation, ...] = ()
    rates: Mapping[Asked, Rates] = {}  # see ``bills.usual``
    providers: Mapping[str, str] = {}  # upstream -> provider


def judged(result: Result, calls: Iterable[Call], stated: Stated) -> Result:
    """Return a result with bills, checks and findings; checks that it has already stay, first."""
    step_s = figures.step_of(result.timetable.played_s)
    rows = bills.paid_more(calls, stated.rates, stated.providers, step_s)
    arms = tuple(
        msgspec.structs.replace(
            one, series=(*one.series, *(row for row in rows if row.arm == one.name))
        )
        for one in result.arms
    )
    billed = msgspec.structs.replace(
        result, arms=arms, bills=bills.bills(arms, result.timetable, stated.impact)
    )
    checks = (*result.checks, *invariants(billed), *expect.judged(stated.expectations, billed))
    checked = msgspec.structs.replace(billed, checks=checks)
    return msgspec.structs.replace(checked, findings=findings(checked))


def exit_status(result: Result) -> int:
    """Return what a command ends with: 0, or 1 if something that was to hold was broken."""
    return 0 if result.is_passed else 1
