"""Gates to compare with: what others do, behind the same interface.

    fifo       one line for all, nobody is refused
    partition  each tier has its share of the slots and a line of its own, bounded in time
    rate       each tenant has a request rate; beyond it 429; then one line, bounded in time
    priority   the highest tier first, in a tier the oldest; bounded in time; no tickets
    oracle     as priority, without a bound; run without the tiers below it shows the best wait that
               any gate can give the first tier: that of full preemption

None of them knows contracts, reserves, the ladder or tickets.
"""

import heapq
import itertools
import math
from collections.abc import Mapping
from typing import Final

from penstock.core.claim import Claim
from penstock.core.errors import LimitError, ShedError
from penstock.core.outcome import Outcome
from penstock.core.tier import Tier
from penstock.core.token_bucket import TokenBucket
from penstock.exchange.demand import Grant
from penstock.exchange.target import Target, UpstreamState
from penstock.sim.exchange import SimExchange
from penstock.sim.world import World

WAIT_S: Final[Mapping[Tier, float]] = {
    Tier.CONTROL: 30.0,
    Tier.ENTERPRISE: 10.0,
    Tier.STANDARD: 5.0,
    Tier.FREE: 8.0,
    Tier.BATCH: 120.0,
}  # as config.model.QueueWaits
POLICIES: Final = ("fifo", "partition", "rate", "priority", "oracle")
BURST_S: Final = 10.0  # of a tenant's rate


class Line:
    """Those who wait, in the order of a rank; bounded in time."""

    __slots__ = ("_heap", "_order", "_until_s")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, SimExchange, float]] = []
        self._order = itertools.count()
        self._until_s: dict[SimExchange, float] = {}

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self._until_s)

    def until_s(self, demand: SimExchange) -> float:
        """Return its bound; 0: it does not wait."""
        return self._until_s.get(demand, 0.0)

    def put(self, rank: int, demand: SimExchange, until_s: float) -> None:
        """Wait until an instant."""
        demand.is_waiting = True
        self._until_s[demand] = until_s
        heapq.heappush(self._heap, (rank, next(self._order), demand, until_s))

    def head(self) -> SimExchange | None:
        """Return who is next."""
        while self._heap:
            _, _, demand, until_s = self._heap[0]
            if self._until_s.get(demand) == until_s:
                return demand
            heapq.heappop(self._heap)
        return None

    def leave(self, demand: SimExchange) -> None:
        """Wait no longer; its entry is dropped when it comes up."""
        demand.is_waiting = False
        del self._until_s[demand]


class BaselineGate:
    """One of ``POLICIES``. Owned by one run."""

    def __init__(
        self,
        policy: str,
        world: World,
        shares: Mapping[Tier, float],
        rates_per_s: Mapping[str, float],
    ) -> None:
        self._policy = policy
        self._world = world
        self._shares = shares
        self._rates = rates_per_s
        self._buckets: dict[str, TokenBucket] = {}
        self._lines: dict[int, Line] = {}
        self._taken: dict[tuple[UpstreamState, int], int] = {}
        self._tiers: dict[Grant, int] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(line.count for line in self._lines.values())

    def ask(self, demand: SimExchange, now_s: float) -> None:
        """Grant, queue or refuse."""
        claim = demand.claim
        if self._policy == "rate" and not claim.is_admitted:
            claim.is_admitted = True
            error = self._over(claim.tenant, now_s)
            if error is not None:
                demand.on_refused(error, now_s)
                return
        line = self._lines.setdefault(self._part(demand), Line())
        if not line.count:
            grant = self._acquire(demand, now_s)
            if grant is not None:
                demand.on_granted(grant, now_s)
                return
        if demand.wait_until_s <= now_s:
            demand.on_refused(shed(), now_s)
            return
        wait_s = math.inf if self._policy in {"fifo", "oracle"} else WAIT_S[claim.tier]
        until_s = now_s + wait_s
        line.put(claim.tier if self._policy in {"priority", "oracle"} else 0, demand, until_s)
        if wait_s < math.inf:
            self._world.at(until_s, lambda at_s: self._give_up(demand, until_s, at_s))
        self._serve(now_s)

    def withdraw(self, demand: SimExchange) -> None:
        """Forget one who waits."""
        if demand.is_waiting:
            self._lines[self._part(demand)].leave(demand)

    def began(self, grant: Grant, now_s: float) -> None:
        """Learn nothing: breakers here wait for the end."""
        del grant, now_s

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take a grant back and pass the slot on."""
        assert grant.is_out, "a grant came back twice"
        grant.is_out = False
        part = self._tiers.pop(grant)
        self._taken[grant.target.upstream, part] -= 1
        grant.target.give_back(grant.permit, outcome, grant.spent, now_s, self._half)
        self._serve(now_s)

    def close(self, demand: SimExchange, now_s: float) -> None:
        """Nothing is settled."""

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt may be repeated: always."""
        del claim
        return True

    def on_tick(self, now_s: float) -> None:
        """Pass on what a limit that has risen lets in."""
        self._serve(now_s)

    @property
    def level(self) -> int:
        """There is no ladder."""
        return 0

    def _half(self) -> float:
        return 0.5

    def _part(self, demand: SimExchange) -> int:
        return int(demand.claim.tier) if self._policy == "partition" else 0

    def _over(self, tenant: str, now_s: float) -> LimitError | None:
        rate_per_s = self._rates.get(tenant, math.inf)
        if rate_per_s == math.inf:
            return None
        bucket = self._buckets.get(tenant)
        if bucket is None:
            bucket = TokenBucket(rate_per_s, max(1.0, rate_per_s * BURST_S), now_s)
            self._buckets[tenant] = bucket
        if bucket.try_take(1.0, now_s):
            return None
        limit = round(rate_per_s * 60)
        return LimitError(tenant, "requests_per_min", limit, 0, retry_after_s=1.0)

    def _acquire(self, demand: SimExchange, now_s: float) -> Grant | None:
        part = self._part(demand)
        for target in demand.targets:
            if not self._may_take(target, part):
                continue
            permit = target.acquire(demand.claim, now_s)
            if permit is not None:
                grant = Grant(target, permit, demand, now_s)
                key = (target.upstream, part)
                self._taken[key] = self._taken.get(key, 0) + 1
                self._tiers[grant] = part
                return grant
        return None

    def _may_take(self, target: Target, part: int) -> bool:
        if self._policy != "partition":
            return True
        slots = round(self._shares.get(Tier(part), 1.0) * target.upstream.limit.limit)
        return self._taken.get((target.upstream, part), 0) < slots

    def _serve(self, now_s: float) -> None:
        for line in list(self._lines.values()):
            demand = line.head()
            while demand is not None:
                grant = self._acquire(demand, now_s)
                if grant is None:
                    break
                line.leave(demand)
                demand.on_granted(grant, now_s)
                demand = line.head()

    def _give_up(self, demand: SimExchange, until_s: float, now_s: float) -> None:
        line = self._lines[self._part(demand)]
        if demand.is_waiting and line.until_s(demand) == until_s:
            line.leave(demand)
            demand.on_refused(shed(), now_s)


def shed() -> ShedError:
    """Return what a baseline says: it does not know when to come back."""
    return ShedError("There is no capacity now.", retry_after_s=1.0)
