"""Measures: what probes and exchanges of a component came to, minute by minute.

    kept in memory   the minute that runs, by component and source
    written          once it is over, and at the end; a minute that is there already is added to
    times            of first tokens; probes without one give their whole time. Quantiles of probes
                     are exact, those of telemetry are reckoned within their bucket
    thinned          minutes older than MINUTES_KEPT_S become hours; what is older than the history
                     goes

Quantiles of an hour are the means of its minutes', weighted by count: near enough for a chart.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from penstock.apps.status.tables import GRAIN_S, measures
from penstock.apps.status.watching.counting import Change
from penstock.telemetry.declared import BUCKETS_S
from penstock.watch.evidence import Kind, Probe, ProbeResult

HOUR_S: Final = 3600
MINUTES_KEPT_S: Final = 2 * 86_400
TIMES_MAX: Final = 1000  # of one component in a minute
SUMS: Final = ("good", "slow", "failed", "wrong", "unknown", "timed", "ttft_sum_s")
WEIGHTED: Final = ("ttft_p50_s", "ttft_p95_s")


class Measure(msgspec.Struct):
    """One component and source in one minute."""

    good: int = 0
    slow: int = 0
    failed: int = 0
    wrong: int = 0
    unknown: int = 0
    times_s: list[float] = msgspec.field(default_factory=list[float])
    buckets: list[int] = msgspec.field(default_factory=list[int])
    sum_s: float = 0.0


Key = tuple[str, str, int]  # component, source, beginning of the minute


class Meter:
    """Gathers. Owned by one event loop."""

    def __init__(self) -> None:
        self._open: dict[Key, Measure] = {}

    def on_probe(self, probe: Probe) -> None:
        """Add a probe."""
        found = self._at(probe.component, Kind.PROBES, probe.at_unix_s)
        name = probe.result.value
        setattr(found, name, getattr(found, name) + 1)
        if probe.result is ProbeResult.SLOW:
            found.good += 1  # slow ones are some of the good, as telemetry has it
        time_s = probe.total_s if probe.ttft_s is None else probe.ttft_s
        is_timed = probe.result in {ProbeResult.GOOD, ProbeResult.SLOW, ProbeResult.WRONG}
        if time_s is not None and is_timed and len(found.times_s) < TIMES_MAX:
            found.times_s.append(time_s)

    def on_change(self, change: Change) -> None:
        """Add what telemetry has told."""
        counts = change.counts
        if not counts.good + counts.failed:
            return
        found = self._at(counts.component, Kind.TELEMETRY, counts.to_unix_s)
        found.good += counts.good
        found.slow += counts.slow
        found.failed += counts.failed
        found.sum_s += change.ttft_sum_s
        missing = len(change.buckets) - len(found.buckets)
        found.buckets.extend([0] * max(0, missing))
        for at, count in enumerate(change.buckets):
            found.buckets[at] += max(0, count)

    def take(self, now_unix_s: float, *, is_end: bool = False) -> dict[Key, Measure]:
        """Return the minutes that are over, and forget them; at the end all."""
        current = int(now_unix_s // GRAIN_S) * GRAIN_S
        over = {key: one for key, one in self._open.items() if is_end or key[2] < current}
        for key in over:
            del self._open[key]
        return over

    def _at(self, component: str, kind: Kind, at_unix_s: float) -> Measure:
        key = (component, kind.value, int(at_unix_s // GRAIN_S) * GRAIN_S)
        return self._open.setdefault(key, Measure())


def row_of(key: Key, one: Measure) -> dict[str, object]:
    """Return the row of a minute."""
    p50_s, p95_s, most_s = _quantiles(one)
    return {
        "component": key[0], "source": key[1], "grain_s": GRAIN_S, "start_unix_s": key[2],
        "good": one.good, "slow": one.slow, "failed": one.failed, "wrong": one.wrong,
        "unknown": one.unknown, "timed": sum(one.buckets) or len(one.times_s),
        "ttft_sum_s": one.sum_s or sum(one.times_s), "ttft_max_s": most_s,
        "ttft_p50_s": p50_s, "ttft_p95_s": p95_s,
    }  # fmt: skip


def _quantiles(one: Measure) -> tuple[float, float, float]:
    """Return median, 95th percentile and the most."""
    if any(one.buckets):
        return (
            bucket_quantile(one.buckets, 0.5),
            bucket_quantile(one.buckets, 0.95),
            bucket_quantile(one.buckets, 1.0),
        )
    times_s = sorted(one.times_s)
    if not times_s:
        return 0.0, 0.0, 0.0
    return _nearest(times_s, 0.5), _nearest(times_s, 0.95), times_s[-1]


def _nearest(times_s: Sequence[float], ratio: float) -> float:
    return times_s[max(0, math.ceil(ratio * len(times_s)) - 1)]


def bucket_quantile(counts: Sequence[int], ratio: float) -> float:
    """Return a quantile of a histogram, straight within its bucket; beyond the last: its bound."""
    wanted, seen = ratio * sum(counts), 0
    for at, count in enumerate(counts):
        if count and seen + count >= wanted:
            low = BUCKETS_S[at - 1] if at else 0.0
            high = BUCKETS_S[at] if at < len(BUCKETS_S) else low
            return low + (high - low) * (wanted - seen) / count
        seen += count
    return 0.0


def write(connection: Connection, taken: dict[Key, Measure]) -> None:
    """Write minutes, adding to those that are there."""
    for key, one in taken.items():
        _put(connection, row_of(key, one))


def _put(connection: Connection, row: dict[str, object]) -> None:
    statement = insert(measures).values(row)
    there, new = measures.c, statement.excluded
    total = func.max(there.timed + new.timed, 1)
    changes = {name: there[name] + new[name] for name in SUMS}
    changes |= {
        name: (there[name] * there.timed + new[name] * new.timed) / total for name in WEIGHTED
    }
    changes["ttft_max_s"] = func.max(there.ttft_max_s, new.ttft_max_s)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["component", "source", "grain_s", "start_unix_s"], set_=changes
        )
    )


def thin(connection: Connection, now_unix_s: float, history_days: int) -> None:
    """Make hours of old minutes, and forget what is older than the history."""
    before = int((now_unix_s - MINUTES_KEPT_S) // HOUR_S) * HOUR_S
    old = (measures.c.grain_s == GRAIN_S) & (measures.c.start_unix_s < before)
    for row in _hours(connection, before):
        _put(connection, row)
    connection.execute(delete(measures).where(old))
    end = now_unix_s - history_days * 86_400
    connection.execute(delete(measures).where(measures.c.start_unix_s < end))


def _hours(connection: Connection, before: int) -> Iterator[dict[str, object]]:
    start = (measures.c.start_unix_s // HOUR_S) * HOUR_S
    timed = func.max(func.sum(measures.c.timed), 1)
    columns = [
        measures.c.component,
        measures.c.source,
        start.label("start_unix_s"),
        *(func.sum(measures.c[name]).label(name) for name in SUMS),
        *((func.sum(measures.c[name] * measures.c.timed) / timed).label(name) for name in WEIGHTED),
        func.max(measures.c.ttft_max_s).label("ttft_max_s"),
    ]
    statement = (
        select(*columns)
        .where(measures.c.grain_s == GRAIN_S, measures.c.start_unix_s < before)
        .group_by(measures.c.component, measures.c.source, start)
    )
    for row in connection.execute(statement).mappings().all():
        yield {**row, "grain_s": HOUR_S}
