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

    objectives of   are measured together in
    a tenant        a statement for each tenant, by its index
    an upstream     one statement of attempts
    anything else   one statement that looks at the sums of all tenants

and more statements if there are more than ``STATEMENT_MAX`` of a kind.
"""

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Connection, Table, and_, case, func, literal_column, select, true

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
MINUTE_S: Final = 60
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
            window_s: first_slot(window_s, grain_of(window_s), now_unix_s)
            for rule in slo.rules(one.window_days)
            for window_s in (rule.long_s, rule.short_s)
        }
        for one in objectives
    }
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
    found: dict[str, Slots] = {one.name: {} for one in objectives}
    for table, tenant, some in _statements(objectives):
        of_tenant = [traffic.c.tenant == tenant] if tenant else []
        statement = (
            select(table.c.start_s, *_columns(some))
            .where(within(table, pieces, *of_tenant))
            .group_by(table.c.start_s)
        )
        rows = connection.execute(statement).all()
        for index, one in enumerate(some):
            found[one.name] = dict(_slots(rows, 1 + 2 * index))
    return found


def _statements(
    objectives: Sequence[Objective],
) -> Iterator[tuple[Table, str, tuple[Objective, ...]]]:
    """Yield which are measured together: of which table, of which tenant."""
    kinds: dict[tuple[bool, str], list[Objective]] = {}
    for one in objectives:
        kinds.setdefault((bool(one.upstream), one.tenant), []).append(one)
    for (is_upstream, tenant), some in kinds.items():
        rest = iter(some)
        while batch := tuple(itertools.islice(rest, STATEMENT_MAX)):
            yield (attempts, "", batch) if is_upstream else (traffic, tenant, batch)


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


def _added(table: Table, names: Sequence[str]) -> Any:
    """Return the sum of columns of a row; as text, for there are many and it is asked often."""
    return literal_column(" + ".join(f"{table.name}.{name}" for name in names), BigInteger)


# --- the whole window of an objective


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


def pasts(
    connection: Connection, objectives: Sequence[Objective], now_unix_s: float
) -> dict[str, Past]:
    """Return the windows of objectives by hours: SLI, budget, coverage and history."""
    found: dict[str, Past] = {}
    for days in sorted({one.window_days for one in objectives}):
        some = [one for one in objectives if one.window_days == days]
        begin_s = first_slot(days * slo.DAY_S, HOURS, now_unix_s)
        hours = math.floor(now_unix_s / HOURS) - begin_s // HOURS + 1
        pieces = [Patch(HOURS, begin_s, begin_s + hours * HOURS)]
        for name, slots in series(connection, some, pieces).items():
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
