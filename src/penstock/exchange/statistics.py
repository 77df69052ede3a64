"""How things stand at the gate: plain values, read when somebody looks.

    an upstream that was asked for     its desk: slots, queue, reserve, loads
    one that nobody has asked for yet  its slots alone
    a part that is absent              None, never a zero that looks like a measurement

Reading costs O(upstreams x tiers) and changes nothing that a decision depends on. The values can be
sent to another process: a limiter answers for the workers that ask it.

Pure. ``now_s`` is monotonic seconds.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from penstock.core.tier import Tier
from penstock.exchange.consumers import Consumers
from penstock.exchange.desk import Desk
from penstock.exchange.gate import LocalGate
from penstock.exchange.target import ENGINE_FRESH_S, UpstreamState

WAIT_S_MAX: Final = 3600.0  # a tier that gets no slot at all would wait without end


class BandStatistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """One tier at one upstream. ``ceiling`` is the slots that it may fill, 0 if not known."""

    in_flight: int = 0
    waiting: int = 0
    oldest_wait_s: float = 0.0
    ceiling: int = 0
    load_ratio: float = 0.0  # of the slots, that it wants, averaged
    wait_s: float = 0.0  # that one more of it would have, an hour at most; 0 if not known


class DeskStatistics(msgspec.Struct, frozen=True):
    """One upstream. ``tiers`` is by word, and empty until somebody has asked for it."""

    upstream: str
    limit: int
    limit_max: int
    in_flight: int
    tiers: dict[str, BandStatistics] = {}
    reserve: int = 0  # slots
    held_s: float = 0.0  # mean time that an attempt holds a slot; 0: not known
    rest_s: float = 0.0  # until its account is asked again
    quota_usage_ratio: float | None = None  # of the tightest dimension; None: no quota is known
    saturation_ratio: float | None = None  # as its engine says; None: it says nothing


class ConsumerStatistics(msgspec.Struct, frozen=True):
    """How much is taken from the consumers."""

    level: int  # of the ladder, 0 to 5
    tickets: int
    new_ratio: float  # of the new users, who get in
    kept_ratio: float  # of the holders of tickets, who stay


class GateStatistics(msgspec.Struct, frozen=True):
    """A gate as it stands; ``consumers`` is None where nobody looks after them."""

    waiting: int = 0
    desks: tuple[DeskStatistics, ...] = ()
    consumers: ConsumerStatistics | None = None


def statistics_of(
    gate: LocalGate, now_s: float, upstreams: Iterable[UpstreamState] = ()
) -> GateStatistics:
    """Return a gate as it stands; ``upstreams`` are all, also those that have no desk yet."""
    desks = {desk.upstream.name: _desk(desk, now_s) for desk in gate.desks}
    told = [desks.pop(one.name, None) or _upstream(one, now_s) for one in upstreams]
    return GateStatistics(
        waiting=gate.waiting,
        desks=(*told, *desks.values()),
        consumers=_consumers(gate.consumers),
    )


def _consumers(consumers: Consumers | None) -> ConsumerStatistics | None:
    if consumers is None:
        return None
    return ConsumerStatistics(
        level=consumers.level,
        tickets=consumers.tickets,
        new_ratio=consumers.new_ratio,
        kept_ratio=consumers.kept_ratio,
    )


def _desk(desk: Desk, now_s: float) -> DeskStatistics:
    queue, load, upstream = desk.queue, desk.load, desk.upstream
    limit = upstream.limit.limit
    bands = {
        tier.word: BandStatistics(
            in_flight=load.tiers[tier].in_use,
            waiting=queue.depth(tier),
            oldest_wait_s=queue.oldest_wait_s(tier, now_s),
            ceiling=min(limit, upstream.ceilings[tier]),
            load_ratio=load.rho(tier, limit, now_s),
            wait_s=_wait_s(desk, tier, now_s),
        )
        for tier in Tier
    }
    return msgspec.structs.replace(
        _upstream(upstream, now_s),
        tiers=bands,
        reserve=desk.reserve,
        held_s=load.mean_service_s if load.is_known else 0.0,
    )


def _wait_s(desk: Desk, tier: Tier, now_s: float) -> float:
    if desk.may_start(tier) and not desk.queue.depth_ahead(tier):
        return 0.0
    return min(WAIT_S_MAX, desk.wait_s(tier, "", now_s))


def _upstream(upstream: UpstreamState, now_s: float) -> DeskStatistics:
    limit, quota = upstream.limit, upstream.quota
    is_fresh = now_s < upstream.engine_at_s + ENGINE_FRESH_S
    return DeskStatistics(
        upstream=upstream.name,
        limit=limit.limit,
        limit_max=limit.limit_max,
        in_flight=limit.in_flight,
        rest_s=max(0.0, upstream.account.until_s - now_s),
        quota_usage_ratio=quota.usage_ratio(now_s) if quota.is_known else None,
        saturation_ratio=upstream.engine_saturation if is_fresh else None,
    )
