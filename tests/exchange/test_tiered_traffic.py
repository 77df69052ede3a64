"""The same traffic in all tiers: contracts take slots back, limits and the ladder refuse."""

import random
from collections import Counter
from typing import ClassVar, Final

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from tests.exchange.test_continued_traffic import GOES_ON, ContinuedTraffic
from tests.exchange.test_machine import MOVES, run_traffic, walk
from tests.exchange.world import DONE, START_S, FakeTimer, Run, World, role, stop, text, whole

from penstock import is_compiled
from penstock.config.model import Admission, Continuation, Ladder, QueueWaits
from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.core.outcome import FailureKind
from penstock.core.tier import WORDS, Tier
from penstock.exchange.consumers import Consumers
from penstock.exchange.gate import LocalGate
from penstock.exchange.machine import State
from penstock.exchange.target import Target
from penstock.exchange.tenancy import Tenancy

WHOLE: Final = (role(), text("Hello"), stop(), DONE)
TENANTS: Final = (
    Tenant(id="big", tier=TierName.ENTERPRISE),
    Tenant(
        id="owed", tier=TierName.ENTERPRISE, contract=Contract(tokens_per_min=3000, concurrency=2)
    ),
    Tenant(id="paid", limits=Limits(concurrency=3, tokens_per_min=9000)),
    Tenant(id="crowd", tier=TierName.FREE, limits=Limits(requests_per_min=40)),
    Tenant(id="many", tier=TierName.FREE),
    Tenant(id="night", tier=TierName.BATCH),
)
ADMISSION: Final = Admission(
    queue_wait_max_s=QueueWaits(), queue_max=4, batch_ratio=1.0, ladder=Ladder(up_s=0.5, down_s=1.0)
)
# From STREAMING nobody is moved, and whoever is DIALLING goes back to QUEUED for it.
TIERED_MOVES: Final = MOVES | {GOES_ON}


class TieredTraffic(ContinuedTraffic):
    """Exchanges of all tiers, one after the other, before a whole gate."""

    seen: ClassVar[set[tuple[State, State]]] = set()
    moves: ClassVar[set[tuple[State, State]]] = TIERED_MOVES
    codes: ClassVar[Counter[str]] = Counter()

    @initialize(
        seed=st.integers(0, 1 << 16),
        late=st.booleans(),
        pooled=st.booleans(),
        floor_per_s=st.sampled_from([0.5, 10.0]),
    )
    def build(self, *, seed: int, late: bool, pooled: bool, floor_per_s: float) -> None:
        super().build(seed=seed, late=late, pooled=pooled, floor_per_s=floor_per_s)
        self.pick = random.Random(seed)
        world = self.world
        for upstream in world.upstreams.values():
            upstream.use(msgspec.structs.replace(upstream.entry, concurrency_max=1 + seed % 2))
        self.tenancy = Tenancy()
        self.tenancy.use(TENANTS, {}, [], START_S, 1e9)
        self.consumers = Consumers(ADMISSION, b"salt", 1e9, world.chance, START_S)
        world.use_gate(LocalGate(world.chance, ADMISSION, self.tenancy, self.consumers))
        self.routes[1].timeouts = msgspec.structs.replace(self.routes[1].timeouts, queue_s=None)
        self.routes[2].unary_via_stream = True
        self.ticker = FakeTimer(world, self.tick)
        self.tick(world.now_s)

    def tick(self, now_s: float) -> None:
        """Go on as the gateway does, as long as somebody is there."""
        self.world.gate.on_tick(now_s)
        self.ticker.wake_at(now_s + 1.0)

    @rule(
        at=st.integers(0, 4),
        is_stream=st.booleans(),
        may_fail_over=st.sampled_from([True, True, True, False]),
        asks_usage=st.booleans(),
        pauses_at=st.sampled_from([0, 0, 150]),
    )
    def ask(
        self, *, at: int, is_stream: bool, may_fail_over: bool, asks_usage: bool, pauses_at: int
    ) -> None:
        """Let one of some tenant ask."""
        tenant = self.pick.choice(TENANTS)
        self.world.tenant, self.world.tier = tenant.id, Tier[tenant.tier.name]
        super().ask(
            at=at,
            is_stream=is_stream,
            may_fail_over=may_fail_over,
            asks_usage=asks_usage,
            pauses_at=pauses_at,
        )

    def is_long_ready(self, target: Target) -> bool:
        """Leave to ``hall.py`` who should have been let through: here tiers hold each other up."""
        del target
        return False

    def what_was_lent_is_out_or_back(self) -> None:
        super().what_was_lent_is_out_or_back()
        claims = [run.order.claim for run in self.open_runs()]
        for name, account in self.tenancy.tenants.items():
            own = [one for one in claims if one.tenant == name and one.is_admitted]
            allowance = account.allowance
            assert allowance.in_flight == len(own)
            assert allowance.reserved_tokens == sum(one.reserved_tokens for one in own)
            assert account.meter.in_flight == sum(one.is_in_contract for one in own)
        admitted = [one for one in claims if one.is_admitted]
        assert self.consumers.streams == sum(one.tier >= Tier.FREE for one in admitted)

    def check_record(self, run: Run) -> None:
        super().check_record(run)
        record, claim = self.world.record(run), run.order.claim
        self.codes[record.code] += 1
        assert not claim.is_admitted, "it has ended, and something is still reserved"
        assert record.tier in WORDS
        tier = f"x-penstock-tier: {record.tier}\r\n".encode()
        assert not run.caller.headers or tier in run.caller.headers
        moved = [line.attempt for line in self.lines_of(run) if line.attempt.was_moved]
        assert claim.was_moved == bool(moved)
        for attempt in moved:
            self.codes["moved"] += 1
            assert claim.tier >= Tier.FREE
            assert not attempt.first_token_at_s, "content was taken back"
            assert "moved aside" in record.attempts[attempt.number - 1].detail


@pytest.mark.parametrize("first", [0, pytest.param(40, marks=pytest.mark.slow)])
def test_dense_traffic_of_all_tiers_leaves_everything_whole(first: int) -> None:
    TieredTraffic.seen.clear()
    TieredTraffic.codes.clear()
    for seed in range(first, first + 40):
        walk(seed, 150, TieredTraffic)
    assert TieredTraffic.seen == TIERED_MOVES or is_compiled()
    told = TieredTraffic.codes
    assert told["moved"] > 0
    assert told["rate_limit_exceeded"] > 0
    assert told["tier_capacity"] + told["queue_timeout"] > 0


def test_any_traffic_of_all_tiers_leaves_everything_whole() -> None:
    run_traffic(40, 40, TieredTraffic)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_much_more_traffic_of_all_tiers_leaves_everything_whole() -> None:
    run_traffic(400, 60, TieredTraffic)
    for seed in range(1000, 1500):
        walk(seed, 300, TieredTraffic)


# --- moved aside at any point


def stages(run: Run, world: World, stage: str) -> None:
    """Let an attempt come as far as a stage that is before any content."""
    line = world.line
    if stage == "dialled":
        return
    line.sent()
    if stage == "sent":
        return
    if run.order.inquiry.is_stream or line.attempt.is_assembled:
        line.sse()
        if stage == "role":
            line.chunk(role())
    else:
        line.head(content_type="application/json")


def under_way(world: World, way: str) -> Run:
    """Start an exchange of the free tier in some way; it is under way at "b" now."""
    world.tier = Tier.FREE
    continuation = Continuation() if way == "splice" else None
    route = world.route(*("ab" if way == "failover" else "b"), continuation=continuation)
    route.unary_via_stream = way == "assembled"
    holder = world.start(world.route("b")) if way == "places" else None
    if holder is not None:
        world.line.sent()
    run = world.start(route, is_stream=way not in ("unary", "assembled"))
    if way == "failover":
        world.line.fail(FailureKind.RESET)
    if holder is not None:
        world.advance(1.5)
        world.hang_up(holder)
        assert b": queued position=1" in run.caller.body
    assert world.line.upstream == "b"
    return run


@pytest.mark.parametrize("stage", ["dialled", "sent", "head", "role"])
@pytest.mark.parametrize("way", ["stream", "unary", "assembled", "failover", "places", "splice"])
def test_whoever_is_moved_aside_is_answered_once_and_whole(way: str, stage: str) -> None:
    world = World()
    world.upstream("a", 1)
    world.upstream("b", 1)
    free = under_way(world, way)
    moved = world.line
    stages(free, world, stage)
    world.tier = Tier.ENTERPRISE
    urgent = world.start(world.route("b"))
    assert moved.cancels == 1
    assert free.exchange.is_waiting
    world.line.stream(*WHOLE)
    assert world.record(urgent).outcome == "complete"
    assert world.line.attempt.owner is free.exchange
    if way == "unary":
        world.line.answer(200, whole("Hello"))
    else:
        world.line.stream(*WHOLE)
    record = world.record(free)
    assert record.outcome == "complete"
    assert record.tier == "free"
    assert free.caller.body.count(b"Hello") == 1
    assert free.caller.body.count(b'"role":"assistant"') == 1
    assert record.attempts[-2].detail.startswith("moved aside")
    world.check_rest()
