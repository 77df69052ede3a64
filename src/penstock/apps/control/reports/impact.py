"""What an incident cost: a span of time by tier, by upstream and by objective, and credits due.

A minute of a tier is affected if fewer than AFFECTED_RATIO of its exchanges that count were served,
and at least one failed. An objective's budget is what may fail of all that its window has seen so
far; ``burnt_ratio`` is the share of it that failed in the span. Credits are those of the months
that the span lies in, as they stand now: of tiers, never of tenants by name.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from penstock.apps.control.queries import load, objectives, owned
from penstock.apps.control.queries.load import Period
from penstock.apps.control.reports import sla
from penstock.apps.control.reports.month import month
from penstock.config.model import Config
from penstock.config.operations import Objective
from penstock.core.patches import patches
from penstock.ledger.tables import GRAINS_S
from penstock.web import moments

STEP_S: Final = GRAINS_S[0]
AFFECTED_RATIO: Final = 0.99
SPAN_MAX_S: Final = 31 * 86_400  # a longer incident is a month's report
MODELS_MAX: Final = 50  # that answered instead of another
TIERS: Final = ("control", "enterprise", "standard", "free", "batch")


class TierImpact(msgspec.Struct, frozen=True, kw_only=True):
    """One tier in the span."""

    tier: str
    exchanges: int
    served: int
    failed: int  # with those that were lost
    shed: int
    failovers: int  # exchanges that took more than one attempt
    continued: int  # streams that another upstream went on with
    substituted: int  # answers by another model than the first of the route
    shortened: int
    affected_minutes: int
    credits_microusd: int = 0
    credits_without_failover_microusd: int = 0


class Substitute(msgspec.Struct, frozen=True):
    """Which model answered for a route, how often, and how often instead of another."""

    route: str
    model: str
    served: int
    substituted: int


class Outcome(msgspec.Struct, frozen=True):
    """What became of attempts at an upstream."""

    upstream: str
    outcome: str
    attempts: int


class Burnt(msgspec.Struct, frozen=True):
    """What the span took of an objective's error budget; None: nothing was measured."""

    objective: str
    bad: int
    total: int
    burnt_ratio: float | None


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """A span, from whole minute to whole minute."""

    from_unix_s: int
    until_unix_s: int
    tiers: tuple[TierImpact, ...]
    substitutes: tuple[Substitute, ...]
    attempts: tuple[Outcome, ...]
    objectives: tuple[Burnt, ...]
    missing_exchanges: int  # that the gateway could not write down: they are in no figure


def report(
    connection: Connection, span: tuple[float, float], config: Config, now_unix_s: float
) -> Impact:
    """Return what a span cost; raises InvalidError if its month cannot be reported."""
    from_s = int(span[0] // STEP_S) * STEP_S
    until_s = max(from_s + STEP_S, -int(-span[1] // STEP_S) * STEP_S)
    period = Period(from_s, until_s, STEP_S)
    owed = _credits(connection, period, config, now_unix_s)
    minutes = _affected(load.steps(connection, period))
    rows = {row.tier: row.counts for row in load.tiers(connection, period)}
    answers = [row for row in load.models(connection, period) if row.served]
    return Impact(
        from_unix_s=from_s,
        until_unix_s=until_s,
        tiers=tuple(
            _tier(tier, rows[tier], minutes.get(tier, 0), owed.get(tier, (0, 0)))
            for tier in TIERS
            if tier in rows
        ),
        substitutes=tuple(
            Substitute(one.route, one.model, one.served, one.substituted)
            for one in answers
            if one.substituted
        )[:MODELS_MAX],
        attempts=tuple(Outcome(*row) for row in load.outcomes(connection, period)),
        objectives=tuple(_burnt(connection, config.objectives, period, now_unix_s)),
        missing_exchanges=load.missing(connection, period).dropped_lines,
    )


def _tier(tier: str, counts: load.Counts, minutes: int, owed: tuple[int, int]) -> TierImpact:
    return TierImpact(
        tier=tier,
        exchanges=counts.exchanges,
        served=counts.served,
        failed=counts.failed + counts.lost,
        shed=counts.shed,
        failovers=counts.failovers,
        continued=counts.continued,
        substituted=counts.substituted,
        shortened=counts.shortened,
        affected_minutes=minutes,
        credits_microusd=owed[0],
        credits_without_failover_microusd=owed[1],
    )


def _affected(steps: Iterable[load.StepRow]) -> dict[str, int]:
    """Return in how many minutes each tier was affected."""
    found: dict[str, int] = {}
    for step in steps:
        bad = step.shed + step.failed
        counting = step.served + bad
        if bad and step.served < AFFECTED_RATIO * counting:
            found[step.tier] = found.get(step.tier, 0) + 1
    return found


def _credits(
    connection: Connection, period: Period, config: Config, now_unix_s: float
) -> dict[str, tuple[int, int]]:
    """Return what is owed to each tier, with and without failover, of the span's months."""
    tiers = {one.tenant.id: one.tenant.tier.value for one in owned.tenants(connection)}
    names = sorted({moments.day(at_s)[:7] for at_s in (period.from_s, period.until_s - 1)})
    found: dict[str, tuple[int, int]] = {}
    for name in names:
        when = month(name, now_unix_s)
        for one in sla.report(connection, when, config.upstreams, now_unix_s).tenants:
            tier = tiers.get(one.id, "")
            due, without = found.get(tier, (0, 0))
            due += one.due.amount_microusd
            found[tier] = (due, without + one.due_without_failover.amount_microusd)
    return found


def _burnt(
    connection: Connection,
    wanted: Sequence[Objective],
    period: Period,
    now_unix_s: float,
) -> Iterable[Burnt]:
    if not wanted:
        return
    pieces = patches([period.from_s, period.until_s], GRAINS_S)
    inside = objectives.series(connection, wanted, pieces)
    for one in wanted:
        counts = inside[one.name].values()
        total = sum(count.total for count in counts)
        bad = total - sum(count.good for count in counts)
        seen = objectives.past(connection, one, now_unix_s).count.total
        allowed = seen * (1.0 - one.target_ratio)
        yield Burnt(one.name, bad, total, bad / allowed if allowed else None)
