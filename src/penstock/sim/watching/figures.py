"""Figures of a study: delays, shares and rates, each with how sure it is.

A fault that was not found counts with the whole time that it lasted, so that a mean never gets
better by finding less. Shares have Wilson's interval; a rate of false alarms is the share of
component-days with one, times the days of a month.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from penstock.core.interval import Interval, wilson
from penstock.sim.watching.oracle import RATES
from penstock.sim.watching.quiet import MONTH_DAYS, Quiet
from penstock.sim.watching.trial import Finding
from penstock.watch.assessment import Verdict

HALF: Final = 0.5
MOST: Final = 0.95


class Ratio(msgspec.Struct, frozen=True):
    """So many of so many."""

    hits: int
    count: int

    @property
    def share(self) -> float:
        """Return the share; 0 of none."""
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> Interval:
        """Return where it lies with 95 % confidence."""
        return wilson(self.share, self.count)

    @property
    def words(self) -> str:
        """Return it for people."""
        low, high = self.interval
        return f"{self.share:.1%} of {self.count} ({low:.0%} to {high:.0%})"


class Rate(msgspec.Struct, frozen=True):
    """False alarms a component and 30 days."""

    alarms: int
    component_days: float

    @property
    def per_month(self) -> float:
        """Return the rate."""
        return self.alarms / self.component_days * MONTH_DAYS if self.component_days else 0.0

    @property
    def comparable(self) -> float:
        """Return the rate to compare at: no smaller than what could have been seen."""
        seen = max(1, self.alarms) / self.component_days if self.component_days else 1.0
        return seen * MONTH_DAYS

    @property
    def interval(self) -> Interval:
        """Return where it lies with 95 % confidence."""
        if not self.component_days:
            return Interval(0.0, MONTH_DAYS)
        low, high = wilson(min(1.0, self.alarms / self.component_days), self.component_days)
        return Interval(low * MONTH_DAYS, high * MONTH_DAYS)

    @property
    def words(self) -> str:
        """Return it for people."""
        low, high = self.interval
        months = self.component_days / MONTH_DAYS
        return f"{self.per_month:.2f} in {months:.0f} component-months ({low:.2f} to {high:.2f})"


def ratio(findings: Iterable[Finding], is_hit: Callable[[Finding], bool]) -> Ratio:
    """Return how many of the findings it holds for."""
    told = [is_hit(one) for one in findings]
    return Ratio(sum(told), len(told))


def rate(quiets: Iterable[Quiet], verdict: Verdict) -> Rate:
    """Return the rate of false alarms of this verdict."""
    counted = list(quiets)
    days = sum(one.days * one.components for one in counted)
    return Rate(sum(one.count(verdict) for one in counted), days)


def problem_s(one: Finding) -> float:
    """Return the delay to ``problem``, or the whole time."""
    found = one.found[0]
    return found.lasts_s if found.problem_s is None else found.problem_s


def possible_s(one: Finding) -> float:
    """Return the delay to ``possible``, or the whole time."""
    found = one.found[0]
    return found.lasts_s if found.possible_s is None else found.possible_s


def since_report_s(one: Finding) -> float:
    """Return the time from the first report to ``possible``, or the whole time."""
    found = one.found[0]
    if found.possible_s is None:
        return found.lasts_s
    return max(0.0, found.possible_s - (found.first_report_s or 0.0))


def oracle_s(one: Finding, alarms_per_month: float) -> float | None:
    """Return the oracle's delay at the rate nearest to this; None: none was asked."""
    if not one.oracle_s:
        return None
    nearest = min(RATES, key=lambda rate: abs(rate - alarms_per_month))
    found = one.oracle_s[RATES.index(nearest)]
    return one.found[0].lasts_s if found is None else found


def quantile(values: Iterable[float], share: float) -> float:
    """Return the value that this share does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def mean(values: Sequence[float]) -> float:
    """Return the mean; 0 of none."""
    return sum(values) / len(values) if values else 0.0


class Slower(NamedTuple):
    """A mean delay over another one's."""

    ratio: float
    error: float  # standard error, of a ratio of two means on the same cases


def slower(findings: Sequence[Finding], alarms_per_month: float) -> Slower | None:
    """Return the mean delay to ``problem`` over the oracle's; None: there is no oracle."""
    pairs = [
        (problem_s(one), other)
        for one in findings
        if (other := oracle_s(one, alarms_per_month)) is not None
    ]
    if not pairs:
        return None
    whole = max(1.0, sum(other for _, other in pairs))
    ratio = sum(one for one, _ in pairs) / whole
    error = math.sqrt(sum((one - ratio * other) ** 2 for one, other in pairs)) / whole
    return Slower(ratio, error)
