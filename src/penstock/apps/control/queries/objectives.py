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
All objectives are measured together: one statement for each table, grain and ``STATEMENT_MAX`` of
them, however much traffic there is; what comes back is bounded by the number of sums in the window.
"""

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, and_, case, func, select, true

from penstock.config.operations import Objective, Sli
from penstock.core import slo
from penstock.core.outcome import RULES, Verdict
from penstock.core.slo import Count
from penstock.ledger.tables import (
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
STATEMENT_MAX: Final = 25  # objectives: with their conditions well within SQLite's 999 values
COUNTED: Final = ("served", "failed", "shed", "lost")
UNHEALTHY: Final = (
    *(k.value for k, rule in RULES.items() if rule.verdict not in {Verdict.HEALTHY, Verdict.NONE}),
    "hung",
)
SUCCESS: Final = "success"
FILTERS: Final = ("tenant", "tier", "route")


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
    wanted = {
        one.name: {
            window_s
            for rule in slo.rules(one.window_days)
            for window_s in (rule.long_s, rule.short_s)
        }
        for one in objectives
    }
    found: dict[str, dict[int, Count]] = {one.name: {} for one in objectives}
    for grain_s in (60, 300, HOURS):
        longest_s = max(
            (w for ws in wanted.values() for w in ws if grain_of(w) == grain_s), default=0
        )
        if not longest_s:
            continue
        begin_s = first_slot(longest_s, grain_s, now_unix_s)
        slots = series(connection, objectives, grain_s, begin_s, now_unix_s)
        for name, by_start in slots.items():
            for window_s in wanted[name]:
                if grain_of(window_s) == grain_s:
                    begins_s = first_slot(window_s, grain_s, now_unix_s)
                    found[name][window_s] = _sum(by_start, begins_s)
    return found


def series(
    connection: Connection,
    objectives: Sequence[Objective],
    grain_s: int,
    begin_s: int,
    now_unix_s: float,
) -> dict[str, Slots]:
    """Return the counts of each objective from ``begin_s`` until now, by sum; no empty ones."""
    found: dict[str, Slots] = {one.name: {} for one in objectives}
    for table in (traffic, attempts):
        of_it = [one for one in objectives if (table is attempts) == bool(one.upstream)]
        for some in _batches(of_it):
            statement = (
                select(table.c.start_s, *_columns(some))
                .where(
                    table.c.grain_s == grain_s,
                    table.c.start_s >= begin_s,
                    table.c.start_s <= now_unix_s,
                )
                .group_by(table.c.start_s)
            )
            rows = connection.execute(statement).all()
            for index, one in enumerate(some):
                found[one.name] = dict(_slots(rows, 1 + 2 * index))
    return found


def _batches(objectives: Sequence[Objective]) -> Iterator[tuple[Objective, ...]]:
    rest = iter(objectives)
    while some := tuple(itertools.islice(rest, STATEMENT_MAX)):
        yield some


def _slots(rows: Iterable[Any], at: int) -> Iterator[tuple[int, Count]]:
    for row in rows:
        if row[at + 1]:
            yield int(row[0]), Count(int(row[at]), int(row[at + 1]))


def _sum(slots: Slots, begin_s: int) -> Count:
    return sum((count for start_s, count in slots.items() if start_s >= begin_s), Count())


def _columns(objectives: Sequence[Objective]) -> Iterator[Any]:
    for one in objectives:
        good, total = _good_and_total(one)
        condition = _condition(one)
        yield func.sum(case((condition, good), else_=0))
        yield func.sum(case((condition, total), else_=0))


def _condition(objective: Objective) -> Any:
    if objective.upstream:
        return attempts.c.upstream == objective.upstream
    given = [
        traffic.c[name] == getattr(objective, name) for name in FILTERS if getattr(objective, name)
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


def _added(table: Any, names: Sequence[str]) -> Any:
    columns = [table.c[name] for name in names]
    return sum(columns[1:], columns[0])


# --- the whole window of an objective


class Past(msgspec.Struct, frozen=True):
    """An objective's window by hours."""

    begin_s: int
    hours: int  # of the window, its last, which has just begun, included
    slots: dict[int, tuple[int, int]]  # good, total

    @property
    def count(self) -> Count:
        """All of it."""
        return sum((Count(*pair) for pair in self.slots.values()), Count())

    @property
    def coverage_ratio(self) -> float:
        """Share of the hours in which there was anything to measure."""
        return len(self.slots) / self.hours


def pasts(
    connection: Connection, objectives: Sequence[Objective], now_unix_s: float
) -> dict[str, Past]:
    """Return the windows of objectives by hours: SLI, budget, coverage and history."""
    found: dict[str, Past] = {}
    for days in sorted({one.window_days for one in objectives}):
        some = [one for one in objectives if one.window_days == days]
        begin_s = first_slot(days * slo.DAY_S, HOURS, now_unix_s)
        hours = math.floor(now_unix_s / HOURS) - begin_s // HOURS + 1
        for name, slots in series(connection, some, HOURS, begin_s, now_unix_s).items():
            pairs = {start_s: (count.good, count.total) for start_s, count in slots.items()}
            found[name] = Past(begin_s, hours, pairs)
    return found


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
