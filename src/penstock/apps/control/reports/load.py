"""How load was managed in a period, in the open: made to be published.

    offered      all exchanges of a tier
    admitted     an upstream was asked
    queued       waited first; shed, limited: refused, by us for lack of capacity, or by the
                 tenant's own limit
    degraded     shortened (a smaller ``max_tokens``) or substituted (another model than was to be
                 asked first)
    amplification  attempts / admitted exchanges: what retries and failovers add to the load
    use          attempts' time / time of the step: the mean number of slots in use (Little's law),
                 as a share of ``concurrency_max``
    fairness     Jain's index over the tenants of a tier, of the share of what each asked for that
                 was not shed; and the share of shed by the tenants' size: a tenth of the tier's
                 exchanges and more is large, a hundredth and more medium

Tenants are named by their rank (tenant 1 asked for most) unless names are wanted, and names of
keys and operators never stand in it. Waits and times are read from histograms: off by an eighth at
most (``ledger.tables``).

Source: STATUS 7.2 of the reference shelf.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection

from penstock.apps.control.queries import load as queries
from penstock.apps.control.queries.load import Period, StepRow, TenantRow, TierRow
from penstock.apps.control.reports import changes
from penstock.config.model import Upstream
from penstock.core.errors import SHED, LimitError
from penstock.core.histogram import quantile
from penstock.core.interval import wilson
from penstock.core.reserve import jain
from penstock.core.tier import NAMED, WORDS
from penstock.ledger.tables import SPEED_BOUNDS_PER_S, TTFT_BOUNDS_S, WAIT_BOUNDS_S
from penstock.web.endpoint import InvalidError

DAYS_MAX: Final = 400
DAY_S: Final = 86_400
LARGE: Final = 0.1
MEDIUM: Final = 0.01
SIZES: Final = ("large", "medium", "small")
MODELS_MAX: Final = 60  # rows of who answered; the rest is one more
REASONS_MAX: Final = 60
TENANTS_MAX: Final = 50


class TierLoad(msgspec.Struct, frozen=True, kw_only=True):
    """One tier in the period."""

    tier: str
    offered: int
    admitted: int
    queued: int
    shed: int
    limited: int
    rejected: int
    left: int
    served: int
    failed: int  # lost ones too
    shortened: int
    substituted: int
    failovers: int
    continued: int
    availability_ratio: float | None  # served / (served + failed + shed)
    low_ratio: float
    high_ratio: float
    substituted_ratio: float | None  # of admitted
    wait_p50_s: float | None
    wait_p95_s: float | None
    ttft_p50_s: float | None
    ttft_p95_s: float | None
    speed_p50_per_s: float | None
    speed_p5_per_s: float | None  # 95 % of answers are faster
    jain: float | None  # None: fewer than two tenants
    tenants: int


class Refused(msgspec.Struct, frozen=True):
    """What was not served, by reason."""

    tier: str
    status: int
    code: str
    words: str
    exchanges: int


class ServedBy(msgspec.Struct, frozen=True):
    """Which model answered a tier's exchanges of a route."""

    tier: str
    route: str
    model: str
    served: int
    share_ratio: float  # of the tier's and route's
    substituted: int


class SizeLoad(msgspec.Struct, frozen=True):
    """Tenants of one size in one tier."""

    tier: str
    size: str
    tenants: int
    offered: int
    shed: int
    offered_ratio: float  # of the tier's
    shed_ratio: float  # of the tier's shed; as large as its part of what was offered is even


class TenantLoad(msgspec.Struct, frozen=True):
    """One tenant in one tier."""

    tenant: str
    tier: str
    offered: int
    admitted: int
    shed: int
    limited: int
    failed: int


class UpstreamLoad(msgspec.Struct, frozen=True):
    """One upstream: how much of it was used, and how its attempts ended."""

    upstream: str
    attempts: int
    slots_max: int  # 0: not known, it is not in the configuration now
    mean_slots: float
    busiest_slots: float  # of the busiest step
    busiest_unix_s: int
    outcomes: dict[str, int]


class Coverage(msgspec.Struct, frozen=True):
    """How complete the record is."""

    steps: int
    measured_steps: int
    ratio: float
    lost: int  # exchanges under way when a process died
    dropped_lines: int
    damaged_lines: int


class TierStep(msgspec.Struct, frozen=True):
    """One tier in one step, for plots."""

    start_unix_s: int
    tier: str
    offered: int
    served: int
    shed: int
    limited: int
    failed: int


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """A period."""

    from_unix_s: int
    until_unix_s: int
    step_s: int
    made_unix_s: float
    has_names: bool
    offered: int
    admitted: int
    attempts: int
    amplification: float | None
    failovers: int
    coverage: Coverage
    tiers: tuple[TierLoad, ...]
    reasons: tuple[Refused, ...]
    served_by: tuple[ServedBy, ...]
    sizes: tuple[SizeLoad, ...]
    tenants: tuple[TenantLoad, ...]
    upstreams: tuple[UpstreamLoad, ...]
    changes: tuple[changes.Change, ...]
    steps: tuple[TierStep, ...]


class Asked(NamedTuple):
    """What a report is to be of."""

    from_unix_s: float
    until_unix_s: float
    has_names: bool = False


def period_of(asked: Asked, now_unix_s: float) -> Period:
    """Return the period in whole steps, the one under way too. Raises InvalidError."""
    from_s, until_s = int(asked.from_unix_s), int(min(asked.until_unix_s, now_unix_s))
    if until_s <= from_s:
        raise InvalidError("the period ends before it begins", "query.to")
    if until_s - from_s > DAYS_MAX * DAY_S:
        raise InvalidError(f"a period is at most {DAYS_MAX} days", "query.from")
    grain_s = queries.grain_of(from_s, until_s)
    return Period(from_s // grain_s * grain_s, -(-until_s // grain_s) * grain_s, grain_s)


def report(
    connection: Connection, asked: Asked, upstreams: Sequence[Upstream], now_unix_s: float
) -> LoadReport:
    """Return how load was managed. Raises InvalidError."""
    period = period_of(asked, now_unix_s)
    tiers = sorted(queries.tiers(connection, period), key=lambda one: _rank(one.tier))
    tenants = queries.tenants(connection, period)
    named = _names(tenants, has_names=asked.has_names)
    used = _upstreams(connection, period, upstreams)
    admitted = sum(one.counts.admitted for one in tiers)
    tries = sum(one.attempts for one in used)
    return LoadReport(
        from_unix_s=period.from_s,
        until_unix_s=period.until_s,
        step_s=period.grain_s,
        made_unix_s=now_unix_s,
        has_names=asked.has_names,
        offered=sum(one.counts.exchanges for one in tiers),
        admitted=admitted,
        attempts=tries,
        amplification=tries / admitted if admitted else None,
        failovers=sum(one.counts.failovers for one in tiers),
        coverage=_coverage(connection, period, sum(one.counts.lost for one in tiers)),
        tiers=tuple(_tier(one, _of(tenants, one.tier)) for one in tiers),
        reasons=tuple(_reasons(connection, period)),
        served_by=tuple(_served_by(queries.models(connection, period))),
        sizes=tuple(size for one in tiers for size in _sizes(one.tier, _of(tenants, one.tier))),
        tenants=tuple(TenantLoad(named(one.tenant), *one[1:]) for one in tenants[:TENANTS_MAX]),
        upstreams=tuple(used),
        changes=changes.of(queries.changes(connection, period), _totals(tenants), named),
        steps=tuple(_step(one) for one in queries.steps(connection, period)),
    )


def _rank(tier: str) -> int:
    return NAMED[tier] if tier in NAMED else len(WORDS)


def _of(tenants: Iterable[TenantRow], tier: str) -> list[TenantRow]:
    return [one for one in tenants if one.tier == tier]


def _names(tenants: Sequence[TenantRow], *, has_names: bool) -> Callable[[str], str]:
    """Return how tenants are called: by their names, or by their rank."""
    if has_names:
        return lambda name: name
    totals = _totals(tenants)
    order = sorted(totals, key=lambda name: (-totals[name], name))
    ranks = {name: f"tenant {at}" for at, name in enumerate(order, 1)}
    return lambda name: ranks.get(name, "a tenant without traffic")


def _totals(tenants: Sequence[TenantRow]) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for one in tenants:
        totals[one.tenant] += one.exchanges
    return totals


def _tier(row: TierRow, tenants: Sequence[TenantRow]) -> TierLoad:
    counts, timings = row.counts, row.timings
    failed = counts.failed + counts.lost
    events = counts.served + failed + counts.shed
    ratio = counts.served / events if events else None
    low, high = wilson(ratio or 0.0, events)
    kept = [1.0 - one.shed / one.exchanges for one in tenants if one.exchanges]
    return TierLoad(
        tier=row.tier,
        offered=counts.exchanges,
        admitted=counts.admitted,
        queued=counts.queued,
        shed=counts.shed,
        limited=counts.limited,
        rejected=counts.rejected,
        left=counts.left,
        served=counts.served,
        failed=failed,
        shortened=counts.shortened,
        substituted=counts.substituted,
        failovers=counts.failovers,
        continued=counts.continued,
        availability_ratio=ratio,
        low_ratio=low,
        high_ratio=high,
        substituted_ratio=counts.substituted / counts.admitted if counts.admitted else None,
        wait_p50_s=quantile(timings.wait, WAIT_BOUNDS_S, 0.5),
        wait_p95_s=quantile(timings.wait, WAIT_BOUNDS_S, 0.95),
        ttft_p50_s=quantile(timings.ttft, TTFT_BOUNDS_S, 0.5),
        ttft_p95_s=quantile(timings.ttft, TTFT_BOUNDS_S, 0.95),
        speed_p50_per_s=quantile(timings.speed, SPEED_BOUNDS_PER_S, 0.5),
        speed_p5_per_s=quantile(timings.speed, SPEED_BOUNDS_PER_S, 0.05),
        jain=jain(kept) if len(kept) > 1 else None,
        tenants=len(kept),
    )


def _reasons(connection: Connection, period: Period) -> list[Refused]:
    found = queries.reasons(connection, period)
    made = [
        Refused(one.tier, one.status, one.code, _words(one.code), one.exchanges) for one in found
    ]
    rest = sum(one.exchanges for one in made[REASONS_MAX:])
    more = [Refused("", 0, "", "all others", rest)] if rest else []
    return sorted(made[:REASONS_MAX], key=lambda one: (_rank(one.tier), -one.exchanges)) + more


def _words(code: str) -> str:
    if code == LimitError.code:
        return "the tenant's own limit"
    return SHED.get(code, "")


def _served_by(rows: Sequence[queries.ModelRow]) -> list[ServedBy]:
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for one in rows:
        totals[one.tier, one.route] += one.served
    made = [
        ServedBy(
            one.tier,
            one.route,
            one.model,
            one.served,
            one.served / totals[one.tier, one.route],
            one.substituted,
        )
        for one in rows
        if one.served
    ]
    rest = made[MODELS_MAX:]
    made = sorted(made[:MODELS_MAX], key=lambda one: (_rank(one.tier), one.route, -one.served))
    if rest:
        served = sum(one.served for one in rest)
        share = served / sum(totals.values())
        made.append(ServedBy("", "", "all others", served, share, sum(x.substituted for x in rest)))
    return made


def _sizes(tier: str, tenants: Sequence[TenantRow]) -> list[SizeLoad]:
    offered = sum(one.exchanges for one in tenants)
    shed = sum(one.shed for one in tenants)
    groups: dict[str, list[TenantRow]] = {size: [] for size in SIZES}
    for one in tenants:
        groups[_size(one.exchanges / offered if offered else 0.0)].append(one)
    return [
        SizeLoad(
            tier,
            size,
            len(group),
            sum(one.exchanges for one in group),
            sum(one.shed for one in group),
            _part(sum(one.exchanges for one in group), offered),
            _part(sum(one.shed for one in group), shed),
        )
        for size, group in groups.items()
        if group
    ]


def _size(share: float) -> str:
    if share >= LARGE:
        return SIZES[0]
    return SIZES[1] if share >= MEDIUM else SIZES[2]


def _part(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _upstreams(
    connection: Connection, period: Period, upstreams: Sequence[Upstream]
) -> list[UpstreamLoad]:
    outcomes: dict[str, dict[str, int]] = defaultdict(dict)
    for one in queries.outcomes(connection, period):
        outcomes[one.upstream][one.outcome] = one.attempts
    slots = {one.name: one.concurrency_max for one in upstreams}
    busy_s: dict[str, float] = defaultdict(float)
    busiest: dict[str, tuple[float, int]] = {}
    for row in queries.use(connection, period):
        busy_s[row.upstream] += row.duration_s
        here = (row.duration_s / period.grain_s, row.start_s)
        busiest[row.upstream] = max(busiest.get(row.upstream, here), here)
    whole_s = period.until_s - period.from_s
    made = [
        UpstreamLoad(
            name,
            sum(ended.values()),
            slots.get(name, 0),
            busy_s[name] / whole_s,
            *busiest.get(name, (0.0, 0)),
            ended,
        )
        for name, ended in outcomes.items()
    ]
    return sorted(made, key=lambda one: -one.attempts)


def _coverage(connection: Connection, period: Period, lost: int) -> Coverage:
    found = queries.missing(connection, period)
    steps = period.steps
    return Coverage(
        steps,
        found.measured_steps,
        found.measured_steps / steps if steps else 0.0,
        lost,
        found.dropped_lines,
        found.damaged_lines,
    )


def _step(row: StepRow) -> TierStep:
    return TierStep(*row)
