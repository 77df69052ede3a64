"""The exact name wins, then the longest prefix; a reload forgets nothing that was learned."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.config.model import Config, DialectName, Route, Target, Upstream
from penstock.config.tenancy import Tenant, TierName
from penstock.core.circuit_breaker import BreakerState
from penstock.core.claim import ANYONE
from penstock.core.errors import StoreError
from penstock.core.outcome import Failure, FailureKind
from penstock.core.spent import NOTHING
from penstock.exchange.target import header_value
from penstock.snapshot.build import build
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key, Snapshot
from penstock.snapshot.routing import MODELS_MAX, Routing, check

ANY = Key(id="any", tenant="t", sha256=sha256("pk-any"))
ONE = Key(id="one", tenant="t", sha256=sha256("pk-one"), routes=("fast", "gpt-*"))
NAMES = ("fast", "gpt-4", "*", "gpt-*", "gpt-4*")


def upstream(name: str, concurrency_max: int = 3) -> Upstream:
    return Upstream(
        name=name,
        dialect=DialectName.OPENAI_CHAT,
        base_url=f"http://{name}/v1",
        concurrency_max=concurrency_max,
    )


def snapshot(
    names: tuple[str, ...] = NAMES, version: int = 1, model: str = "", concurrency_max: int = 3
) -> Snapshot:
    config = Config(
        upstreams=(upstream("a", concurrency_max=concurrency_max), upstream("b")),
        routes=tuple(
            Route(name=name, targets=(Target(upstream="a", model=model), Target(upstream="b")))
            for name in names
        ),
    )
    return build(config, [ANY, ONE], version=version, now_unix_s=0.0)


def routing(names: tuple[str, ...] = NAMES) -> Routing:
    made = Routing()
    made.apply(snapshot(names), 0.0)
    return made


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("fast", "fast"),
        ("gpt-4", "gpt-4"),
        ("gpt-4o", "gpt-4*"),
        ("gpt-5", "gpt-*"),
        ("gpt-", "gpt-*"),
        ("other", "*"),
        ("", "*"),
        ("gpt-*", "gpt-*"),
    ],
)
def test_the_exact_name_wins_then_the_longest_prefix(model: str, name: str) -> None:
    for names in (NAMES, NAMES[::-1]):
        made = routing(names)
        for _ in range(2):  # the second time from the cache
            route = made.route(model, ANY, 0.0)
            assert route is not None
            assert route.name == name
            assert [target.model for target in route.targets] == [model, model]


def test_a_key_has_the_routes_it_names_and_no_other() -> None:
    made = routing()
    for model, may in (("fast", True), ("gpt-5", True), ("gpt-4", False), ("gpt-4o", False)):
        assert made.route(model, ANY, 0.0) is not None
        assert (made.route(model, ONE, 0.0) is not None) is may
    assert made.names(ONE) == ["fast", "gpt-*"]
    assert made.names(ANY) == list(NAMES)


def test_a_key_is_found_by_its_hash() -> None:
    made = routing()
    assert made.key_of(b"pk-one") == ONE
    for wrong in (b"", b"pk-on", b"pk-one ", sha256("pk-one").encode()):
        assert made.key_of(wrong) is None


def trip(made: Routing, model: str) -> None:
    """Open the breaker of the first target."""
    route = made.route(model, ANY, 0.0)
    assert route is not None
    target = route.targets[0]
    permit = target.acquire(ANYONE, 0.0)
    assert permit is not None
    target.give_back(permit, Failure(FailureKind.MISCONFIGURED), NOTHING, 0.0, lambda: 0.5)
    assert target.state.breaker.state is BreakerState.OPEN


def test_a_reload_keeps_breakers_and_slots() -> None:
    made = routing()
    trip(made, "fast")
    busy = made.route("gpt-4", ANY, 0.0)
    assert busy is not None
    assert busy.targets[0].acquire(ANYONE, 0.0) is not None
    made.apply(snapshot(version=2, concurrency_max=1), 1.0)
    assert made.version == 2
    fast = made.route("fast", ANY, 1.0)
    assert fast is not None
    assert fast.targets[0].state.breaker.state is BreakerState.OPEN
    again = made.route("gpt-4", ANY, 1.0)
    assert again is not None
    assert again is not busy
    assert again.targets[0].upstream.limit.in_flight == 1
    assert again.targets[0].acquire(ANYONE, 1.0) is None  # the new bound is one slot


def test_models_that_callers_name_are_bounded_and_push_out_no_configured_one() -> None:
    made = routing()
    trip(made, "fast")
    for number in range(3 * MODELS_MAX):
        assert made.route(f"gpt-5-{number}", ANY, 0.0) is not None
    states = dict(made.targets())
    assert len(states) <= 2 * MODELS_MAX + 1
    assert states["a", "fast"].breaker.state is BreakerState.OPEN
    made.apply(snapshot(version=2), 1.0)
    fast = made.route("fast", ANY, 1.0)
    assert fast is not None
    assert fast.targets[0].state.breaker.state is BreakerState.OPEN


def test_what_is_gone_from_the_configuration_is_forgotten() -> None:
    made = routing()
    config = Config(
        upstreams=(upstream("b"),), routes=(Route(name="m", targets=(Target(upstream="b"),)),)
    )
    made.apply(build(config, [ONE], version=2, now_unix_s=0.0), 1.0)
    assert made.key_of(b"pk-any") is None
    assert made.route("fast", ONE, 1.0) is None
    assert {pair[0] for pair, _ in made.targets()} == {"b"}


def test_a_snapshot_that_does_not_hang_together_is_refused() -> None:
    lost = Config(routes=(Route(name="m", targets=(Target(upstream="no"),)),))
    with pytest.raises(StoreError, match="'no', which is no upstream"):
        check(build(lost, [], version=1, now_unix_s=0.0))
    for digest in ("", "xyz", "AB" * 32, "ab" * 33):
        key = Key(id="bad", tenant="t", sha256=digest)
        with pytest.raises(StoreError, match="'bad' has no SHA-256"):
            check(build(Config(), [key], version=1, now_unix_s=0.0))
    check(snapshot())


@given(st.text(max_size=300))
def test_no_model_name_can_begin_a_header(model: str) -> None:
    made = routing()
    route = made.route(model, ANY, 0.0)
    assert route is not None
    for target in route.targets:
        lines = target.stamp.split(b"\r\n")
        assert len(lines) == 3
        assert lines[2] == b""
        assert all(line.isascii() and b"\n" not in line and b"\r" not in line for line in lines)
    assert len(header_value(model)) <= 200


def test_a_tenant_that_is_not_declared_is_a_standard_one() -> None:
    vip = Tenant(id="vip", tier=TierName.ENTERPRISE)
    key = Key(id="v", tenant="vip", sha256=sha256("pk-vip"))
    made = Routing()
    made.apply(msgspec.structs.replace(snapshot(), keys=(ANY, key), tenants=(vip,)), 0.0)
    assert made.tenant_of(key) is vip
    assert made.tenant_of(ANY) == Tenant(id="t")


def test_a_reload_sets_the_limit_of_an_upstream_that_is_in_use() -> None:
    made = routing()
    state = made.upstreams["a"]
    for slots in (2, 9):
        made.apply(snapshot(concurrency_max=slots), float(slots))
        assert made.upstreams["a"] is state
        assert state.limit.limit == slots


def test_an_upstream_that_is_elsewhere_now_is_learned_anew() -> None:
    made = routing()
    trip(made, "fast")
    route = made.route("fast", ANY, 0.0)
    assert route is not None
    name = route.targets[0].upstream.name
    state = made.upstreams[name]
    moved = tuple(
        msgspec.structs.replace(one, base_url="http://127.0.0.1:1/other")
        if one.name == name
        else one
        for one in made.config.upstreams
    )
    config = msgspec.structs.replace(made.config, upstreams=moved)
    made.apply(build(config, [ONE], version=9, now_unix_s=0.0), 1.0)
    assert made.upstreams[name] is not state
    route = made.route("fast", ANY, 1.0)
    assert route is not None
    assert route.targets[0].state.breaker.state is BreakerState.CLOSED
