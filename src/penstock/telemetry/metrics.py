"""Every metric, declared once: what it is called, what it counts, and by which labels.

Counting is plain arithmetic on the path of a request; the text for Prometheus is made when it is
scraped, by its own client library. All labels come from the configuration or from fixed lists, so
their number is bounded.
"""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from penstock.core.tier import WORDS
from penstock.exchange.closing import MOVED
from penstock.exchange.record import AttemptRecord, Record
from penstock.telemetry import tiers
from penstock.telemetry.declared import Declared, Histogram, family, histograms
from penstock.telemetry.fates import RouteCounts
from penstock.telemetry.gauges import Gauges

PAIRS_MAX: Final = 1000  # upstreams times models, as labels


EXCHANGES: Final = Declared(
    "penstock_exchanges_total",
    "counter",
    "Exchanges that have ended, by how: complete, failed, broken, refused, hung_up.",
    ("route", "dialect", "outcome"),
)
REFUSALS: Final = Declared(
    "penstock_refusals_total",
    "counter",
    "Requests refused before they were an exchange: by the wire, or for want of a valid key.",
    ("reason",),
)
ATTEMPTS: Final = Declared(
    "penstock_attempts_total",
    "counter",
    "Attempts at an upstream, by outcome: success, ignored, or a kind of failure.",
    ("upstream", "model", "outcome"),
)
FAILOVERS: Final = Declared(
    "penstock_failovers_total",
    "counter",
    "Exchanges that took more than one attempt, by how they ended.",
    ("route", "outcome"),
)
TOKENS: Final = Declared(
    "penstock_tokens_total",
    "counter",
    "Tokens by direction: input, output, cached, reasoning; cached is part of input, reasoning "
    "of output.",
    ("upstream", "model", "direction"),
)
ABANDONED: Final = Declared(
    "penstock_abandoned_total",
    "counter",
    "Attempts whose caller left before any content had come.",
    ("upstream", "model"),
)
TTFT: Final = Declared(
    "penstock_ttft_seconds",
    "histogram",
    "Time from dialling to the first content of an attempt that streamed.",
    ("upstream", "model"),
)
DURATION: Final = Declared(
    "penstock_exchange_duration_seconds",
    "histogram",
    "Time from the request to the last byte of its answer.",
    ("route",),
)
REPLAYS: Final = Declared(
    "penstock_replays_total",
    "counter",
    "Requests answered from a kept exchange, without one of their own: whole (it had ended), live "
    "(it was under way), response (asked for by its id).",
    ("how",),
)
NOT_KEPT: Final = Declared(
    "penstock_not_kept_total",
    "counter",
    "Answers that could not be kept, or not for the whole window: not_allowed, full, outgrown, "
    "no_room, pushed_out, keeper_away.",
    ("reason",),
)
KEPT: Final = Declared(
    "penstock_kept_exchanges", "gauge", "Exchanges kept for callers who come back."
)
KEPT_BYTES: Final = Declared("penstock_kept_bytes", "gauge", "Bytes of the answers that are kept.")
CONTRACTS: Final = Declared(
    "penstock_contracts_used_ratio",
    "gauge",
    "Enterprise contracts as a share of what may be promised so that all survive the loss of the "
    "largest upstream, by dimension; above 1 they would not.",
    ("dimension",),
)
IN_FLIGHT: Final = Declared("penstock_exchanges_in_flight", "gauge", "Exchanges under way.")
WAITING: Final = Declared("penstock_exchanges_waiting", "gauge", "Exchanges waiting at the gate.")
CONNECTIONS: Final = Declared(
    "penstock_connections",
    "gauge",
    "Open connections: callers, and each upstream's, under way or idle.",
    ("side",),
)
BREAKER: Final = Declared(
    "penstock_breaker_open",
    "gauge",
    "Whether the circuit breaker keeps traffic away: 1 open, 0.5 half-open, 0 closed.",
    ("upstream", "model"),
)
SLOTS: Final = Declared(
    "penstock_upstream_in_flight",
    "gauge",
    "Attempts under way at an upstream, of concurrency_max slots.",
    ("upstream",),
)
ENGINE_SILENT: Final = Declared(
    "penstock_engine_silent",
    "gauge",
    "Whether an engine with a metrics_url no longer tells how full it is: 1; its limit goes on by "
    "what else is seen.",
    ("upstream",),
)
SPOOL_LINES: Final = Declared(
    "penstock_spool_lines_total",
    "counter",
    "Lines written to the spool.",
)
SPOOL_DROPPED: Final = Declared(
    "penstock_spool_dropped_total",
    "counter",
    "Lines that the disk did not take; the exchanges went on.",
)
RETRY_BUDGET: Final = Declared(
    "penstock_retry_budget_exhausted_total",
    "counter",
    "Retries that did not happen because the budget was spent.",
)
SNAPSHOT: Final = Declared(
    "penstock_snapshot_version",
    "gauge",
    "The version of the snapshot in use.",
)
RELOAD_FAILED: Final = Declared(
    "penstock_reloads_failed_total",
    "counter",
    "Snapshots that were refused; the last good one stayed.",
)
FAULTS: Final = Declared(
    "penstock_faults_total",
    "counter",
    "Defects of the gateway itself; each has a line in the log.",
)
UNKNOWN_TIERS: Final = Declared(
    "penstock_unknown_tiers_total",
    "counter",
    "Requests for a tier in a word that nobody knows; they had the tier of their key.",
)
LIVE_FAULTS: Final = Declared(
    "penstock_live_faults_total",
    "counter",
    "Attempts that a live drill has struck, by kind of fault; they are ignored among the attempts "
    "of their upstream.",
    ("kind",),
)
LIVE_DRILL: Final = Declared(
    "penstock_live_drill_workers", "gauge", "Gateway workers at which a live drill is on."
)
METRICS: Final = (
    EXCHANGES, REFUSALS, ATTEMPTS, FAILOVERS, TOKENS, ABANDONED, TTFT, DURATION, IN_FLIGHT,
    WAITING, CONNECTIONS, BREAKER, SLOTS, ENGINE_SILENT, SPOOL_LINES, SPOOL_DROPPED, RETRY_BUDGET,
    SNAPSHOT, RELOAD_FAILED, FAULTS, REPLAYS, NOT_KEPT, KEPT, KEPT_BYTES, UNKNOWN_TIERS, CONTRACTS,
    LIVE_FAULTS, LIVE_DRILL,
    *tiers.COUNTED, *tiers.GATE,
)  # fmt: skip


class UpstreamCounts:
    """What has become of the attempts at one upstream and model."""

    __slots__ = ("abandoned", "cached", "input", "outcomes", "output", "reasoning", "ttft")

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.abandoned = 0
        self.input = self.output = self.cached = self.reasoning = 0
        self.ttft = Histogram()


class Counters:
    """All counts of one worker since it started. Owned by one event loop; not thread-safe."""

    def __init__(self) -> None:
        self.exchanges: dict[tuple[str, str, str], int] = {}
        self.failovers: dict[tuple[str, str], int] = {}
        self.refusals: dict[str, int] = {}
        self.replays: dict[str, int] = {}
        self.not_kept: dict[str, int] = {}
        self.upstreams: dict[tuple[str, str], UpstreamCounts] = {}
        self.tiers = {word: tiers.TierCounts() for word in WORDS}
        self.durations: dict[str, Histogram] = {}
        self.fates: dict[tuple[str, bool], RouteCounts] = {}
        self.live_faults: dict[str, int] = {}
        self.unknown_tiers = 0
        self.reloads_failed = 0
        self.faults = 0

    def count(self, record: Record) -> None:
        """Count one exchange and its attempts."""
        route, outcome, is_stream = record.route, record.outcome, record.is_stream
        key = (route, record.dialect, outcome)
        self.exchanges[key] = self.exchanges.get(key, 0) + 1
        duration = self.durations.get(route)
        if duration is None:
            duration = self.durations[route] = Histogram()
        duration.observe(record.duration_s)
        way = (route, is_stream)
        (self.fates.get(way) or self.fates.setdefault(way, RouteCounts())).count(record)
        tier = self.tiers.get(record.tier)  # a request that never was an exchange has none
        if tier is not None:
            tier.count(record)
        attempts = record.attempts
        if len(attempts) > 1:
            pair = (route, outcome)
            self.failovers[pair] = self.failovers.get(pair, 0) + 1
        for attempt in attempts:
            upstream, model, word = attempt.upstream, attempt.model, attempt.outcome
            found = self.upstreams.get((upstream, model)) or self._counts_of(upstream, model)
            found.outcomes[word] = found.outcomes.get(word, 0) + 1
            found.input += attempt.input_tokens
            found.output += attempt.output_tokens
            found.cached += attempt.cached_tokens
            found.reasoning += attempt.reasoning_tokens
            if is_stream and attempt.ttft_s:
                found.ttft.observe(attempt.ttft_s)
            if attempt.waited_s or attempt.drill:
                self._set_aside(attempt, found, record.tier)

    def _set_aside(self, attempt: AttemptRecord, found: UpstreamCounts, tier: str) -> None:
        """Count one that a drill struck, or that was in vain: its caller left, a contract came."""
        if attempt.drill:
            kind = attempt.drill.rpartition(" ")[2]
            self.live_faults[kind] = self.live_faults.get(kind, 0) + 1
        elif attempt.detail != MOVED:
            found.abandoned += 1
        elif tier in self.tiers:
            self.tiers[tier].moved += 1

    def _counts_of(self, upstream: str, model: str) -> UpstreamCounts:
        """Begin to count a pair; where callers name the models, they are bounded."""
        pair = (upstream, model if len(self.upstreams) < PAIRS_MAX else "(other)")
        return self.upstreams.setdefault(pair, UpstreamCounts())

    def refuse(self, reason: str) -> None:
        """Count a request that never became an exchange; reasons are a fixed list."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def replay(self, how: str) -> None:
        """Count a request that is answered from what is kept; the words are a fixed list."""
        self.replays[how] = self.replays.get(how, 0) + 1

    def miss(self, reason: str) -> None:
        """Count an answer that is not kept, or not any more; reasons are a fixed list."""
        self.not_kept[reason] = self.not_kept.get(reason, 0) + 1


class _Now(Collector):
    """One scrape's worth of metrics."""

    def __init__(self, counters: Counters, gauges: Gauges) -> None:
        self._counters = counters
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        """Yield every declared metric."""
        counters, gauges = self._counters, self._gauges
        ups = counters.upstreams
        yield family(EXCHANGES, list(counters.exchanges.items()))
        yield family(REFUSALS, [((k,), v) for k, v in counters.refusals.items()])
        yield family(FAILOVERS, list(counters.failovers.items()))
        yield family(
            ATTEMPTS,
            [((*key, word), n) for key, up in ups.items() for word, n in up.outcomes.items()],
        )
        yield family(
            TOKENS,
            [
                ((*key, direction), getattr(up, direction))
                for key, up in ups.items()
                for direction in ("input", "output", "cached", "reasoning")
            ],
        )
        yield family(ABANDONED, [(key, up.abandoned) for key, up in ups.items()])
        yield histograms(TTFT, [(key, up.ttft) for key, up in ups.items()])
        yield histograms(DURATION, [((k,), v) for k, v in counters.durations.items()])
        yield family(IN_FLIGHT, [((), gauges.in_flight)])
        yield family(WAITING, [((), gauges.waiting)])
        yield family(CONNECTIONS, [((k,), v) for k, v in gauges.connections.items()])
        yield family(BREAKER, list(gauges.breakers.items()))
        yield family(SLOTS, [((k,), v) for k, v in gauges.slots.items()])
        yield family(ENGINE_SILENT, [((k,), v) for k, v in gauges.engines_silent.items()])
        for declared, value in (
            (SPOOL_LINES, gauges.spool_lines),
            (SPOOL_DROPPED, gauges.spool_dropped),
            (RETRY_BUDGET, gauges.retry_budget_exhausted),
            (SNAPSHOT, gauges.snapshot_version),
        ):
            yield family(declared, [((), value)])
        yield family(RELOAD_FAILED, [((), counters.reloads_failed)])
        yield family(FAULTS, [((), counters.faults)])
        yield family(REPLAYS, [((k,), v) for k, v in counters.replays.items()])
        yield family(NOT_KEPT, [((k,), v) for k, v in counters.not_kept.items()])
        yield family(KEPT, [((), gauges.kept)])
        yield family(KEPT_BYTES, [((), gauges.kept_bytes)])
        yield family(UNKNOWN_TIERS, [((), counters.unknown_tiers)])
        yield family(LIVE_FAULTS, [((k,), v) for k, v in counters.live_faults.items()])
        yield family(LIVE_DRILL, [((), gauges.live_drills)])
        yield from tiers.counted(counters.tiers)
        yield from tiers.gate(gauges.gate)
        yield family(CONTRACTS, [((k,), v) for k, v in gauges.contracts.items()])


def exposition(counters: Counters, gauges: Gauges) -> bytes:
    """Return the text that Prometheus scrapes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now(counters, gauges))
    return generate_latest(registry)
