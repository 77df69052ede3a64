"""The tiers' own counts, and the gate's state as metrics.

Labels are the five tiers, the upstreams of the configuration, and fixed lists: a refusal has one of
``REASONS``, or is ``other``.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import Metric

from penstock.core.errors import SHED, LimitError
from penstock.exchange.record import Record
from penstock.exchange.statistics import GateStatistics
from penstock.telemetry.declared import Declared, Histogram, Sample, family, histograms

# Refusals for want of capacity, or by a limit of the tenant's own; any other is for what was asked.
SHEDS: Final = frozenset(SHED) | {LimitError.code}
REASONS: Final = SHEDS | {"unsupported_by_route", "translation_refused", "deadline_exceeded"}
OTHER: Final = "other"

EXCHANGES: Final = Declared(
    "penstock_tier_exchanges_total",
    "counter",
    "Exchanges that have ended, by the tier that served or refused them, and by how.",
    ("tier", "outcome"),
)
REFUSALS: Final = Declared(
    "penstock_tier_refusals_total",
    "counter",
    "Exchanges that were refused, by reason; one that few know is other.",
    ("tier", "reason"),
)
DEGRADED: Final = Declared(
    "penstock_degraded_total",
    "counter",
    "Exchanges from which something was taken under load: max_tokens, model.",
    ("tier", "what"),
)
MOVED: Final = Declared(
    "penstock_moved_aside_total",
    "counter",
    "Attempts put aside before their first byte, because a contract needed the slot.",
    ("tier",),
)
TOKENS: Final = Declared(
    "penstock_tier_tokens_total",
    "counter",
    "Tokens of exchanges that have ended, by direction: input, output.",
    ("tier", "direction"),
)
WAIT: Final = Declared(
    "penstock_tier_wait_seconds",
    "histogram",
    "Time at the gate of exchanges that were let through; most do not wait.",
    ("tier",),
)
TTFT: Final = Declared(
    "penstock_tier_ttft_seconds",
    "histogram",
    "Time from the request to the first content of an exchange that streamed.",
    ("tier",),
)
COUNTED: Final = (EXCHANGES, REFUSALS, DEGRADED, MOVED, TOKENS, WAIT, TTFT)

LIMIT: Final = Declared(
    "penstock_upstream_limit",
    "gauge",
    "Slots of an upstream: what its limit is now, at most concurrency_max.",
    ("upstream",),
)
SLOTS: Final = Declared(
    "penstock_tier_in_flight",
    "gauge",
    "Slots of an upstream that a tier has.",
    ("upstream", "tier"),
)
CEILING: Final = Declared(
    "penstock_tier_ceiling",
    "gauge",
    "Slots of an upstream that may be taken when one of this tier begins.",
    ("upstream", "tier"),
)
DEPTH: Final = Declared(
    "penstock_queue_depth",
    "gauge",
    "Exchanges that wait for an upstream; one that waits for two counts at both.",
    ("upstream", "tier"),
)
OLDEST: Final = Declared(
    "penstock_queue_oldest_wait_seconds",
    "gauge",
    "For how long the oldest that waits for an upstream has waited.",
    ("upstream", "tier"),
)
LOAD: Final = Declared(
    "penstock_tier_load_ratio",
    "gauge",
    "Share of an upstream's slots that a tier wants, averaged over half a minute.",
    ("upstream", "tier"),
)
RESERVE: Final = Declared(
    "penstock_upstream_reserve",
    "gauge",
    "Slots of an upstream that are kept free for contracts.",
    ("upstream",),
)
HELD: Final = Declared(
    "penstock_upstream_slot_held_seconds",
    "gauge",
    "Mean time that an attempt holds a slot; 0 before one has.",
    ("upstream",),
)
QUOTA: Final = Declared(
    "penstock_upstream_quota_usage_ratio",
    "gauge",
    "Use of an upstream's quota, in its tightest dimension; absent where no quota is known.",
    ("upstream",),
)
SATURATION: Final = Declared(
    "penstock_upstream_saturation_ratio",
    "gauge",
    "How full an engine says that it is; absent for others.",
    ("upstream",),
)
LEVEL: Final = Declared(
    "penstock_ladder_level", "gauge", "How much is taken from consumers: 0 nothing, 5 the most."
)
TICKETS: Final = Declared("penstock_tickets", "gauge", "Users of the free tier who are in.")
NEW_USERS: Final = Declared(
    "penstock_new_users_ratio", "gauge", "Share of new users of the free tier who get in."
)
KEPT_USERS: Final = Declared(
    "penstock_kept_users_ratio", "gauge", "Share of the users of the free tier who may stay in."
)
GATE: Final = (
    LIMIT, SLOTS, CEILING, DEPTH, OLDEST, LOAD, RESERVE, HELD, QUOTA, SATURATION, LEVEL, TICKETS,
    NEW_USERS, KEPT_USERS,
)  # fmt: skip


class TierCounts:
    """What has become of the exchanges of one tier."""

    __slots__ = ("degraded", "input", "moved", "outcomes", "output", "refusals", "ttft", "waits")

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.refusals: dict[str, int] = {}
        self.degraded: dict[str, int] = {}
        self.moved = 0
        self.input = self.output = 0
        self.waits = Histogram()
        self.ttft = Histogram()

    def count(self, record: Record) -> None:
        """Count one exchange; on the path of each, so nothing is made here."""
        outcome = record.outcome
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        if record.attempts:
            self.input += record.input_tokens
            self.output += record.output_tokens
            if queued_s := record.queued_s:
                self.waits.observe(queued_s)
            else:
                self.waits.counts[0] += 1
            if record.is_stream and record.ttft_s:
                self.ttft.observe(record.ttft_s)
        elif outcome == "refused":
            reason = record.code if record.code in REASONS else OTHER
            self.refusals[reason] = self.refusals.get(reason, 0) + 1
        for word in record.degraded:
            self.degraded[word] = self.degraded.get(word, 0) + 1


def counted(tiers: Mapping[str, TierCounts]) -> Iterator[Metric]:
    """Yield the metrics that are counted by tier."""
    every = tiers.items()
    yield family(EXCHANGES, [((t, k), n) for t, one in every for k, n in one.outcomes.items()])
    yield family(REFUSALS, [((t, k), n) for t, one in every for k, n in one.refusals.items()])
    yield family(DEGRADED, [((t, k), n) for t, one in every for k, n in one.degraded.items()])
    yield family(MOVED, [((tier,), one.moved) for tier, one in every])
    tokens: list[Sample] = [((tier, "input"), one.input) for tier, one in every]
    tokens += [((tier, "output"), one.output) for tier, one in every]
    yield family(TOKENS, tokens)
    yield histograms(WAIT, [((tier,), one.waits) for tier, one in every])
    yield histograms(TTFT, [((tier,), one.ttft) for tier, one in every])


def gate(statistics: GateStatistics) -> Iterator[Metric]:
    """Yield the metrics of the gate; those of a part that is absent have no value."""
    desks = statistics.desks
    bands = [((desk.upstream, tier), band) for desk in desks for tier, band in desk.tiers.items()]
    yield family(LIMIT, [((desk.upstream,), desk.limit) for desk in desks])
    yield family(SLOTS, [(labels, band.in_flight) for labels, band in bands])
    yield family(CEILING, [(labels, band.ceiling) for labels, band in bands])
    yield family(DEPTH, [(labels, band.waiting) for labels, band in bands])
    yield family(OLDEST, [(labels, band.oldest_wait_s) for labels, band in bands])
    yield family(LOAD, [(labels, band.load_ratio) for labels, band in bands])
    yield family(RESERVE, [((desk.upstream,), desk.reserve) for desk in desks])
    yield family(HELD, [((desk.upstream,), desk.held_s) for desk in desks])
    yield family(QUOTA, _known([(desk.upstream, desk.quota_usage_ratio) for desk in desks]))
    yield family(SATURATION, _known([(desk.upstream, desk.saturation_ratio) for desk in desks]))
    consumers = statistics.consumers
    them = [] if consumers is None else [consumers]
    yield family(LEVEL, [((), one.level) for one in them])
    yield family(TICKETS, [((), one.tickets) for one in them])
    yield family(NEW_USERS, [((), one.new_ratio) for one in them])
    yield family(KEPT_USERS, [((), one.kept_ratio) for one in them])


def _known(values: list[tuple[str, float | None]]) -> list[Sample]:
    return [((upstream,), value) for upstream, value in values if value is not None]
