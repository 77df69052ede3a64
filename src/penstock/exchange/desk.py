"""The desk of one upstream: who waits for it, who holds its slots, and what may be taken back.

    limit or load has moved   ceilings anew: the slots that each tier may fill
    a grant                   counted by tier; free and batch ones may be moved aside for a while
    a grant comes back        one fewer; how long it was held is learned

The reserve follows the measured load of the contracts (TIERING 3.6). A wait is predicted from who
would go first, the time that a slot is held, and the slots that higher tiers leave. Where it is a
quota's credit that has been lacking for seconds, the pace of its grants may say that it is longer.
Pure.
"""

import math
from collections.abc import Callable
from typing import Final

from penstock.config.model import Admission
from penstock.core import reserve
from penstock.core.admission import QueuePolicy, TierQueue
from penstock.core.concurrency_limit import ConcurrencyLimit
from penstock.core.demand_rate import LoadEstimate
from penstock.core.spent import Spent
from penstock.core.tier import Tier
from penstock.exchange.demand import Demand, Grant
from penstock.exchange.target import TargetState, UpstreamState

FREE: Final = Tier.FREE
LATE_S: Final = 30.0  # over which late contracts are counted: longer than bursts
SHORT_S: Final = 3.0  # of lack of credit, before the pace of grants is believed
PACE_S: Final = 10.0  # over which it is averaged
PACE_MIN_PER_S: Final = 1.0 / 60.0  # so that no wait is without end
LATE_RATIO: Final = 0.01  # of contracts that wait beyond their budget: then free has no floor


class Desk:
    """Admission at one upstream. Owned by one event loop; not thread-safe."""

    __slots__ = (
        "_admission", "_batch", "_contracts", "_free", "_granted", "_late", "_limit_seen", "_pace",
        "_short_s", "_ticked_at_s", "is_serving", "is_short", "load", "models", "queue", "reserve",
        "upstream", "wake_at_s",
    )  # fmt: skip

    def __init__(
        self,
        upstream: UpstreamState,
        queue: TierQueue[Demand],
        admission: Admission,
        now_s: float,
    ) -> None:
        self.upstream = upstream
        self.queue = queue
        self.load = LoadEstimate(now_s)
        self.reserve = 0
        self.is_serving = False
        self.wake_at_s = math.inf  # when there is credit again for who stands at the head
        self.models: set[TargetState] = set()  # that somebody has waited for
        self.is_short = False  # somebody has lacked credit since the last tick
        self._short_s = 0.0  # for how long somebody has in every tick
        self._granted = [0] * len(Tier)  # until the last tick
        self._pace = [0.0] * len(Tier)  # of grants a second, as long as credit has been short
        self._free: dict[Grant, None] = {}  # out, never moved before, the newest last
        self._batch: dict[Grant, None] = {}
        self._contracts = 0.0  # granted of late under a contract, and of these after too long
        self._late = 0.0
        self._ticked_at_s = now_s
        self._limit_seen = -1
        self.use(admission)

    def use(self, admission: Admission) -> None:
        """Take other settings; who waits keeps its place."""
        self._admission = admission
        self.queue.use(policy_of(admission))
        self.queue.reweigh()
        self._limit_seen = -1
        self.fit()

    def fit(self) -> None:
        """Set the ceilings anew if the limit has moved."""
        limit = self.upstream.limit
        if limit.limit != self._limit_seen:
            limit.set_floor(self.reserve + 1)  # which may raise it
            self._limit_seen = limit.limit
            self.upstream.ceilings = reserve.ceilings(
                limit.limit, self.reserve, self._admission.batch_ratio
            )

    # --- grants

    def may_start(self, tier: Tier) -> bool:
        """Tell whether a slot is free for this tier."""
        return self.upstream.has_slot(tier)

    @property
    def is_deserted(self) -> bool:
        """Whether nobody waits and nothing is out."""
        return not self.queue and not any(one.in_use for one in self.load.tiers)

    def has_room(self, tier: Tier) -> bool:
        """Tell whether one more of this tier may wait."""
        return self.queue.depth(tier) < self._admission.queue_max

    def on_granted(self, grant: Grant) -> None:
        """Count a grant."""
        claim = grant.demand.claim
        tier = claim.served
        self.load.granted(tier, grant.at_s)
        if claim.is_in_contract:
            self._contracts += 1.0
            self._late += grant.at_s - claim.arrived_at_s > self._admission.enterprise_wait_s
        if tier >= FREE and not claim.was_moved:
            (self._free if tier is FREE else self._batch)[grant] = None

    def on_returned(self, grant: Grant, now_s: float, *, is_good: bool) -> None:
        """Count one that came back; a good one says how long a slot is held.

        It may have moved the limit.
        """
        tier = grant.demand.claim.served
        limit = self.upstream.limit
        if is_good:
            held_s = now_s - grant.at_s
            self.load.given_back(tier, held_s, now_s)
            if limit.itl_goal_s:
                _observe_pace(limit, grant.spent, held_s)
        else:
            self.load.given_back(tier, None, now_s)
        if tier >= FREE:  # and lets go of its exchange
            (self._free if tier is FREE else self._batch).pop(grant, None)
        if limit.limit != self._limit_seen:
            self.fit()

    def victim(self) -> Grant | None:
        """Return what can be taken back for a contract: batch before free, the newest first.

        Whatever has begun in the meantime is not looked at again.
        """
        for stack in (self._batch, self._free):
            while stack:
                grant = next(reversed(stack))
                if grant.demand.may_be_moved:
                    return grant
                del stack[grant]
        return None

    # --- load

    def on_tick(self, now_s: float) -> None:
        """Size the reserve by the load, and see whether contracts wait for too long."""
        passed_s = now_s - self._ticked_at_s
        gain = 1.0 - math.exp(-passed_s / LATE_S)
        self._ticked_at_s = now_s
        if not self.queue.count:
            self.models.clear()
        if passed_s > 0.0:
            self._learn_pace(passed_s)
        self.load.on_tick(now_s)
        self._contracts -= gain * self._contracts
        self._late -= gain * self._late
        self.queue.is_floor_open = self._late <= LATE_RATIO * self._contracts
        wanted = self._admission.reserve
        if wanted is None:
            load, limit = self.load, self.upstream.limit.limit
            wanted = reserve.reserve(
                limit,
                load.rho(Tier.CONTROL, limit, now_s) + load.rho(Tier.ENTERPRISE, limit, now_s),
                load.mean_service_s,
                self._admission.enterprise_wait_s,
                preempts=self._admission.preempts,
            )
        if wanted != self.reserve:
            self.reserve = wanted
            self._limit_seen = -1
        self.fit()

    def wait_s(self, tier: Tier, tenant: str, now_s: float) -> float:
        """Return how long one more of this tier and tenant would wait, in seconds; 0: unknown."""
        return self._wait_s(tier, self.queue.turns(tier, tenant), now_s)

    def eta_s(self, tier: Tier, position: int, now_s: float) -> float:
        """Return how long one at this place is still to wait, in seconds; 0: unknown."""
        return self._wait_s(tier, position, now_s)

    def _wait_s(self, tier: Tier, turns: float, now_s: float) -> float:
        wait_s = 0.0
        if self.load.is_known:
            wait_s = self.load.wait_s(tier, turns - 1.0, self.upstream.ceilings[tier], now_s)
        if self._short_s >= SHORT_S:
            left_per_s = max(PACE_MIN_PER_S, sum(self._pace[tier:]))
            wait_s = max(wait_s, (turns - 1.0) / left_per_s)
        return wait_s

    def _learn_pace(self, passed_s: float) -> None:
        """Measure how fast grants go by tier, while it is credit that they wait for."""
        before, self._granted = self._granted, [one.grants for one in self.load.tiers]
        is_short, self.is_short = self.is_short and self.queue.count > 0, False
        if not is_short:
            self._short_s = 0.0
            return
        if not self._short_s:
            self._pace = [0.0] * len(Tier)
        self._short_s += passed_s
        gain = passed_s / min(self._short_s, PACE_S)
        for tier, count in enumerate(self._granted):
            self._pace[tier] += gain * ((count - before[tier]) / passed_s - self._pace[tier])


def _observe_pace(limit: ConcurrencyLimit, spent: Spent, held_s: float) -> None:
    """Let a limit learn how fast the tokens of a stream came."""
    if spent.ttft_s and spent.output_tokens > 1:
        limit.observe_itl((held_s - spent.ttft_s) / (spent.output_tokens - 1))


def queue_of(admission: Admission, weight_of: Callable[[str], float]) -> TierQueue[Demand]:
    """Return an empty queue with these settings."""
    return TierQueue(policy_of(admission), weight_of)


def policy_of(admission: Admission) -> QueuePolicy:
    """Return how queues order and count with these settings."""
    waits = admission.queue_wait_max_s
    return QueuePolicy(
        lifo_after_s=admission.lifo_after_s,
        floor_ratio=admission.floor_ratio,
        queue_max=admission.queue_max,
        wait_max_s=(waits.control, waits.enterprise, waits.standard, waits.free, waits.batch),
    )
