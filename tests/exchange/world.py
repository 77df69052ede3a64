"""A world for exchanges: virtual time, seeded chance, and plain objects behind the five ports.

The gate is the real one. Each fake holds its own part of the contract and fails on a breach of it,
whatever the test at hand looks for.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from penstock import is_compiled
from penstock.config.model import (
    Breaker,
    Continuation,
    DialectName,
    Feature,
    OnBreak,
    Policy,
    Timeouts,
    Upstream,
)
from penstock.config.model import Route as RouteEntry
from penstock.config.model import Target as TargetEntry
from penstock.core.claim import Claim
from penstock.core.errors import PenstockError
from penstock.core.estimate import tokens
from penstock.core.outcome import Failure, FailureKind
from penstock.core.retry_budget import RetryBudget
from penstock.core.tier import Tier
from penstock.dialects.contract import Dialect
from penstock.dialects.openai_chat.dialect import OpenAIChat
from penstock.dialects.operation import Endpoint
from penstock.exchange.attempt import Attempt
from penstock.exchange.gate import LocalGate
from penstock.exchange.machine import Exchange, Ports, State
from penstock.exchange.order import Order
from penstock.exchange.record import Opened, Record
from penstock.exchange.route import Route
from penstock.exchange.target import Target, TargetState, UpstreamState

START_S = 1000.0
QUEUE_S = 5.0
TIMEOUTS = Timeouts(
    connect_s=1.0,
    first_token_s=4.0,
    between_tokens_s=3.0,
    unary_s=6.0,
    total_s=20.0,
    queue_s=QUEUE_S,
    hang_s=2.0,
)
CHAT = OpenAIChat()
CONTINUATION = Continuation()
MESSAGES: dict[str, object] = {"messages": [{"role": "user", "content": "Hi"}]}
ASKED: dict[str, dict[str, object]] = {
    "openai_responses": {"input": "Hi"},
    "anthropic_messages": {"max_tokens": 4000, **MESSAGES},
    "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}


class FakeTimer:
    """One alarm; goes off at the time that was asked for, and at no other."""

    def __init__(self, world: "World", ring: Callable[[float], None]) -> None:
        self._world = world
        self.ring = ring
        self.at_s: float | None = None

    def wake_at(self, at_s: float) -> None:
        self.at_s = max(at_s, self._world.now_s)  # a past instant rings at once
        self._world.timers[self] = None

    def drop(self) -> None:
        self.at_s = None
        self._world.timers.pop(self, None)


class FakeCaller:
    """Holds the order of calls: ``answer`` or ``refuse`` once, or ``start``, then one end."""

    def __init__(self, world: "World", order: Order) -> None:
        self._world = world
        self._id = order.id
        self.exchange: Exchange | None = None
        self.is_started = False
        self.has_left = False
        self.is_paused = False
        self.ended_by = ""
        self.status = 0
        self.headers = b""
        self.pieces: list[bytes] = []
        self.error: PenstockError | None = None
        self.pauses_at = 0  # bytes after which it stops reading, in the middle of a write

    @property
    def body(self) -> bytes:
        """What has been written of the body."""
        return b"".join(self.pieces)

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        assert not self.is_started
        self._end("answer")
        self.status, self.headers, self.pieces = status, headers, [body]

    def refuse(self, error: PenstockError, headers: bytes) -> None:
        assert not self.is_started
        self._end("refuse")
        self.status, self.headers, self.error = CHAT.status_of(error), headers, error

    def start(self, headers: bytes) -> None:
        assert not self.is_started
        assert not self.ended_by
        self.is_started = True
        self.status, self.headers = 200, headers

    def write(self, data: bytes) -> None:
        assert data, "nothing was written"
        assert self.is_started
        assert not self.ended_by
        assert not self.has_left
        self.pieces.append(data)
        if self.pauses_at and len(self.body) >= self.pauses_at and self.exchange is not None:
            self.pauses_at = 0
            self.is_paused = True
            self.exchange.on_pause()  # a socket's buffer does so, before ``write`` has returned

    def end(self, data: bytes) -> None:
        assert self.is_started
        self._end("end")
        self.pieces.append(data)

    def abort(self, data: bytes) -> None:
        assert self.is_started
        self._end("abort")
        self.pieces.append(data)

    def _end(self, how: str) -> None:
        assert not self.ended_by, f"{how} after {self.ended_by}"
        assert not self.has_left, "told to somebody who has left"
        assert self._id in self._world.recorder.closed_by_id, "the record comes first"
        self.ended_by = how


class Line:
    """One attempt as the upstream sees it: what a test makes it answer."""

    def __init__(self, world: "World", attempt: Attempt) -> None:
        self._world = world
        self.attempt = attempt
        self.upstream = attempt.target.upstream.name
        self.cancels = 0
        self.detaches = 0
        self.is_over = False  # cancelled, detached, complete or failed
        self.is_sent = False
        self.is_paused = False
        self.progress_at_s = world.now_s

    def sent(self) -> None:
        if not self.is_over and not self.is_sent:
            self.is_sent = True
            self.attempt.owner.on_sent(self.attempt, self._world.now_s)

    def head(self, status: int = 200, **headers: str) -> None:
        self.sent()
        if not self.is_over:
            self.progress_at_s = self._world.now_s
            lines = {k.replace("_", "-").encode(): v.encode() for k, v in headers.items()}
            self.attempt.owner.on_head(self.attempt, status, lines, self._world.now_s)

    def sse(self) -> None:
        """Send the head of a good stream."""
        self.head(content_type="text/event-stream; charset=utf-8")

    def chunk(self, data: bytes) -> None:
        if not self.is_over:
            self.progress_at_s = self._world.now_s
            self.attempt.owner.on_chunk(self.attempt, data, self._world.now_s)

    def complete(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.attempt.owner.on_complete(self.attempt, self._world.now_s)

    def fail(self, kind: FailureKind) -> None:
        if not self.is_over:
            self.is_over = True
            failure = Failure(kind, "the wire says so", self.attempt.status)
            self.attempt.owner.on_failed(self.attempt, failure, self._world.now_s)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer."""
        self.head(status, **({"content_type": "application/json"} | headers))
        if body:
            self.chunk(body)
        self.complete()

    def stream(self, *events: bytes) -> None:
        """Send a whole stream."""
        self.sse()
        self.chunk(b"".join(events))
        self.complete()


class FakeDialer:
    """Knows every attempt; each is dialled once, and cancelled or detached at most once."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.lines: list[Line] = []
        self.by_attempt: dict[Attempt, Line] = {}
        self.is_pooled = False  # tells of sending before ``dial`` has returned, as pools do

    def dial(self, attempt: Attempt) -> None:
        assert attempt not in self.by_attempt, "dialled twice"
        self._world.check_dial(attempt)
        line = Line(self._world, attempt)
        self.lines.append(line)
        self.by_attempt[attempt] = line
        if self.is_pooled:
            line.sent()

    def cancel(self, attempt: Attempt) -> None:
        line = self.by_attempt[attempt]
        line.cancels += 1
        line.is_over = True
        assert line.cancels + line.detaches == 1, "let go of twice"

    def detach(self, attempt: Attempt) -> None:
        line = self.by_attempt[attempt]
        line.detaches += 1
        line.is_over = True
        assert line.cancels + line.detaches == 1, "let go of twice"

    def pause(self, attempt: Attempt) -> None:
        assert attempt.outcome is None
        self.by_attempt[attempt].is_paused = True

    def resume(self, attempt: Attempt) -> None:
        assert attempt.outcome is None
        self.by_attempt[attempt].is_paused = False


class FakeRecorder:
    """Keeps lines and records; an exchange has one record, and no line after it."""

    def __init__(self) -> None:
        self.opened_by_id: dict[str, list[Opened]] = {}
        self.closed_by_id: dict[str, Record] = {}

    def opened(self, line: Opened) -> None:
        assert line.id not in self.closed_by_id, "opened after the end"
        self.opened_by_id.setdefault(line.id, []).append(line)

    def closed(self, record: Record) -> None:
        assert record.id not in self.closed_by_id, "a second record"
        msgspec.json.encode(record)
        self.closed_by_id[record.id] = record


class CountingBudget(RetryBudget):
    """Counts what was spent."""

    __slots__ = ("spent",)

    def __init__(self, ratio: float, floor_per_s: float) -> None:
        super().__init__(ratio, floor_per_s, START_S)
        self.spent = 0

    def try_spend(self, now_s: float, *, is_owed: bool = False) -> bool:
        is_spent = super().try_spend(now_s, is_owed=is_owed)
        self.spent += is_spent
        return is_spent


def watched(order: Order, ports: Ports, moves: list[tuple[State, State]]) -> Exchange:
    """Return an exchange that notes every move; one that is compiled cannot be watched so."""
    if is_compiled():
        return Exchange(order, ports)

    class Watched(Exchange):
        """Notes every move."""

        __slots__ = ()

        def __setattr__(self, name: str, value: object) -> None:
            if name == "state" and isinstance(value, State) and hasattr(self, name):
                moves.append((self.state, value))
            object.__setattr__(self, name, value)

    return Watched(order, ports)


@dataclass
class Run:
    """One exchange with what belongs to it."""

    exchange: Exchange
    moves: list[tuple[State, State]]
    caller: FakeCaller
    timer: FakeTimer
    order: Order

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.exchange.state is State.DONE

    @property
    def deadline_s(self) -> float:
        """When it must have ended."""
        return self.order.at_s + self.order.route.timeouts.total_s


@dataclass
class Spec:
    """A target of a route, in short."""

    upstream: str
    model: str = "m"
    weight: float = 1.0
    context: int = 0
    lacks: tuple[Feature, ...] = ()
    is_degraded: bool = False


@dataclass
class World:
    """Everything that exchanges share. ``late_s`` is how late alarms go off."""

    seed: int = 1
    breaker: Breaker = field(default_factory=Breaker)
    late_s: float = 0.0
    floor_per_s: float = 10.0

    def __post_init__(self) -> None:
        self.now_s = START_S
        self.tier = Tier.STANDARD  # of those who ask from now on
        self.tenant = "tenant"
        self.wants_notes = False
        self.must_be_whole = False
        self.timers: dict[FakeTimer, None] = {}
        self.chance = random.Random(self.seed).random
        self.budget = CountingBudget(0.1, self.floor_per_s)
        self.dialer = FakeDialer(self)
        self.recorder = FakeRecorder()
        self.use_gate(LocalGate(self.chance))
        self.upstreams: dict[str, UpstreamState] = {}
        self.states: dict[tuple[str, str], TargetState] = {}
        self.runs: list[Run] = []

    # --- what is configured

    def use_gate(self, gate: LocalGate) -> None:
        """Let everybody who comes from now on ask at this gate."""
        self.gate = gate
        gate.use_timer(FakeTimer(self, gate.on_wake))
        self.ports = Ports(self.dialer, gate, self.recorder, self.budget, self.chance)

    def upstream(
        self,
        name: str,
        concurrency: int = 100,
        *,
        dialect: Dialect = CHAT,
        answer_bytes_max: int = 1 << 20,
        stream_usage: bool = True,
    ) -> UpstreamState:
        entry = Upstream(
            name=name,
            dialect=DialectName(dialect.name),
            base_url="http://upstream.test/v1",
            concurrency_max=concurrency,
            answer_bytes_max=answer_bytes_max,
            stream_usage=stream_usage,
        )
        self.upstreams[name] = UpstreamState(entry, dialect)
        return self.upstreams[name]

    def target(self, spec: Spec) -> Target:
        state = self.upstreams.get(spec.upstream) or self.upstream(spec.upstream)
        pair = (spec.upstream, spec.model)
        known = self.states.setdefault(pair, TargetState(self.breaker, self.now_s))
        entry = TargetEntry(
            upstream=spec.upstream,
            model=spec.model,
            weight=spec.weight,
            context_tokens_max=spec.context,
            lacks=spec.lacks,
            is_degraded=spec.is_degraded,
        )
        return Target(entry, state, known, spec.model or "m")

    def route(
        self,
        *specs: Spec | str,
        policy: Policy = Policy.ORDER,
        timeouts: Timeouts = TIMEOUTS,
        attempts_max: int = 4,
        failover_on: tuple[str, ...] = (),
        continuation: Continuation | None = None,
        keep_alive_s: float | None = None,
    ) -> Route:
        full = [Spec(one) if isinstance(one, str) else one for one in specs]
        entry = RouteEntry(
            name="route",
            targets=(),
            policy=policy,
            failover_on=failover_on,
            continuation=continuation or CONTINUATION,
            on_break=OnBreak.CONTINUE if continuation else OnBreak.ERROR,
            keep_alive_s=keep_alive_s,
        )
        return Route(entry, [self.target(one) for one in full], timeouts, attempts_max)

    # --- what happens

    def start(
        self,
        route: Route,
        *,
        is_stream: bool = True,
        may_fail_over: bool = True,
        fields: dict[str, object] | None = None,
        dialect: Dialect | Endpoint = CHAT,
        pauses_at: int = 0,
    ) -> Run:
        """A caller asks; at an endpoint, if it is no answer that is wanted."""
        endpoint = dialect if isinstance(dialect, Endpoint) else None
        dialect = dialect.dialect if isinstance(dialect, Endpoint) else dialect
        asked = ASKED.get(dialect.name, MESSAGES) | {"model": "m", "stream": is_stream}
        body = msgspec.json.encode(asked | (fields or {}))
        inquiry = dialect.inquire(body, dialect.path("m", is_stream=is_stream))
        claim = Claim(self.tenant, "key", self.tier, tokens(len(body)), self.now_s)
        order = Order(f"x{len(self.runs)}", route, dialect, inquiry, {}, claim)
        order.at_unix_s = 1_700_000_000.0
        order.may_fail_over = may_fail_over
        if endpoint is not None:
            order.operation, order.speakers = endpoint.operation, endpoint.speakers
        order.is_continuing = route.on_break is OnBreak.CONTINUE
        order.wants_notes = self.wants_notes
        order.must_be_whole = self.must_be_whole
        moves: list[tuple[State, State]] = []
        exchange = watched(order, self.ports, moves)
        caller = FakeCaller(self, order)
        caller.exchange = exchange
        caller.pauses_at = pauses_at
        exchange.caller = caller
        timer = FakeTimer(self, exchange.on_wake)
        exchange.timer = timer
        run = Run(exchange, moves, caller, timer, order)
        self.runs.append(run)
        exchange.start(self.now_s)
        return run

    def hang_up(self, run: Run) -> None:
        """The caller leaves."""
        run.caller.has_left = True
        run.exchange.on_hang_up(self.now_s)

    def pause(self, run: Run) -> None:
        """The caller stops reading."""
        run.caller.is_paused = True
        run.exchange.on_pause()

    def resume(self, run: Run) -> None:
        """The caller reads on."""
        run.caller.is_paused = False
        run.exchange.on_resume(self.now_s)

    def advance(self, by_s: float) -> None:
        """Let time pass; each alarm goes off at its time, and what it sets is heard as well."""
        until_s = self.now_s + by_s
        for _ in range(10_000):
            due = [(t.at_s, at, t) for at, t in enumerate(self.timers) if t.at_s is not None]
            at_s, _, timer = min(due, default=(until_s + 1.0, 0, None))
            if timer is None or at_s + self.late_s > until_s:
                break
            self.now_s = max(self.now_s, at_s + self.late_s)
            timer.drop()
            timer.ring(self.now_s)
        else:
            raise AssertionError("alarms without end")
        self.now_s = until_s

    def check_dial(self, attempt: Attempt) -> None:
        """Hold what must be true whenever an attempt is dialled."""
        run = next(one for one in self.runs if one.exchange is attempt.grant.demand)
        assert not run.caller.has_left, "dialled for nobody"
        assert self.now_s < run.deadline_s, "dialled after the deadline"
        assert not run.is_done
        opened = self.recorder.opened_by_id.get(run.order.id, [])
        assert len(opened) == attempt.number, "opened comes before the dial"
        assert opened[-1].upstream == attempt.target.upstream.name

    # --- what tests ask for

    @property
    def line(self) -> Line:
        """The attempt that was dialled last."""
        return self.dialer.lines[-1]

    def record(self, run: Run) -> Record:
        """The record of an exchange that has ended."""
        return self.recorder.closed_by_id[run.order.id]

    def dialled(self) -> str:
        """The upstreams in the order in which they were dialled."""
        return " ".join(line.upstream for line in self.dialer.lines)

    def check_rest(self) -> None:
        """Hold what must be true once all exchanges have ended: everything has come back."""
        assert all(run.is_done for run in self.runs)
        assert self.gate.waiting == 0
        assert [u.name for u in self.upstreams.values() if u.limit.in_flight] == []
        assert [pair for pair, state in self.states.items() if state.in_flight] == []
        assert all(run.timer.at_s is None for run in self.runs), "an alarm is still set"


# --- bytes of upstreams


def event(**chunk: object) -> bytes:
    """Return one event of a chat stream."""
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def role() -> bytes:
    """Return the chunk that opens a stream, without content."""
    return event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}}])


def text(content: str) -> bytes:
    """Return a chunk with content."""
    return event(choices=[{"index": 0, "delta": {"content": content}}])


def stop(reason: str = "stop") -> bytes:
    """Return the chunk that says why the model stopped."""
    return event(choices=[{"index": 0, "finish_reason": reason}], model="m-real")


def usage(input_tokens: int, output_tokens: int) -> bytes:
    """Return the chunk that counts."""
    counted = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}
    return event(choices=[], usage=counted)


def error(message: str = "it broke", code: str = "server_error") -> bytes:
    """Return the event that says that the stream has failed."""
    return event(error={"message": message, "type": "server_error", "code": code})


DONE = b"data: [DONE]\n\n"
PING = b": keepalive\n\n"


def whole(content: str, input_tokens: int = 0, output_tokens: int = 0) -> bytes:
    """Return a whole answer that is not streamed."""
    answer: dict[str, object] = {
        "id": "a",
        "model": "m-real",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            },
        ],
    }
    if input_tokens:
        counted = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}
        answer["usage"] = counted
    return msgspec.json.encode(answer)


def problem(message: str, code: str = "", kind: str = "invalid_request_error") -> bytes:
    """Return the body of an error."""
    return msgspec.json.encode({"error": {"message": message, "type": kind, "code": code or None}})
