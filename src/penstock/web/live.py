"""What a gateway is doing, from two reads of its ``/telemetry``: for ``penstock top`` and pages.

    a count           is told per second, between the two reads
    a histogram       is told as median and 99th percentile of what came between the two reads
    a state           is told as it was at the second read
    one read only     no rates: they are None, never 0
    a restart between the counters began anew, so the same as one read only
    no answer         the figures say so, and hold nothing else

Pure; the reads are handed in.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from penstock.exchange.statistics import ConsumerStatistics, DeskStatistics, GateStatistics
from penstock.telemetry.tiers import SHEDS
from penstock.web import headline
from penstock.web.headline import Said

GOOD_OUTCOMES: Final = frozenset({"success", "ignored"})
ENDED_WELL: Final = frozenset({"complete", "refused", "hung_up"})
FAILING_RATIO: Final = 0.1  # of attempts: beyond it the upstream is named as failing
CONDITIONS: Final[dict[str, str]] = {
    "ready": "good", "full": "partial", "failing": "degraded", "probing": "degraded",
    "resting": "degraded", "broken": "bad",
}  # fmt: skip
MEDIAN: Final = 0.5
TAIL: Final = 0.99


class Times(msgspec.Struct, frozen=True):
    """A histogram, cumulative over time but not over its buckets."""

    counts: tuple[int, ...] = ()
    sum_s: float = 0.0


class PairRead(msgspec.Struct, frozen=True):
    """One upstream and model."""

    upstream: str
    model: str
    outcomes: dict[str, int] = {}
    input_tokens: int = 0
    output_tokens: int = 0
    ttft: Times = Times()
    breaker: str = "closed"
    rest_s: float = 0.0
    quota_usage_ratio: float | None = None


class TierRead(msgspec.Struct, frozen=True):
    """One tier."""

    tier: str
    outcomes: dict[str, int] = {}
    refusals: dict[str, int] = {}
    degraded: dict[str, int] = {}
    moved: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    wait: Times = Times()
    ttft: Times = Times()


class Telemetry(msgspec.Struct, frozen=True):
    """What ``/telemetry`` answers, as far as it is shown; a newer gateway may tell more."""

    started_unix_s: float = 0.0
    is_emulated: bool = False
    snapshot_version: int = 0
    exchanges_in_flight: int = 0
    exchanges_waiting: int = 0
    buckets_s: tuple[float, ...] = ()
    refusals: dict[str, int] = {}
    upstreams: tuple[PairRead, ...] = ()
    tiers: tuple[TierRead, ...] = ()
    gate: GateStatistics = GateStatistics()


class Reading(msgspec.Struct, frozen=True):
    """One look at a gateway. ``error`` says why there is no telemetry."""

    at_s: float  # monotonic
    at_unix_s: float
    url: str = ""
    telemetry: Telemetry | None = None
    error: str = ""


class TierFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One tier, over all upstreams; None if it is not known, or nothing came to take a time of."""

    tier: str
    in_flight: int
    waiting: int
    oldest_wait_s: float
    exchanges_per_s: float | None
    failed_per_s: float | None
    input_tokens_per_s: float | None
    output_tokens_per_s: float | None
    shed_per_s: float | None
    degraded_per_s: float | None
    moved_per_s: float | None
    refusals_per_s: dict[str, float]
    wait_p50_s: float | None
    wait_p99_s: float | None
    ttft_p50_s: float | None
    ttft_p99_s: float | None


class TargetFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One model of an upstream."""

    model: str
    breaker: str
    rest_s: float
    quota_usage_ratio: float | None


class UpstreamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream. ``condition``: ready, full, failing, probing, resting, broken."""

    upstream: str
    condition: str
    limit: int
    limit_max: int
    in_flight: int
    slots: dict[str, int]  # in flight by tier; empty where that is not known
    waiting: dict[str, int]
    oldest_wait_s: dict[str, float]
    reserve: int
    held_s: float
    rest_s: float
    attempts_per_s: float | None
    failures_per_s: dict[str, float]
    input_tokens_per_s: float | None
    output_tokens_per_s: float | None
    ttft_p50_s: float | None
    ttft_p99_s: float | None
    quota_usage_ratio: float | None
    saturation_ratio: float | None
    targets: tuple[TargetFigures, ...]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a gateway. ``severity`` is a shape of the terminal's."""

    at_unix_s: float
    interval_s: float | None
    url: str
    is_up: bool
    severity: str
    headline: str
    said: tuple[str, ...]  # the headline's parts, the most important first
    up_s: float = 0.0
    is_emulated: bool = False
    snapshot_version: int = 0
    in_flight: int = 0
    waiting: int = 0
    tiers: tuple[TierFigures, ...] = ()
    upstreams: tuple[UpstreamFigures, ...] = ()
    refusals_per_s: dict[str, float] = {}  # of requests that never became an exchange
    consumers: ConsumerStatistics | None = None


def figures_of(before: Reading | None, now: Reading) -> Figures:
    """Return what two reads say together."""
    telemetry = now.telemetry
    if telemetry is None:
        said = headline.down(now.url, now.error)
        return Figures(
            at_unix_s=now.at_unix_s, interval_s=None, url=now.url, is_up=False,
            severity=said.severity, headline=said.words, said=said.parts,
        )  # fmt: skip
    old = before.telemetry if before is not None else None
    if old is None or before is None or old.started_unix_s != telemetry.started_unix_s:
        since = _Since(None, 0.0, telemetry.buckets_s)
    else:
        since = _Since(old, now.at_s - before.at_s, telemetry.buckets_s)
    tiers = tuple(since.tier(one, telemetry.gate.desks) for one in telemetry.tiers)
    upstreams = tuple(since.upstreams(telemetry))
    said = _said(telemetry, tiers, upstreams)
    return Figures(
        at_unix_s=now.at_unix_s,
        interval_s=since.interval_s,
        url=now.url,
        is_up=True,
        severity=said.severity,
        headline=said.words,
        said=said.parts,
        up_s=max(0.0, now.at_unix_s - telemetry.started_unix_s),
        is_emulated=telemetry.is_emulated,
        snapshot_version=telemetry.snapshot_version,
        in_flight=telemetry.exchanges_in_flight,
        waiting=telemetry.exchanges_waiting,
        tiers=tiers,
        upstreams=upstreams,
        refusals_per_s=since.each(telemetry.refusals, old.refusals if old is not None else None),
        consumers=telemetry.gate.consumers,
    )


class _Since:
    """Rates between an older read, if there is one that counts, and the one at hand."""

    def __init__(self, old: Telemetry | None, passed_s: float, buckets_s: Sequence[float]) -> None:
        self.interval_s = passed_s if old is not None and passed_s > 0.0 else None
        self._passed_s = passed_s
        self._buckets_s = buckets_s
        is_known = old is not None and passed_s > 0.0
        self._tiers = {one.tier: one for one in old.tiers} if is_known and old else None
        pairs = old.upstreams if is_known and old else ()
        self._pairs = {(one.upstream, one.model): one for one in pairs} if is_known else None

    def each(self, now: Mapping[str, int], old: Mapping[str, int] | None) -> dict[str, float]:
        """Return what has grown, per second, the fastest first; empty if that is not known."""
        if old is None or self.interval_s is None:
            return {}
        grown = {word: (count - old.get(word, 0)) / self._passed_s for word, count in now.items()}
        return dict(sorted(((w, n) for w, n in grown.items() if n > 0.0), key=lambda one: -one[1]))

    def rate(self, now: int, old: int | None) -> float | None:
        """Return how fast a count has grown, per second."""
        return None if old is None or self.interval_s is None else (now - old) / self._passed_s

    def quantile_s(self, ratio: float, times: Iterable[tuple[Times, Times]]) -> float | None:
        """Return a quantile of what histograms together have gained."""
        gained, sum_s = [0] * (len(self._buckets_s) + 1), 0.0
        for now, old in times:
            sum_s += now.sum_s - old.sum_s
            for at, count in enumerate(now.counts[: len(gained)]):
                gained[at] += count - (old.counts[at] if at < len(old.counts) else 0)
        known = self.interval_s is not None
        return quantile_s(ratio, gained, self._buckets_s, sum_s) if known else None

    def tier(self, now: TierRead, desks: Iterable[DeskStatistics]) -> TierFigures:
        """Return one tier's figures."""
        old = None if self._tiers is None else self._tiers.get(now.tier, TierRead(now.tier))
        bands = [desk.tiers[now.tier] for desk in desks if now.tier in desk.tiers]
        refusals = self.each(now.refusals, old and old.refusals)
        ended = self.each(now.outcomes, old and old.outcomes)
        times = old or TierRead(now.tier)

        def total(rates: dict[str, float]) -> float | None:
            return None if old is None else sum(rates.values(), 0.0)

        return TierFigures(
            tier=now.tier,
            in_flight=sum(band.in_flight for band in bands),
            waiting=sum(band.waiting for band in bands),
            oldest_wait_s=max((band.oldest_wait_s for band in bands), default=0.0),
            exchanges_per_s=total(ended),
            failed_per_s=total({w: n for w, n in ended.items() if w not in ENDED_WELL}),
            input_tokens_per_s=self.rate(now.input_tokens, old and old.input_tokens),
            output_tokens_per_s=self.rate(now.output_tokens, old and old.output_tokens),
            shed_per_s=total({word: n for word, n in refusals.items() if word in SHEDS}),
            degraded_per_s=total(self.each(now.degraded, old and old.degraded)),
            moved_per_s=self.rate(now.moved, old and old.moved),
            refusals_per_s=refusals,
            wait_p50_s=self.quantile_s(MEDIAN, [(now.wait, times.wait)]),
            wait_p99_s=self.quantile_s(TAIL, [(now.wait, times.wait)]),
            ttft_p50_s=self.quantile_s(MEDIAN, [(now.ttft, times.ttft)]),
            ttft_p99_s=self.quantile_s(TAIL, [(now.ttft, times.ttft)]),
        )

    def upstreams(self, telemetry: Telemetry) -> Iterable[UpstreamFigures]:
        """Yield the figures of every upstream, in the configuration's order."""
        pairs: dict[str, list[PairRead]] = {}
        for pair in telemetry.upstreams:
            pairs.setdefault(pair.upstream, []).append(pair)
        for desk in telemetry.gate.desks:
            yield self._upstream(desk, pairs.get(desk.upstream, []))

    def _upstream(self, desk: DeskStatistics, pairs: list[PairRead]) -> UpstreamFigures:
        olds = [self._old(pair) for pair in pairs]
        outcomes = self.each(_summed(pairs), None if self._pairs is None else _summed(olds))
        failures = {word: n for word, n in outcomes.items() if word not in GOOD_OUTCOMES}
        times = [(pair.ttft, old.ttft) for pair, old in zip(pairs, olds, strict=True)]
        attempts_per_s = None if self._pairs is None else sum(outcomes.values(), 0.0)
        is_known = self._pairs is not None
        was_input = sum(old.input_tokens for old in olds) if is_known else None
        was_output = sum(old.output_tokens for old in olds) if is_known else None
        usages = [desk.quota_usage_ratio, *(pair.quota_usage_ratio for pair in pairs)]
        return UpstreamFigures(
            upstream=desk.upstream,
            condition=condition(desk, pairs, sum(failures.values()), attempts_per_s or 0.0),
            limit=desk.limit,
            limit_max=desk.limit_max,
            in_flight=desk.in_flight,
            slots={word: band.in_flight for word, band in desk.tiers.items()},
            waiting={word: band.waiting for word, band in desk.tiers.items()},
            oldest_wait_s={word: band.oldest_wait_s for word, band in desk.tiers.items()},
            reserve=desk.reserve,
            held_s=desk.held_s,
            rest_s=max([desk.rest_s, min((pair.rest_s for pair in pairs), default=0.0)]),
            attempts_per_s=attempts_per_s,
            failures_per_s=failures,
            input_tokens_per_s=self.rate(sum(pair.input_tokens for pair in pairs), was_input),
            output_tokens_per_s=self.rate(sum(pair.output_tokens for pair in pairs), was_output),
            ttft_p50_s=self.quantile_s(MEDIAN, times),
            ttft_p99_s=self.quantile_s(TAIL, times),
            quota_usage_ratio=max((one for one in usages if one is not None), default=None),
            saturation_ratio=desk.saturation_ratio,
            targets=tuple(
                TargetFigures(
                    model=pair.model,
                    breaker=pair.breaker,
                    rest_s=pair.rest_s,
                    quota_usage_ratio=pair.quota_usage_ratio,
                )
                for pair in pairs
            ),
        )

    def _old(self, pair: PairRead) -> PairRead:
        nothing = PairRead(pair.upstream, pair.model)
        return nothing if self._pairs is None else self._pairs.get(_key(pair), nothing)


def _key(pair: PairRead) -> tuple[str, str]:
    return pair.upstream, pair.model


def _summed(pairs: Iterable[PairRead]) -> dict[str, int]:
    found: dict[str, int] = {}
    for pair in pairs:
        for word, count in pair.outcomes.items():
            found[word] = found.get(word, 0) + count
    return found


def quantile_s(
    ratio: float, counts: Sequence[int], bounds_s: Sequence[float], sum_s: float
) -> float | None:
    """Return about where a quantile lies, in seconds; None if there is nothing to count.

    Even within a bucket, and never beyond what the sum allows (Markov's inequality): where nearly
    nobody waits, the median is 0 and not the middle of the first bucket. What lies beyond the last
    bound is told as that bound.
    """
    total = sum(counts)
    if total <= 0:
        return None
    wanted, below, from_s = ratio * total, 0, 0.0
    for count, bound_s in zip(counts, bounds_s, strict=False):
        if count and below + count >= wanted:
            even_s = from_s + (bound_s - from_s) * (wanted - below) / count
            above = total - wanted
            return min(even_s, max(from_s, sum_s / above)) if above > 0.0 else even_s
        below += count
        from_s = bound_s
    return from_s


def condition(
    desk: DeskStatistics, pairs: Sequence[PairRead], failures_per_s: float, attempts_per_s: float
) -> str:
    """Return an upstream's state in a word, the worst that is true of it."""
    is_awaited = any(band.waiting for band in desk.tiers.values())
    is_closed = [pair.breaker == "closed" for pair in pairs]
    is_open = [pair.breaker == "open" for pair in pairs]
    words = (
        ("broken", bool(pairs) and all(is_open)),
        ("resting", desk.rest_s > 0.0 or (bool(pairs) and all(pair.rest_s for pair in pairs))),
        ("full", is_awaited),
        ("probing", not all(is_closed)),
        ("failing", failures_per_s > FAILING_RATIO * attempts_per_s),
        ("full", desk.in_flight >= desk.limit),
    )
    return next((word for word, is_so in words if is_so), "ready")


def _said(
    telemetry: Telemetry,
    tiers: Sequence[TierFigures],
    upstreams: Sequence[UpstreamFigures],
) -> Said:
    """Return in words what is happening."""
    states = [
        headline.Upstream(
            name=one.upstream,
            condition=one.condition,
            in_flight=one.in_flight,
            limit=one.limit,
            waits_s={word: one.oldest_wait_s[word] for word, n in one.waiting.items() if n},
            rest_s=one.rest_s,
            failing_ratio=sum(one.failures_per_s.values()) / (one.attempts_per_s or 1.0),
            failing_how=next(iter(one.failures_per_s), ""),
        )
        for one in upstreams
    ]
    sheds: dict[str, float] = {}
    for tier in tiers:
        for word, rate in tier.refusals_per_s.items():
            if word in SHEDS:
                sheds[word] = sheds.get(word, 0.0) + rate
    consumers = telemetry.gate.consumers
    return headline.up(
        states,
        sheds,
        headline.Flow(
            level=consumers.level if consumers is not None else 0,
            in_flight=telemetry.exchanges_in_flight,
            waiting=telemetry.exchanges_waiting,
            exchanges_per_s=_sum([tier.exchanges_per_s for tier in tiers]),
            tokens_per_s=_sum([tier.output_tokens_per_s for tier in tiers]),
        ),
    )


def _sum(rates: Iterable[float | None]) -> float | None:
    known = [rate for rate in rates if rate is not None]
    return sum(known) if known else None
