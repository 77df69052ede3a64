"""From a scenario to what it is made of: servers, the gate's objects before them, and sources.

Loads are shares of what all servers together can do with the class's own mean lengths, so that
1 is the capacity whatever the servers are. The work of a request is what it takes of that capacity,
in seconds: with k slots, S / k.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.config.model import Breaker, DialectName, Policy, Quota, Timeouts
from penstock.config.model import Route as RouteEntry
from penstock.config.model import Target as TargetEntry
from penstock.config.model import Upstream as UpstreamEntry
from penstock.core.tier import Tier
from penstock.dialects.registry import DIALECTS
from penstock.exchange.route import Route
from penstock.exchange.target import Target, TargetState, UpstreamState
from penstock.sim import arrivals
from penstock.sim.arrivals import Dice, Draw, Gaps, Length, Lengths
from penstock.sim.exchange import Plant
from penstock.sim.scenario import ArrivalKind, Kind, LengthKind, Scenario, Traffic, Upstream
from penstock.sim.source import Source
from penstock.sim.upstreams import BatchServer, Buckets, Engine, Server, SlotServer, Speed
from penstock.sim.world import World

ATTEMPTS_MAX: Final = 4
MODEL: Final = "m"


@dataclass(frozen=True, slots=True)
class Traces:
    """What was cut from public traces (``sim/data``)."""

    conv: list[Length]
    code: list[Length]
    agentic: list[Length]
    code_gaps: list[float]


def server_of(entry: Upstream, world: World, chance: Callable[[], float]) -> Server:
    """Return the modelled server of an entry."""
    server: Server
    if entry.kind is Kind.SLOTS:
        speed = Speed(entry.ttft_s, entry.input_per_s, entry.token_s)
        server = SlotServer(entry.name, world, chance, entry.slots, speed)
    else:
        engine = Engine(seqs_max=entry.slots, kv_tokens=entry.kv_tokens)
        server = BatchServer(entry.name, world, chance, engine)
    server.overload_status = entry.overload_status
    if entry.requests_per_min or entry.tokens_per_min:
        server.quota = (float(entry.requests_per_min), float(entry.tokens_per_min))
        server.buckets = Buckets.of(*server.quota, world.now_s)
    return server


def upstream_of(entry: Upstream) -> UpstreamState:
    """Return what the gate knows of an upstream."""
    quota = Quota()
    if entry.is_quota_declared and (entry.requests_per_min or entry.tokens_per_min):
        quota = Quota(
            requests_per_min=entry.requests_per_min or None,
            tokens_per_min=entry.tokens_per_min or None,
        )
    told = UpstreamEntry(
        name=entry.name,
        dialect=DialectName.OPENAI_CHAT,
        base_url="http://upstream.test/v1",
        concurrency_max=entry.declared_slots or entry.slots,
        is_adaptive=entry.is_adaptive,
        quota=quota,
    )
    return UpstreamState(told, DIALECTS["openai_chat"])


def route_of(scenario: Scenario, upstreams: list[UpstreamState], now_s: float) -> Route:
    """Return the one route of a scenario: all upstreams, in order."""
    targets = [
        Target(
            TargetEntry(upstream=one.name, model=MODEL),
            one,
            TargetState(Breaker(), now_s),
            MODEL,
        )
        for one in upstreams
    ]
    entry = RouteEntry(name="route", targets=(), policy=Policy(scenario.policy))
    timeouts = Timeouts(queue_s=scenario.queue_s, total_s=scenario.total_s)
    return Route(entry, targets, timeouts, ATTEMPTS_MAX)


def gaps_of(entry: Traffic, traces: Traces, dice: Dice) -> Gaps:
    """Return how a class's arrivals are spread."""
    if entry.arrivals is ArrivalKind.GAMMA:
        return arrivals.gamma(dice, entry.scv)
    if entry.arrivals is ArrivalKind.AZURE_CODE:
        return arrivals.replay(traces.code_gaps, dice)
    return arrivals.poisson(dice)


def lengths_of(entry: Traffic, traces: Traces, dice: Dice) -> tuple[Lengths, tuple[float, float]]:
    """Return a class's lengths, and the means of input and output."""
    rows = {
        LengthKind.AZURE_CONV: traces.conv,
        LengthKind.AZURE_CODE: traces.code,
        LengthKind.AGENTIC: traces.agentic,
    }.get(entry.lengths)
    if rows is not None:
        means = (sum(row[0] for row in rows) / len(rows), sum(row[1] for row in rows) / len(rows))
        return arrivals.drawn(rows, dice), means
    means = (float(entry.input_tokens), float(entry.output_tokens))
    if entry.lengths is LengthKind.EXPONENTIAL:
        return arrivals.exponential(entry.input_tokens, entry.output_tokens, dice), means
    fixed = (entry.input_tokens, entry.output_tokens)
    return lambda: fixed, means


def rate_of(servers: list[Server], input_tokens: float, output_tokens: float) -> float:
    """Return how many requests of such lengths a second all servers can do, quotas included."""
    total = 0.0
    for server in servers:
        rate = server.rate_of(input_tokens, output_tokens)
        requests, tokens = server.quota
        if requests:
            rate = min(rate, requests / 60)
        if tokens:
            rate = min(rate, tokens / 60 / (input_tokens + output_tokens))
        total += rate
    return total


def work_of(servers: list[Server]) -> Callable[[int, int], float]:
    """Return what a request takes of the whole capacity, in seconds, by its two lengths."""
    speeds = {one.speed for one in servers if isinstance(one, SlotServer) and one.buckets is None}
    if len(speeds) == 1 and all(one.is_slotted and one.buckets is None for one in servers):
        (speed,) = speeds  # all alike: the usual case, and a short way
        slots = sum(one.slots for one in servers)
        head_s, input_s, token_s = speed.ttft_s / slots, speed.input_per_s * slots, speed.token_s
        token_s /= slots
        return lambda taken, made: head_s + taken / input_s + token_s * made
    return lambda taken, made: 1.0 / rate_of(servers, taken, made)


def parts_of(servers: list[Server], means: tuple[float, float]) -> dict[str, float]:
    """Return each server's part of the capacity."""
    rates = {server.name: rate_of([server], *means) for server in servers}
    total = sum(rates.values())
    return {name: rate / total for name, rate in rates.items()}


def sources_of(
    scenario: Scenario, plant: Plant, route: Route, traces: Traces, draw: Draw, x: float
) -> list[Source]:
    """Return a source for each class, with its load and its rate."""
    servers = list(plant.servers.values())
    known = sum(one.load_ratio for one in scenario.traffic)
    found: list[Source] = []
    for entry in scenario.traffic:
        dice = draw(f"{entry.name}/lengths")
        lengths, means = lengths_of(entry, traces, dice)
        source = Source(entry, plant, route, lengths)
        wanted = x if entry.sweeps else entry.fills_to
        source.load_ratio = entry.load_ratio or max(0.0, wanted - known)
        source.rate_per_s = source.load_ratio * rate_of(servers, *means) / entry.turns
        source.gaps = gaps_of(entry, traces, draw(f"{entry.name}/arrivals"))
        source.means = means
        found.append(source)
    return found


def without_lower(sources: list[Source]) -> list[Source]:
    """Return only the first tier's: who else is there does not matter to it."""
    first = min((one.tier for one in sources), default=Tier.ENTERPRISE)
    return [one for one in sources if one.tier == first]
