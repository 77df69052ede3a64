"""One exchange of a simulated drill: what the simulator's does, and four things more.

    model       an attempt names its target's model, since a strike may be at one model alone
    door        a call to the chat passes the chat's own door first; struck there, it is an error,
                or silence, before any gateway hears of it, in every arm alike. What is only late
                or wrong there is let pass
    goes on     (with everything on) who is asked after a break gets what has come as part of the
                question, and makes the rest; the first token is that of the first attempt
    bound       (without a gateway) the caller is told the provider's own status, at once

An answer that ends after it has begun, and is not whole, is never asked for again by an SDK.
"""

from collections.abc import Callable
from typing import Final

from penstock.core.claim import Claim
from penstock.core.errors import PenstockError, UpstreamError
from penstock.core.outcome import Failure, FailureKind, Outcome
from penstock.exchange.demand import Grant
from penstock.exchange.failover import Plan
from penstock.exchange.route import Route
from penstock.sim.drills.simulated_faults import CUT, FAILURES, HANG, SLOW, AskedWork, Struck
from penstock.sim.exchange import UNCAPPED, Ending, Plant, SimExchange, Told
from penstock.sim.upstreams import REFUSAL_S, Work

DOOR: Final = "chat"  # under which name strikes at the door are found
LET_PASS: Final = frozenset({SLOW, CUT, "wrong_content", "corrupt_tokens", "retry_amplification"})
BAD_DOOR: Final = Failure(FailureKind.SERVER_ERROR, "the chat itself is struck", 500)


class DrillExchange(SimExchange):
    """A call through a gateway that fails over."""

    __slots__ = (
        "answered_by", "door", "has_ended_broken", "own_ttft_s", "seams", "sent_tokens", "token_s",
    )  # fmt: skip

    def __init__(
        self, plant: Plant, told: Told, route: Route, claim: Claim, lengths: tuple[int, int]
    ) -> None:
        super().__init__(plant, told, route, claim, lengths)
        self.door: Struck | None = None
        self.answered_by = ""
        self.own_ttft_s = 0.0  # what the upstream took for the first token that came
        self.token_s = 0.0  # between two tokens, of who answered first
        self.seams = 0
        self.sent_tokens = 0  # of attempts that broke, and that the caller has kept
        self.has_ended_broken = False

    def start(self, now_s: float) -> None:
        """Pass the door, if there is one, and ask for leave to dial."""
        strike = self.door.meets(DOOR, self._plant.chance) if self.door is not None else None
        if strike is None or strike.kind in LET_PASS:
            super().start(now_s)
            return
        self._plant.live[self] = None
        late_s = strike.stall_s or self.route.timeouts.total_s
        wait_s = late_s if strike.kind == HANG else REFUSAL_S
        failure = FAILURES.get(strike.kind, BAD_DOOR)
        self._plant.world.at(now_s + wait_s, lambda at_s: self._turn_away(failure, at_s))

    def _turn_away(self, failure: Failure, now_s: float) -> None:
        if not self._is_ended:
            self._end(Ending.FAILED, as_sent(failure), now_s)

    def _work_for(self, grant: Grant) -> Work:
        output = min(self.output_tokens, self.claim.output_tokens_cap or UNCAPPED)
        sent = self.sent_tokens
        return AskedWork(self, grant.target.model, self.input_tokens + sent, max(1, output - sent))

    def on_first_token(self, work: Work, now_s: float) -> None:
        """The first content, or the first after a seam."""
        if not self.ttft_at_s:
            self.own_ttft_s = now_s - work.started_at_s
            self.token_s = work.token_s
            super().on_first_token(work, now_s)
            return
        assert self._grant is not None
        self.seams += 1
        self._plant.gate.began(self._grant, now_s)

    def on_complete(self, work: Work, now_s: float) -> None:
        """The answer is whole."""
        assert self._grant is not None
        self.answered_by = self._grant.target.upstream.name
        super().on_complete(work, now_s)

    def on_failed(self, work: Work, failure: Failure, now_s: float) -> None:
        """Keep what has come, and ask somebody else, or tell."""
        self.sent_tokens += work.tokens_at(now_s)
        super().on_failed(work, failure, now_s)

    def _follow(self, plan: Plan | None, now_s: float) -> None:
        may_ask_others = self.goes_on or not self.ttft_at_s
        super()._follow(plan if may_ask_others else None, now_s)

    def _end(self, ending: Ending, error: PenstockError | None, now_s: float) -> None:
        if error is not None and self.ttft_at_s:
            self.has_ended_broken = True
            error.should_retry = False
        super()._end(ending, error, now_s)


class ContinuingExchange(DrillExchange):
    """A call through a gateway with ``on_break = "continue"``."""

    goes_on = True


class BoundExchange(DrillExchange):
    """A call to the caller's own provider."""

    def _exhaust(self, now_s: float) -> None:
        assert self._failover is not None
        failure = self._failover.failure
        assert failure is not None
        self._end(Ending.FAILED, as_sent(failure), now_s)


class DirectGate:
    """No gate: everybody is let through to the first target, at once."""

    def __init__(self) -> None:
        self._chance: Callable[[], float] = lambda: 0.5

    @property
    def waiting(self) -> int:
        """How many wait: nobody."""
        return 0

    @property
    def level(self) -> int:
        """There is no ladder."""
        return 0

    def ask(self, demand: SimExchange, now_s: float) -> None:
        """Grant."""
        target = demand.targets[0]
        demand.on_granted(Grant(target, target.adopt(now_s), demand, now_s), now_s)

    def withdraw(self, demand: SimExchange) -> None:
        """Nobody waits."""

    def began(self, grant: Grant, now_s: float) -> None:
        """Nothing is learned."""

    def give_back(self, grant: Grant, outcome: Outcome, now_s: float) -> None:
        """Take a grant back."""
        assert grant.is_out, "a grant came back twice"
        grant.is_out = False
        grant.target.give_back(grant.permit, outcome, grant.spent, now_s, self._chance)

    def close(self, demand: SimExchange, now_s: float) -> None:
        """Nothing is settled."""

    def may_retry(self, claim: Claim) -> bool:
        """Tell whether an attempt may be repeated: by the client alone."""
        del claim
        return False

    def on_tick(self, now_s: float) -> None:
        """Nothing is done once a second."""


def as_sent(failure: Failure) -> UpstreamError:
    """Return a provider's failure as its own client sees it."""
    error = UpstreamError(failure)
    error.status = failure.status or error.status
    error.retry_after_s = failure.retry_after_s
    error.should_retry = None
    return error
