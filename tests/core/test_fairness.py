"""Counters against plain ones, and what tenants get of a machine that is always too small."""

import random
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.fairness import IDLE_MAX, SPARE, Counter, Fairness

W_IN, W_OUT = 1.0, 4.0


def counters(weights: dict[str, float] | None = None) -> Fairness[Counter]:
    return Fairness(lambda tenant: (weights or {}).get(tenant, 1.0), Counter)


def entered(fairness: Fairness[Counter], tenant: str) -> Counter:
    return fairness.enter(tenant)


@dataclass
class Rig:
    """A machine of slots on which some tenants always have more waiting than there is room for."""

    lengths: dict[str, list[tuple[int, int]]]  # input and output tokens, in turn
    weights: dict[str, float]
    slots: int
    served: dict[str, float] = field(default_factory=dict[str, float])
    running: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    gap_max: float = 0.0

    def run(self, steps: int) -> None:
        """Let each that runs write a token in each step."""
        fairness = counters(self.weights)
        at = dict.fromkeys(self.lengths, 0)
        self.served = dict.fromkeys(self.lengths, 0.0)
        for tenant in self.lengths:
            entered(fairness, tenant)
        for _ in range(steps):
            while len(self.running) < self.slots:
                counter = fairness.lowest()
                assert counter is not None
                tenant = counter.tenant
                read, write = self.lengths[tenant][at[tenant] % len(self.lengths[tenant])]
                at[tenant] += 1
                self.pay(fairness, tenant, W_IN * read)
                self.running.append((tenant, write))
            for tenant, _ in self.running:
                self.pay(fairness, tenant, W_OUT)
            self.running = [(tenant, left - 1) for tenant, left in self.running if left > 1]
            self.gap_max = max(self.gap_max, self.gap())

    def pay(self, fairness: Fairness[Counter], tenant: str, cost: float) -> None:
        self.served[tenant] += cost
        fairness.charge(tenant, cost)

    def shares(self) -> list[float]:
        return [self.served[tenant] / self.weights[tenant] for tenant in self.lengths]

    def gap(self) -> float:
        return max(self.shares()) - min(self.shares())


LENGTHS: Final = st.lists(
    st.tuples(st.integers(1, 400), st.integers(1, 60)), min_size=1, max_size=5
)


@given(st.lists(LENGTHS, min_size=2, max_size=8), st.integers(1, 12))
def test_the_gap_between_two_who_wait_is_bounded(
    lengths: list[list[tuple[int, int]]], slots: int
) -> None:
    tenants = {str(at): one for at, one in enumerate(lengths)}
    rig = Rig(tenants, dict.fromkeys(tenants, 1.0), slots)
    rig.run(300)
    read = max(pair[0] for one in lengths for pair in one)
    written = slots * max(pair[1] for one in lengths for pair in one)
    assert rig.gap_max <= 2 * max(W_IN * read, W_OUT * written)


@pytest.mark.parametrize("count", [2, 10, 50])
def test_a_minute_is_shared_by_weight_whatever_the_lengths(count: int) -> None:
    dice = random.Random(count)
    lengths = {
        str(at): [
            (dice.randrange(1, 400 * (1 + 9 * (at % 2))), dice.randrange(1, 400)) for _ in range(99)
        ]
        for at in range(count)
    }
    weights = {str(at): (1.0, 2.0, 4.0)[at % 3] for at in range(count)}
    rig = Rig(lengths, weights, slots=64)
    rig.run(3000)  # a minute of 50 tokens a second
    shares = rig.shares()
    jain = sum(shares) ** 2 / (count * sum(share * share for share in shares))
    assert jain >= 0.98


def test_who_was_idle_has_saved_nothing_up() -> None:
    fairness = counters()
    busy = entered(fairness, "busy")
    fairness.charge("busy", 1000.0)
    late = entered(fairness, "late")
    assert late.v == busy.v == 1000.0


def test_who_had_the_machine_alone_owes_nothing() -> None:
    fairness = counters()
    for _ in range(100):
        fairness.pass_by("alone")
        fairness.charge("alone", 1000.0)
    assert entered(fairness, "new").v == 100_000.0


def test_what_was_under_way_is_still_owed() -> None:
    fairness = counters()
    entered(fairness, "other")
    debtor = entered(fairness, "debtor")
    fairness.leave(debtor)
    fairness.charge("debtor", 500.0)
    assert entered(fairness, "debtor").v == 500.0
    lowest = fairness.lowest()
    assert lowest is not None
    assert lowest.tenant == "other"


def test_the_level_of_an_empty_band_follows_the_last_who_waited() -> None:
    fairness = counters()
    last = entered(fairness, "last")
    fairness.charge("last", 10.0)
    fairness.leave(last)
    assert fairness.level() == 10.0
    fairness.charge("last", 30.0)
    assert fairness.level() == 40.0
    fairness.charge("never seen", 5.0)
    assert fairness.v("never seen") == 45.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcde"), st.integers(-100, 100), st.sampled_from(["charge", "turn"])
        ),
        min_size=20,
        max_size=200,
    )
)
def test_the_lowest_is_the_lowest_under_charges_and_refunds(
    moves: list[tuple[str, int, str]],
) -> None:
    fairness = counters()
    for tenant, cost, move in moves:
        counter = fairness.waiting.get(tenant)
        if move == "charge":
            fairness.charge(tenant, float(cost))
        elif counter is None:
            entered(fairness, tenant)
        else:
            fairness.leave(counter)
        lowest = fairness.lowest()
        found = min((one.v for one in fairness.waiting.values()), default=None)
        assert (None if lowest is None else lowest.v) == found
        assert fairness.weight == len(fairness.waiting)


def test_counters_of_the_idle_are_forgotten_the_longest_unserved_first() -> None:
    fairness = counters()
    entered(fairness, "there")
    for at in range(3 * IDLE_MAX):
        counter = entered(fairness, str(at))
        fairness.charge(str(at), 7.0)
        fairness.leave(counter)
        fairness.charge("0", 1.0)  # still served
    assert fairness.remembered == IDLE_MAX + 1
    assert (fairness.v("0") or 0.0) > 3 * IDLE_MAX  # never forgotten
    assert fairness.v("1") is None
    assert fairness.v(str(3 * IDLE_MAX - 1)) == 7.0


def test_the_heap_does_not_grow_with_refunds() -> None:
    fairness = counters()
    entered(fairness, "lowest")
    fairness.charge("lowest", -1e9)
    other = entered(fairness, "other")
    for _ in range(1000):
        fairness.charge("other", -1.0)
    assert fairness.entries <= 2 * 2 + SPARE
    fairness.leave(other)
    fairness.leave(fairness.waiting["lowest"])
    assert fairness.entries == 0


def test_the_heap_does_not_grow_with_those_who_leave() -> None:
    fairness = counters()
    entered(fairness, "lowest")
    fairness.charge("lowest", -1e9)
    for at in range(1000):
        fairness.leave(entered(fairness, str(at)))
    assert fairness.entries <= 2 + SPARE
    fairness.leave(fairness.waiting["lowest"])
    assert fairness.entries == 0


def test_the_one_who_goes_leaves_no_entry_behind() -> None:
    fairness = counters()
    first = entered(fairness, "first")
    entered(fairness, "other")
    fairness.leave(first)
    assert fairness.entries == 1


def test_a_refund_moves_one_that_a_charge_has_moved_before() -> None:
    fairness = counters()
    entered(fairness, "a")
    entered(fairness, "b")
    fairness.charge("b", 60.0)
    fairness.charge("a", 100.0)
    assert fairness.lowest() is fairness.waiting["b"]
    fairness.charge("b", 90.0)
    assert fairness.lowest() is fairness.waiting["a"]
    fairness.charge("b", -60.0)  # to 90: above where it once was, below where it is
    assert fairness.lowest() is fairness.waiting["b"]


@pytest.mark.parametrize("move", ["enters", "passes by"])
def test_the_last_who_waited_is_lifted_too_once_others_have_gone_on(move: str) -> None:
    fairness = counters()
    entered(fairness, "other")
    fairness.leave(entered(fairness, "last"))
    fairness.charge("other", 500.0)
    if move == "enters":
        entered(fairness, "last")
    else:
        fairness.pass_by("last")
    assert fairness.v("last") == 500.0


def test_one_that_passes_by_is_lifted_over_the_last_who_did() -> None:
    fairness = counters()
    fairness.pass_by("one")
    fairness.pass_by("other")
    fairness.charge("other", 500.0)
    fairness.pass_by("one")
    assert fairness.v("one") == 500.0


def test_one_that_waits_and_passes_by_has_one_counter() -> None:
    fairness = counters()
    entered(fairness, "a")
    fairness.charge("a", 5.0)
    fairness.pass_by("a")
    assert fairness.remembered == 1
    assert fairness.v("a") == 5.0


def test_a_tenant_without_weight_gets_little_and_breaks_nothing() -> None:
    fairness = counters({"none": 0.0})
    entered(fairness, "none")
    entered(fairness, "one")
    fairness.charge("none", 1.0)
    fairness.charge("one", 999.0)
    lowest = fairness.lowest()
    assert lowest is not None
    assert lowest.tenant == "one"
    fairness.charge("idle", 1.0)
    assert (fairness.v("idle") or 0.0) < float("inf")
