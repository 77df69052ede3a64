"""What one process has learned of upstreams, the next one knows, through a file of plain values."""

import msgspec

from penstock.config.model import Config, DialectName, Quota, Route, Target, Upstream
from penstock.core.circuit_breaker import BreakerState
from penstock.core.claim import ANYONE
from penstock.core.outcome import Failure, FailureKind
from penstock.core.spent import Spent
from penstock.snapshot.build import build
from penstock.snapshot.learned import Learned
from penstock.snapshot.routing import Routing

UPSTREAMS = tuple(
    Upstream(
        name=name,
        dialect=DialectName.OPENAI_CHAT,
        base_url="http://127.0.0.1:9/v1",
        concurrency_max=100,
        quota=Quota(requests_per_min=600),
    )
    for name in ("a", "b")
)
ROUTES = (Route(name="m", targets=(Target(upstream="a", model="x"), Target(upstream="b"))),)


def routing(upstreams: tuple[Upstream, ...] = UPSTREAMS) -> Routing:
    made = Routing()
    names = {one.name for one in upstreams}
    targets = tuple(one for one in ROUTES[0].targets if one.upstream in names)
    routes = (msgspec.structs.replace(ROUTES[0], targets=targets),)
    config = Config(upstreams=upstreams, routes=routes)
    made.apply(build(config, [], version=1, now_unix_s=0.0), 1000.0)
    return made


def taught() -> Routing:
    """A routing that has seen a limit fall, a breaker open, and a quota used up."""
    made = routing()
    route = made.named("m", 1000.0)
    assert route is not None
    first, second = route.targets
    for failure in (FailureKind.OVERLOADED, FailureKind.MISCONFIGURED):
        permit = first.acquire(ANYONE, 1000.0)
        assert permit is not None
        first.give_back(permit, Failure(failure), Spent(), 1000.0, lambda: 0.5)
    while second.acquire(ANYONE, 1000.0) is not None:
        pass
    return made


def passed_on(old: Routing, new: Routing) -> None:
    """Save at 1001 s of the old clock, restore at 5 s of another."""
    saved = msgspec.json.decode(msgspec.json.encode(Learned(old).state(1001.0)))
    Learned(new).restore(saved, 5.0)


def test_limits_quotas_and_breakers_go_on_where_they_were() -> None:
    old, new = taught(), routing()
    passed_on(old, new)
    assert new.upstreams["a"].limit.limit == old.upstreams["a"].limit.limit < 100
    assert new.upstreams["b"].limit.limit == 100
    state = dict(new.targets())["a", "x"]
    assert state.breaker.state is BreakerState.OPEN
    was = dict(old.targets())["a", "x"].breaker.retry_at_s - 1001.0
    assert abs(state.breaker.retry_at_s - 5.0 - was) < 1e-6
    for name in ("a", "b"):
        then = old.upstreams[name].quota.levels(1001.0)
        assert new.upstreams[name].quota.levels(5.0) == then
    assert new.upstreams["b"].quota.levels(5.0)[0][0] < new.upstreams["a"].quota.levels(5.0)[0][0]


def test_what_is_no_longer_there_is_passed_over() -> None:
    new = routing(UPSTREAMS[1:])
    passed_on(taught(), new)
    assert new.upstreams["b"].limit.limit == 100


def test_a_fixed_limit_stays_the_operators() -> None:
    fixed = tuple(msgspec.structs.replace(one, is_adaptive=False) for one in UPSTREAMS)
    new = routing(fixed)
    passed_on(taught(), new)
    assert new.upstreams["a"].limit.limit == 100
