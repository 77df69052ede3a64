"""What a load report asks the ledger: sums of a period, by tier, reason, model, tenant, upstream.

What is told step by step is read from the sums of one grain, which the length of the period
chooses (``grain_of``), so that a year costs no more than a day; everything else from the coarsest
sums that begin and end with the period, which hold the same. Every query returns at most
tiers x steps, or as many rows as there are names.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, case, func, select

from penstock.ledger import tables
from penstock.ledger.tables import SPEED, TTFT, WAIT, attempts, audit, drops, refusals, traffic

FINE_S: Final = 2 * 86_400  # up to here, steps of five minutes: 576 points
HOURLY_S: Final = 62 * 86_400  # up to here, hours: 1,488 points
CHANGES_MAX: Final = 500  # of limits, in one report; the newest
KINDS: Final = ("tenant", "key", "configuration")

Made = TypeVar("Made")

COUNTED: Final = (
    "exchanges", "served", "failed", "shed", "limited", "rejected", "left", "lost", "failovers",
    "continued", "substituted", "shortened", "queued",
)  # fmt: skip


class Period(NamedTuple):
    """From when to when in Unix time, in steps of ``grain_s``."""

    from_s: int
    until_s: int
    grain_s: int

    @property
    def steps(self) -> int:
        """How many steps it has."""
        return (self.until_s - self.from_s) // self.grain_s

    @property
    def coarsest(self) -> "Period":
        """The same in as few steps as there can be."""
        ends = (self.from_s, self.until_s)
        grains_s = (one for one in tables.GRAINS_S if not any(end % one for end in ends))
        return self._replace(grain_s=max(grains_s, default=self.grain_s))


class Counts(NamedTuple):
    """Exchanges by what became of them; the names are the ledger's."""

    exchanges: int
    served: int
    failed: int
    shed: int
    limited: int
    rejected: int
    left: int
    lost: int
    failovers: int
    continued: int
    substituted: int
    shortened: int
    queued: int
    admitted: int  # those that an upstream was asked for


class Timings(NamedTuple):
    """Histograms, as ``ledger.tables`` bounds them."""

    ttft: tuple[int, ...]
    speed: tuple[int, ...]
    wait: tuple[int, ...]


class TierRow(NamedTuple):
    """One tier."""

    tier: str
    counts: Counts
    timings: Timings


class StepRow(NamedTuple):
    """One tier in one step."""

    start_s: int
    tier: str
    exchanges: int
    served: int
    shed: int
    limited: int
    failed: int


class ReasonRow(NamedTuple):
    """What was not served, by its reason."""

    tier: str
    status: int
    code: str
    exchanges: int


class ModelRow(NamedTuple):
    """Who answered."""

    tier: str
    route: str
    model: str
    served: int
    substituted: int


class TenantRow(NamedTuple):
    """What one tenant got in one tier."""

    tenant: str
    tier: str
    exchanges: int
    admitted: int
    shed: int
    limited: int
    failed: int


class UseRow(NamedTuple):
    """One upstream in one step."""

    upstream: str
    start_s: int
    attempts: int
    duration_s: float


class OutcomeRow(NamedTuple):
    """What became of the attempts at one upstream."""

    upstream: str
    outcome: str
    attempts: int


class ChangeRow(NamedTuple):
    """One entry of the audit log, with its JSON."""

    at_unix_s: float
    action: str
    kind: str
    object: str
    before: str
    after: str


class Missing(NamedTuple):
    """What the ledger knows that it does not know."""

    measured_steps: int  # with at least one exchange
    dropped_lines: int  # that the gateway could not write
    damaged_lines: int  # that could not be understood


def grain_of(from_s: int, until_s: int) -> int:
    """Return the grain that a period is read in."""
    if until_s - from_s <= FINE_S:
        return tables.GRAINS_S[1]
    return tables.GRAINS_S[2] if until_s - from_s <= HOURLY_S else tables.GRAINS_S[3]


def tiers(connection: Connection, period: Period) -> list[TierRow]:
    """Return every tier that had exchanges."""
    columns = traffic.c
    names = (*COUNTED, *TTFT, *SPEED, *WAIT)
    query = (
        select(columns.tier, *(func.sum(columns[name]) for name in names), _admitted())
        .where(*_within(traffic, period.coarsest))
        .group_by(columns.tier)
        .order_by(columns.tier)
    )
    made: list[TierRow] = []
    for row in connection.execute(query):
        figures = [int(one) for one in row[1:]]
        counted, spread = figures[: len(COUNTED)], figures[len(COUNTED) : -1]
        slow, fast = len(TTFT), len(TTFT) + len(SPEED)
        timings = Timings(tuple(spread[:slow]), tuple(spread[slow:fast]), tuple(spread[fast:]))
        made.append(TierRow(row[0], Counts._make((*counted, figures[-1])), timings))
    return made


def steps(connection: Connection, period: Period) -> list[StepRow]:
    """Return every tier in every step, in order of time."""
    columns = traffic.c
    lost = columns.failed + columns.lost
    summed = (columns.exchanges, columns.served, columns.shed, columns.limited, lost)
    query = (
        select(columns.start_s, columns.tier, *(func.sum(one) for one in summed))
        .where(*_within(traffic, period))
        .group_by(columns.start_s, columns.tier)
        .order_by(columns.start_s, columns.tier)
    )
    return [_made(StepRow, 2, row) for row in connection.execute(query)]


def reasons(connection: Connection, period: Period) -> list[ReasonRow]:
    """Return why exchanges were not served, the most frequent first."""
    columns = refusals.c
    by = (columns.tier, columns.status, columns.code)
    rows = _summed(connection, refusals, period, by, (columns.exchanges,))
    return [_made(ReasonRow, len(by), row) for row in rows]


def models(connection: Connection, period: Period) -> list[ModelRow]:
    """Return who answered whom, the most frequent first."""
    columns = traffic.c
    by = (columns.tier, columns.route, columns.model)
    summed = (columns.served, columns.substituted)
    rows = _summed(connection, traffic, period, by, summed)
    return [_made(ModelRow, len(by), row) for row in rows]


def tenants(connection: Connection, period: Period) -> list[TenantRow]:
    """Return what every tenant got, by tier, the largest first."""
    columns = traffic.c
    admitted = case((columns.upstream != "", columns.exchanges), else_=0)
    lost = columns.failed + columns.lost
    summed = (columns.exchanges, admitted, columns.shed, columns.limited, lost)
    by = (columns.tenant, columns.tier)
    rows = _summed(connection, traffic, period, by, summed)
    return [_made(TenantRow, len(by), row) for row in rows]


def use(connection: Connection, period: Period) -> list[UseRow]:
    """Return how busy every upstream was in every step."""
    columns = attempts.c
    query = (
        select(
            columns.upstream,
            columns.start_s,
            func.sum(columns.attempts),
            func.sum(columns.duration_s),
        )
        .where(*_within(attempts, period))
        .group_by(columns.start_s, columns.upstream)
        .order_by(columns.start_s, columns.upstream)
    )
    return [UseRow(row[0], row[1], int(row[2]), float(row[3])) for row in connection.execute(query)]


def outcomes(connection: Connection, period: Period) -> list[OutcomeRow]:
    """Return what became of attempts, the most frequent first."""
    columns = attempts.c
    by = (columns.upstream, columns.outcome)
    rows = _summed(connection, attempts, period, by, (columns.attempts,))
    return [_made(OutcomeRow, len(by), row) for row in rows]


def changes(connection: Connection, period: Period) -> list[ChangeRow]:
    """Return what operators changed, the oldest first; of more than the bound, the newest."""
    columns = audit.c
    query = (
        select(
            columns.at_unix_s, columns.action, columns.kind, columns.object, columns.before,
            columns.after,
        )
        .where(
            columns.at_unix_s >= period.from_s,
            columns.at_unix_s < period.until_s,
            columns.kind.in_(KINDS),
        )
        .order_by(columns.at_unix_s.desc())
        .limit(CHANGES_MAX)
    )  # fmt: skip
    return [ChangeRow._make(row) for row in connection.execute(query)][::-1]


def missing(connection: Connection, period: Period) -> Missing:
    """Return for how much of the period there is nothing, and what was lost on the way."""
    measured = select(func.count(func.distinct(traffic.c.start_s))).where(*_within(traffic, period))
    lines = select(func.coalesce(func.sum(drops.c.lines), 0)).where(
        drops.c.at_unix_s >= period.from_s, drops.c.at_unix_s < period.until_s
    )
    found = tables.damaged_lines.c.found_unix_s
    damaged = (
        select(func.count())
        .select_from(tables.damaged_lines)
        .where(found >= period.from_s, found < period.until_s)
    )
    return Missing(
        *(int(connection.execute(one).scalar_one()) for one in (measured, lines, damaged))
    )


def _made(kind: Callable[..., Made], names: int, row: Sequence[Any]) -> Made:
    """Return a row: names as they are, then whole sums; PostgreSQL's are decimals."""
    return kind(*row[:names], *map(int, row[names:]))


def _admitted() -> ColumnElement[Any]:
    columns = traffic.c
    return func.sum(case((columns.upstream != "", columns.exchanges), else_=0))


def _within(table: FromClause, period: Period) -> list[ColumnElement[bool]]:
    return [
        table.c.grain_s == period.grain_s,
        table.c.start_s >= period.from_s,
        table.c.start_s < period.until_s,
    ]


def _summed(
    connection: Connection,
    table: FromClause,
    period: Period,
    by: Sequence[Any],
    summed: Sequence[Any],
) -> Sequence[Any]:
    """Return sums by some columns, the largest first."""
    totals = [func.sum(one) for one in summed]
    query = (
        select(*by, *totals).where(*_within(table, period.coarsest)).group_by(*by)
        .order_by(totals[0].desc(), *by)
    )  # fmt: skip
    return connection.execute(query).all()
