"""What a month's SLA report asks the ledger: steps of five minutes, sums, and the evidence.

    tenants     exchanges by step; the database keeps apart only the steps in which something
                failed and adds up the others, so that a good month of 100 tenants is 100 rows
    providers   attempts by step, outcome and status, of the upstreams that are named
    sums        histograms and money from the sums a day: a month has whole days in UTC
    failures    the attempts that a claim is about, as they come from the database

Steps are asked for day by day: the groups of a day fit into what a database gives a query in
memory, those of a month do not, and are written to disk and read again.

*Rescued* is how many exchanges were served although an upstream failed: those that went on to
another one, less those that failed in the end (as if all of these had gone on too). What a circuit
breaker sent elsewhere at once is not among them. Both make it too low rather than too high.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    bindparam,
    case,
    cast,
    func,
    select,
)

from penstock.core.sla import STEP_S, Cell, Series
from penstock.ledger.tables import SPEED, TTFT, attempts, failures, traffic

DAY_S: Final = 86_400
US: Final = 1_000_000
WITHOUT: Final = -1  # stands for all steps in which nothing failed
FETCHED: Final = 1000  # rows at a time


class Period(NamedTuple):
    """From when to when, in Unix time; both are whole steps."""

    from_s: int
    until_s: int


class Exchanges(NamedTuple):
    """The exchanges of one tenant, as they were and as without failover."""

    with_failover: Series
    without: Series
    rescued: int


class Sums(NamedTuple):
    """What an answer took, and what it cost; ``amount_microusd`` is a charge or a cost."""

    ttft: tuple[int, ...]
    speed: tuple[int, ...]
    amount_microusd: int


class Tried(NamedTuple):
    """Attempts of one step at one upstream that ended alike."""

    start_s: int
    outcome: str
    status: int
    attempts: int


class FailureRow(NamedTuple):
    """One attempt that failed."""

    at_us: int
    upstream: str
    model: str
    status: int
    outcome: str
    request_id: str
    exchange: str
    number: int
    duration_s: float
    detail: str


def tenants(connection: Connection, period: Period, tenant: str = "") -> dict[str, Exchanges]:
    """Return the exchanges of all tenants that had some that count, or of one."""
    columns = traffic.c
    failed = columns.failed + columns.lost
    gone_on = columns.failovers - failed
    rescued = case((gone_on <= 0, 0), (gone_on > columns.served, columns.served), else_=gone_on)
    within = (
        columns.grain_s == STEP_S,
        columns.start_s >= bindparam("from_s"),
        columns.start_s < bindparam("until_s"),
        *([columns.tenant == tenant] if tenant else []),
    )
    steps = (
        select(
            columns.tenant,
            columns.start_s,
            _count(columns.served).label("good"),
            _count(failed + columns.shed).label("bad"),
            _count(rescued).label("rescued"),
        )
        .where(*within)
        .group_by(columns.start_s, columns.tenant)
        .subquery()
    )
    at = case(((steps.c.bad > 0) | (steps.c.rescued > 0), steps.c.start_s), else_=WITHOUT)
    query = (
        select(
            steps.c.tenant,
            at.label("at"),
            func.count(),
            func.sum(steps.c.good),
            func.sum(steps.c.bad),
            func.sum(steps.c.rescued),
            func.sum(cast(1.0, Double) / (steps.c.good + steps.c.bad)),
        )
        .where(steps.c.good + steps.c.bad > 0)
        .group_by(steps.c.tenant, at)
    )
    made: dict[str, _Making] = {}
    for day in days_of(period):
        for row in connection.execute(query, day._asdict()):
            made.setdefault(row[0], _Making()).add(int(row[1]), row[2:])
    return {name: one.exchanges(period) for name, one in sorted(made.items())}


def tenant_sums(connection: Connection, period: Period, tenant: str = "") -> dict[str, Sums]:
    """Return what the answers of tenants took and were charged."""
    columns = traffic.c
    within = _days(columns, period) + ([columns.tenant == tenant] if tenant else [])
    return {
        name: sums
        for (name,), sums in _sums(connection, columns, (columns.tenant,), within, "charge")
    }


def tried(
    connection: Connection, period: Period, upstreams: Collection[str]
) -> dict[str, list[Tried]]:
    """Return the attempts at upstreams, step by step."""
    columns = attempts.c
    by = (columns.start_s, columns.upstream, columns.outcome, columns.status)
    query = (
        select(*by, func.sum(columns.attempts))
        .where(
            columns.grain_s == STEP_S,
            columns.start_s >= bindparam("from_s"),
            columns.start_s < bindparam("until_s"),
            columns.upstream.in_(upstreams),
        )
        .group_by(*by)
        .order_by(*by)
    )
    made: dict[str, list[Tried]] = {name: [] for name in upstreams}
    for day in days_of(period):
        for start_s, upstream, outcome, status, number in connection.execute(query, day._asdict()):
            made[upstream].append(Tried(start_s, outcome, status, int(number)))
    return made


def model_sums(connection: Connection, period: Period, upstream: str) -> dict[str, Sums]:
    """Return what answers of an upstream's models took and cost."""
    columns = attempts.c
    within = [*_days(columns, period), columns.upstream == upstream]
    return {
        name: sums for (name,), sums in _sums(connection, columns, (columns.model,), within, "cost")
    }


def failed_attempts(connection: Connection, period: Period, upstream: str) -> Iterator[FailureRow]:
    """Yield the failed attempts at an upstream, the oldest first; however many there are."""
    columns = failures.c
    query = (
        select(
            columns.at_us, columns.upstream, columns.model, columns.status, columns.outcome,
            columns.request_id, columns.exchange, columns.number, columns.duration_s,
            columns.detail,
        )
        .where(
            columns.upstream == upstream,
            columns.at_us >= period.from_s * US,
            columns.at_us < period.until_s * US,
        )
        .order_by(columns.at_us)
    )  # fmt: skip
    streamed = connection.execution_options(yield_per=FETCHED).execute(query)
    for row in streamed:
        yield FailureRow(*row)


class _Making:
    """Both series of a tenant, as their rows come. Steps without failures are one row."""

    def __init__(self) -> None:
        self.measured = self.good = self.bad = self.rescued = 0
        self.inverse = 0.0
        self.cells: list[tuple[Cell, int]] = []

    def add(self, at: int, row: Sequence[Any]) -> None:
        """Add one row: steps, good, bad, rescued, sum of 1 / events."""
        steps, good, bad, rescued = map(int, row[:4])
        self.measured += steps
        self.good += good
        self.bad += bad
        self.rescued += rescued
        self.inverse += float(row[4])
        if at != WITHOUT:
            self.cells.append((Cell(at, good, bad), rescued))

    def exchanges(self, period: Period) -> Exchanges:
        """Return what has come."""
        self.cells.sort()
        real = (cell for cell, _ in self.cells if cell.bad)
        without = (Cell(one.start_s, one.good - more, one.bad + more) for one, more in self.cells)
        return Exchanges(
            self._series(period, 0, tuple(real)),
            self._series(period, self.rescued, tuple(without)),
            self.rescued,
        )

    def _series(self, period: Period, more: int, cells: tuple[Cell, ...]) -> Series:
        return Series(
            *period,
            good=self.good - more,
            bad=self.bad + more,
            measured=self.measured,
            inverse=self.inverse,
            cells=cells,
        )


def days_of(period: Period) -> list[Period]:
    """Return a period in pieces of a day at most, without a gap."""
    starts = range(period.from_s, period.until_s, DAY_S)
    return [Period(at, min(at + DAY_S, period.until_s)) for at in starts]


def _count(one: ColumnElement[int]) -> ColumnElement[int]:
    """Return a sum as a whole number: PostgreSQL's is a decimal, and slow to reckon with."""
    return cast(func.sum(one), BigInteger)


def _days(columns: Any, period: Period) -> list[ColumnElement[bool]]:
    return [
        columns.grain_s == DAY_S,
        columns.start_s >= period.from_s,
        columns.start_s < period.until_s,
    ]


def _sums(
    connection: Connection, columns: Any, by: Sequence[Any], within: list[Any], money: str
) -> Iterator[tuple[tuple[str, ...], Sums]]:
    counted = (*TTFT, *SPEED, f"{money}_microusd")
    query = select(*by, *(func.sum(columns[name]) for name in counted)).where(*within).group_by(*by)
    for row in connection.execute(query):
        figures = [int(one) for one in row[len(by) :]]
        speeds_at = len(TTFT)
        yield (
            tuple(row[: len(by)]),
            Sums(tuple(figures[:speeds_at]), tuple(figures[speeds_at:-1]), figures[-1]),
        )
