"""What came between two looks is counted once, whoever began anew in between."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.status.components import Planned
from penstock.apps.status.watching.counting import (
    OF_ATTEMPTS,
    OF_EXCHANGES,
    Attempts,
    Change,
    Fate,
    Looks,
    Telemetry,
    Times,
    is_measured,
)
from penstock.core.outcome import FailureKind
from penstock.telemetry.declared import BUCKETS_S
from penstock.watch.component import Component, Layer

SLOW_S = 10.0
FAST, SLOW, SLOWER = (0.2, 9.0, 31.0)


def planned(id_: str, layer: Layer, surface: str = "", **measured: Any) -> Planned:
    watched = Component(id=id_, name=id_, layer=layer, surface=surface)
    return Planned(watched=watched, key=id_, **measured)


PLAN = (
    planned("api", Layer.SURFACE, "api", routes=("fast", "auto")),
    planned("streaming", Layer.SURFACE, "streaming", routes=("fast", "auto")),
    planned("login", Layer.SURFACE, "login"),
    planned("fast", Layer.ROUTE, routes=("fast",)),
    planned("opus", Layer.MODEL, upstreams=("a", "b"), models=("opus-1", "opus-2*")),
    planned("shared", Layer.SHARED),
)


def times(*seconds: float) -> Times:
    counts = [0] * (len(BUCKETS_S) + 1)
    for one in seconds:
        counts[next((at for at, to_s in enumerate(BUCKETS_S) if one <= to_s), len(BUCKETS_S))] += 1
    return Times(counts, sum(seconds))


def told(fates: list[Fate], upstreams: list[Attempts], started: float = 1.0) -> Telemetry:
    return Telemetry(
        started_unix_s=started, buckets_s=list(BUCKETS_S), fates=fates, upstreams=upstreams
    )


def looked(looks: Looks, telemetry: Telemetry, at: float) -> dict[str, Change]:
    found = looks.take(telemetry, PLAN, at, SLOW_S)
    return {one.counts.component: one for one in found}


def test_each_component_is_measured_by_its_own() -> None:
    looks = Looks()
    assert looked(looks, told([], []), 100.0) == {}
    fates = [
        Fate(
            "fast",
            is_stream=True,
            good=7,
            kinds={"server_error": 2, "rejected": 5},
            ttft=times(FAST, SLOW, SLOWER),
        ),
        Fate("fast", is_stream=False, good=3, kinds={"no_capacity": 1, "ignored": 4}),
        Fate("auto", is_stream=False, good=1, kinds={"timed_out": 1}),
        Fate("other", is_stream=True, good=99, kinds={"server_error": 99}),
    ]
    upstreams = [
        Attempts("a", "opus-1", {"success": 4, "quota": 3, "stalled": 2}, times(SLOWER)),
        Attempts("b", "opus-2.5", {"success": 1, "ignored": 9, "account": 1}),
        Attempts("b", "haiku", {"success": 50}),
        Attempts("c", "opus-1", {"success": 50}),
    ]
    found = {name: one.counts for name, one in looked(looks, told(fates, upstreams), 105.0).items()}
    assert sorted(found) == ["api", "fast", "opus", "streaming"]
    assert (found["api"].good, found["api"].failed) == (11, 4)
    assert found["api"].by_kind == {"server_error": 2, "no_capacity": 1, "timed_out": 1}
    assert (found["streaming"].good, found["streaming"].failed) == (7, 2)
    assert (found["fast"].good, found["fast"].failed, found["fast"].slow) == (10, 3, 1)
    assert (found["opus"].good, found["opus"].failed, found["opus"].slow) == (5, 3, 1)
    assert found["opus"].by_kind == {"stalled": 2, "account": 1}
    assert (found["opus"].from_unix_s, found["opus"].to_unix_s) == (100.0, 105.0)


def test_callers_mistakes_and_limits_never_count() -> None:
    for kind in (FailureKind.REJECTED, FailureKind.CONTEXT_LENGTH, FailureKind.NOT_OFFERED):
        assert kind.value not in OF_ATTEMPTS | OF_EXCHANGES
    assert FailureKind.QUOTA.value not in OF_ATTEMPTS  # it is our limit there, not its failure
    assert FailureKind.QUOTA.value in OF_EXCHANGES  # and our callers' 503


steps = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.dictionaries(st.sampled_from(sorted(OF_EXCHANGES)), st.integers(1, 9), max_size=3),
        st.booleans(),
    ),
    max_size=12,
)


@given(steps)
def test_all_that_came_is_told_once_over_any_restarts(
    some: list[tuple[int, dict[str, int], bool]],
) -> None:
    looks, at, started = Looks(), 100.0, 1.0
    good, kinds = 0, dict[str, int]()
    looked(looks, told([], [], started), at)
    for came, failures, is_restarted in some:
        at += 5.0
        if is_restarted:
            good, kinds, started = 0, {}, started + 1
        good += came
        kinds = {kind: kinds.get(kind, 0) + failures.get(kind, 0) for kind in kinds | failures}
        found = looked(
            looks, told([Fate("fast", is_stream=True, good=good, kinds=kinds)], [], started), at
        )
        assert found["fast"].counts.good == came
        assert found["fast"].counts.by_kind == failures
        assert found["streaming"].counts == msgspec.structs.replace(
            found["fast"].counts, component="streaming"
        )


def test_counters_of_several_workers_that_became_smaller_begin_anew() -> None:
    looks = Looks()

    def shared(good: int, started: float) -> Telemetry:
        return msgspec.structs.replace(
            told([Fate("fast", is_stream=True, good=good)], [], started), workers=[{"worker": 1}]
        )

    looked(looks, shared(10, 1.0), 100.0)
    assert looked(looks, shared(12, 9.0), 105.0)["fast"].counts.good == 2  # another worker answers
    assert looked(looks, shared(3, 9.0), 110.0)["fast"].counts.good == 3


def test_who_is_measured() -> None:
    assert [one.id for one in PLAN if is_measured(one)] == ["api", "streaming", "fast", "opus"]
