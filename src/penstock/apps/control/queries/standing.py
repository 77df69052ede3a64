"""How objectives stand now, and how they stood: for the API, the console and the command line."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from penstock.apps.control.queries import objectives as queries
from penstock.apps.control.queries.objectives import HOURS, Measured
from penstock.config.operations import Objective
from penstock.core import slo

POINTS_MAX: Final = 240  # of a history: a point each three hours of a month


class Burn(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says; a burn of none: nothing was measured."""

    severity: str
    long_s: int
    short_s: int
    burn_threshold: float
    long_burn: float | None
    short_burn: float | None
    short_events: int
    is_thin: bool  # fewer events than events_min in the short window: raises no alert
    is_burning: bool


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One objective now, over its window."""

    objective: Objective
    threshold_used: float | None  # the histogram's bound that stands for the threshold
    good: int
    total: int
    sli_ratio: float | None  # none: nothing was measured
    coverage_ratio: float  # of the window's hours in which there was anything to measure
    budget_events: float  # that may be bad
    budget_spent_events: int
    budget_left_ratio: float  # below 0: overspent
    burns: list[Burn]
    at_unix_s: float


class Point(msgspec.Struct, frozen=True):
    """A step of a history. No events: that time was not measured."""

    start_unix_s: int
    good: int
    total: int
    budget_left_ratio: float  # of the whole window's, when the step ends


class History(msgspec.Struct, frozen=True, kw_only=True):
    """An objective's window in steps, the oldest first."""

    objective: Objective
    step_s: int
    coverage_ratio: float
    points: list[Point]


def standings(
    connection: Connection, objectives: Sequence[Objective], now_unix_s: float
) -> list[Standing]:
    """Return how each objective stands."""
    found = queries.measured(connection, objectives, now_unix_s)
    return [_standing(one, found[one.name], now_unix_s) for one in objectives]


def _standing(objective: Objective, measured: Measured, now_unix_s: float) -> Standing:
    whole = measured.whole
    count = whole.count
    budget = slo.budget(count, objective.target_ratio)
    rules = slo.rules(objective.window_days)
    readings = slo.read(rules, measured.windows, objective.target_ratio, objective.events_min)
    return Standing(
        objective=objective,
        threshold_used=queries.threshold_used(objective),
        good=count.good,
        total=count.total,
        sli_ratio=count.good_ratio,
        coverage_ratio=whole.coverage_ratio,
        budget_events=budget.allowed,
        budget_spent_events=budget.spent,
        budget_left_ratio=budget.left_ratio,
        burns=[
            Burn(
                severity=one.rule.severity.word,
                long_s=one.rule.long_s,
                short_s=one.rule.short_s,
                burn_threshold=one.rule.burn,
                long_burn=one.long_burn,
                short_burn=one.short_burn,
                short_events=one.short_events,
                is_thin=one.is_thin,
                is_burning=one.is_burning,
            )
            for one in readings
        ],
        at_unix_s=now_unix_s,
    )


def history(connection: Connection, objective: Objective, now_unix_s: float) -> History:
    """Return an objective's window in at most ``POINTS_MAX`` steps of whole hours.

    The budget is that of the window's events until now: it burns down to what is left now.
    """
    past = queries.past(connection, objective, now_unix_s)
    hours = math.ceil(past.hours / POINTS_MAX)
    step_s = hours * HOURS
    budget = slo.budget(past.count, objective.target_ratio)
    points: list[Point] = []
    spent = 0
    for begin_s in range(past.begin_s, past.begin_s + past.hours * HOURS, step_s):
        inside = [past.slots.get(begin_s + at * HOURS, (0, 0)) for at in range(hours)]
        good, total = sum(pair[0] for pair in inside), sum(pair[1] for pair in inside)
        spent += total - good
        left_ratio = 1.0 - spent / budget.allowed if budget.allowed else 1.0
        points.append(Point(begin_s, good, total, left_ratio))
    return History(
        objective=objective, step_s=step_s, coverage_ratio=past.coverage_ratio, points=points
    )
