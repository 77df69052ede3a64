"""What happens to upstreams during a run, as the scenario's events say."""

from collections.abc import Callable, Mapping
from typing import Final

from penstock.core.token_bucket import TokenBucket
from penstock.sim.scenario import Event, EventKind, Scenario
from penstock.sim.upstreams import Server
from penstock.sim.world import World

Change = Callable[[Server, float], None]


def _capacity(server: Server, value: float) -> None:
    server.resize(value)


def _outage(server: Server, value: float) -> None:
    server.is_down = value > 0
    if server.is_down:
        server.break_all(server.world.now_s)


def _hang(server: Server, value: float) -> None:
    server.is_down = server.is_hanging = value > 0


def _refuse(server: Server, value: float) -> None:
    server.refused_ratio = value


def _quota(server: Server, value: float) -> None:
    if server.buckets is None:
        return
    buckets, now_s = server.buckets, server.world.now_s
    if buckets.requests is not None:
        buckets.requests_per_min = server.quota[0] * value
        buckets.requests = _resized(buckets.requests, buckets.requests_per_min, now_s)
    if buckets.tokens is not None:
        buckets.tokens_per_min = server.quota[1] * value
        buckets.tokens = _resized(buckets.tokens, buckets.tokens_per_min, now_s)


def _resized(old: TokenBucket, per_min: float, now_s: float) -> TokenBucket:
    """Return a bucket of another size with no more in it than before."""
    bucket = TokenBucket(per_min / 60, per_min, now_s)
    bucket.try_take(max(0.0, per_min - old.level(now_s)), now_s)
    return bucket


def _metrics(server: Server, value: float) -> None:
    server.has_metrics = value == 0


# what an event does, and the value that undoes it
CHANGES: Final[Mapping[EventKind, tuple[Change, float]]] = {
    EventKind.CAPACITY: (_capacity, 1.0),
    EventKind.OUTAGE: (_outage, 0.0),
    EventKind.HANG: (_hang, 0.0),
    EventKind.REFUSE: (_refuse, 0.0),
    EventKind.QUOTA: (_quota, 1.0),
    EventKind.METRICS_LOST: (_metrics, 0.0),
}
SWITCHES: Final = frozenset({EventKind.OUTAGE, EventKind.HANG, EventKind.METRICS_LOST})


def arm(scenario: Scenario, servers: Mapping[str, Server], world: World, start_s: float) -> None:
    """Put the upstreams' events into the world; those of traffic are in the rates."""
    for event in scenario.events:
        if event.what in CHANGES:
            _arm(event, servers[event.upstream], world, start_s)


def _arm(event: Event, server: Server, world: World, start_s: float) -> None:
    change, undone = CHANGES[event.what]
    value = 1.0 if event.what in SWITCHES else event.value
    world.at(start_s + event.at_s, lambda _: change(server, value))
    if event.until_s:
        world.at(start_s + event.until_s, lambda _: change(server, undone))


def factors(scenario: Scenario, traffic: str, start_s: float) -> list[tuple[float, float]]:
    """Return when a class's rate changes, in virtual seconds, and the factor from then on."""
    events = [
        one for one in scenario.events if one.what is EventKind.RATE and one.traffic == traffic
    ]
    cuts = sorted({at for one in events for at in (one.at_s, one.until_s) if at})
    found: list[tuple[float, float]] = []
    for at_s in cuts:
        factor = 1.0
        for one in events:
            if one.at_s <= at_s and (not one.until_s or at_s < one.until_s):
                factor *= one.value
        found.append((start_s + at_s, factor))
    return found
