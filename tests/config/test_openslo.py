"""OpenSLO: what can be carried over is, what cannot is told, and nothing is invented."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from penstock.config import openslo
from penstock.config.operations import Objective, Sli

INLINE = """
apiVersion: openslo/v1
kind: SLO
metadata:
  name: my rag/availability
  displayName: RAG
spec:
  service: rag
  indicator:
    metadata: {name: good}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'sum(good)'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(all)'}}}
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Good, target: 0.995}]
  alertPolicies: [{kind: AlertPolicy, metadata: {name: x}, spec: {}}]
"""
REFERRED = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: latency}
spec:
  thresholdMetric: {metricSource: {type: Datadog, spec: {query: p}}}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: quick}
spec:
  service: rag
  indicatorRef: latency
  timeWindow:
    - duration: 1M
      calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}
      isRolling: false
  budgetingMethod: Timeslices
  objectives:
    - {op: lte, value: 2, targetPercent: 99.5, timeSliceTarget: 0.95, timeSliceWindow: 1m}
    - {op: gt, value: 30, target: 0.9}
---
{apiVersion: openslo/v1, kind: AlertPolicy, metadata: {name: page-me}, spec: {}}
---
{apiVersion: openslo/v1, kind: Service, metadata: {name: rag}, spec: {}}
---
{apiVersion: openslo/v1alpha, kind: SLO, metadata: {name: old}, spec: {}}
"""


def translated(text: str) -> openslo.Translated:
    return openslo.translate(list(yaml.safe_load_all(text)))


def has(notes: tuple[str, ...], *words: str) -> bool:
    return any(all(word in note for word in words) for note in notes)


def test_an_inline_indicator_is_availability_of_what_nobody_said() -> None:
    found = translated(INLINE)
    assert found.objectives == (
        Objective(name="my-rag-availability", target_ratio=0.995, window_days=28),
    )
    assert has(found.notes, "alertPolicies")
    assert has(found.notes, "query cannot be carried over")
    assert has(found.notes, "covers all exchanges")


def test_a_reference_is_followed_and_thresholds_become_ttft_and_speed() -> None:
    found = translated(REFERRED)
    quick, fast = found.objectives
    assert quick == Objective(
        name="quick-1", sli=Sli.TTFT, threshold_s=2.0, target_ratio=0.995, window_days=30
    )
    assert fast == Objective(name="quick-2", sli=Sli.SPEED, threshold_per_s=30.0, target_ratio=0.9)
    for words in (
        ("Timeslices",), ("timeSliceTarget",), ("timeSliceWindow",), ("calendar",),
        ("page-me", "AlertPolicy"), ("rag", "Service"), ("old", "apiVersion"),
        ("quick-1", "seconds to the first token"),
    ):  # fmt: skip
        assert has(found.notes, *words), words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objectives": []}, "no objectives"),
        ({"objectives": [{"target": 1}]}, "no target"),
        ({"objectives": [{"target": 0}]}, "no target"),
        ({"objectives": [{"targetPercent": "x"}]}, "no target"),
        ({"objectives": [{"target": True}]}, "no target"),
        ({"indicator": None, "indicatorRef": "nowhere"}, "not in the file"),
        ({"timeWindow": [{"duration": "1Y"}]}, "becomes 90 days"),
        ({"timeWindow": [{"duration": "soon"}]}, "becomes 30 days"),
        ({"timeWindow": [{"duration": "90m"}]}, "becomes 1 days"),
        ({"budgetingMethod": "RatioTimeslices"}, "RatioTimeslices"),
    ],
)
def test_what_does_not_carry_over_is_told(change: dict[str, Any], words: str) -> None:
    (document,) = yaml.safe_load_all(INLINE)
    document["spec"] |= change
    assert has(openslo.translate([document]).notes, words)


def test_names_are_made_unique() -> None:
    found = translated(INLINE + "---" + INLINE + "---" + INLINE)
    names = [one.name for one in found.objectives]
    assert names == [f"my-rag-availability{end}" for end in ("", "-2", "-3")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["spec", "metadata", "name", "objectives", "indicator", "timeWindow", "target"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.lists(JSON, max_size=4), JSON)
def test_no_document_whatever_is_in_it_breaks(documents: list[object], spec: object) -> None:
    slo = {"apiVersion": "openslo/v1", "kind": "SLO", "metadata": spec, "spec": spec}
    found = openslo.translate([*documents, slo])
    assert all(0 < one.target_ratio < 1 for one in found.objectives)


FILTERS = st.fixed_dictionaries(
    {
        "tenant": st.sampled_from(["", "t1"]),
        "tier": st.sampled_from(["", "free"]),
        "route": st.sampled_from(["", "auto"]),
    }
)


@st.composite
def objectives(draw: st.DrawFn) -> Objective:
    sli = draw(st.sampled_from(Sli))
    return Objective(
        name=draw(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,10}[a-z0-9]", fullmatch=True)),
        sli=sli,
        target_ratio=draw(st.integers(1, 9999)) / 10_000,
        window_days=draw(st.integers(1, 90)),
        threshold_s=draw(st.floats(0.05, 60)) if sli is Sli.TTFT else None,
        threshold_per_s=draw(st.floats(5, 500)) if sli is Sli.SPEED else None,
        events_min=draw(st.integers(1, 1000)),
        **draw(FILTERS),
    )


@given(st.lists(objectives(), max_size=5, unique_by=lambda one: one.name))
def test_what_is_exported_reads_back_as_it_was(given_: list[Objective]) -> None:
    text = yaml.safe_dump_all(openslo.documents(given_))
    found = translated(text)
    assert list(found.objectives) == given_
    assert all("Service" in note for note in found.notes)
