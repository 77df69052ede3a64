"""Service level indicators by tenant, tier, route or upstream, with or without an objective.

    availability   good / all, counted as ``objectives`` does
    TTFT, speed    the histogram's counts added up; quantiles are read from them
    grains         the coarsest sums that fit (``core.patches``), coverage by those of the period
    coverage       share of the sums in the period with anything to measure: time without is no
                   uptime, and no downtime either

By upstream it is attempts that are counted, otherwise exchanges. At most ``ROWS_MAX`` come back,
those with the most events first.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Table, case, func, select

from penstock.apps.control.queries.objectives import COUNTED, SUCCESS, UNHEALTHY, grain_of
from penstock.apps.control.queries.pieces import within
from penstock.core.histogram import quantile
from penstock.core.patches import Patch, patches
from penstock.ledger.tables import (
    GRAINS_S,
    SPEED,
    SPEED_BOUNDS_PER_S,
    TTFT,
    TTFT_BOUNDS_S,
    attempts,
    traffic,
)

Dimension = Literal["tenant", "tier", "route", "upstream"]
ROWS_MAX: Final = 1000


class Period(msgspec.Struct, frozen=True):
    """From a beginning until before an end, in Unix seconds."""

    begin_s: float
    end_s: float

    @property
    def grain_s(self) -> int:
        """The sums that it is read from."""
        return grain_of(math.ceil(self.end_s - self.begin_s))

    @property
    def slots(self) -> int:
        """How many of these sums it touches."""
        grain_s = self.grain_s
        return max(1, math.ceil(self.end_s / grain_s) - math.floor(self.begin_s / grain_s))

    @property
    def whole(self) -> Patch:
        """These sums."""
        begin_s = math.floor(self.begin_s / self.grain_s) * self.grain_s
        return Patch(self.grain_s, begin_s, begin_s + self.slots * self.grain_s)


class Quantiles(msgspec.Struct, frozen=True):
    """Of a histogram; all are none without values."""

    values: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Indicators(msgspec.Struct, frozen=True, kw_only=True):
    """What one tenant, tier, route or upstream got, or gave."""

    name: str  # empty: exchanges that had none
    good: int
    total: int
    availability_ratio: float | None  # none: nothing was measured
    coverage_ratio: float
    ttft_s: Quantiles
    speed_per_s: Quantiles  # its p95 and p99 are those that 95 and 99 % exceed


def slis(connection: Connection, by: Dimension, period: Period) -> list[Indicators]:
    """Return the indicators of a period by one dimension."""
    table = attempts if by == "upstream" else traffic
    good, total = _good_and_total(table)
    whole = period.whole
    statement = (
        select(table.c[by], good, total, *(func.sum(table.c[name]) for name in (*TTFT, *SPEED)))
        .where(within(table, patches([whole.since_s, whole.until_s], GRAINS_S)))
        .group_by(table.c[by])
        .order_by(total.desc(), table.c[by])
        .limit(ROWS_MAX)
    )
    rows = connection.execute(statement).all()
    measured = (  # by the key alone, which an index holds
        select(table.c[by], func.count(table.c.start_s.distinct()))
        .where(within(table, [whole]))
        .group_by(table.c[by])
    )
    covered = {row[0]: row[1] for row in connection.execute(measured)}
    return [_indicators(row, covered.get(row[0], 0), period.slots) for row in rows]


def _indicators(row: Sequence[Any], covered: int, slots: int) -> Indicators:
    name, *rest = row
    good, total, *counts = (int(one or 0) for one in rest)
    ttft, speed = counts[: len(TTFT)], counts[len(TTFT) :]
    return Indicators(
        name=name,
        good=good,
        total=total,
        availability_ratio=good / total if total else None,
        coverage_ratio=min(1.0, covered / slots),
        ttft_s=_quantiles(ttft, TTFT_BOUNDS_S, (0.5, 0.95, 0.99)),
        speed_per_s=_quantiles(speed, SPEED_BOUNDS_PER_S, (0.5, 0.05, 0.01)),
    )


def _quantiles(
    counts: Sequence[int], bounds: Sequence[float], shares: tuple[float, float, float]
) -> Quantiles:
    return Quantiles(sum(counts), *(quantile(counts, bounds, share) for share in shares))


def _good_and_total(table: Table) -> tuple[Any, Any]:
    if table is attempts:
        counted = attempts.c.outcome.in_((SUCCESS, *UNHEALTHY))
        return (
            func.sum(case((attempts.c.outcome == SUCCESS, attempts.c.attempts), else_=0)),
            func.sum(case((counted, attempts.c.attempts), else_=0)),
        )
    columns = [traffic.c[name] for name in COUNTED]
    return func.sum(traffic.c.served), func.sum(sum(columns[1:], columns[0]))
