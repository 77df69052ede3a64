"""Modelled upstreams: what an attempt meets behind the gate.

    slots    k attempts at once, each as fast as alone: S = ttft_s + input / input_per_s + output *
             token_s seconds; the first token comes after the first two terms (TIERING, model)
    batch    one engine: a step takes a_s + b_s * decoding + c_s * prefilled tokens, prompts are
             prefilled in turn and in chunks, an attempt enters only with its KV, else it queues
    quota    (on top of either) buckets of a provider: beyond them 429 with Retry-After

    full     an attempt beyond the true capacity is refused with 503 or 529 after ``refusal_s``
    outage   what runs breaks; what comes is refused at once, or hangs
    brown    a share of what comes is refused with 529 and no word on when to come back

Whoever cancels is never called again. Instants are virtual seconds. Every server says what it can
(``rate_of``) and what it is doing, as engines' metrics do; those can be lost.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from penstock.core.limits_seen import UNSEEN, Level, LimitsSeen
from penstock.core.outcome import Failure, FailureKind
from penstock.core.token_bucket import TokenBucket
from penstock.sim.world import World

REFUSAL_S: Final = 0.05  # what a refusal takes on the way
CHUNK_TOKENS: Final = 2048  # of a prompt in one step: vLLM's max_num_batched_tokens by default
UNBOUNDED: Final = 1 << 60
WAITING_FULL: Final = 2.0
KV_FULL: Final = 0.8


class Owner(Protocol):
    """Whom a server tells."""

    def on_first_token(self, work: "Work", now_s: float) -> None:
        """The first content has come."""

    def on_complete(self, work: "Work", now_s: float) -> None:
        """The answer is whole."""

    def on_failed(self, work: "Work", failure: Failure, now_s: float) -> None:
        """It has failed; nothing more will come."""


class Work:
    """One attempt as its server sees it."""

    __slots__ = (
        "failure", "first_at_s", "input_tokens", "is_live", "left_tokens",
        "output_tokens", "owner", "server", "started_at_s", "token_s",
    )  # fmt: skip

    def __init__(self, owner: Owner, input_tokens: int, output_tokens: int) -> None:
        self.owner = owner
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.server: Server | None = None
        self.started_at_s = 0.0
        self.first_at_s = 0.0
        self.is_live = True
        self.failure: Failure | None = None
        self.left_tokens = input_tokens
        self.token_s = 0.0  # between two tokens, about

    def tokens_at(self, now_s: float) -> int:
        """Return about how many tokens of the answer have come."""
        if not self.first_at_s:
            return 0
        if self.token_s <= 0.0:
            return self.output_tokens
        return min(self.output_tokens, 1 + int((now_s - self.first_at_s) / self.token_s))

    def give_first(self, now_s: float) -> None:
        """Tell of the first token."""
        if self.is_live:
            self.first_at_s = now_s
            self.owner.on_first_token(self, now_s)

    def complete(self, now_s: float) -> None:
        """Leave the server, and tell that all has come."""
        if self.is_live:
            self.is_live = False
            assert self.server is not None
            self.server.release(self, now_s)
            self.owner.on_complete(self, now_s)

    def fail(self, now_s: float) -> None:
        """Tell of the failure that was noted; the server was never entered, or has let go."""
        if self.is_live:
            self.is_live = False
            assert self.failure is not None
            self.owner.on_failed(self, self.failure, now_s)


@dataclass(frozen=True, slots=True)
class Speed:
    """How long an attempt takes alone."""

    ttft_s: float = 0.2
    input_per_s: float = 20_000.0
    token_s: float = 0.02

    def service_s(self, input_tokens: int, output_tokens: float) -> float:
        """Return for how long an attempt holds its slot."""
        return self.ttft_s + input_tokens / self.input_per_s + self.token_s * output_tokens


@dataclass(slots=True)
class Buckets:
    """A provider's quota of an account; what is None is not limited."""

    requests: TokenBucket | None = None
    tokens: TokenBucket | None = None
    requests_per_min: float = math.inf
    tokens_per_min: float = math.inf

    @classmethod
    def of(cls, requests_per_min: float, tokens_per_min: float, now_s: float) -> "Buckets":
        """Return full buckets of a minute; 0 is no limit."""
        return cls(
            TokenBucket(requests_per_min / 60, requests_per_min, now_s)
            if requests_per_min
            else None,
            TokenBucket(tokens_per_min / 60, tokens_per_min, now_s) if tokens_per_min else None,
            requests_per_min or math.inf,
            tokens_per_min or math.inf,
        )

    def seen(self, now_s: float) -> LimitsSeen:
        """Return limits and what is left of them."""
        return LimitsSeen(
            requests=_level(self.requests, self.requests_per_min, now_s),
            tokens=_level(self.tokens, self.tokens_per_min, now_s),
        )

    def take(self, tokens: int, now_s: float) -> float:
        """Take one request; return 0, or for how many seconds there is not enough."""
        wait_s = 0.0
        if self.requests is not None and self.requests.level(now_s) < 1.0:
            wait_s = (1.0 - self.requests.level(now_s)) * 60 / self.requests_per_min
        need = min(float(tokens), self.tokens_per_min)
        if self.tokens is not None and self.tokens.level(now_s) < need:
            wait_s = max(wait_s, (need - self.tokens.level(now_s)) * 60 / self.tokens_per_min)
        if wait_s:
            return wait_s
        if self.requests is not None:
            self.requests.try_take(1.0, now_s)
        if self.tokens is not None:
            self.tokens.try_take(need, now_s)
        return 0.0


def _level(bucket: TokenBucket | None, per_min: float, now_s: float) -> Level:
    if bucket is None:
        return UNSEEN
    left = int(bucket.level(now_s))
    reset_s = 0.0 if left else 60.0 / per_min
    return Level(int(per_min), left, reset_s)


@dataclass(frozen=True, slots=True)
class Load:
    """What an engine's metrics say."""

    running: int
    waiting: int
    kv_ratio: float


class Server:
    """What all modelled upstreams have in common: doors, and what stands before them."""

    is_slotted = False  # an attempt takes a slot, and nothing else

    def __init__(self, name: str, world: World, chance: Callable[[], float]) -> None:
        self.name = name
        self.world = world
        self.running: dict[Work, None] = {}
        self.is_down = False
        self.is_hanging = False
        self.refused_ratio = 0.0
        self.buckets: Buckets | None = None
        self.quota = (0.0, 0.0)  # requests and tokens a minute, as it was built
        self.has_metrics = True
        self.overload_status = 503
        self.timeout_s = 60.0  # of the gateway's, for the first token
        self.refused = 0  # for want of capacity
        self.quota_refused = 0
        self.attempts = 0
        self.busy_s = 0.0  # attempt-seconds, for the use that is made of it
        self._busy_at_s = world.now_s
        self._chance = chance

    # --- what every kind has of its own

    @property
    def slots(self) -> int:
        """How many attempts it can serve at once, truly."""
        raise NotImplementedError

    def rate_of(self, input_tokens: float, output_tokens: float) -> float:
        """Return how many such attempts a second it completes at most."""
        raise NotImplementedError

    def resize(self, ratio: float) -> None:
        """Have this share of the capacity that it was built with."""
        raise NotImplementedError

    def _enter(self, work: Work, now_s: float) -> None:
        raise NotImplementedError

    def _leave(self, work: Work, now_s: float) -> None:
        """Forget one that is cancelled, broken or complete."""

    def load(self) -> Load:
        """Return what its metrics would say."""
        return Load(len(self.running), 0, 0.0)

    def saturation(self) -> float:
        """Return how full an engine says it is; 1 is full (TIERING 2: waiting / 2, KV / 0.8)."""
        load = self.load()
        return max(load.waiting / WAITING_FULL, load.kv_ratio / KV_FULL)

    def seen(self, now_s: float) -> LimitsSeen | None:
        """Return what the headers of an answer say of the quota; None: there is none."""
        return self.buckets.seen(now_s) if self.buckets is not None else None

    # --- doors

    def start(self, work: Work, now_s: float) -> None:
        """Serve an attempt, or refuse it a little later."""
        work.server = self
        work.started_at_s = now_s
        self.attempts += 1
        failure = self._refusal(work, now_s)
        if failure is None:
            self._account(now_s)
            self.running[work] = None
            self._enter(work, now_s)
            return
        work.failure = failure
        is_late = failure.kind is FailureKind.TIMED_OUT
        self.world.at(now_s + (self.timeout_s if is_late else REFUSAL_S), work.fail)

    def cancel(self, work: Work, now_s: float) -> None:
        """Stop; nothing of it will follow."""
        if work.is_live:
            work.is_live = False
            self.release(work, now_s)

    def release(self, work: Work, now_s: float) -> None:
        """Free what an attempt held."""
        if work in self.running:
            self._account(now_s)
            del self.running[work]
            self._leave(work, now_s)

    def break_all(self, now_s: float) -> None:
        """Go down: what runs ends in the middle."""
        for work in list(self.running):
            kind = FailureKind.BROKEN_STREAM if work.first_at_s else FailureKind.RESET
            work.failure = Failure(kind, "the connection broke")
            self.release(work, now_s)
            work.fail(now_s)

    def _refusal(self, work: Work, now_s: float) -> Failure | None:
        if self.is_down:
            if self.is_hanging:
                return Failure(FailureKind.TIMED_OUT, "no content came in time")
            return Failure(FailureKind.UNREACHABLE, "no connection")
        if self.refused_ratio and self._chance() < self.refused_ratio:
            self.refused += 1
            return Failure(FailureKind.OVERLOADED, "overloaded", 529)
        if self.buckets is not None:
            wait_s = self.buckets.take(work.input_tokens + work.output_tokens, now_s)
            if wait_s:
                self.quota_refused += 1
                return Failure(FailureKind.QUOTA, "quota", 429, retry_after_s=wait_s)
        return self._full()

    def _full(self) -> Failure | None:
        if len(self.running) < self.slots:
            return None
        self.refused += 1
        return Failure(FailureKind.OVERLOADED, "at capacity", self.overload_status)

    def _account(self, now_s: float) -> None:
        self.busy_s += (now_s - self._busy_at_s) * len(self.running)
        self._busy_at_s = now_s

    def busy(self, now_s: float) -> float:
        """Return attempt-seconds so far."""
        self._account(now_s)
        return self.busy_s


class SlotServer(Server):
    """k slots, each as fast as if it were alone."""

    is_slotted = True

    def __init__(
        self, name: str, world: World, chance: Callable[[], float], slots: int, speed: Speed
    ) -> None:
        super().__init__(name, world, chance)
        self._built = slots
        self._slots = slots
        self.speed = speed

    @property
    def slots(self) -> int:
        """How many attempts it can serve at once, truly."""
        return self._slots

    def rate_of(self, input_tokens: float, output_tokens: float) -> float:
        """Return slots over the mean service time (linear in both lengths)."""
        speed = self.speed
        each_s = speed.ttft_s + input_tokens / speed.input_per_s + speed.token_s * output_tokens
        return self._built / each_s

    def resize(self, ratio: float) -> None:
        """What runs runs on; what comes finds fewer slots."""
        self._slots = max(0, round(self._built * ratio))

    def _enter(self, work: Work, now_s: float) -> None:
        speed = self.speed
        first_s = speed.ttft_s + work.input_tokens / speed.input_per_s
        work.token_s = speed.token_s
        self.world.at(now_s + first_s, work.give_first)
        self.world.at(now_s + first_s + speed.token_s * work.output_tokens, work.complete)


@dataclass(frozen=True, slots=True)
class Engine:
    """What one engine can: seconds per step, and tokens of KV cache."""

    a_s: float = 0.012
    b_s: float = 0.00012
    c_s: float = 0.00005
    kv_tokens: int = 400_000
    seqs_max: int = 128
    waiting_max: int = 1024  # beyond it refuses


class BatchServer(Server):
    """One engine with continuous batching. Between changes all steps are alike and go by at once.

    A step decodes one token for each that decodes, and prefills up to a chunk of the oldest prompt.
    """

    def __init__(
        self, name: str, world: World, chance: Callable[[], float], engine: Engine
    ) -> None:
        super().__init__(name, world, chance)
        self._engine = engine
        self._ratio = 1.0
        self._waiting: dict[Work, None] = {}
        self._prefilling: dict[Work, None] = {}
        self._decoding: list[tuple[int, int, Work]] = []  # heap by the step in which they end
        self._decoders = 0
        self._kv_tokens = 0
        self._step = 0
        self._from_s = world.now_s  # when the present run of like steps began
        self._step_s = 0.0
        self._plan = 0  # plans made before are void
        self._order = 0

    @property
    def slots(self) -> int:
        """How many sequences may be in the batch."""
        return max(1, round(self._engine.seqs_max * self._ratio))

    def resize(self, ratio: float) -> None:
        """A smaller engine has fewer sequences and steps that take longer for each."""
        self._ratio = ratio

    def rate_of(self, input_tokens: float, output_tokens: float) -> float:
        """Return n / (out * (a + b n) + c * in * n), for the n that fit."""
        engine = self._engine
        n = min(engine.seqs_max, engine.kv_tokens / (input_tokens + output_tokens))
        each_s = output_tokens * (engine.a_s + engine.b_s * n) + engine.c_s * input_tokens * n
        return n / each_s

    def load(self) -> Load:
        """Return what its metrics would say."""
        kv_max = self._engine.kv_tokens * self._ratio
        inside = len(self.running) - len(self._waiting)
        return Load(inside, len(self._waiting), self._kv_tokens / max(1.0, kv_max))

    def _full(self) -> Failure | None:
        if len(self._waiting) < self._engine.waiting_max:
            return None
        self.refused += 1
        return Failure(FailureKind.OVERLOADED, "the engine's queue is full", 503)

    def _enter(self, work: Work, now_s: float) -> None:
        self._catch_up(now_s)
        self._waiting[work] = None
        self._replan(now_s)

    def _leave(self, work: Work, now_s: float) -> None:
        self._catch_up(now_s)
        if work in self._waiting:
            del self._waiting[work]
        else:
            self._kv_tokens -= work.input_tokens + work.output_tokens
            if self._prefilling.pop(work, self) is self:
                self._decoders -= 1
        self._replan(now_s)

    def _catch_up(self, now_s: float) -> None:
        """Let the whole steps go by that fit into the time since the run began."""
        if not self._step_s:
            self._from_s = now_s
            return
        steps = int((now_s - self._from_s) / self._step_s + 1e-9)
        self._step += steps
        self._from_s += steps * self._step_s
        for work in self._prefilling:
            work.left_tokens -= steps * CHUNK_TOKENS
            break

    def _replan(self, now_s: float) -> None:
        """Admit whom the KV cache has room for, and say when the next thing happens."""
        engine = self._engine
        while self._waiting and len(self._prefilling) + self._decoders < self.slots:
            work = next(iter(self._waiting))
            need = work.input_tokens + work.output_tokens
            if self._kv_tokens and self._kv_tokens + need > engine.kv_tokens * self._ratio:
                break
            del self._waiting[work]
            self._prefilling[work] = None
            self._kv_tokens += need
        head = next(iter(self._prefilling), None)
        while self._decoding and not self._decoding[0][2].is_live:
            heapq.heappop(self._decoding)
        steps = UNBOUNDED
        prefilled = 0
        if head is not None:
            prefilled = min(CHUNK_TOKENS, max(1, head.left_tokens))
            steps = max(1, -(-head.left_tokens // CHUNK_TOKENS))
        if self._decoding:
            steps = min(steps, max(1, self._decoding[0][0] - self._step))
        self._plan += 1
        if steps == UNBOUNDED:
            self._step_s = 0.0
            return
        each_s = engine.a_s + engine.b_s * self._decoders / self._ratio + engine.c_s * prefilled
        self._step_s = each_s
        plan = self._plan
        at_s = max(now_s, self._from_s + steps * each_s)
        self.world.at(at_s, lambda now_s: self._on_step(plan, now_s))

    def _on_step(self, plan: int, now_s: float) -> None:
        if plan != self._plan:
            return
        self._catch_up(now_s)
        head = next(iter(self._prefilling), None)
        if head is not None and head.left_tokens <= 0:
            del self._prefilling[head]
            self._decoders += 1
            self._order += 1
            head.token_s = self._step_s
            ends_at = self._step + head.output_tokens
            heapq.heappush(self._decoding, (ends_at, self._order, head))
            head.give_first(now_s)
        while self._decoding and self._decoding[0][0] <= self._step:
            work = heapq.heappop(self._decoding)[2]
            work.complete(now_s)
        self._catch_up(now_s)
        self._replan(now_s)
