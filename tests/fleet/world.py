"""Workers and an owner in one process, over lines that a test delivers, delays and cuts."""

from collections import deque

import msgspec

from penstock.config.model import (
    Breaker,
    Config,
    DialectName,
    Gateway,
    Policy,
    Route,
    Target,
    Timeouts,
    Upstream,
)
from penstock.core.claim import Claim
from penstock.core.errors import DialectError, LimitError, ShedError
from penstock.core.outcome import Outcome
from penstock.core.tier import Tier
from penstock.exchange.demand import Grant
from penstock.exchange.gate import LocalGate
from penstock.exchange.ports import Gate
from penstock.exchange.route import Route as RouteAtWork
from penstock.exchange.target import Target as TargetAtWork
from penstock.fleet.frames import FrameReader, frames
from penstock.fleet.messages import FromOwner, FromWorker, Hello, Leaving, Ping
from penstock.fleet.owner import Owner, Session
from penstock.fleet.remote_gate import RemoteGate
from penstock.snapshot.build import build
from penstock.snapshot.model import Snapshot
from penstock.snapshot.routing import Routing
from penstock.snapshot.share import share_of

ENCODER = msgspec.msgpack.Encoder()
WAIT_S = 5.0


class FakeTimer:
    """One alarm, which the world rings."""

    def __init__(self) -> None:
        self.at_s: float | None = None

    def wake_at(self, at_s: float) -> None:
        self.at_s = at_s

    def drop(self) -> None:
        self.at_s = None


def snapshot_of(slots: dict[str, int], workers: int, version: int = 1) -> Snapshot:
    """Return upstreams with so many slots, and routes over all of them."""
    upstreams = tuple(
        Upstream(
            name=name,
            dialect=DialectName.OPENAI_CHAT,
            base_url=f"http://{name}/v1",
            concurrency_max=size,
            is_adaptive=False,
        )
        for name, size in slots.items()
    )
    targets = tuple(Target(upstream=name) for name in slots)
    config = Config(
        gateway=Gateway(workers=workers),
        timeouts=Timeouts(queue_s=WAIT_S),
        breaker=Breaker(failures_min=2.0, cooldown_s=3.0, probes_to_close=1),
        upstreams=upstreams,
        routes=(
            Route(name="all", targets=targets),
            Route(name="load", targets=targets, policy=Policy.WEIGHT),
            Route(name="some-*", targets=targets[::-1]),
        ),
    )
    return build(config, [], version=version, now_unix_s=0.0)


class Place:
    """A gate with its routing and its timer."""

    def __init__(self, snapshot: Snapshot, now_s: float) -> None:
        self.routing = Routing()
        self.routing.apply(snapshot, now_s)
        self.gate = LocalGate(lambda: 0.5)
        self.timer = FakeTimer()
        self.gate.use_timer(self.timer)

    def route(self, model: str, now_s: float) -> RouteAtWork:
        found = self.routing.named(model, now_s)
        assert found is not None
        return found

    def wake(self, now_s: float) -> None:
        while self.timer.at_s is not None and self.timer.at_s <= now_s:
            self.timer.at_s = None
            self.gate.on_wake(now_s)

    @property
    def in_flight(self) -> dict[str, int]:
        return {name: up.limit.in_flight for name, up in self.routing.upstreams.items()}


class Caller:
    """A demand that notes what it is told, and holds the order of calls."""

    def __init__(self, gate: Gate, name: str) -> None:
        self.gate = gate
        self.name = name
        self.claim = Claim("t", "k", Tier.STANDARD, 10, 0.0)
        self.targets: list[TargetAtWork] = []
        self.wait_until_s = 0.0
        self.is_waiting = False
        self.is_asking = False
        self.is_closed = False
        self.grant: Grant | None = None
        self.told: list[str] = []
        self.tokens = 0
        self.route: RouteAtWork

    @property
    def may_be_moved(self) -> bool:
        return self.grant is not None and not self.tokens and not self.claim.was_moved

    def output_tokens_now(self) -> int:
        return self.tokens

    def ask(self, route: RouteAtWork, places: list[int], wait_s: float, now_s: float) -> None:
        self.route = route
        self.targets = [route.targets[at] for at in places] or route.targets
        self.wait_until_s = now_s + wait_s if wait_s else 0.0
        self.is_asking = True
        self.gate.ask(self, now_s)

    def on_granted(self, grant: Grant, now_s: float) -> None:
        assert self.is_asking, "answered, and had not asked"
        assert not self.is_waiting
        assert grant.is_out
        assert grant.target in self.targets
        self.is_asking = False
        self.grant = grant
        self.told.append(f"granted {grant.target.upstream.name} at {now_s:g}")

    def on_refused(self, error: ShedError | LimitError, now_s: float) -> None:
        assert self.is_asking, "answered, and had not asked"
        assert not self.is_waiting
        self.is_asking = False
        self.told.append(f"refused {error.code} {error.retry_after_s:g} at {now_s:g}")

    def on_moved_aside(self, now_s: float) -> None:
        raise AssertionError((self.name, now_s))

    def give_back(self, outcome: Outcome, now_s: float) -> None:
        grant, self.grant = self.grant, None
        assert grant is not None
        self.gate.give_back(grant, outcome, now_s)

    def withdraw(self) -> None:
        self.is_asking = False
        self.gate.withdraw(self)

    def close(self, now_s: float) -> None:
        assert not self.is_closed
        self.is_closed = True
        if self.claim.is_admitted:
            self.gate.close(self, now_s)


class Wire:
    """A line to the owner: what has been written and not yet read, either way, as bytes."""

    def __init__(self, world: "World", worker: "Worker", attempt: int) -> None:
        self.world = world
        self.worker = worker
        self.up: deque[bytes] = deque()
        self.down: deque[bytes] = deque()
        self.is_cut = False  # by the owner's death: what was under way is lost
        self.is_over = False  # its worker has closed it: what was written still comes
        world.wires.append(self)
        self._from_worker: FrameReader[FromWorker] = FrameReader(list[FromWorker])
        self._from_owner: FrameReader[FromOwner] = FrameReader(list[FromOwner])
        self.session = Session(world.owner, self._answer, world.now_s)
        self.send(Hello(worker.number, worker.pid, attempt))

    def send(self, message: FromWorker) -> None:
        if not self.is_cut and not self.is_over:
            self.up.append(frames([message], ENCODER))

    def close(self) -> None:
        """End it from the worker's side."""
        self.is_over = True
        self.up.append(b"")
        self.down.clear()

    def _answer(self, message: FromOwner) -> None:
        if not self.is_cut and not self.is_over:
            self.down.append(frames([message], ENCODER))

    def deliver_up(self) -> bool:
        """Bring one message to the owner."""
        if not self.up:
            return False
        data = self.up.popleft()
        if not data:
            self.world.wires.remove(self)
            self.session.on_cut(self.world.now_s)
        try:
            for message in self._from_worker.feed(data):
                self.session.on_message(message, self.world.now_s)
        except DialectError:  # a line is cut by whoever does not understand it
            self.refuse()
        return True

    def refuse(self) -> None:
        """End it from the owner's side."""
        self.is_cut = True
        self.up.clear()
        self.down.clear()
        self.world.wires.remove(self)
        self.session.on_cut(self.world.now_s)
        if self.worker.wire is self:
            self.worker.lose()

    def deliver_down(self) -> bool:
        """Bring one message to the worker."""
        if not self.down:
            return False
        for message in self._from_owner.feed(self.down.popleft()):
            self.worker.remote.on_message(message, self.world.now_s)
        return True


class Worker(Place):
    """A worker with its remote gate."""

    def __init__(self, world: "World", number: int, snapshot: Snapshot) -> None:
        super().__init__(share_of(snapshot, snapshot.config.gateway.workers), world.now_s)
        self.world = world
        self.number = number
        self.remote = RemoteGate(self.gate, self.send)
        self.wire: Wire | None = None
        self.attempts = 0
        self.pid = 1000 + number

    def send(self, message: FromWorker) -> None:
        if self.wire is not None:
            self.wire.send(message)

    def connect(self) -> None:
        assert self.wire is None
        self.attempts += 1
        self.wire = Wire(self.world, self, self.attempts)

    def leave(self) -> None:
        """Find that the owner says nothing, and go on alone."""
        wire = self.wire
        assert wire is not None
        if self.remote.is_remote:
            wire.send(Leaving())
        wire.close()
        self.lose()

    def lose(self) -> None:
        """Notice that the line has ended."""
        self.wire = None
        self.remote.on_lost(self.world.now_s)


class World:
    """Time, workers, and the owner that they ask."""

    def __init__(self, slots: dict[str, int], workers: int) -> None:
        self.now_s = 100.0
        self.snapshot = snapshot_of(slots, workers)
        self.wires: list[Wire] = []
        self.start_owner()
        self.workers = [Worker(self, at + 1, self.snapshot) for at in range(workers)]

    def start_owner(self) -> None:
        """Begin an owner that knows nothing; lines to another one are cut."""
        for wire in self.wires:
            wire.is_cut = True
        self.wires = []
        self.place = Place(self.snapshot, self.now_s)
        self.owner = Owner(self.place.gate, self.place.routing, self.now_s, lambda: None)

    def settle(self) -> None:
        """Deliver until nothing is on the way."""
        while self.wires:
            moved = [wire.deliver_up() for wire in list(self.wires)]
            moved += [wire.deliver_down() for wire in list(self.wires)]
            if not any(moved):
                break

    def pass_time(self, by_s: float) -> None:
        self.now_s += by_s
        for wire in self.wires:
            if not wire.is_over:
                wire.session.on_message(Ping(), self.now_s)
        self.place.wake(self.now_s)
        for worker in self.workers:
            worker.wake(self.now_s)
        silent = self.owner.on_tick(self.now_s)
        for wire in [wire for wire in self.wires if wire.session in silent]:
            wire.refuse()
