"""A month's SLAs in both directions: what we owe tenants, and what providers owe us.

    tenant     its exchanges (served, against failed, shed and lost), by all formulas side by side;
               the one of its terms is billed. Without terms: figures, and nothing is due
    provider   the attempts at an upstream whose ``sla`` names a plan, counted as the plan counts;
               beside it our own count, by what attempts say of the upstream's health
    latency    the share of answers within the promise, from histograms
    credit     by the figure itself. Where its interval holds the target, the counts are too small
               to be sure, and the report says so

A month under way has figures and no verdict that would stay.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, select

from penstock.apps.control.queries import sla as queries
from penstock.apps.control.queries.sla import Exchanges, Sums, Tried
from penstock.apps.control.reports.month import Month, end_of
from penstock.config.model import Upstream
from penstock.config.tenancy import Tenant
from penstock.core import histogram
from penstock.core.calendar import DAY_S
from penstock.core.histogram import Within
from penstock.core.sla import CALCULATORS, STEP_S, USUAL, Cell, Rules, Series, series
from penstock.core.sla_credit import credit_microusd, credit_ratio
from penstock.core.sla_plan import PLANS, Counted, Plan, by_health, counted, speed_of
from penstock.ledger.book import SlaTerms, TenantEntry
from penstock.ledger.tables import SPEED_BOUNDS_PER_S, TTFT_BOUNDS_S, tenants
from penstock.web.endpoint import InvalidError

WORST: Final = 12  # intervals that are shown; the CSV has no more than a reader looks at
TENANTS_MAX: Final = 1000  # of one report, about 9 MB of steps at worst each: ask for one by name
EMPTY: Final = Sums((), (), 0)


class Figure(msgspec.Struct, frozen=True):
    """Availability by one formula; None: not known. Low and high: 95 %."""

    formula: str
    words: str
    ratio: float | None
    low_ratio: float
    high_ratio: float
    is_billed: bool = False


class Latency(msgspec.Struct, frozen=True):
    """One clause: this share of answers within a threshold."""

    what: str  # ttft, speed
    model: str
    threshold: float  # seconds, or output tokens a second
    target_ratio: float
    ratio: float | None
    low_ratio: float
    high_ratio: float
    answers: int
    unclear: int  # answers that were counted on both sides of the threshold; taken as missed
    formula: str = "latency_attainment"

    @property
    def is_missed(self) -> bool:
        """Whether the promise was not kept."""
        return self.ratio is not None and self.ratio < self.target_ratio


class Step(msgspec.Struct, frozen=True):
    """Five minutes in which something failed."""

    start_unix_s: int
    good: int
    bad: int


class Measured(msgspec.Struct, frozen=True):
    """What was counted, and what the formulas make of it."""

    good: int
    bad: int
    steps: int
    measured_steps: int
    coverage_ratio: float
    figures: tuple[Figure, ...]
    worst: tuple[Step, ...] = ()
    days: tuple[Step, ...] = ()  # of days with failures: what the worst intervals add up to


class Due(msgspec.Struct, frozen=True):
    """What is to be given back, and why."""

    fee_microusd: int
    credit_ratio: float = 0.0
    latency_ratio: float = 0.0
    amount_microusd: int = 0
    is_sure: bool = True  # the interval lies on one side of the target


class TenantSla(msgspec.Struct, frozen=True, kw_only=True):
    """What one tenant got, and what we owe it."""

    id: str
    name: str
    terms: SlaTerms | None
    measured: Measured
    without_failover: Measured
    rescued: int
    latency: tuple[Latency, ...]
    due: Due
    due_without_failover: Due
    verdict: str  # kept, missed, no_data, no_terms


class ProviderSla(msgspec.Struct, frozen=True, kw_only=True):
    """What one upstream did, and what its provider owes us."""

    upstream: str
    plan: str
    title: str
    calculator: str
    target_ratio: float
    steps: tuple[tuple[float, float], ...]
    steps_mark: str
    notes: tuple[tuple[str, str], ...]  # words, mark
    measured: Measured
    by_health: Measured
    out: int  # attempts that the plan does not count
    by_status: tuple[tuple[str, int, int, str], ...]  # outcome, status, attempts, how it counts
    latency: tuple[Latency, ...]
    due: Due
    claim_until_unix_s: int  # 0: not known
    verdict: str


class SlaReport(msgspec.Struct, frozen=True, kw_only=True):
    """A month in both directions."""

    month: str
    from_unix_s: int
    until_unix_s: int
    is_over: bool
    made_unix_s: float
    step_s: int
    tenants: tuple[TenantSla, ...]
    providers: tuple[ProviderSla, ...]
    owed_microusd: int
    claim_microusd: int


class _Told(NamedTuple):
    """How a plan or terms are to be applied."""

    calculator: str
    target_ratio: float
    rules: Rules = USUAL


def report(
    connection: Connection,
    month: Month,
    upstreams: Sequence[Upstream],
    now_unix_s: float,
    only: str = "",
) -> SlaReport:
    """Return a month's report; ``only`` is one tenant's, without providers. Raises InvalidError."""
    owing = _tenants(connection, month, only)
    claims = () if only else tuple(providers(connection, month, upstreams))
    return SlaReport(
        month=month.name,
        from_unix_s=month.from_s,
        until_unix_s=month.seen_until_s,
        is_over=month.is_over,
        made_unix_s=now_unix_s,
        step_s=STEP_S,
        tenants=owing,
        providers=claims,
        owed_microusd=sum(one.due.amount_microusd for one in owing),
        claim_microusd=sum(one.due.amount_microusd for one in claims),
    )


def providers(
    connection: Connection, month: Month, upstreams: Sequence[Upstream]
) -> list[ProviderSla]:
    """Return what all providers owe whose upstreams have a plan, the largest claim first."""
    plans = {one.name: PLANS[one.sla] for one in upstreams if one.sla in PLANS}
    tried = queries.tried(connection, month.period, plans)
    made = [
        provider_sla(
            name, plan, month, tried[name], queries.model_sums(connection, month.period, name)
        )
        for name, plan in plans.items()
    ]
    return sorted(made, key=lambda one: (-one.due.amount_microusd, one.upstream))


def tenant_sla(entry: TenantEntry, month: Month, found: Exchanges | None, sums: Sums) -> TenantSla:
    """Return what one tenant got, and what is due to it."""
    terms = entry.sla
    told = _Told(terms.calculator, terms.target_ratio) if terms else _Told("", 0.0)
    empty = series(*month.period, [])
    real = measured(found.with_failover if found else empty, told)
    without = measured(found.without if found else empty, told)
    latency = _clauses(terms, sums) if terms else ()
    due = _due(terms, real, latency, sums)
    is_missed = bool(due.credit_ratio or due.latency_ratio)
    return TenantSla(
        id=entry.tenant.id,
        name=entry.name or entry.tenant.id,
        terms=terms,
        measured=real,
        without_failover=without,
        rescued=found.rescued if found else 0,
        latency=latency,
        due=due,
        due_without_failover=_due(terms, without, latency, sums),
        verdict=_verdict(real, has_terms=terms is not None, is_missed=is_missed),
    )


def provider_sla(
    upstream: str, plan: Plan, month: Month, tried: Sequence[Tried], models: Mapping[str, Sums]
) -> ProviderSla:
    """Return what one upstream did by its provider's plan, and what is due to us."""
    by_plan, healthy = _cells(tried, plan), _cells(tried, None)
    told = _Told(plan.calculator, plan.target_ratio, plan.rules)
    real = measured(series(*month.period, by_plan), told)
    latency = tuple(
        _latency("speed", model, (speed, plan.speed_ratio), sums)
        for model, sums in sorted(models.items())
        if (speed := speed_of(plan, model)) is not None
    )
    ratio = credit_ratio(billed(real).ratio, plan.steps)
    fee = sum(sums.amount_microusd for sums in models.values())
    due = Due(
        fee,
        ratio,
        0.0,
        credit_microusd(fee, (ratio,), plan.above_microusd),
        _is_sure(real, plan.target_ratio),
    )
    return ProviderSla(
        upstream=upstream,
        plan=plan.name,
        title=plan.title,
        calculator=plan.calculator,
        target_ratio=plan.target_ratio,
        steps=plan.steps,
        steps_mark=plan.steps_mark.value,
        notes=tuple((note.words, note.mark.value) for note in plan.notes),
        measured=real,
        by_health=measured(series(*month.period, healthy), told),
        out=sum(one.attempts for one in tried if counted(plan, one.status) is Counted.OUT),
        by_status=_by_status(tried, plan),
        latency=latency,
        due=due,
        claim_until_unix_s=claim_until(plan, month),
        verdict=_verdict(real, has_terms=True, is_missed=ratio > 0),
    )


def claim_until(plan: Plan, month: Month) -> int:
    """Return the beginning of the last day on which a claim counts; 0 if it is not known."""
    if plan.claim_months:
        return end_of(month.number + plan.claim_months) * DAY_S
    return (end_of(month.number) + plan.claim_days) * DAY_S if plan.claim_days else 0


def measured(found: Series, told: _Told) -> Measured:
    """Return a series by all formulas."""
    return Measured(
        good=found.good,
        bad=found.bad,
        steps=found.steps,
        measured_steps=found.measured,
        coverage_ratio=found.coverage_ratio,
        figures=tuple(_figure(name, found, told) for name in CALCULATORS),
        worst=_worst(found.cells),
        days=_days(found.cells),
    )


def billed(found: Measured) -> Figure:
    """Return the figure that counts; the first, if none does."""
    return next((one for one in found.figures if one.is_billed), found.figures[0])


def _tenants(connection: Connection, month: Month, only: str) -> tuple[TenantSla, ...]:
    documents = connection.execute(select(tenants.c.document).order_by(tenants.c.id)).scalars()
    entries = {
        one.tenant.id: one
        for one in (msgspec.json.decode(raw, type=TenantEntry) for raw in documents)
        if not only or one.tenant.id == only
    }
    if only and only not in entries:
        raise InvalidError(f"there is no tenant {only!r}", "query.tenant")
    sums = queries.tenant_sums(connection, month.period, only)
    for name in sums:  # whose contract is gone; its traffic is not
        entries.setdefault(name, TenantEntry(tenant=Tenant(id=name)))
    if len(entries) > TENANTS_MAX:
        message = f"a report holds at most {TENANTS_MAX} tenants, and there are {len(entries)}"
        raise InvalidError(f"{message}: name one", "query.tenant")
    found = queries.tenants(connection, month.period, only)
    made = [
        tenant_sla(entry, month, found.get(name), sums.get(name, EMPTY))
        for name, entry in entries.items()
        if entry.sla is not None or name in found
    ]
    return tuple(
        sorted(made, key=lambda one: (-one.due.amount_microusd, one.terms is None, one.id))
    )


def _figure(name: str, found: Series, told: _Told) -> Figure:
    calculator = CALCULATORS[name]
    ratio, (low, high) = calculator.of(found, told.rules)
    return Figure(name, calculator.words, ratio, low, high, name == told.calculator)


def _due(terms: SlaTerms | None, found: Measured, latency: Sequence[Latency], sums: Sums) -> Due:
    if terms is None:
        return Due(sums.amount_microusd)
    fee = sums.amount_microusd if terms.fee_microusd is None else terms.fee_microusd
    ratio = credit_ratio(billed(found).ratio, terms.credits) if found.good + found.bad else 0.0
    slow = terms.latency_credit_ratio if any(one.is_missed for one in latency) else 0.0
    return Due(
        fee, ratio, slow, credit_microusd(fee, (ratio, slow)), _is_sure(found, terms.target_ratio)
    )


def _clauses(terms: SlaTerms, sums: Sums) -> tuple[Latency, ...]:
    made: list[Latency] = []
    if terms.ttft_s is not None:
        made.append(_latency("ttft", "", (terms.ttft_s, terms.ttft_ratio), sums))
    if terms.speed_per_s is not None:
        made.append(_latency("speed", "", (terms.speed_per_s, terms.speed_ratio), sums))
    return tuple(made)


def _latency(what: str, model: str, clause: tuple[float, float], sums: Sums) -> Latency:
    threshold, target = clause
    within: Within
    if what == "ttft":
        within = histogram.at_most(sums.ttft or (0,), TTFT_BOUNDS_S, threshold)
    else:
        within = histogram.above(sums.speed or (0,), SPEED_BOUNDS_PER_S, threshold)
    low, high = within.interval
    return Latency(
        what, model, threshold, target, within.ratio, low, high, within.total, within.unclear
    )


def _is_sure(found: Measured, target_ratio: float) -> bool:
    figure = billed(found)
    return not figure.low_ratio < target_ratio <= figure.high_ratio


def _verdict(found: Measured, *, has_terms: bool, is_missed: bool) -> str:
    if not has_terms:
        return "no_terms"
    if not found.good + found.bad:
        return "no_data"
    return "missed" if is_missed else "kept"


def _cells(tried: Sequence[Tried], plan: Plan | None) -> list[Cell]:
    """Return good and bad attempts by step: by a plan, or by health."""
    made: list[Cell] = []
    for start_s, outcome, status, number in tried:
        how = by_health(outcome) if plan is None else counted(plan, status)
        if how is Counted.GOOD:
            made.append(Cell(start_s, number, 0))
        elif how is Counted.BAD:
            made.append(Cell(start_s, 0, number))
    return made


def _by_status(tried: Sequence[Tried], plan: Plan) -> tuple[tuple[str, int, int, str], ...]:
    totals: dict[tuple[str, int], int] = defaultdict(int)
    for one in tried:
        totals[one.outcome, one.status] += one.attempts
    rows = [
        (outcome, status, number, counted(plan, status).value)
        for (outcome, status), number in totals.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row[2]))


def _worst(cells: Sequence[Cell]) -> tuple[Step, ...]:
    worst = sorted(cells, key=lambda one: (-one.bad, one.start_s))[:WORST]
    return tuple(Step(one.start_s, one.good, one.bad) for one in worst)


def _days(cells: Sequence[Cell]) -> tuple[Step, ...]:
    """Return failures by day: ``good`` is of the intervals with failures alone."""
    days: dict[int, list[int]] = {}
    for cell in cells:
        day = days.setdefault(cell.start_s // DAY_S * DAY_S, [0, 0])
        day[0] += cell.good
        day[1] += cell.bad
    return tuple(Step(at, *days[at]) for at in sorted(days))
