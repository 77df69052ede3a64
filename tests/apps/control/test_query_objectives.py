"""Good and all events of objectives, read from sums that tests write themselves."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.apps.control.sums import put

from penstock.apps.control.queries import objectives as queries
from penstock.apps.control.queries.objectives import Measured, Whole
from penstock.config.operations import Objective, Sli
from penstock.core.outcome import FailureKind
from penstock.core.slo import Count
from penstock.ledger.store import Store, migrate
from penstock.ledger.tables import TTFT_BOUNDS_S, attempts, traffic

NOW_S = 1_800_000_030.0  # half a minute into an hour
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
ALL = Objective(name="all")


@pytest.fixture
def ledger(store: Store) -> Store:
    migrate(store)
    return store


def windows(store: Store, *objectives: Objective) -> dict[str, dict[int, Count]]:
    with store.reading() as connection:
        return queries.windows(connection, objectives, NOW_S)


def measured(store: Store, *objectives: Objective) -> dict[str, Measured]:
    with store.reading() as connection:
        return queries.measured(connection, objectives, NOW_S)


def test_availability_counts_what_was_owed_and_nothing_else(ledger: Store) -> None:
    fates = {
        "served": 90,
        "failed": 4,
        "shed": 3,
        "lost": 2,
        "limited": 50,
        "rejected": 60,
        "left": 7,
    }
    put(ledger, traffic, NOW_S - 10, exchanges=sum(fates.values()), **fates)
    assert set(windows(ledger, ALL)["all"].values()) == {Count(90, 99)}


def test_windows_end_where_they_should(ledger: Store) -> None:
    ages = (4, 6, 29, 31, 59, 61, 359, 361, 72 * 60 - 5, 72 * 60 + 6, 31 * 1440)
    for number, age_min in enumerate(ages):
        put(ledger, traffic, NOW_S - age_min * MINUTE_S, served=10**number)
    found = {
        window_s // MINUTE_S: count.total for window_s, count in windows(ledger, ALL)["all"].items()
    }
    assert found == {
        5: 1,
        30: 111,
        60: 11_111,
        360: 1_111_111,
        72 * 60: 111_111_111,
    }


def test_a_filter_takes_what_it_names(ledger: Store) -> None:
    for number, (tenant, tier, route) in enumerate(
        [("a", "free", "r"), ("a", "batch", "r"), ("b", "free", "r"), ("a", "free", "q")]
    ):
        put(ledger, traffic, NOW_S, tenant=tenant, tier=tier, route=route, failed=10**number)
    asked = {
        "all": (ALL, 1111),
        "tenant": (Objective(name="tenant", tenant="a"), 1011),
        "tier": (Objective(name="tier", tier="free"), 1101),
        "route": (Objective(name="route", route="r"), 111),
        "both": (Objective(name="both", tenant="a", tier="free", route="r"), 1),
        "nobody": (Objective(name="nobody", tenant="c"), 0),
    }
    found = windows(ledger, *(one for one, _ in asked.values()))
    assert {name: counts[300].bad for name, counts in found.items()} == {
        name: number for name, (_, number) in asked.items()
    }


def test_more_objectives_than_a_statement_holds(ledger: Store) -> None:
    many = [Objective(name=f"o{at}", tenant=f"t{at}") for at in range(60)]
    for at in range(60):
        put(ledger, traffic, NOW_S, tenant=f"t{at}", served=at + 1, failed=1)
    found = windows(ledger, *many)
    assert [found[f"o{at}"][300] for at in range(60)] == [Count(at + 1, at + 2) for at in range(60)]


def test_ttft_is_read_at_the_next_stricter_bound(ledger: Store) -> None:
    put(ledger, traffic, NOW_S, ttft_00=1, ttft_12=10, ttft_13=100, ttft_14=1000, ttft_25=10_000)
    exact = Objective(name="exact", sli=Sli.TTFT, threshold_s=2.0)
    between = Objective(name="between", sli=Sli.TTFT, threshold_s=1.99)
    last = Objective(name="last", sli=Sli.TTFT, threshold_s=60.0)
    found = windows(ledger, exact, between, last)
    assert TTFT_BOUNDS_S[13] == 2.0
    assert found["exact"][300] == Count(111, 11_111)
    assert found["between"][300] == Count(11, 11_111)
    assert found["last"][300] == Count(1_111, 11_111)
    used = [queries.threshold_used(one) for one in (exact, between, ALL)]
    assert used == [2.0, 1.5, None]


def test_speed_is_read_at_the_next_stricter_bound(ledger: Store) -> None:
    put(ledger, traffic, NOW_S, speed_05=1, speed_06=10, speed_07=100, speed_17=1000)
    at_least_30 = Objective(name="at_least_30", sli=Sli.SPEED, threshold_per_s=30.0)
    at_least_31 = Objective(name="at_least_31", sli=Sli.SPEED, threshold_per_s=31.0)
    fastest = Objective(name="fastest", sli=Sli.SPEED, threshold_per_s=500.0)
    found = windows(ledger, at_least_30, at_least_31, fastest)
    assert found["at_least_30"][300] == Count(1110, 1111)
    assert found["at_least_31"][300] == Count(1100, 1111)
    assert found["fastest"][300] == Count(1000, 1111)
    assert queries.threshold_used(at_least_31) == 40.0


@given(st.floats(0.05, 60.0))
def test_a_threshold_is_never_made_looser(threshold_s: float) -> None:
    used = queries.threshold_used(Objective(name="x", sli=Sli.TTFT, threshold_s=threshold_s))
    assert used is not None
    assert used <= threshold_s
    assert not any(used < bound <= threshold_s for bound in TTFT_BOUNDS_S)


def test_an_upstream_is_judged_by_failures_of_its_own(ledger: Store) -> None:
    put(ledger, attempts, NOW_S, upstream="a", outcome="success", attempts=100)
    put(ledger, attempts, NOW_S, upstream="b", outcome="success", attempts=5)
    put(ledger, attempts, NOW_S, upstream="a", outcome="ignored", attempts=1000)
    put(ledger, attempts, NOW_S, upstream="a", outcome="hung", attempts=2)
    for kind in FailureKind:
        put(ledger, attempts, NOW_S, upstream="a", outcome=kind.value, attempts=3)
    found = windows(ledger, Objective(name="a", upstream="a"))["a"][300]
    innocent = {"quota", "stale", "not_offered", "conflict", "context_length", "rejected"}
    assert found == Count(100, 100 + 2 + 3 * (len(FailureKind) - len(innocent)))
    with ledger.reading() as connection:
        told = queries.causes(connection, ALL, 300, NOW_S)
    assert len(told) == queries.CAUSES_MAX
    assert {one.kind for one in told}.isdisjoint(innocent)


def test_the_most_frequent_cause_comes_first(ledger: Store) -> None:
    put(ledger, attempts, NOW_S, upstream="a", outcome="timed_out", status=0, attempts=3)
    put(ledger, attempts, NOW_S, upstream="b", outcome="server_error", status=500, attempts=2)
    put(ledger, attempts, NOW_S, upstream="b", outcome="server_error", status=503, attempts=2)
    with ledger.reading() as connection:
        every = queries.causes(connection, ALL, 300, NOW_S)
        of_a = queries.causes(connection, Objective(name="a", upstream="a"), 300, NOW_S)
    b = queries.Cause("b", "server_error", 4)
    a = queries.Cause("a", "timed_out", 3)
    assert (every, of_a) == ([b, a], [a])


def test_unmeasured_time_is_not_covered(ledger: Store) -> None:
    for hours in (0, 1, 2, 100):
        put(ledger, traffic, NOW_S - hours * HOUR_S, served=9, failed=1)
    put(ledger, traffic, NOW_S - 50 * HOUR_S, limited=1, exchanges=1)
    week = Objective(name="week", window_days=7)
    found = measured(ledger, week, ALL, Objective(name="x", tenant="x"))
    assert found["week"].whole == Whole(Count(36, 40), hours=7 * 24 + 1, measured_hours=4)
    assert found["week"].whole.coverage_ratio == 4 / (7 * 24 + 1)
    assert found["all"].whole.coverage_ratio == 4 / (30 * 24 + 1)
    assert found["x"].whole == Whole(Count(), hours=30 * 24 + 1, measured_hours=0)


def test_a_window_is_what_its_history_adds_up_to(ledger: Store) -> None:
    dice = random.Random(7)
    for _ in range(300):
        age_s = dice.choice([DAY_S, 9 * DAY_S, 40 * DAY_S]) * dice.random()
        at_unix_s = NOW_S - age_s
        key = {"tenant": dice.choice("ab"), "tier": dice.choice(["free", "batch"])}
        counts = {dice.choice(["served", "failed", "limited"]): 1, "ttft_05": 1, "ttft_20": 1}
        put(ledger, traffic, at_unix_s, **key, **counts)
        outcome = dice.choice(["success", "server_error", "ignored"])
        put(ledger, attempts, at_unix_s, upstream=dice.choice("uv"), outcome=outcome, attempts=1)
    quick: dict[str, Any] = {"sli": Sli.TTFT, "threshold_s": 2.0}
    promises: list[dict[str, Any]] = [
        {},
        {"tier": "free"},
        *({"tenant": one} for one in "abc"),
        *({"tenant": one, **quick} for one in "abc"),
        {"tenant": "a", "tier": "batch"},
        {"upstream": "u"},
        {"upstream": "v", "sli": Sli.TTFT, "threshold_s": 1.0},
    ]
    asked = [
        Objective(name=f"{number}-{days}", window_days=days, **what)
        for days in (1, 7, 30)
        for number, what in enumerate(promises)
    ]
    found, alone = measured(ledger, *asked), windows(ledger, *asked)
    with ledger.reading() as connection:
        for one in asked:
            past = queries.past(connection, one, NOW_S)
            whole = found[one.name].whole
            assert whole == Whole(past.count, past.hours, len(past.slots)), one
            assert whole.coverage_ratio == past.coverage_ratio
            assert found[one.name].windows == alone[one.name]
            assert found[one.name] == measured(ledger, one)[one.name]


def test_alike_promises_to_many_tenants_are_told_apart(ledger: Store) -> None:
    tenants = [f"t{at}" for at in range(queries.STATEMENT_MAX + 5)]
    for at, tenant in enumerate(tenants):
        put(ledger, traffic, NOW_S, tenant=tenant, served=at, ttft_00=at, ttft_25=1)
    asked = [
        Objective(name=f"{tenant}-{sli.value}", tenant=tenant, sli=sli, threshold_s=threshold_s)
        for tenant in tenants
        for sli, threshold_s in ((Sli.AVAILABILITY, None), (Sli.TTFT, 2.0))
    ]
    found = windows(ledger, *asked)
    for at, tenant in enumerate(tenants):
        assert found[f"{tenant}-availability"][300] == Count(at, at)
        assert found[f"{tenant}-ttft"][300] == Count(at, at + 1)


def test_without_objectives_nothing_is_asked(ledger: Store) -> None:
    assert windows(ledger) == {}
    assert measured(ledger) == {}
