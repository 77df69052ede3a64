"""Who gets how much of an upstream over a simulated minute, through the queue and its charges."""

import heapq
import random
from dataclasses import dataclass, field

import pytest

from penstock.core.admission import QueuePolicy, TierQueue
from penstock.core.claim import Claim
from penstock.core.reserve import jain, max_min, vtc_gap
from penstock.core.tier import Tier

SLOTS = 64
TOKENS_PER_S = 50.0  # of each answer
MINUTE_S = 60.0


class Item:
    """An exchange that knows how long its answer will be."""

    __slots__ = ("charged", "claim", "started_at_s", "written")

    def __init__(self, claim: Claim, written: int) -> None:
        self.claim = claim
        self.written = written
        self.started_at_s = 0.0
        self.charged = 0.0

    def progress(self, now_s: float) -> float:
        """Return the tokens written since this was asked last."""
        written = min(self.written, (now_s - self.started_at_s) * TOKENS_PER_S)
        new = written - self.charged
        self.charged = written
        return new


@dataclass
class Rig:
    """An upstream of slots; output is charged once a second, and what is left at the end."""

    queue: TierQueue[Item]
    policy: QueuePolicy
    running: list[tuple[float, int, Item]] = field(default_factory=list[tuple[float, int, Item]])
    got: dict[str, float] = field(default_factory=dict[str, float])
    started: int = 0
    swept_at_s: float = 0.0

    def arrive(self, item: Item, now_s: float) -> None:
        """Do all that happens until then; the newcomer goes at once if a slot is free."""
        self.advance(now_s)
        if len(self.running) < SLOTS:
            self.queue.pass_by(item)
            self.start(item, now_s)
        else:
            assert self.queue.push(item, now_s)

    def advance(self, now_s: float) -> None:
        """End what ends until then, give the slots on, and charge once a second."""
        while self.running and min(self.running[0][0], self.swept_at_s + 1.0) <= now_s:
            if self.swept_at_s + 1.0 < self.running[0][0]:
                self.swept_at_s += 1.0
                for _, _, item in self.running:
                    self.pay(item, self.policy.w_out * item.progress(self.swept_at_s))
                continue
            end_s, _, item = heapq.heappop(self.running)
            self.pay(item, self.policy.w_out * item.progress(end_s))
            after = self.queue.take(lambda _: True, end_s)
            if after is not None:
                self.start(after, end_s)

    def start(self, item: Item, now_s: float) -> None:
        """Dispatch."""
        item.started_at_s = now_s
        self.pay(item, self.policy.w_in * item.claim.input_tokens)
        end_s = now_s + item.written / TOKENS_PER_S
        self.started += 1
        heapq.heappush(self.running, (end_s, self.started, item))

    def pay(self, item: Item, cost: float) -> None:
        """Charge, and count."""
        claim = item.claim
        self.got[claim.tenant] = self.got.get(claim.tenant, 0.0) + cost
        self.queue.charge(claim.served, claim.tenant, cost, 0.0)


def item_of(dice: random.Random, tenant: str, tier: Tier, now_s: float, scale: float) -> Item:
    """Return one with about 400 tokens of input and 200 of output, times a scale."""
    read = 1 + int(dice.expovariate(1 / (400 * scale)))
    claim = Claim(tenant, "key", tier, read, now_s)
    return Item(claim, 1 + int(min(1000, dice.expovariate(1 / (200 * scale)))))


@pytest.mark.parametrize("tier", [Tier.STANDARD, Tier.FREE])
@pytest.mark.parametrize("count", [2, 10, 50])
def test_tenants_share_a_minute_by_weight_whatever_they_ask_for(tier: Tier, count: int) -> None:
    dice = random.Random(count)
    policy = QueuePolicy()
    weights = {str(at): (1.0, 2.0)[at % 2] for at in range(count)}
    rates = [1.0 + 9.0 * at / (count - 1) for at in range(count)]  # tenfold from first to last
    scales = {str(at): (0.5, 1.0, 2.0)[at % 3] for at in range(count)}
    rig = Rig(TierQueue(policy, lambda tenant: weights[tenant]), policy)
    asked = dict.fromkeys(weights, 0.0)
    now_s = 0.0
    while (now_s := now_s + dice.expovariate(80.0)) < MINUTE_S:  # about five times what it can do
        tenant = str(dice.choices(range(count), rates)[0])
        item = item_of(dice, tenant, tier, now_s, scales[tenant])
        asked[tenant] += policy.cost(item.claim.input_tokens, item.written)
        rig.arrive(item, now_s)
    rig.advance(MINUTE_S)
    got = [rig.got.get(tenant, 0.0) for tenant in weights]
    ideal = max_min(list(asked.values()), list(weights.values()), sum(got))
    assert jain([one / best for one, best in zip(got, ideal, strict=True)]) >= 0.98


def test_one_who_floods_does_not_slow_down_another() -> None:
    dice = random.Random(7)
    policy = QueuePolicy()
    rig = Rig(TierQueue(policy, lambda _: 1.0), policy)
    quiet: list[Item] = []
    for at in range(6000):
        now_s = at / 100.0
        rig.arrive(item_of(dice, "loud", Tier.STANDARD, now_s, 1.0), now_s)
        if at % 50 == 0:
            item = item_of(dice, "quiet", Tier.STANDARD, now_s, 1.0)
            quiet.append(item)
            rig.arrive(item, now_s)
    waits = sorted(item.started_at_s - item.claim.arrived_at_s for item in quiet)
    assert waits[-1] < 1.0  # while the loud one's own wait for half of the minute
    assert rig.queue.oldest_wait_s(Tier.STANDARD, MINUTE_S) > 20.0


def test_two_who_always_wait_never_differ_by_more_than_the_bound() -> None:
    dice = random.Random(8)
    policy = QueuePolicy()
    rig = Rig(TierQueue(policy, lambda _: 1.0), policy)
    read_max, gap_max = 0, 0.0
    for at in range(6000):
        now_s = at / 100.0
        for tenant, scale in (("long", 4.0), ("short", 0.2)):
            item = item_of(dice, tenant, Tier.FREE, now_s, scale)
            read_max = max(read_max, item.claim.input_tokens)
            rig.arrive(item, now_s)
        if at > 100:
            gap_max = max(gap_max, abs(rig.got["long"] - rig.got["short"]))
    assert gap_max <= vtc_gap(policy.w_in, read_max, policy.w_out, SLOTS * 1001)
    assert gap_max > 0.0


def test_weights_that_were_set_anew_hold_for_those_who_wait() -> None:
    dice = random.Random(9)
    weights = {"a": 1.0, "b": 1.0}
    queue: TierQueue[Item] = TierQueue(QueuePolicy(), lambda tenant: weights[tenant])
    for _ in range(40):
        queue.push(item_of(dice, "a", Tier.FREE, 0.0, 1.0), 0.0)
        queue.push(item_of(dice, "b", Tier.FREE, 0.0, 1.0), 0.0)
    weights["a"] = 3.0
    queue.reweigh()
    for _ in range(40):
        item = queue.take(lambda _: True, 0.0)
        assert item is not None
        queue.charge(Tier.FREE, item.claim.tenant, 100.0, 0.0)
    assert queue.depth(Tier.FREE) == 40
    left = [queue.take(lambda _: True, 0.0) for _ in range(40)]
    assert sum(item is not None and item.claim.tenant == "a" for item in left) == 10
