"""The queue against a list that is sorted anew each time, under every order of moves."""

from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.core.admission import QueuePolicy, TierQueue
from penstock.core.claim import Claim
from penstock.core.tier import Tier

POLICY: Final = QueuePolicy(lifo_after_s=4.0, floor_ratio=0.25, queue_max=12)
WEIGHTS: Final = {"a": 1.0, "b": 2.0, "c": 0.5, "d": 1.0}  # powers of two: sums are exact
TENANTS: Final = st.sampled_from(sorted(WEIGHTS))
TIERS: Final = st.sampled_from(list(Tier))


class Item:
    """Something that waits, and what a naive queue needs to know of it."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.pushed_at_s = 0.0
        self.order = 0
        self.is_aside = False

    @property
    def deadline_s(self) -> float:
        claim = self.claim
        return claim.arrived_at_s + (claim.ttft_timeout_s or POLICY.wait_max_s[claim.served])


def item_of(tenant: str, tier: Tier, arrived_at_s: float = 0.0, timeout_s: float = 0.0) -> Item:
    claim = Claim(tenant, "key", tier, 100, arrived_at_s)
    claim.output_tokens = 10
    claim.ttft_timeout_s = timeout_s
    return Item(claim)


def queue_of(policy: QueuePolicy = POLICY) -> TierQueue[Item]:
    return TierQueue(policy, lambda tenant: WEIGHTS.get(tenant, 1.0))


def everybody(tier: Tier) -> bool:
    del tier
    return True


class QueueUnderTraffic(RuleBasedStateMachine):
    """Keeps a list of all who wait, and the counters of all tenants that there ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0
        self.queue = queue_of()
        self.waiting: list[Item] = []
        self.taken: list[Item] = []
        self.v: dict[tuple[Tier, str], float] = {}
        self.last: dict[Tier, str] = {}
        self.since_free = 0
        self.order = 0

    # --- the naive queue

    def of(self, tier: Tier) -> list[Item]:
        return [one for one in self.waiting if one.claim.served is tier]

    def line(self, tier: Tier, tenant: str) -> list[Item]:
        """All of a tenant but those moved aside, in the order of coming."""
        mine = (one for one in self.of(tier) if one.claim.tenant == tenant and not one.is_aside)
        return sorted(mine, key=lambda one: one.order)

    def level(self, tier: Tier) -> float:
        active = [self.v[tier, tenant] for tenant in WEIGHTS if self.line(tier, tenant)]
        if active:
            return min(active)
        return self.v.get((tier, self.last.get(tier, "")), 0.0)

    def lift(self, tier: Tier, tenant: str) -> None:
        level = self.level(tier)
        self.v[tier, tenant] = max(level, self.v.get((tier, tenant), level))

    def candidates(self, tier: Tier) -> list[Item]:
        """Whoever may be next of a band; more than one only if counters are equal."""
        aside = [one for one in self.of(tier) if one.is_aside]
        if aside:
            return [max(aside, key=lambda one: one.order)]
        found: list[Item] = []
        for tenant in WEIGHTS:
            line = self.line(tier, tenant)
            if not line or self.v[tier, tenant] > self.level(tier):
                continue
            if tier < Tier.FREE:
                found.append(min(line, key=lambda one: (one.deadline_s, one.order)))
            elif tier is Tier.FREE and self.now_s - line[0].pushed_at_s >= POLICY.lifo_after_s:
                found.append(line[-1])
            else:
                found.append(line[0])
        return found

    def band_that_goes(self, allowed: set[Tier]) -> tuple[Tier | None, bool]:
        tier = next((one for one in Tier if one in allowed and self.of(one)), None)
        is_due = (
            self.since_free >= 3
            and self.queue.is_floor_open
            and bool(self.of(Tier.FREE))
            and Tier.STANDARD in allowed
        )
        if is_due and tier in {Tier.ENTERPRISE, Tier.STANDARD}:
            return Tier.FREE, True
        return tier, False

    def leave(self, item: Item) -> None:
        claim = item.claim
        self.waiting.remove(item)
        if not item.is_aside and not self.line(claim.served, claim.tenant):
            self.last[claim.served] = claim.tenant

    def join(self, item: Item, *, at_head: bool) -> None:
        tier = item.claim.served
        is_full = len(self.of(tier)) >= POLICY.queue_max and not at_head
        assert self.queue.push(item, self.now_s, at_head=at_head) is not is_full
        if is_full:
            return
        self.order += 1
        item.order, item.is_aside, item.pushed_at_s = self.order, at_head, self.now_s
        if not at_head and not self.line(tier, item.claim.tenant):
            self.lift(tier, item.claim.tenant)
        self.waiting.append(item)

    # --- what happens

    @rule(
        tenant=TENANTS,
        tier=TIERS,
        age_s=st.sampled_from([0.0, 0.5, 1.5]),
        timeout_s=st.sampled_from([0.0, 0.0, 1.0, 9.0]),
    )
    def push(self, tenant: str, tier: Tier, age_s: float, timeout_s: float) -> None:
        self.join(item_of(tenant, tier, self.now_s - age_s, timeout_s), at_head=False)

    @rule(tenant=TENANTS, tier=TIERS)
    def push_many(self, tenant: str, tier: Tier) -> None:
        for _ in range(5):
            self.join(item_of(tenant, tier, self.now_s), at_head=False)

    @precondition(lambda self: bool(self.taken))
    @rule(data=st.data())
    def move_aside(self, data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(self.taken) - 1))
        self.join(self.taken.pop(at), at_head=True)

    @rule(allowed=st.sets(TIERS) | st.just(set(Tier)))
    def take(self, allowed: set[Tier]) -> None:
        tier, is_floor = self.band_that_goes(allowed)
        item = self.queue.take(lambda one: one in allowed, self.now_s, Tier.STANDARD)
        assert self.queue.was_floor is is_floor
        if tier is None:
            assert item is None
            return
        assert item in self.candidates(tier)
        is_other = tier is not Tier.FREE and bool(self.of(Tier.FREE))
        self.since_free = self.since_free + 1 if is_other else 0
        self.leave(item)
        self.taken.append(item)

    @rule()
    def take_some(self) -> None:
        for _ in range(4):
            self.take(set(Tier))

    @precondition(lambda self: bool(self.waiting))
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        item = self.waiting[data.draw(st.integers(0, len(self.waiting) - 1))]
        self.queue.remove(item)
        self.leave(item)
        self.queue.remove(item)  # nothing

    @rule(tenant=TENANTS, tier=TIERS, cost=st.sampled_from([-64, -8, 8, 16, 64, 512]))
    def charge(self, tenant: str, tier: Tier, cost: int) -> None:
        level = self.level(tier)
        self.v[tier, tenant] = self.v.get((tier, tenant), level) + cost / WEIGHTS[tenant]
        self.queue.charge(tier, tenant, cost, self.now_s)

    @rule(tenant=TENANTS, tier=TIERS)
    def pass_by(self, tenant: str, tier: Tier) -> None:
        self.queue.pass_by(item_of(tenant, tier))
        if not self.line(tier, tenant):
            self.lift(tier, tenant)
            self.last[tier] = tenant

    @rule(is_open=st.booleans(), waited_s=st.sampled_from([0.5, 2.0, 5.0]))
    def pass_time(self, *, is_open: bool, waited_s: float) -> None:
        self.queue.is_floor_open = is_open
        self.now_s += waited_s

    @invariant()
    def counts_are_those_of_the_list(self) -> None:
        queue = self.queue
        assert len(queue) == len(self.waiting)
        assert queue.is_empty is not bool(self.waiting)
        assert all(item in queue for item in self.waiting)
        assert not any(item in queue for item in self.taken)
        ahead = 0
        for tier in Tier:
            mine = self.of(tier)
            ahead += len(mine)
            assert queue.depth(tier) == len(mine)
            assert queue.depth_ahead(tier) == ahead
            oldest_s = max((self.now_s - one.pushed_at_s for one in mine), default=0.0)
            assert queue.oldest_wait_s(tier, self.now_s) == oldest_s

    @invariant()
    def the_first_is_who_would_be_taken(self) -> None:
        for tier in Tier:
            first = self.queue.first(tier, self.now_s)
            assert (first in self.candidates(tier)) if self.of(tier) else first is None

    @invariant()
    def positions_lie_within_the_band(self) -> None:
        for item in self.waiting:
            tier = item.claim.served
            above = self.queue.depth_ahead(tier) - self.queue.depth(tier)
            assert above < self.queue.position(item) <= above + self.queue.depth(tier)


TestQueueUnderTraffic = QueueUnderTraffic.TestCase


def taken(queue: TierQueue[Item], now_s: float, count: int) -> list[Item | None]:
    return [queue.take(everybody, now_s) for _ in range(count)]


@pytest.mark.parametrize("tier", [Tier.STANDARD, Tier.BATCH])
def test_other_bands_never_go_newest_first(tier: Tier) -> None:
    queue = queue_of()
    items = [item_of("a", tier) for _ in range(3)]
    for item in items:
        queue.push(item, 0.0)
    assert taken(queue, 1000.0, 3) == items


def test_one_moved_aside_goes_before_all_others_of_its_band_but_not_of_a_higher_one() -> None:
    queue = queue_of()
    moved = item_of("a", Tier.FREE)
    queue.charge(Tier.FREE, "a", 1e9, 0.0)  # its tenant has had more than anybody
    items = [item_of("b", Tier.FREE), item_of("a", Tier.FREE), item_of("c", Tier.STANDARD)]
    for item in items:
        queue.push(item, 0.0)
    queue.push(moved, 0.0, at_head=True)
    assert queue.position(moved) == 2
    assert taken(queue, 9.0, 3) == [items[2], moved, items[0]]


def test_a_full_band_refuses_and_leaves_the_others_room() -> None:
    queue = queue_of()
    for _ in range(POLICY.queue_max):
        assert queue.push(item_of("a", Tier.FREE), 0.0)
    assert not queue.push(item_of("b", Tier.FREE), 0.0)
    assert queue.push(item_of("b", Tier.ENTERPRISE), 0.0)
    assert queue.push(item_of("b", Tier.FREE), 0.0, at_head=True)


def test_positions_of_a_tenant_alone_are_exact() -> None:
    for tier in (Tier.STANDARD, Tier.FREE, Tier.BATCH):
        queue = queue_of()
        items = [item_of("a", tier) for _ in range(10)]
        for item in items:
            queue.push(item, 0.0)
        assert [queue.position(item) for item in items] == list(range(1, 11))
        taken(queue, 0.0, 3)
        assert [queue.position(item) for item in items] == [0, 0, 0, *range(1, 8)]


def test_positions_follow_the_order_when_it_turns() -> None:
    queue = queue_of()
    items = [item_of("a", Tier.FREE) for _ in range(5)]
    for item in items:
        queue.push(item, 0.0)
    assert queue.take(everybody, 9.0) is items[4]
    assert [queue.position(item) for item in items] == [4, 3, 2, 1, 0]


def test_who_gave_up_is_spread_evenly_over_the_positions() -> None:
    queue = queue_of(QueuePolicy())
    items = [item_of("a", Tier.FREE) for _ in range(200)]
    for item in items:
        queue.push(item, 0.0)
    for item in items[1::2]:
        queue.remove(item)
    wrong = [abs(queue.position(item) - 1 - at) for at, item in enumerate(items[::2])]
    assert max(wrong) <= 1


@pytest.mark.parametrize("weight", [1.0, 2.0, 0.5])
def test_positions_tell_how_many_grants_it_takes_when_tenants_take_turns(weight: float) -> None:
    weights = {"a": weight, "b": 1.0, "c": 1.0, "d": 1.0}
    queue: TierQueue[Item] = TierQueue(QueuePolicy(), lambda tenant: weights[tenant])
    items = [item_of(tenant, Tier.BATCH) for _ in range(50) for tenant in "abcd"]
    for item in items:
        queue.push(item, 0.0)
    told = {item: queue.position(item) for item in items if item.claim.tenant == "a"}
    served: list[Item] = []
    while (item := queue.take(everybody, 0.0)) is not None:
        served.append(item)
        queue.charge(Tier.BATCH, item.claim.tenant, 100.0, 0.0)
    mine = [item for item in served if item.claim.tenant == "a"][:25]
    wrong = [abs(told[item] - 1 - served.index(item)) for item in mine]
    assert max(wrong) <= 6


def test_a_higher_band_is_ahead_whole() -> None:
    queue = queue_of()
    item = item_of("a", Tier.BATCH)
    queue.push(item, 0.0)
    for _ in range(7):
        queue.push(item_of("b", Tier.ENTERPRISE), 0.0)
    assert queue.position(item) == 8


def test_what_costs_how_much() -> None:
    assert QueuePolicy().cost(1000, 50) == 1200
    assert QueuePolicy().cost(1000, 50, cached_tokens=800) == pytest.approx(200 + 80 + 200)


def test_of_two_moved_aside_the_last_goes_first_and_both_before_the_rest() -> None:
    queue = queue_of()
    waiting, newer, older = (item_of("a", Tier.FREE) for _ in range(3))
    queue.push(waiting, 0.0)
    queue.push(newer, 0.0, at_head=True)
    queue.push(older, 0.0, at_head=True)  # the newest is moved first
    assert queue.position(waiting) == 3
    assert taken(queue, 0.0, 3) == [older, newer, waiting]
