"""The exposition parses, holds every declared metric, and counts right."""

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from penstock.exchange.record import AttemptRecord, Record
from penstock.telemetry.declared import BUCKETS_S
from penstock.telemetry.metrics import (
    METRICS,
    PAIRS_MAX,
    Counters,
    Gauges,
    exposition,
)


def record(attempts: Iterable[AttemptRecord] = (), **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "id": "req", "at_unix_s": 1.0, "duration_s": 0.3, "tenant": "t", "key": "k",
        "route": "fast", "model": "m", "dialect": "openai_chat", "is_stream": True,
        "outcome": "complete", "status": 200, "attempts": list(attempts),
    }  # fmt: skip
    return Record(**(fields | changes))


def attempt(outcome: str = "success", upstream: str = "up", **changes: Any) -> AttemptRecord:
    return AttemptRecord(
        upstream=upstream, model="m", outcome=outcome, dialled_s=0.0, duration_s=0.2, **changes
    )


def samples(counters: Counters, gauges: Gauges | None = None) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and its labels, in the declared order."""
    text = exposition(counters, gauges or Gauges()).decode()
    order = {metric.name.removesuffix("_total"): (*metric.labels, "le") for metric in METRICS}
    return {
        (
            sample.name,
            *(sample.labels[label] for label in order[family.name] if label in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def some() -> Counters:
    counters = Counters()
    counters.count(
        record(
            [
                attempt("overloaded"),
                attempt(
                    upstream="other", ttft_s=0.2, input_tokens=10, output_tokens=5,
                    cached_tokens=4, reasoning_tokens=2,
                ),
            ],
        ),
    )  # fmt: skip
    counters.count(record([attempt(ttft_s=0.7, input_tokens=1)], duration_s=0.7))
    counters.count(record([attempt(ttft_s=0.7)], is_stream=False, duration_s=1000.0))
    counters.count(record([attempt("ignored", waited_s=3.0)], outcome="hung_up", duration_s=3.0))
    counters.count(record(route="", outcome="refused", duration_s=0.0))
    counters.refuse("no_key")
    counters.refuse("no_key")
    counters.replay("live")
    counters.miss("full")
    return counters


GAUGES = Gauges(
    in_flight=3, waiting=2, connections={"callers": 9}, breakers={("up", "m"): 0.5},
    slots={"up": 4}, spool_lines=11, spool_dropped=1, retry_budget_exhausted=6,
    snapshot_version=42, kept=7, kept_bytes=70,
)  # fmt: skip


def test_what_was_counted_is_told() -> None:
    found = samples(some(), GAUGES)
    expected = {
        ("penstock_exchanges_total", "fast", "openai_chat", "complete"): 3,
        ("penstock_exchanges_total", "fast", "openai_chat", "hung_up"): 1,
        ("penstock_exchanges_total", "", "openai_chat", "refused"): 1,
        ("penstock_refusals_total", "no_key"): 2,
        ("penstock_attempts_total", "up", "m", "overloaded"): 1,
        ("penstock_attempts_total", "up", "m", "success"): 2,
        ("penstock_attempts_total", "up", "m", "ignored"): 1,
        ("penstock_attempts_total", "other", "m", "success"): 1,
        ("penstock_failovers_total", "fast", "complete"): 1,
        ("penstock_tokens_total", "other", "m", "input"): 10,
        ("penstock_tokens_total", "other", "m", "output"): 5,
        ("penstock_tokens_total", "other", "m", "cached"): 4,
        ("penstock_tokens_total", "other", "m", "reasoning"): 2,
        ("penstock_tokens_total", "up", "m", "input"): 1,
        ("penstock_abandoned_total", "up", "m"): 1,
        ("penstock_abandoned_total", "other", "m"): 0,
        ("penstock_ttft_seconds_count", "up", "m"): 1,
        ("penstock_ttft_seconds_bucket", "up", "m", "0.5"): 0,
        ("penstock_ttft_seconds_bucket", "up", "m", "1.0"): 1,
        ("penstock_exchange_duration_seconds_count", "fast"): 4,
        ("penstock_exchange_duration_seconds_sum", "fast"): 0.3 + 0.7 + 1000.0 + 3.0,
        ("penstock_exchange_duration_seconds_bucket", "fast", "300.0"): 3,
        ("penstock_exchange_duration_seconds_bucket", "fast", "+Inf"): 4,
        ("penstock_exchanges_in_flight",): 3,
        ("penstock_exchanges_waiting",): 2,
        ("penstock_connections", "callers"): 9,
        ("penstock_breaker_open", "up", "m"): 0.5,
        ("penstock_upstream_in_flight", "up"): 4,
        ("penstock_spool_lines_total",): 11,
        ("penstock_spool_dropped_total",): 1,
        ("penstock_retry_budget_exhausted_total",): 6,
        ("penstock_snapshot_version",): 42,
        ("penstock_reloads_failed_total",): 0,
        ("penstock_replays_total", "live"): 1,
        ("penstock_not_kept_total", "full"): 1,
        ("penstock_kept_exchanges",): 7,
        ("penstock_kept_bytes",): 70,
    }
    assert {key: found.get(key) for key in expected} == pytest.approx(expected)


def test_what_a_live_drill_struck_is_counted_apart() -> None:
    counters = Counters()
    struck = attempt("ignored")
    struck.drill, struck.drill_outcome = "live-1 http_529", "overloaded"
    counters.count(record([struck, attempt()]))
    found = samples(counters, Gauges(live_drills=2))
    assert found["penstock_live_faults_total", "http_529"] == 1
    assert found["penstock_live_drill_workers",] == 2
    assert found["penstock_attempts_total", "up", "m", "ignored"] == 1
    assert ("penstock_attempts_total", "up", "m", "overloaded") not in found
    assert found["penstock_abandoned_total", "up", "m"] == 0


def test_every_declared_metric_is_there_and_no_other() -> None:
    text = exposition(some(), GAUGES).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    declared = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    assert families.keys() == declared.keys()
    for name, family in families.items():
        assert family.type == declared[name].kind
        assert family.documentation == declared[name].help
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(declared[name].labels)
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_names_that_a_caller_chose_cannot_break_a_line() -> None:
    name = 'a"} 1\nevil{x="\\'
    counters = Counters()
    counters.count(record([attempt(upstream=name)]))
    assert samples(counters)[("penstock_attempts_total", name, "m", "success")] == 1


def test_pairs_are_bounded() -> None:
    counters = Counters()
    for number in range(PAIRS_MAX + 500):
        one = attempt()
        one.model = f"model-{number}"
        counters.count(record([one]))
    assert len(counters.upstreams) == PAIRS_MAX + 1
    found = samples(counters)
    assert found[("penstock_attempts_total", "up", "(other)", "success")] == 500


def test_a_value_on_a_bound_falls_into_its_bucket() -> None:
    for bound_s in BUCKETS_S:
        counters = Counters()
        counters.count(record(duration_s=bound_s))
        found = samples(counters)
        assert found[("penstock_exchange_duration_seconds_bucket", "fast", str(bound_s))] == 1
