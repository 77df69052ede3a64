"""What records say is counted by tier, and the gate's state is told with bounded labels."""

from collections.abc import Iterable
from typing import Any

import pytest
from tests.telemetry.test_metrics import attempt, record, samples

from penstock.core.errors import LimitError, ShedError
from penstock.core.tier import WORDS
from penstock.exchange.closing import MOVED
from penstock.exchange.statistics import (
    BandStatistics,
    ConsumerStatistics,
    DeskStatistics,
    GateStatistics,
)
from penstock.telemetry.gauges import Gauges
from penstock.telemetry.metrics import Counters
from penstock.telemetry.tiers import OTHER, REASONS, SHEDS


def counted(records: Iterable[Any]) -> dict[tuple[str, ...], float]:
    counters = Counters()
    for one in records:
        counters.count(one)
    return samples(counters)


def test_each_tier_has_its_own_counts() -> None:
    found = counted(
        [
            record([attempt()], tier="free", input_tokens=7, output_tokens=5, ttft_s=0.3),
            record([attempt()], tier="free", queued_s=0.2, degraded=("max_tokens", "model")),
            record([attempt()], tier="free", ttft_s=0.3, is_stream=False, outcome="broken"),
            record([attempt()], tier="enterprise", input_tokens=1),
            record(tier="free", outcome="refused", code="tier_capacity", queued_s=9.0),
        ]
    )
    expected = {
        ("penstock_tier_exchanges_total", "free", "complete"): 2,
        ("penstock_tier_exchanges_total", "free", "broken"): 1,
        ("penstock_tier_exchanges_total", "free", "refused"): 1,
        ("penstock_tier_exchanges_total", "enterprise", "complete"): 1,
        ("penstock_tier_refusals_total", "free", "tier_capacity"): 1,
        ("penstock_degraded_total", "free", "max_tokens"): 1,
        ("penstock_degraded_total", "free", "model"): 1,
        ("penstock_tier_tokens_total", "free", "input"): 7,
        ("penstock_tier_tokens_total", "free", "output"): 5,
        ("penstock_tier_tokens_total", "enterprise", "input"): 1,
        ("penstock_tier_tokens_total", "batch", "input"): 0,
        ("penstock_tier_wait_seconds_count", "free"): 3,  # who was refused was not let through
        ("penstock_tier_wait_seconds_sum", "free"): 0.2,
        ("penstock_tier_wait_seconds_bucket", "free", "0.05"): 2,
        ("penstock_tier_wait_seconds_bucket", "free", "0.25"): 3,
        ("penstock_tier_ttft_seconds_count", "free"): 1,
        ("penstock_tier_ttft_seconds_sum", "free"): 0.3,
        ("penstock_moved_aside_total", "free"): 0,
    }
    assert {key: found.get(key) for key in expected} == pytest.approx(expected)


def test_one_moved_aside_is_not_one_whose_caller_left() -> None:
    moved = attempt("ignored", waited_s=0.4, detail=MOVED)
    left = attempt("ignored", upstream="other", waited_s=0.4)
    found = counted([record([moved, left], tier="free", outcome="hung_up")])
    assert found[("penstock_moved_aside_total", "free")] == 1
    assert found[("penstock_abandoned_total", "up", "m")] == 0
    assert found[("penstock_abandoned_total", "other", "m")] == 1


def test_reasons_and_tiers_are_bounded() -> None:
    found = counted(
        record(tier=tier, outcome="refused", code=f"code_{at}")
        for at in range(50)
        for tier in ("free", "", f"tier-{at}")
    )
    refusals = {key: n for key, n in found.items() if key[0] == "penstock_tier_refusals_total"}
    assert refusals == {("penstock_tier_refusals_total", "free", OTHER): 50}
    assert {key[1] for key in found if key[0] == "penstock_moved_aside_total"} == set(WORDS)


def test_a_failure_is_no_refusal() -> None:
    found = counted([record(tier="free", outcome="failed", code="no_capacity")])
    assert not [key for key in found if key[0] == "penstock_tier_refusals_total"]


def test_the_codes_of_capacity_are_known() -> None:
    assert {ShedError.code, LimitError.code} <= SHEDS <= REASONS
    assert OTHER not in REASONS


DESKS = (
    DeskStatistics("up", 48, 64, 40, {"free": BandStatistics(30, 12, 3.5, 46, 0.4)}, 2, 4.5, 0.0),
    DeskStatistics("idle", 8, 8, 0, quota_usage_ratio=0.5),
)


def test_the_gate_is_told_by_upstream_and_tier() -> None:
    gate = GateStatistics(12, DESKS, ConsumerStatistics(5, 900, 0.1, 0.75))
    found = samples(Counters(), Gauges(gate=gate))
    expected = {
        ("penstock_upstream_limit", "up"): 48,
        ("penstock_upstream_limit", "idle"): 8,
        ("penstock_tier_in_flight", "up", "free"): 30,
        ("penstock_tier_ceiling", "up", "free"): 46,
        ("penstock_queue_depth", "up", "free"): 12,
        ("penstock_queue_oldest_wait_seconds", "up", "free"): 3.5,
        ("penstock_tier_load_ratio", "up", "free"): 0.4,
        ("penstock_upstream_reserve", "up"): 2,
        ("penstock_upstream_slot_held_seconds", "up"): 4.5,
        ("penstock_upstream_quota_usage_ratio", "idle"): 0.5,
        ("penstock_ladder_level",): 5,
        ("penstock_tickets",): 900,
        ("penstock_new_users_ratio",): 0.1,
        ("penstock_kept_users_ratio",): 0.75,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert ("penstock_upstream_quota_usage_ratio", "up") not in found


def test_a_part_that_is_absent_has_no_value() -> None:
    names = {key[0] for key in samples(Counters())}
    assert "penstock_ladder_level" not in names
    assert "penstock_upstream_saturation_ratio" not in names
