"""Two reads in, figures out: rates, quantiles, states, and the line that says it in words."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.tier import WORDS
from penstock.exchange.statistics import (
    BandStatistics,
    ConsumerStatistics,
    DeskStatistics,
    GateStatistics,
)
from penstock.telemetry.declared import BUCKETS_S, Histogram
from penstock.web import headline
from penstock.web.live import (
    Figures,
    PairRead,
    Reading,
    Telemetry,
    TierRead,
    Times,
    figures_of,
    quantile_s,
)

NONE = tuple([0] * (len(BUCKETS_S) + 1))


def desk(name: str = "claude", in_flight: int = 0, limit: int = 64, **more: Any) -> DeskStatistics:
    bands = {word: BandStatistics(**{"ceiling": limit, **more.pop(word, {})}) for word in WORDS}
    fields: dict[str, Any] = {"upstream": name, "limit": limit, "limit_max": limit, "tiers": bands}
    return DeskStatistics(**(fields | more), in_flight=in_flight)


def telemetry(**changes: Any) -> Telemetry:
    found: dict[str, Any] = {
        "started_unix_s": 1000.0,
        "buckets_s": BUCKETS_S,
        "tiers": tuple(TierRead(word) for word in WORDS),
        "gate": GateStatistics(desks=(desk(),)),
    }
    return Telemetry(**(found | changes))


def reading(at_s: float, told: Telemetry | None, error: str = "") -> Reading:
    return Reading(at_s, 2000.0 + at_s, "http://127.0.0.1:8401", told, error)


def times(**counts: int) -> Times:
    """Return a histogram with counts by bucket: b0, b1, ..."""
    filled = tuple(counts.get(f"b{at}", 0) for at in range(len(NONE)))
    return Times(filled, 300.0 * sum(filled))


def tier_of(figures: Figures, word: str) -> Any:
    return next(one for one in figures.tiers if one.tier == word)


def between(before: Telemetry, now: Telemetry, passed_s: float = 2.0) -> Figures:
    return figures_of(reading(10.0, before), reading(10.0 + passed_s, now))


def with_tier(word: str, **counts: Any) -> tuple[TierRead, ...]:
    return tuple(TierRead(one, **(counts if one == word else {})) for one in WORDS)


def test_counts_become_rates() -> None:
    before = telemetry(
        tiers=with_tier("free", outcomes={"complete": 100}, refusals={"tier_capacity": 7}),
        refusals={"no_key": 1},
    )
    now = telemetry(
        tiers=with_tier(
            "free",
            outcomes={"complete": 130, "refused": 24, "broken": 2},
            refusals={"tier_capacity": 27, "other": 4},
            degraded={"model": 6},
            moved=8,
            input_tokens=400,
            output_tokens=1000,
        ),
        refusals={"no_key": 4},
    )
    figures = between(before, now)
    free = tier_of(figures, "free")
    assert figures.interval_s == 2.0
    assert figures.refusals_per_s == {"no_key": 1.5}
    assert free.exchanges_per_s == 28.0
    assert free.failed_per_s == 1.0
    assert free.shed_per_s == 10.0  # "other" is no shed
    assert free.refusals_per_s == {"tier_capacity": 10.0, "other": 2.0}
    assert (free.degraded_per_s, free.moved_per_s) == (3.0, 4.0)
    assert (free.input_tokens_per_s, free.output_tokens_per_s) == (200.0, 500.0)
    assert tier_of(figures, "batch").exchanges_per_s == 0.0


def test_upstreams_sum_their_models_and_find_them_again() -> None:
    before = telemetry(
        upstreams=(PairRead("claude", "a", {"success": 10}, 5, 50),),
    )
    now = telemetry(
        upstreams=(
            PairRead("claude", "a", {"success": 20, "overloaded": 2}, 9, 90),
            PairRead("claude", "b", {"success": 4, "ignored": 2}, 6, 60),
            PairRead("gone", "c", {"success": 4}),
        ),
    )
    (claude,) = between(before, now).upstreams
    assert claude.attempts_per_s == 9.0
    assert claude.failures_per_s == {"overloaded": 1.0}
    assert (claude.input_tokens_per_s, claude.output_tokens_per_s) == (5.0, 50.0)
    assert [one.model for one in claude.targets] == ["a", "b"]


@pytest.mark.parametrize(
    "before",
    [
        None,
        reading(10.0, None, "connection refused"),
        reading(10.0, telemetry(started_unix_s=999.0)),
        reading(12.0, telemetry()),  # no time has passed
    ],
    ids=["first", "was down", "was another", "same instant"],
)
def test_without_a_read_that_counts_rates_are_unknown_and_states_known(
    before: Reading | None,
) -> None:
    now = telemetry(
        tiers=with_tier("free", outcomes={"complete": 130}, refusals={"tier_capacity": 3}),
        upstreams=(PairRead("claude", "a", {"success": 20}, 9, 90, breaker="open"),),
        gate=GateStatistics(desks=(desk(in_flight=3, free={"in_flight": 3}),)),
    )
    figures = figures_of(before, reading(12.0, now))
    free = tier_of(figures, "free")
    (claude,) = figures.upstreams
    assert figures.interval_s is None
    rates = [free.exchanges_per_s, free.shed_per_s, free.output_tokens_per_s, free.ttft_p50_s]
    rates += [claude.attempts_per_s, claude.output_tokens_per_s, claude.ttft_p50_s]
    assert rates == [None] * len(rates)
    assert (free.refusals_per_s, claude.failures_per_s) == ({}, {})
    assert (free.in_flight, claude.in_flight, claude.condition) == (3, 3, "broken")


def test_a_tier_is_summed_over_the_upstreams_and_its_oldest_is_the_oldest() -> None:
    desks = (
        desk("a", free={"in_flight": 3, "waiting": 4, "oldest_wait_s": 1.0}),
        desk("b", free={"in_flight": 5, "waiting": 1, "oldest_wait_s": 2.5}),
    )
    free = tier_of(figures_of(None, reading(1.0, telemetry(gate=GateStatistics(5, desks)))), "free")
    assert (free.in_flight, free.waiting, free.oldest_wait_s) == (8, 5, 2.5)


def test_times_are_of_what_came_between_the_reads() -> None:
    before = telemetry(tiers=with_tier("free", ttft=times(b11=1000)))
    now = telemetry(tiers=with_tier("free", ttft=times(b3=100, b11=1000)))
    free = tier_of(between(before, now), "free")
    assert free.ttft_p50_s == pytest.approx(0.375)  # the middle of 0.25 to 0.5
    assert free.ttft_p99_s == pytest.approx(0.4975)
    assert free.wait_p50_s is None


def test_sums_are_of_what_came_between_the_reads_too() -> None:
    before = telemetry(tiers=with_tier("free", wait=Times((5, 5, *NONE[2:]), 1000.0)))
    now = telemetry(tiers=with_tier("free", wait=Times((105, 5, *NONE[2:]), 1000.0)))
    assert tier_of(between(before, now), "free").wait_p50_s == 0.0, "nobody has waited since"


@given(st.lists(st.floats(0.0, 400.0), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_a_quantile_lies_in_the_bucket_of_the_value_that_it_is(
    values: list[float], ratio: float
) -> None:
    histogram = Histogram()
    for value in values:
        histogram.observe(value)
    found = quantile_s(ratio, histogram.counts, BUCKETS_S, histogram.total)
    assert found is not None
    ordered = sorted(values)
    below = min(len(ordered) - 1, int(ratio * len(ordered)))
    candidates = {ordered[max(0, below - 1)], ordered[below]}  # ratio may fall between two
    edges = [0.0, *BUCKETS_S, 300.0]
    bounds = [
        (edges[at], edges[at + 1])
        for value in candidates
        for at in [next((i for i, b in enumerate(BUCKETS_S) if value <= b), len(BUCKETS_S))]
    ]
    assert min(low for low, _ in bounds) <= found <= max(high for _, high in bounds)


def test_where_nearly_nobody_waits_the_median_is_next_to_nothing() -> None:
    counts = [99, 0, 1, *NONE[3:]]
    assert quantile_s(0.5, counts, BUCKETS_S, 0.0) == 0.0
    assert quantile_s(0.5, counts, BUCKETS_S, 0.2) == pytest.approx(0.004)


def test_a_quantile_of_nothing_is_unknown() -> None:
    assert quantile_s(0.5, NONE, BUCKETS_S, 0.0) is None


CONDITIONS = [
    ("ready", desk(), ()),
    ("ready", desk(in_flight=63), (PairRead("claude", "a"),)),
    ("full", desk(in_flight=64), ()),
    ("full", desk(in_flight=60, batch={"waiting": 1}), ()),  # a ceiling, not the limit
    ("resting", desk(in_flight=64, rest_s=3.0), ()),
    ("resting", desk(), (PairRead("claude", "a", rest_s=3.0),)),
    ("ready", desk(), (PairRead("claude", "a", rest_s=3.0), PairRead("claude", "b"))),
    ("broken", desk(), (PairRead("claude", "a", breaker="open"),)),
    ("probing", desk(), (PairRead("claude", "a", breaker="open"), PairRead("claude", "b"))),
    ("probing", desk(), (PairRead("claude", "a", breaker="half_open"),)),
    ("full", desk(free={"waiting": 1}), (PairRead("claude", "a", breaker="half_open"),)),
    ("failing", desk(in_flight=64), (PairRead("claude", "a", {"success": 1, "timed_out": 1}),)),
    ("failing", desk(), (PairRead("claude", "a", {"success": 8, "overloaded": 2}),)),
    ("ready", desk(), (PairRead("claude", "a", {"success": 9, "overloaded": 1}),)),
    ("ready", desk(), (PairRead("claude", "a", {"success": 1, "ignored": 9}),)),
]


@pytest.mark.parametrize(("word", "one", "pairs"), CONDITIONS)
def test_an_upstream_is_told_in_a_word(
    word: str, one: DeskStatistics, pairs: tuple[PairRead, ...]
) -> None:
    now = telemetry(gate=GateStatistics(desks=(one,)), upstreams=pairs)
    assert between(telemetry(), now).upstreams[0].condition == word


def said(now: Telemetry) -> tuple[str, str]:
    figures = between(telemetry(), now)
    assert figures.headline == "; ".join(figures.said)
    return figures.severity, figures.headline


def test_a_full_upstream_that_sheds_is_told_with_its_waits_and_reasons() -> None:
    full = desk(in_flight=64, free={"waiting": 30, "oldest_wait_s": 3.2})
    now = telemetry(
        gate=GateStatistics(30, (full,)),
        tiers=with_tier("free", refusals={"tier_capacity": 24}),
    )
    words = "claude full: 64 of 64 slots, free waits 3.2 s; 12 shed/s (tier_capacity)"
    assert said(now) == ("partial", words)


def test_a_contract_that_waits_is_bad_news() -> None:
    full = desk(in_flight=64, enterprise={"waiting": 1, "oldest_wait_s": 1.1})
    severity, words = said(telemetry(gate=GateStatistics(1, (full,))))
    assert (severity, words) == ("bad", "claude full: 64 of 64 slots, enterprise waits 1.1 s")


def test_the_two_most_urgent_that_wait_are_named() -> None:
    waits: dict[str, Any] = {w: {"waiting": 1, "oldest_wait_s": 0.5} for w in WORDS[2:]}
    full = desk(in_flight=64, **waits)
    words = "claude full: 64 of 64 slots, standard waits 500 ms, free waits 500 ms"
    assert said(telemetry(gate=GateStatistics(3, (full,)))) == ("partial", words)


def test_the_worst_comes_first() -> None:
    desks = (
        desk("resting", rest_s=12.0),
        desk("full", in_flight=8, limit=8, batch={"waiting": 2, "oldest_wait_s": 80.0}),
        desk("broken"),
    )
    now = telemetry(
        gate=GateStatistics(2, desks, ConsumerStatistics(3, 100, 1.0, 1.0)),
        upstreams=(PairRead("broken", "a", breaker="open", rest_s=4.0),),
        tiers=with_tier(
            "free",
            refusals={"tier_capacity": 2, "queue_timeout": 20, "no_capacity": 4, "preempted": 1},
        ),
    )
    severity, words = said(now)
    assert severity == "bad"
    assert words.split("; ") == [
        "broken: breaker open, retry in 4.0 s",
        "full full: 8 of 8 slots, batch waits 80 s",
        "13.5 shed/s (queue_timeout, ...)",
        "resting rests for 12 s",
        "consumers at level 3 of 5",
    ]


def test_most_of_what_is_shed_is_named() -> None:
    assert headline.shed_words({"a": 12.0}) == "12 shed/s (a)"
    assert headline.shed_words({"a": 1.0, "b": 3.0}) == "4 shed/s (b, ...)"


def test_a_failing_upstream_is_told_with_how() -> None:
    pairs = (PairRead("claude", "a", {"success": 6, "overloaded": 3, "timed_out": 1}),)
    assert said(telemetry(upstreams=pairs)) == (
        "degraded",
        "claude fails 40% of attempts (overloaded)",
    )


def test_quiet_and_busy_are_good() -> None:
    assert said(telemetry()) == ("good", "idle")
    busy = telemetry(
        exchanges_in_flight=4,
        tiers=with_tier("standard", outcomes={"complete": 6}, output_tokens=4000),
    )
    words = "all is well: 3 exchanges/s, 2,000 tokens/s, 4 under way, nobody waits"
    assert said(busy) == ("good", words)
    first = figures_of(None, reading(1.0, busy))
    assert (first.severity, first.headline) == ("good", "4 under way, nobody waits")


def test_a_gateway_that_does_not_answer_is_told_and_nothing_else() -> None:
    figures = figures_of(reading(1.0, telemetry()), reading(3.0, None, "connection refused"))
    assert not figures.is_up
    assert figures.severity == "bad"
    assert figures.headline == "no gateway answers at http://127.0.0.1:8401: connection refused"
    assert (figures.tiers, figures.upstreams) == ((), ())
    assert headline.down("", "why").words == "no gateway answers: why"


def test_figures_survive_json() -> None:
    figures = between(telemetry(), telemetry(upstreams=(PairRead("claude", "a", {"success": 2}),)))
    assert msgspec.json.decode(msgspec.json.encode(figures), type=Figures) == figures


def test_a_newer_gateway_may_tell_more_and_an_older_one_less() -> None:
    told = b'{"format":1,"started_unix_s":1.0,"tiers":[{"tier":"free","new":1}],"news":[]}'
    assert msgspec.json.decode(told, type=Telemetry).tiers == (TierRead("free"),)
