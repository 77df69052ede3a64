"""What goes on now, from the sums: traffic, upstreams, refusals, alerts, and how fresh it is.

Every query is bounded by the beginning of the key of its table: the grain and the times of a span.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select

from penstock.ledger import spool, tables
from penstock.ledger.tables import TTFT, TTFT_BOUNDS_S

GOOD: Final = ("success", "ignored")
REASONS_MAX: Final = 12
ALERTS_MAX: Final = 20
SEGMENTS_MAX: Final = 10_000  # of a spool that are looked at
US: Final = 1_000_000


class Window(msgspec.Struct, frozen=True):
    """Intervals of one grain, whole ones only: from ``since_s`` to before ``until_s``."""

    grain_s: int
    since_s: int
    until_s: int

    @property
    def steps(self) -> int:
        """How many intervals there are."""
        return (self.until_s - self.since_s) // self.grain_s


class UpstreamSums(msgspec.Struct, frozen=True):
    """What one upstream has done in a window."""

    upstream: str
    attempts: int
    failures: int
    answers: int
    ttft: tuple[int, ...]


class Refused(msgspec.Struct, frozen=True):
    """How many were refused for one reason."""

    status: int
    code: str
    exchanges: int


class Backlog(msgspec.Struct, frozen=True):
    """What the gateway has written and the ledger has not read."""

    unread_bytes: int
    segments: int


def window(now_unix_s: float, grain_s: int, steps: int) -> Window:
    """Return the last intervals, the one that is filling left out."""
    until_s = int(now_unix_s) // grain_s * grain_s
    return Window(grain_s, until_s - grain_s * steps, until_s)


def by_tier(connection: Connection, part: Window) -> dict[str, list[int]]:
    """Return exchanges of each interval by tier."""
    there = tables.traffic.c
    query = (
        select(there.start_s, there.tier, func.sum(there.exchanges))
        .where(*_within(there, part))
        .group_by(there.start_s, there.tier)
    )
    found: dict[str, list[int]] = {}
    for start_s, tier, count in connection.execute(query):
        values = found.setdefault(tier, [0] * part.steps)
        values[(start_s - part.since_s) // part.grain_s] = int(count)
    return found


def fates(connection: Connection, part: Window) -> dict[str, int]:
    """Return exchanges by what became of them."""
    there = tables.traffic.c
    query = select(*(func.sum(there[one]) for one in tables.FATES)).where(*_within(there, part))
    row = connection.execute(query).one()
    return {name: int(count or 0) for name, count in zip(tables.FATES, row, strict=True)}


def upstreams(connection: Connection, part: Window) -> list[UpstreamSums]:
    """Return what upstreams have done, by name."""
    there = tables.attempts.c
    query = (
        select(
            there.upstream,
            there.outcome,
            func.sum(there.attempts),
            *(func.sum(there[one]) for one in TTFT),
        )
        .where(*_within(there, part))
        .group_by(there.upstream, there.outcome)
    )
    found: dict[str, UpstreamSums] = {}
    for row in connection.execute(query):
        upstream, outcome, attempts, *ttft = tuple[Any, ...](row)
        before = found.get(upstream, UpstreamSums(upstream, 0, 0, 0, (0,) * len(TTFT)))
        count = int(attempts)
        found[upstream] = UpstreamSums(
            upstream,
            before.attempts + count,
            before.failures + (0 if outcome in GOOD else count),
            before.answers + (count if outcome == "success" else 0),
            tuple(old + int(new or 0) for old, new in zip(before.ttft, ttft, strict=True)),
        )
    return [found[name] for name in sorted(found) if name]


def refused(connection: Connection, part: Window) -> list[Refused]:
    """Return why exchanges were not served, the most frequent reason first."""
    there = tables.refusals.c
    count = func.sum(there.exchanges)
    query = (
        select(there.status, there.code, count)
        .where(*_within(there, part))
        .group_by(there.status, there.code)
        .order_by(count.desc(), there.status, there.code)
        .limit(REASONS_MAX)
    )
    return [Refused(status, code, int(n)) for status, code, n in connection.execute(query)]


def alerts(connection: Connection) -> Sequence[Any]:
    """Return the alerts that are open, the newest first."""
    there = tables.alerts.c
    query = (
        select(there.id, there.objective, there.severity, there.opened_unix_s, there.document)
        .where(there.state == "firing")
        .order_by(there.opened_unix_s.desc())
        .limit(ALERTS_MAX)
    )
    return connection.execute(query).all()


def backlog(connection: Connection, folder: Path) -> Backlog:
    """Return how much of the spool is not read; raises OSError if it cannot be looked at."""
    there = tables.segments.c
    rows = connection.execute(select(there.name, there.read_bytes))
    read = {row.name: row.read_bytes for row in rows}
    paths = sorted(folder.glob(f"*{spool.SUFFIX}"))[:SEGMENTS_MAX]
    unread = [spool.written_bytes(path) - read.get(path.name, 0) for path in paths]
    return Backlog(sum(max(0, one) for one in unread), len(paths))


def quantile_s(ratio: float, counts: Sequence[int]) -> float | None:
    """Return about where a quantile of the time to the first token lies; None if there is none."""
    total, below, from_s = sum(counts), 0, 0.0
    for count, bound_s in zip(counts, TTFT_BOUNDS_S, strict=False):
        if count and below + count >= ratio * total:
            return from_s + (bound_s - from_s) * (ratio * total - below) / count
        below += count
        from_s = bound_s
    return from_s if total else None


def _within(there: Any, part: Window) -> tuple[Any, ...]:
    return (
        there.grain_s == part.grain_s,
        there.start_s >= part.since_s,
        there.start_s < part.until_s,
    )
