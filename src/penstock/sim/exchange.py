"""One exchange before the gate, without bytes: the stand-in for ``exchange.machine.Exchange``.

    start     -> asks the gate; granted, its attempt goes to a modelled server; refused, it ends
    failed    -> who is asked next is what ``exchange.failover`` says, as in the gateway
    moved     -> the attempt is cancelled, its grant comes back ignored, and the gate is asked again
    broken    -> an answer that has begun is not taken up by another (``goes_on`` changes that)
    leaves    -> its caller hangs up: no verdict on the upstream, unless nothing came for ``hang_s``
    ends      -> once, in one of the four ways of ``Ending``; the gate is told that it is closed

All that the simulator knows of the gate's interface is in this file.
"""

import enum
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from penstock.core.claim import Claim
from penstock.core.errors import PenstockError, ShedError
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Outcome
from penstock.core.price import Used
from penstock.core.retry_budget import RetryBudget
from penstock.core.spent import UNTOLD, Spent
from penstock.exchange.attempt import Attempt
from penstock.exchange.demand import Grant
from penstock.exchange.failover import Failover, Plan, repeats_max
from penstock.exchange.route import Route
from penstock.exchange.target import Target, UpstreamState
from penstock.sim.upstreams import Server, Work
from penstock.sim.world import World

UNCAPPED: Final = 1 << 60


class Ending(enum.Enum):
    """How an exchange ends."""

    COMPLETE = "complete"
    REFUSED = "refused"  # by admission
    FAILED = "failed"  # by upstreams, nobody is left
    LEFT = "left"  # its caller hung up


class Gate(Protocol):
    """What admits: the gateway's own, or one to compare with."""

    @property
    def waiting(self) -> int:
        """How many wait."""
        ...

    def ask(self, demand: "SimExchange", now_s: float) -> None:
        """Grant, queue or refuse."""
        ...

    def withdraw(self, demand: "SimExchange") -> None:
        """Forget one who waits."""
        ...

    def began(self, grant: Grant, now_s: float) -> None:
        """Learn that an answer has begun."""
        ...

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take a grant back and pass the slot on."""
        ...

    def close(self, demand: "SimExchange", now_s: float) -> None:
        """Settle an exchange that is over."""
        ...

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt may be repeated."""
        ...

    def on_tick(self, now_s: float) -> None:
        """Do what is done once a second."""
        ...

    @property
    def level(self) -> int:
        """The ladder's level for consumers."""
        ...


class Watcher(Protocol):
    """Who checks each move."""

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """A grant is out."""

    def on_returned(self, grant: Grant, now_s: float) -> None:
        """It is about to come back."""

    def on_ended(self, exchange: "SimExchange", ending: Ending, now_s: float) -> None:
        """An exchange is over."""


class Plant:
    """What all exchanges of a run share."""

    __slots__ = (
        "budget", "chance", "exchange", "gate", "in_flight", "live", "servers", "watch", "world",
    )  # fmt: skip

    gate: Gate
    watch: Watcher

    def __init__(self, world: World, budget: RetryBudget, chance: Callable[[], float]) -> None:
        self.world = world
        self.budget = budget
        self.chance = chance
        self.exchange: Maker = SimExchange  # another kind, where exchanges do more
        self.servers: dict[UpstreamState, Server] = {}
        self.live: dict[SimExchange, None] = {}
        self.in_flight = [0] * 5  # by tier


class Told(Protocol):
    """Whoever sent the request."""

    def on_first_token(self, now_s: float) -> None:
        """The first content has come."""

    def on_end(self, ending: Ending, error: PenstockError | None, now_s: float) -> None:
        """It is over."""

    def cut(self) -> None:
        """The run is over before it is."""


Maker = Callable[[Plant, Told, Route, Claim, tuple[int, int]], "SimExchange"]


class Nobody:
    """Owns an attempt that only carries a verdict to ``exchange.failover``."""

    def on_sent(self, attempt: Attempt, now_s: float) -> None:
        """Not told."""

    def on_head(self, attempt: Attempt, status: int, headers: object, now_s: float) -> None:
        """Not told."""

    def on_chunk(self, attempt: Attempt, chunk: bytes, now_s: float) -> None:
        """Not told."""

    def on_complete(self, attempt: Attempt, now_s: float) -> None:
        """Not told."""

    def on_failed(self, attempt: Attempt, failure: Failure, now_s: float) -> None:
        """Not told."""


NOBODY: Final = Nobody()


class SimExchange:
    """One try of a request, from admission to its end; a ``Demand``."""

    goes_on: ClassVar[bool] = False  # whether another may finish an answer that broke

    __slots__ = (
        "_failover", "_grant", "_is_ended", "_plant", "_queued_at_s", "_work",
        "attempts", "claim", "deadline_s", "input_tokens", "is_waiting", "moved", "output_tokens",
        "queued_s", "quota_refused", "route", "served_tokens", "started_at_s", "targets", "told",
        "ttft_at_s", "wait_until_s", "wasted_tokens",
    )  # fmt: skip

    def __init__(
        self, plant: Plant, told: Told, route: Route, claim: Claim, lengths: tuple[int, int]
    ) -> None:
        self._plant = plant
        self.told = told
        self.route = route
        self.claim = claim
        self.input_tokens, self.output_tokens = lengths
        self.targets: list[Target] = []
        self.wait_until_s = 0.0
        self.is_waiting = False
        self.started_at_s = claim.arrived_at_s
        self.deadline_s = claim.arrived_at_s + route.timeouts.total_s
        self.ttft_at_s = 0.0
        self.queued_s = 0.0
        self.attempts = 0
        self.moved = 0
        self.quota_refused = 0
        self.served_tokens = 0  # of the answer
        self.wasted_tokens = 0  # of attempts that came to nothing
        self._queued_at_s = claim.arrived_at_s
        self._grant: Grant | None = None
        self._work: Work | None = None
        self._failover: Failover | None = None
        self._is_ended = False

    # --- admission

    def start(self, now_s: float) -> None:
        """Ask for leave to dial."""
        self._plant.live[self] = None
        self._plant.budget.deposit()
        self._ask(self.route.targets, now_s, waits=True)

    @property
    def may_be_moved(self) -> bool:
        """Whether nothing has come of an attempt that is under way for the first time."""
        work = self._work
        return work is not None and not self.ttft_at_s and not self.claim.was_moved

    @property
    def is_out(self) -> bool:
        """Whether an attempt is under way."""
        return self._work is not None

    def output_tokens_now(self) -> int:
        """Return how much of the answer has come."""
        return 0 if self._work is None else self._work.tokens_at(self._plant.world.now_s)

    def on_granted(self, grant: Grant, now_s: float) -> None:
        """Send the attempt to its server."""
        plant = self._plant
        self.queued_s += now_s - self._queued_at_s
        self.attempts += 1
        self._grant = grant
        plant.watch.on_granted(grant, now_s)
        plant.in_flight[self.claim.tier] += 1
        self._work = work = self._work_for(grant)
        plant.servers[grant.target.upstream].start(work, now_s)

    def _work_for(self, grant: Grant) -> Work:
        """Return what is asked of the server."""
        del grant
        output = min(self.output_tokens, self.claim.output_tokens_cap or UNCAPPED)
        return Work(self, self.input_tokens, output)

    def on_refused(self, error: PenstockError, now_s: float) -> None:
        """Without an attempt so far, tell; after one, ask the same again, or give up."""
        self.queued_s += now_s - self._queued_at_s
        if self._failover is None or self._failover.failure is None:
            self._end(Ending.REFUSED, error, now_s)
        elif self.wait_until_s == 0.0:
            self._follow(self._failover.when_refused(now_s), now_s)
        else:
            self._exhaust(now_s)

    def on_moved_aside(self, now_s: float) -> None:
        """Give the slot up to one with a contract, and ask again."""
        assert self.may_be_moved, "moved aside after its first byte, or twice"
        self.claim.was_moved = True
        self.moved += 1
        self._give_back(IGNORED, now_s)
        self._ask(self.targets, now_s, waits=True)

    def leave(self, now_s: float) -> None:
        """The caller hangs up."""
        if self._is_ended:
            return
        if self.is_waiting:
            self.queued_s += now_s - self._queued_at_s
            self._plant.gate.withdraw(self)
        elif self._work is not None:
            work = self._work
            since_s = now_s - work.started_at_s
            has_hung = not work.first_at_s and since_s >= self.route.timeouts.hang_s
            self._give_back(
                Failure(FailureKind.TIMED_OUT, "nothing had come") if has_hung else IGNORED, now_s
            )
        self._end(Ending.LEFT, None, now_s)

    def drop(self, now_s: float) -> None:
        """End because the process is lost: neither gate nor upstream hears a word."""
        if self.is_waiting:
            self.queued_s += now_s - self._queued_at_s
            self.is_waiting = False
        work, self._work = self._work, None
        if work is not None and self._grant is not None:
            self.wasted_tokens += work.tokens_at(now_s) + work.input_tokens
            self._plant.servers[self._grant.target.upstream].cancel(work, now_s)
            self._plant.in_flight[self.claim.tier] -= 1
        self.claim.is_admitted = False  # there is nobody left to settle with
        self._end(Ending.FAILED, ShedError("The connection was lost.", retry_after_s=0.0), now_s)

    @property
    def waited_s(self) -> float:
        """How long it has waited for the gate, up to now."""
        since_s = self._plant.world.now_s - self._queued_at_s if self.is_waiting else 0.0
        return self.queued_s + since_s

    def _ask(self, targets: list[Target], now_s: float, *, waits: bool) -> None:
        self.targets = targets
        self.wait_until_s = self.deadline_s if waits else 0.0
        self._queued_at_s = now_s
        self._plant.gate.ask(self, now_s)

    # --- what the server tells

    def on_first_token(self, work: Work, now_s: float) -> None:
        """The first content: from here on nothing can be taken back."""
        assert work is self._work, "told by an attempt that is not ours"
        self.ttft_at_s = now_s
        assert self._grant is not None
        self._plant.gate.began(self._grant, now_s)
        self.told.on_first_token(now_s)

    def on_complete(self, work: Work, now_s: float) -> None:
        """The answer is whole."""
        self.served_tokens = work.output_tokens
        self._settle(SUCCESS, now_s)
        self._end(Ending.COMPLETE, None, now_s)

    def on_failed(self, work: Work, failure: Failure, now_s: float) -> None:
        """Ask somebody else, or tell."""
        grant = self._grant
        assert grant is not None
        assert work is self._work, "told by an attempt that is not ours"
        may_ask_others = self.goes_on or not self.ttft_at_s
        self._give_back(failure, now_s)
        if failure.kind is FailureKind.QUOTA:
            self.quota_refused += 1
        if self._failover is None:
            plant = self._plant
            self._failover = Failover(
                self.route,
                self.route.targets,
                plant.budget,
                plant.chance,
                is_allowed=may_ask_others,
                repeats_max=repeats_max(self.claim, may=plant.gate.may_retry(self.claim)),
            )
        attempt = Attempt(NOBODY, grant, self.attempts, now_s)
        self._follow(self._failover.after(attempt, failure, now_s), now_s)

    def _follow(self, plan: Plan | None, now_s: float) -> None:
        if plan is None or plan.at_s >= self.deadline_s:
            self._exhaust(now_s)
        elif plan.at_s > now_s:
            self._plant.world.at(plan.at_s, lambda at_s: self._ask_late(plan, at_s))
        else:
            self._ask(plan.targets, now_s, waits=plan.waits)

    def _ask_late(self, plan: Plan, now_s: float) -> None:
        if not self._is_ended:
            self._ask(plan.targets, now_s, waits=plan.waits)

    def _exhaust(self, now_s: float) -> None:
        assert self._failover is not None
        self._end(Ending.FAILED, self._failover.error(now_s), now_s)

    def _give_back(self, outcome: Outcome, now_s: float) -> None:
        """Drop the attempt; what it has made is wasted."""
        work, grant = self._work, self._grant
        assert work is not None
        assert grant is not None
        self.wasted_tokens += work.tokens_at(now_s)
        if work.first_at_s or outcome is IGNORED:
            self.wasted_tokens += work.input_tokens
        self._plant.servers[grant.target.upstream].cancel(work, now_s)
        self._settle(outcome, now_s)

    def _settle(self, outcome: Outcome, now_s: float) -> None:
        plant, grant, work = self._plant, self._grant, self._work
        assert grant is not None
        assert work is not None
        self._grant = self._work = None
        plant.in_flight[self.claim.tier] -= 1
        plant.watch.on_returned(grant, now_s)
        if work.first_at_s:
            grant.target.state.load.observe(work.first_at_s - work.started_at_s, now_s)
        grant.target.state.on_end(outcome)
        is_told = outcome is not IGNORED
        grant.spent = self._spent(grant, work, outcome, now_s) if is_told else UNTOLD
        plant.gate.give_back(grant, outcome, now_s)

    def _spent(self, grant: Grant, work: Work, outcome: Outcome, now_s: float) -> Spent:
        """Return what an attempt took, and what the answer's headers would say of the quota."""
        ttft_s = work.first_at_s - work.started_at_s if work.first_at_s else 0.0
        tokens = (0, 0)
        if work.first_at_s or outcome is SUCCESS:
            tokens = (work.input_tokens, work.tokens_at(now_s))
        seen = self._plant.servers[grant.target.upstream].seen(now_s)
        return Spent(ttft_s, *tokens, seen)

    def _end(self, ending: Ending, error: PenstockError | None, now_s: float) -> None:
        assert not self._is_ended, "ended twice"
        self._is_ended = True
        plant, claim = self._plant, self.claim
        if claim.is_admitted:
            input_tokens = self.input_tokens if self.served_tokens else 0
            claim.used = Used(input_tokens, self.served_tokens or self.wasted_tokens)
            plant.gate.close(self, now_s)
        del plant.live[self]
        plant.watch.on_ended(self, ending, now_s)
        self.told.on_end(ending, error, now_s)
