"""Rules for Prometheus: over metrics that there are, whole, and silent on what cannot be said."""

import re
from typing import Any

import pytest
import yaml

from penstock.config.operations import Objective, Sli
from penstock.telemetry import rules
from penstock.telemetry.declared import BUCKETS_S
from penstock.telemetry.metrics import METRICS

ALL = Objective(name="all")
TIER = Objective(name="tier", tier="enterprise", target_ratio=0.999, events_min=50)
ROUTE = Objective(name="route", route="auto")
UPSTREAM = Objective(name="upstream", upstream="claude", window_days=7)
TTFT = Objective(name="ttft", sli=Sli.TTFT, threshold_s=2.0, tier="free")
TTFT_UP = Objective(name="ttft-up", sli=Sli.TTFT, threshold_s=2.5, upstream="claude")
SAID = (ALL, TIER, ROUTE, UPSTREAM, TTFT, TTFT_UP)
LABELS = {one.name: {*one.labels, "le"} for one in METRICS}
RECORDED = re.compile(r"penstock:slo_errors:ratio_rate(\w+)\{objective=\"([\w-]+)\"\}")
SELECTOR = re.compile(r"(penstock_\w+)(?:\{([^}]*)\})?\[(\d+[mhd])\]")
DURATION = re.compile(r"\d+[mhd]")


def groups(*objectives: Objective) -> list[dict[str, Any]]:
    """Return the rules as Prometheus reads them: after a way through YAML."""
    text = yaml.safe_dump({"groups": rules.exported(objectives).groups})
    return yaml.safe_load(text)["groups"]


def every(kind: str) -> list[dict[str, Any]]:
    return [rule for group in groups(*SAID) for rule in group["rules"] if kind in rule]


def test_the_file_has_the_structure_that_promtool_asks_for() -> None:
    found = groups(*SAID)
    assert len({group["name"] for group in found}) == len(SAID)
    for group in found:
        assert set(group) == {"name", "rules"}
        for rule in group["rules"]:
            assert set(rule) in (
                {"record", "expr", "labels"},
                {"alert", "expr", "labels", "annotations"},
            )
            assert all(isinstance(one, str) for one in rule["labels"].values())
            assert re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", rule.get("record", "x"))
            for left, right in ("()", "{}", "[]"):
                assert rule["expr"].count(left) == rule["expr"].count(right)


def test_every_selector_names_a_metric_and_labels_that_there_are() -> None:
    seen: set[str] = set()
    for rule in [*every("record"), *every("alert")]:
        rest = RECORDED.sub("", rule["expr"])
        for metric, labels, window in SELECTOR.findall(rest):
            name = metric.removesuffix("_bucket").removesuffix("_count")
            names = set(re.findall(r"(\w+)=~?\"", labels))
            assert names <= LABELS[name], metric
            assert DURATION.fullmatch(window)
            seen.add(name)
        assert "penstock" not in SELECTOR.sub("", rest).replace("penstock_slo", "")
    assert seen == {
        "penstock_tier_exchanges_total", "penstock_tier_refusals_total", "penstock_exchanges_total",
        "penstock_attempts_total", "penstock_tier_ttft_seconds", "penstock_ttft_seconds",
    }  # fmt: skip


def test_every_alert_compares_two_windows_that_are_recorded() -> None:
    recorded = {(one["record"], one["labels"]["objective"]) for one in every("record")}
    assert len(recorded) == len(every("record"))
    for rule in every("alert"):
        pairs = RECORDED.findall(rule["expr"])
        assert len(pairs) == 2
        for window, objective in pairs:
            assert (f"penstock:slo_errors:ratio_rate{window}", objective) in recorded
            assert objective == rule["labels"]["objective"]


def test_thresholds_are_the_workbooks() -> None:
    alerts = [one for one in groups(TIER)[0]["rules"] if "alert" in one]
    told = [(one["labels"]["severity"], one["labels"]["window"]) for one in alerts]
    assert told == [("page", "1h"), ("page", "6h"), ("ticket", "3d")]
    for rule, burn in zip(alerts, ("14.4", "6", "1"), strict=True):
        assert rule["expr"].count(f"> ({burn} * 0.001)") == 2
        assert rule["expr"].endswith(">= 50")


def test_shed_exchanges_count_as_bad() -> None:
    (first, *_) = groups(TIER)[0]["rules"]
    bad, total = first["expr"].split("\n/ ")
    for part in (bad, total):
        assert 'penstock_tier_refusals_total{tier="enterprise",reason=~"no_capacity|' in part


@pytest.mark.parametrize(
    ("objective", "word"),
    [
        (Objective(name="x", tenant="t"), "tenants"),
        (Objective(name="x", tier="free", route="auto"), "tier and route"),
        (Objective(name="x", sli=Sli.SPEED, threshold_per_s=30.0), "speed"),
        (Objective(name="x", sli=Sli.TTFT, threshold_s=1.0, route="auto"), "route"),
    ],
)
def test_what_metrics_cannot_say_is_no_rule(objective: Objective, word: str) -> None:
    found = rules.exported([objective])
    assert found.groups == []
    assert word in found.unsaid[0].why


def test_a_threshold_is_the_next_bound_below_and_said() -> None:
    found = rules.exported([TTFT])
    assert 'le="1.0"' in str(found.groups)
    assert "1 s" in found.unsaid[0].why
    assert rules.exported([TTFT_UP]).unsaid == []
    assert 1.0 in BUCKETS_S


@pytest.mark.parametrize(("seconds", "told"), [(300, "5m"), (3600, "1h"), (259200, "3d"), (90, "")])
def test_windows_are_written_as_prometheus_does(seconds: int, told: str) -> None:
    if told:
        assert rules.window(seconds) == told
    else:
        with pytest.raises(StopIteration):
            rules.window(seconds)
