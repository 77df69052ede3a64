"""What the gateway's counters say of each component between two looks at them.

    surface api        the exchanges of its routes
    surface streaming  those that were streamed
    route              the exchanges of the route, as its callers saw them: failover included
    model              the attempts at its upstreams and models
    others             nothing: probes and reports speak for them

Which failures count, core/outcome.py decides:

    of attempts    those that say something against the upstream (its rule's verdict)
    of exchanges   those that a caller gets as a 5xx of ours; and no_capacity, queue_timeout and
                   deadline_exceeded, which are nobody's but ours
    never          callers' own mistakes and limits, and whoever left early

Counters only grow. One that has become smaller is of a gateway that has begun anew: then all that
it tells came since the look before. The first look of all is only where counting starts from.

Pure.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from penstock.apps.status.components import Planned
from penstock.config.watching import Surface
from penstock.core.outcome import RULES, FailureKind, Verdict
from penstock.watch.component import Layer
from penstock.watch.evidence import Counts

SERVER_STATUS: Final = 500
AGAINST: Final = frozenset((Verdict.HALF, Verdict.ONE, Verdict.OPENS))
OURS: Final = frozenset(("no_capacity", "queue_timeout", "deadline_exceeded"))
OF_ATTEMPTS: Final = frozenset(kind.value for kind in FailureKind if RULES[kind].verdict in AGAINST)
OF_EXCHANGES: Final = OURS | {
    kind.value for kind in FailureKind if RULES[kind].exhausted_status >= SERVER_STATUS
}
MEASURED: Final = frozenset((Surface.API.value, Surface.STREAMING.value))


class Times(msgspec.Struct, frozen=True):
    """Times to the first token, by bucket."""

    counts: list[int] = []
    sum_s: float = 0.0


class Fate(msgspec.Struct, frozen=True):
    """The exchanges of one route, of streams or of whole answers."""

    route: str
    is_stream: bool
    good: int = 0
    kinds: dict[str, int] = {}
    ttft: Times = Times()


class Attempts(msgspec.Struct, frozen=True):
    """The attempts at one upstream and model."""

    upstream: str
    model: str
    outcomes: dict[str, int] = {}
    ttft: Times = Times()


class Telemetry(msgspec.Struct, frozen=True):
    """What the admin port tells, as far as it is read here."""

    started_unix_s: float
    buckets_s: list[float]
    upstreams: list[Attempts] = []
    fates: list[Fate] = []
    workers: list[dict[str, object]] = []  # none where there is one: then its start is the start


class Sums(msgspec.Struct, frozen=True):
    """What is known of one component since the gateway began."""

    good: int = 0
    by_kind: dict[str, int] = {}
    buckets: tuple[int, ...] = ()
    ttft_sum_s: float = 0.0


NOTHING: Final = Sums()


class Change(msgspec.Struct, frozen=True):
    """What a component's exchanges did between two looks."""

    counts: Counts
    buckets: tuple[int, ...] = ()  # times to the first token
    ttft_sum_s: float = 0.0


def is_measured(one: Planned) -> bool:
    """Tell whether telemetry can say anything of a component."""
    if one.watched.layer is Layer.SURFACE:
        return one.watched.surface in MEASURED
    return one.watched.layer is Layer.MODEL or bool(one.routes)


def sums_of(told: Telemetry, one: Planned) -> Sums:
    """Return what the counters say of a component."""
    if one.watched.layer is Layer.MODEL:
        return _sum(_attempts(told.upstreams, one))
    is_streaming = one.watched.surface == Surface.STREAMING.value
    fates = (
        fate for fate in told.fates
        if fate.route in one.routes and (fate.is_stream or not is_streaming)
    )  # fmt: skip
    return _sum((fate.good, fate.kinds, fate.ttft, OF_EXCHANGES) for fate in fates)


Part = tuple[int, Mapping[str, int], Times, frozenset[str]]


def _attempts(all_of_them: Iterable[Attempts], one: Planned) -> Iterator[Part]:
    for found in all_of_them:
        if found.upstream in one.upstreams and (
            not one.models or any(fnmatchcase(found.model, name) for name in one.models)
        ):
            good = found.outcomes.get("success", 0)
            yield good, found.outcomes, found.ttft, OF_ATTEMPTS


def _sum(parts: Iterable[Part]) -> Sums:
    good, total_s = 0, 0.0
    by_kind: dict[str, int] = {}
    buckets: tuple[int, ...] = ()
    for more, kinds, ttft, counted in parts:
        good += more
        total_s += ttft.sum_s
        buckets = _added(buckets, ttft.counts)
        for kind, count in kinds.items():
            if kind in counted:
                by_kind[kind] = by_kind.get(kind, 0) + count
    return Sums(good, by_kind, buckets, total_s)


def _added(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    size = max(len(one), len(other))
    padded = ([*counts, *([0] * (size - len(counts)))] for counts in (one, other))
    return tuple(map(sum, zip(*padded, strict=True)))


def since(now: Sums, before: Sums) -> Sums:
    """Return what came between two looks; all of it, if the gateway has begun anew."""
    if _is_smaller(now, before):
        before = NOTHING
    by_kind = {
        kind: more
        for kind, count in now.by_kind.items()
        if (more := count - before.by_kind.get(kind, 0))
    }
    buckets = _added(now.buckets, [-count for count in before.buckets])
    return Sums(now.good - before.good, by_kind, buckets, now.ttft_sum_s - before.ttft_sum_s)


def _is_smaller(now: Sums, before: Sums) -> bool:
    kinds = before.by_kind.items()
    return now.good < before.good or any(now.by_kind.get(kind, 0) < n for kind, n in kinds)


def change_of(
    one: Planned, came: Sums, span: tuple[float, float], bounds_s: Sequence[float], slow_s: float
) -> Change:
    """Return the evidence of what came in a span."""
    first = bisect_left(bounds_s, slow_s) + 1  # the first bucket of which all are slow
    counts = Counts(
        component=one.id,
        from_unix_s=span[0],
        to_unix_s=span[1],
        good=came.good,
        failed=sum(came.by_kind.values()),
        slow=min(came.good, sum(came.buckets[first:])),
        by_kind=came.by_kind,
    )
    return Change(counts, came.buckets, max(0.0, came.ttft_sum_s))


class Looks:
    """Remembers the look before, and returns what is new in the next."""

    def __init__(self) -> None:
        self._sums: dict[str, Sums] = {}
        self._at_unix_s: dict[str, float] = {}
        self._started_unix_s = 0.0

    def take(
        self, told: Telemetry, plan: Sequence[Planned], at_unix_s: float, slow_s: float
    ) -> list[Change]:
        """Take a look; nothing is known of a component that is seen for the first time."""
        has_begun_anew = not told.workers and told.started_unix_s != self._started_unix_s
        self._started_unix_s = told.started_unix_s
        found: list[Change] = []
        sums: dict[str, Sums] = {}
        times: dict[str, float] = {}
        for one in plan:
            if not is_measured(one):
                continue
            sums[one.id], times[one.id] = sums_of(told, one), at_unix_s
            before = self._sums.get(one.id)
            if before is not None:
                came = since(sums[one.id], NOTHING if has_begun_anew else before)
                span = (min(self._at_unix_s[one.id], at_unix_s), at_unix_s)
                found.append(change_of(one, came, span, told.buckets_s, slow_s))
        self._sums, self._at_unix_s = sums, times
        return found
