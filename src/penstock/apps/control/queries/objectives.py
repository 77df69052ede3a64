"""Good events and all events of an objective, from the sums.

    SLI            of            good                               all
    availability   exchanges     served                             and failed, shed, lost
    availability   an upstream   success                            and failures of its own, hung
    ttft           answers       first token within the threshold   whose first token was seen
    speed          answers       at least so many tokens a second   whose speed was measured

An upstream's failures are those that say something of its health (``core.outcome.RULES``): a
request that was at fault, or a quota of ours, counts neither way. A threshold that is no bound of
the histogram becomes the next stricter one, and ``threshold_used`` says which.

    window          read from sums of
    up to 6 hours   60 s
    up to 3 days    300 s
    longer          3600 s

A window begins with the sum in which it begins, so it is at most one sum longer than it is called.
Its middle is read from the coarsest sums that fit, which hold the same (``core.patches``): three
days are 71 hours, and minutes at both ends. What comes back is bounded by the number of sums.

An objective's whole window is days, and hours at both ends. How much of it was measured is asked
of each hour by itself, which the first sum that has an event answers: hours with traffic cost a
look into an index. Only a history is read hour by hour.

    objectives of   are measured together in
    tenants         one statement, by the index of tenants
    upstreams       one statement of attempts
    anything else   one statement that looks at the sums of all tenants

and more statements if there are more than ``STATEMENT_MAX`` of a kind. What several tenants are
promised alike is added up once for all of them.
"""

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
)

from penstock.apps.control.queries.pieces import within
from penstock.config.operations import Objective, Sli
from penstock.core import slo
from penstock.core.outcome import RULES, Verdict
from penstock.core.patches import Patch, patches
from penstock.core.slo import Count
from penstock.ledger.tables import (
    GRAINS_S,
    SPEED,
    SPEED_BOUNDS_PER_S,
    TTFT,
    TTFT_BOUNDS_S,
    attempts,
    traffic,
)

Slots = Mapping[int, Count]  # by start_s

GRAINS: Final = ((6 * slo.HOUR_S, 60), (3 * slo.DAY_S, 300))
HOURS: Final = 3600  # of everything longer
WHOLE: Final = 0  # stands for an objective's whole window among those of its rules
MINUTE_S: Final = 60
STATEMENT_MAX: Final = 25  # objectives: with their tenants well within SQLite's 32,766 values
COUNTED: Final = ("served", "failed", "shed", "lost")
UNHEALTHY: Final = (
    *(k.value for k, rule in RULES.items() if rule.verdict not in {Verdict.HEALTHY, Verdict.NONE}),
    "hung",
)
SUCCESS: Final = "success"
FILTERS: Final = ("tier", "route")  # beside the tenant


def grain_of(window_s: int) -> int:
    """Return which sums a window is read from, in seconds."""
    return next((grain_s for upto_s, grain_s in GRAINS if window_s <= upto_s), HOURS)


def first_slot(window_s: int, grain_s: int, now_unix_s: float) -> int:
    """Return the start of the first sum of a window."""
    return math.floor((now_unix_s - window_s) / grain_s) * grain_s


def threshold_used(objective: Objective) -> float | None:
    """Return the bound that stands for the threshold: the same, or the next stricter."""
    match objective.sli:
        case Sli.TTFT if objective.threshold_s is not None:
            at = bisect_right(TTFT_BOUNDS_S, objective.threshold_s)
            return TTFT_BOUNDS_S[at - 1] if at else 0.0
        case Sli.SPEED if objective.threshold_per_s is not None:
            at = bisect_left(SPEED_BOUNDS_PER_S, objective.threshold_per_s)
            return SPEED_BOUNDS_PER_S[at] if at < len(SPEED_BOUNDS_PER_S) else math.inf
        case _:
            return None


def windows(
    connection: Connection, objectives: Sequence[Objective], now_unix_s: float
) -> dict[str, dict[int, Count]]:
    """Return the counts that the rules of each objective ask for: by name, by window in seconds."""
    wanted = {one.name: _begins(one, now_unix_s) for one in objectives}
    return _counts(connection, objectives, wanted, now_unix_s)


def _begins(objective: Objective, now_unix_s: float) -> dict[int, int]:
    """Return when the windows of an objective's rules begin."""
    return {
        window_s: first_slot(window_s, grain_of(window_s), now_unix_s)
        for rule in slo.rules(objective.window_days)
        for window_s in (rule.long_s, rule.short_s)
    }


def _counts(
    connection: Connection,
    objectives: Sequence[Objective],
    wanted: Mapping[str, Mapping[int, int]],
    now_unix_s: float,
) -> dict[str, dict[int, Count]]:
    """Return counts from when windows begin until now."""
    begins = sorted({begin_s for ones in wanted.values() for begin_s in ones.values()})
    pieces = patches([*begins, _present_end(now_unix_s)], GRAINS_S)
    slots = series(connection, objectives, pieces)
    return {
        name: {window_s: _sum(slots[name], begin_s) for window_s, begin_s in ones.items()}
        for name, ones in wanted.items()
    }


def series(
    connection: Connection, objectives: Sequence[Objective], pieces: Sequence[Patch]
) -> dict[str, Slots]:
    """Return the counts of each objective by the sums of some pieces; no empty ones."""
    found: dict[str, Slots] = {}
    for table, some in _statements(objectives):
        tenants = sorted({one.tenant for one in some if one.tenant})
        owner, of_tenants = traffic.c.tenant, [traffic.c.tenant.in_(tenants)] if tenants else []
        measures = {_measure(one): one for one in some}
        keys = [table.c.start_s, *([owner] if tenants else [])]
        statement = (
            select(*keys, *_columns(measures.values()))
            .where(within(table, pieces, *of_tenants))
            .group_by(*keys)
        )
        rows: dict[str, list[Any]] = {}
        for row in connection.execute(statement):
            rows.setdefault(row[1] if tenants else "", []).append(row)
        places = {measure: len(keys) + 2 * at for at, measure in enumerate(measures)}
        for one in some:
            found[one.name] = dict(_slots(rows.get(one.tenant, ()), places[_measure(one)]))
    return found


def _measure(objective: Objective) -> tuple[object, ...]:
    """Return what is added up of a tenant: the same for all that are promised the same."""
    one = objective
    return one.sli, threshold_used(one), one.upstream, one.tier, one.route


def _statements(
    objectives: Sequence[Objective],
) -> Iterator[tuple[Table, tuple[Objective, ...]]]:
    """Yield which are measured together, of which table: with tenants all, or none."""
    kinds: dict[tuple[bool, bool], list[Objective]] = {}
    for one in objectives:
        kinds.setdefault((bool(one.upstream), bool(one.tenant)), []).append(one)
    for (is_upstream, _), some in kinds.items():
        rest = iter(some)
        while batch := tuple(itertools.islice(rest, STATEMENT_MAX)):
            yield attempts if is_upstream else traffic, batch


def _present_end(now_unix_s: float) -> int:
    """Return the end of the minute that it is."""
    return math.floor(now_unix_s / MINUTE_S) * MINUTE_S + MINUTE_S


def _slots(rows: Iterable[Any], at: int) -> Iterator[tuple[int, Count]]:
    for row in rows:
        if row[at + 1]:
            yield int(row[0]), Count(int(row[at]), int(row[at + 1]))


def _sum(slots: Slots, begin_s: int) -> Count:
    counts = [count for start_s, count in slots.items() if start_s >= begin_s]
    return Count(sum(one.good for one in counts), sum(one.total for one in counts))


def _columns(objectives: Iterable[Objective]) -> Iterator[Any]:
    for one in objectives:
        good, total = _good_and_total(one)
        condition = _condition(one, FILTERS)
        yield func.sum(case((condition, good), else_=0))
        yield func.sum(case((condition, total), else_=0))


def _condition(objective: Objective, filters: Sequence[str]) -> Any:
    if objective.upstream:
        return attempts.c.upstream == objective.upstream
    given = [
        traffic.c[name] == getattr(objective, name) for name in filters if getattr(objective, name)
    ]
    return and_(*given) if given else true()


def _good_and_total(objective: Objective) -> tuple[Any, Any]:
    table = attempts if objective.upstream else traffic
    match objective.sli:
        case Sli.TTFT:
            upto = TTFT_BOUNDS_S.index(threshold_used(objective)) + 1
            return _added(table, TTFT[:upto]), _added(table, TTFT)
        case Sli.SPEED:
            beyond = SPEED_BOUNDS_PER_S.index(threshold_used(objective)) + 1
            return _added(table, SPEED[beyond:]), _added(table, SPEED)
        case Sli.AVAILABILITY if objective.upstream:
            return _of(attempts.c.outcome == SUCCESS), _of(
                attempts.c.outcome.in_((SUCCESS, *UNHEALTHY))
            )
        case Sli.AVAILABILITY:
            return traffic.c.served, _added(traffic, COUNTED)


def _of(condition: Any) -> Any:
    return case((condition, attempts.c.attempts), else_=0)


def _added(table: Table, names: Sequence[str]) -> Any:
    """Return the sum of columns of a row; as text, for there are many and it is asked often."""
    return literal_column(" + ".join(f"{table.name}.{name}" for name in names), BigInteger)


# --- the whole window of an objective


class Whole(msgspec.Struct, frozen=True):
    """An objective's window, added up."""

    count: Count
    hours: int  # of the window, its last, which has just begun, included
    measured_hours: int

    @property
    def coverage_ratio(self) -> float:
        """Share of the hours in which there was anything to measure."""
        return self.measured_hours / self.hours


class Measured(msgspec.Struct, frozen=True):
    """What there is to say of an objective now."""

    windows: dict[int, Count]  # of its rules, by seconds
    whole: Whole


def measured(
    connection: Connection, objectives: Sequence[Objective], now_unix_s: float
) -> dict[str, Measured]:
    """Return the windows of each objective's rules, and its whole one: in one pass."""
    spans = {one.name: _hours_of(one.window_days, now_unix_s) for one in objectives}
    wanted = {
        one.name: _begins(one, now_unix_s) | {WHOLE: spans[one.name].since_s} for one in objectives
    }
    counts = _counts(connection, objectives, wanted, now_unix_s)
    hours = _measured_hours(connection, objectives, spans)
    found: dict[str, Measured] = {}
    for name, span in spans.items():
        count = counts[name].pop(WHOLE)
        whole = Whole(count, (span.until_s - span.since_s) // HOURS, hours[name])
        found[name] = Measured(counts[name], whole)
    return found


def _measured_hours(
    connection: Connection, objectives: Sequence[Objective], spans: Mapping[str, Patch]
) -> dict[str, int]:
    """Return in how many hours of its span there was anything to measure, of each objective."""
    found: dict[str, int] = {}
    for span in sorted(set(spans.values())):
        first = select(literal(span.since_s, BigInteger).label("start_s"))
        begun = first.cte("hours", recursive=True)
        later = select(begun.c.start_s + HOURS).where(begun.c.start_s < span.until_s - HOURS)
        hours = begun.union_all(later)
        for table, some in _statements([one for one in objectives if spans[one.name] == span]):
            numbers = [
                func.sum(case((_is_measured(table, hours, one), 1), else_=0)) for one in some
            ]
            row = connection.execute(select(*numbers).select_from(hours)).one()
            found |= {one.name: int(number) for one, number in zip(some, row, strict=True)}
    return found


def _is_measured(table: Table, hours: CTE, objective: Objective) -> ColumnElement[bool]:
    """Return whether an hour has a sum with an event; the first that has one is enough."""
    total = _good_and_total(objective)[1]
    return (
        exists()
        .where(
            table.c.grain_s == HOURS,
            table.c.start_s == hours.c.start_s,
            _condition(objective, ("tenant", *FILTERS)),
            total > 0,
        )
        .correlate(hours)
    )


def _hours_of(days: int, now_unix_s: float) -> Patch:
    """Return the hours of a window; the last is the one that it is."""
    since_s = first_slot(days * slo.DAY_S, HOURS, now_unix_s)
    return Patch(HOURS, since_s, math.floor(now_unix_s / HOURS) * HOURS + HOURS)


class Past(msgspec.Struct, frozen=True):
    """An objective's window by hours."""

    begin_s: int
    hours: int  # of the window, its last, which has just begun, included
    slots: dict[int, tuple[int, int]]  # good, total

    @property
    def count(self) -> Count:
        """All of it."""
        pairs = self.slots.values()
        return Count(sum(good for good, _ in pairs), sum(total for _, total in pairs))

    @property
    def coverage_ratio(self) -> float:
        """Share of the hours in which there was anything to measure."""
        return len(self.slots) / self.hours


def past(connection: Connection, objective: Objective, now_unix_s: float) -> Past:
    """Return the window of an objective by hours: its history."""
    span = _hours_of(objective.window_days, now_unix_s)
    slots = series(connection, [objective], [span])[objective.name]
    pairs = {start_s: (count.good, count.total) for start_s, count in slots.items()}
    return Past(span.since_s, (span.until_s - span.since_s) // HOURS, pairs)


# --- why it burns


class Cause(msgspec.Struct, frozen=True):
    """How often an upstream failed in one way; a refusal of ours has no upstream."""

    upstream: str
    kind: str  # a kind of failure, or the code of a refusal
    count: int


CAUSES_MAX: Final = 5


def causes(
    connection: Connection, objective: Objective, window_s: int, now_unix_s: float
) -> list[Cause]:
    """Return what failed most in a window, of one upstream or of all; attempts have no tenant."""
    grain_s = grain_of(window_s)
    number = func.sum(attempts.c.attempts)
    statement = (
        select(attempts.c.upstream, attempts.c.outcome, number)
        .where(
            attempts.c.grain_s == grain_s,
            attempts.c.start_s >= first_slot(window_s, grain_s, now_unix_s),
            attempts.c.start_s <= now_unix_s,
            attempts.c.outcome.in_(UNHEALTHY),
        )
        .group_by(attempts.c.upstream, attempts.c.outcome)
        .order_by(number.desc(), attempts.c.upstream, attempts.c.outcome)
        .limit(CAUSES_MAX)
    )
    if objective.upstream:
        statement = statement.where(attempts.c.upstream == objective.upstream)
    return [Cause(str(row[0]), str(row[1]), int(row[2])) for row in connection.execute(statement)]
