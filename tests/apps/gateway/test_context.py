"""What is remembered of a head is what would be found out from it now, whatever has happened."""

import hashlib
from typing import Any, Final

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.wire.loopback import DeafTransport, QueueLoop

from penstock import is_compiled
from penstock.apps.gateway import api
from penstock.apps.gateway.api import Api
from penstock.config.model import (
    Config,
    DialectName,
    Route,
    ServerLimits,
    Target,
    Upstream,
)
from penstock.config.tenancy import Tenant, TierName
from penstock.core.claim import Claim
from penstock.exchange.machine import Exchange, Ports
from penstock.exchange.order import Order
from penstock.exchange.record import Record
from penstock.snapshot.build import Tenancy, build
from penstock.snapshot.model import Key, Snapshot
from penstock.snapshot.routing import Routing
from penstock.telemetry.metrics import Counters
from penstock.wire import clock
from penstock.wire.alarms import Alarms
from penstock.wire.call import Call
from penstock.wire.familiar import Head, Heads
from penstock.wire.server import Server, ServerConnection

if is_compiled():
    pytest.skip("needs subclasses of what is compiled", allow_module_level=True)

UPSTREAM: Final = Upstream(
    name="u", dialect=DialectName.OPENAI_CHAT, base_url="http://127.0.0.1:9/v1"
)
CONFIG: Final = Config(
    upstreams=(UPSTREAM,),
    routes=tuple(Route(name=n, targets=(Target(upstream="u", model="m"),)) for n in ("m", "n")),
)


def key(name: str, secret: str, **fields: object) -> Key:
    sha256 = hashlib.sha256(secret.encode()).hexdigest()
    return msgspec.structs.replace(Key(id=name, tenant="t", sha256=sha256), **fields)


def snapshot(*keys: Key, tier: TierName = TierName.STANDARD, is_emulated: bool = False) -> Snapshot:
    """Return a snapshot; all have the same version, by which nothing can be told then."""
    tenancy = Tenancy(tenants=(Tenant(id="t", tier=tier, ttft_timeout_s=9.0),))
    made = build(CONFIG, keys, version=1, now_unix_s=0.0, tenancy=tenancy)
    return msgspec.structs.replace(made, is_emulated=is_emulated)


USER: Final = key("a", "one", may_assert_user=True)
SNAPSHOTS: Final = (
    snapshot(USER, key("b", "two", routes=("n",))),
    snapshot(USER),
    snapshot(key("a2", "one", tier_max=TierName.BATCH), key("b", "two", expires_unix_s=100.0)),
    snapshot(USER, tier=TierName.ENTERPRISE, is_emulated=True),
    snapshot(),
)
WISHES: Final = (
    b"", b"x-penstock-tier: batch\r\n", b"x-penstock-tier: gold\r\n",
    b"x-penstock-user: u\r\nx-penstock-line: 7\r\n", b"x-penstock-ttft-timeout-s: 2\r\n",
    b"x-penstock-ttft-timeout-s: soon\r\n", b"x-penstock-on-break: continue\r\n",
    b"x-penstock-on-break: never\r\n", b"x-penstock-failover: off\r\n",
    b"x-penstock-queue-events: 1\r\nx-penstock-notes: 1\r\n", b"idempotency-key: i\r\n",
    b"traceparent: 00-00000000000000000000000000000001-0000000000000001-01\r\n",
)  # fmt: skip
PATHS: Final = (b"/v1/chat/completions", b"/v1/responses", b"/v1/messages/count_tokens", b"/no")
BODIES: Final = (
    b'{"model":"m","messages":[],"input":""}',
    b'{"model":"n","messages":[],"input":"","max_tokens":5,"service_tier":"flex"}',
    b'{"model":"m","messages":[],"input":"","stream":true}',
    b'{"model":"none","messages":[]}',
    b"{}",
)


def request(
    secret: bytes, wishes: bytes = b"", path: bytes = PATHS[0], body: bytes = BODIES[0]
) -> bytes:
    return (
        b"POST %b HTTP/1.1\r\nhost: here\r\nauthorization: Bearer %b\r\n%bcontent-length: %d\r\n"
        b"\r\n%b" % (path, secret, wishes, len(body), body)
    )


class Forgetful(Heads):
    """Learns nothing, so that everything is looked up."""

    def learn(self, data: bytes, call: Call) -> Head | None:
        del data, call


class Written:
    """A recorder that keeps what became no exchange."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.records: list[object] = []

    def write(self, record: Record) -> None:
        self.records.append(msgspec.structs.asdict(record))


class Gateway:
    """A gateway whose exchanges end as they begin, and tell what they were ordered to be."""

    def __init__(self, patch: pytest.MonkeyPatch, heads: Heads) -> None:
        self.now_unix_s = 0.0
        self.orders: list[object] = []
        self.loop = QueueLoop()
        self.routing, self.counters, self.written = Routing(), Counters(), Written()
        ports: Any = None  # nobody is asked for anything
        recorder: Any = self.written
        handler = Api(self.routing, ports, recorder, self.counters, Alarms(self.loop), "req_")
        self.server = Server(self.loop, handler, ServerLimits())
        self.server.heads = heads
        self.routing.apply(SNAPSHOTS[0], 0.0)
        orders = self.orders

        class Ordered(Exchange):
            def __init__(self, order: Order, ports: Ports) -> None:
                del ports
                orders.append(told(order))

            def start(self, now_s: float) -> None:
                del now_s
                self.caller.answer(200, b"", b"{}")

        patch.setattr(api, "Exchange", Ordered)
        patch.setattr(clock, "now_s", lambda: 50.0)
        patch.setattr(clock, "now_unix_s", lambda: self.now_unix_s)

    def ask(self, *reads: bytes) -> bytes:
        """Send these requests over a connection of their own; return what comes back."""
        connection, transport = ServerConnection(self.server), DeafTransport()
        connection.connection_made(transport)
        for data in reads:
            connection.data_received(data)
            self.loop.drain()
        return transport.output


def told(order: Order) -> object:
    """Return everything of an order as plain values."""
    fields = {name: getattr(order, name) for name in Order.__slots__}
    fields |= {"route": order.route.name, "claim": None}
    fields["inquiry"] = (order.inquiry.model, order.inquiry.is_stream, order.inquiry.body)
    return fields, [getattr(order.claim, name) for name in Claim.__slots__]


Asked = tuple[bytes, bytes, bytes, tuple[bytes, ...]]
Step = Asked | int | float  # requests with one head, the number of a snapshot, or an instant
ASKED: Final[st.SearchStrategy[Asked]] = st.tuples(
    st.sampled_from([b"one", b"two", b"three"]),
    st.sampled_from(WISHES),
    st.sampled_from(PATHS),
    st.lists(st.sampled_from(BODIES), min_size=3, max_size=5).map(tuple),
)
THREE: Final = BODIES[:1] * 3


def outcome(steps: list[Step], heads: Heads) -> tuple[object, ...]:
    """Return all that can be seen of a gateway to which this happens."""
    with pytest.MonkeyPatch.context() as patch:
        gateway = Gateway(patch, heads)
        outputs: list[bytes] = []
        for step in steps:
            if isinstance(step, int):
                gateway.routing.apply(SNAPSHOTS[step], 0.0)
            elif isinstance(step, float):
                gateway.now_unix_s = step
            else:
                secret, wishes, path, bodies = step
                outputs.append(gateway.ask(*(request(secret, wishes, path, b) for b in bodies)))
        counted = gateway.counters.refusals, gateway.counters.unknown_tiers
        return outputs, gateway.orders, gateway.written.records, counted


@given(
    st.lists(
        ASKED | st.integers(0, len(SNAPSHOTS) - 1) | st.sampled_from([99.0, 100.0]), max_size=8
    )
)
@example([(b"two", b"", PATHS[0], THREE), 1, (b"two", b"", PATHS[0], THREE)])
@example([2, (b"two", b"", PATHS[0], THREE), 100.0, (b"two", b"", PATHS[0], THREE)])
@example([(b"one", b"", PATHS[0], THREE), 2, (b"one", b"", PATHS[0], THREE)])
@example([(b"one", b"", PATHS[0], THREE), 3, (b"one", b"", PATHS[0], THREE)])
def test_it_makes_no_difference(steps: list[Step]) -> None:
    assert outcome(steps, Heads()) == outcome(steps, Forgetful())


def test_a_key_is_looked_up_once_for_a_head_and_again_for_a_snapshot() -> None:
    with pytest.MonkeyPatch.context() as patch:
        gateway = Gateway(patch, Heads())
        looked_up: list[bytes] = []
        found = gateway.routing.key_of

        def key_of(secret: bytes) -> Key | None:
            looked_up.append(secret)
            return found(secret)

        patch.setattr(gateway.routing, "key_of", key_of)
        gateway.ask(*[request(b"two", body=BODIES[1])] * 10)
        assert len(gateway.orders) == 10
        assert looked_up == [b"two"] * 3  # two are parsed, one is recognised
        gateway.routing.apply(SNAPSHOTS[1], 0.0)
        assert gateway.ask(*[request(b"two", body=BODIES[1])] * 4).count(b"HTTP/1.1 401") == 4
        assert len(gateway.orders) == 10
