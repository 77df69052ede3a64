"""Who is asked after a failure: the one place that decides it.

    a pooled connection had died          -> the same upstream once more, free of charge
    another upstream has not been tried   -> that one; the first failover is free, others charged
    all have been tried, or none is free  -> one more round of those that may do better the second
                                             time, charged, after a jittered backoff; from the
                                             second round on (contracts) of those that are full
                                             and have not failed, if there are such
    all of that is used up, and some are
      full and have not failed            -> those, if no failover was had yet, or it was paid: a
                                             place in their queues is no repeat
    the request is at fault               -> nobody (RULES); while 400s of this upstream are in
                                             doubt (``core/refusal_doubt.py``), another one, once
    our translation of it was refused     -> another upstream; if nobody is left, the caller is told
                                             of the failure before it, or else by whom it was
    too long for this model               -> only those with a larger context
    attempts, budget or time used up      -> nobody
    consumers while load is high          -> the first failover only, and that place in a queue

A plan says whom to ask, from when on, and whether to wait for them. Pure: reads no clock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.core.backoff import backoff_s
from penstock.core.claim import ANYONE, Claim
from penstock.core.errors import CallerError, UpstreamError
from penstock.core.outcome import RULES, Failure, FailureKind, Next
from penstock.core.retry_budget import RetryBudget
from penstock.exchange.attempt import Attempt
from penstock.exchange.route import Route
from penstock.exchange.target import Target, is_refusal

BREAK_REMEDY: Final = "What has come so far is not complete; ask again."
REPEATS_MAX: Final = 1  # rounds in which a failed upstream is asked again (TIERING 2)
CONTRACT_REPEATS_MAX: Final = 3  # the same under a contract, where nobody else is left


@dataclass(frozen=True, slots=True)
class Plan:
    """Ask these targets, not before ``at_s``; ``waits``: queue for them if none is free."""

    targets: list[Target]
    at_s: float
    waits: bool


def repeats_max(claim: Claim, *, may: bool) -> int:
    """Return in how many rounds failed upstreams may be asked again; 0: no retry at all."""
    if not may:
        return 0
    return CONTRACT_REPEATS_MAX if claim.is_in_contract else REPEATS_MAX


class Failover:
    """The memory of one exchange about what it has tried. Owned by one event loop."""

    __slots__ = (
        "_attempts",
        "_barred",
        "_budget",
        "_chance",
        "_doubted",
        "_failed",
        "_failovers",
        "_is_allowed",
        "_is_failover",
        "_repeats",
        "_repeats_max",
        "_route",
        "_stale",
        "_tried",
        "_unused",
        "able",
        "attempt",
        "failure",
        "untranslatable",
    )  # fmt: skip

    def __init__(
        self,
        route: Route,
        able: list[Target],
        budget: RetryBudget,
        chance: Callable[[], float],
        *,
        is_allowed: bool,
        repeats_max: int = REPEATS_MAX,
    ) -> None:
        self._route = route
        self._budget = budget
        self._chance = chance
        self._is_allowed = is_allowed
        self._repeats_max = repeats_max  # 0: only the first failover, which is free
        self._tried: set[Target] = set()
        self._barred: set[Target] = set()  # asking these again would not help
        self._failed: set[Target] = set()  # in any round
        self._doubted: Target | None = None  # has refused it, and another is asked about that
        self._is_failover = False  # the last plan was one
        self._unused = 0  # failovers, paid or free, for which nobody could be asked
        self._attempts = self._failovers = self._repeats = self._stale = 0
        self.able = able
        self.failure: Failure | None = None  # the last one that says why, for who must be told
        self.attempt: Attempt | None = None
        self.untranslatable: CallerError | None = None  # why the last that was left out was

    def rule_out(self, target: Target, now_s: float) -> Plan | None:
        """Leave out a target that cannot be asked at all."""
        self.able = [one for one in self.able if one is not target]
        others = [one for one in self.able if one not in self._tried]
        if others:
            return Plan(others, 0.0, waits=self.attempt is None)
        return self._again(now_s) if self.able else None

    def after(self, attempt: Attempt, failure: Failure, now_s: float) -> Plan | None:
        """Return what to do after an attempt failed; None: give up."""
        target = attempt.target
        self._is_failover = False
        then = self.note(attempt, failure)
        if then is Next.REPEAT:
            if not self._stale:
                self._stale = 1
                return Plan([target], 0.0, waits=len(self.able) == 1)
            then = Next.ELSEWHERE_OR_REPEAT
        self._attempts += 1
        self._tried.add(target)
        self._failed.add(target)
        if then is not Next.ELSEWHERE_OR_REPEAT:
            self._barred.add(target)
        if then is Next.NOWHERE or not self._may_retry(failure):
            return None
        return self._others(then, target, now_s)

    def note(self, attempt: Attempt, failure: Failure) -> Next:
        """Remember whom to blame if nobody is left; return where the kind of failure leads."""
        then = RULES[failure.kind].then
        is_ours = then is Next.NOWHERE and attempt.is_translated
        has_agreed = self._doubted is not None and is_refusal(failure)
        if has_agreed and self._doubted is not None:
            self._doubted.state.doubt.on_agreed()
        if self.failure is None or not (is_ours or has_agreed):
            self.failure = failure  # else what failed before it is the truth to be told
            self.attempt = attempt
        if is_ours:
            return Next.ELSEWHERE  # it may have been our translation
        if is_refusal(failure) and self._doubted is None and attempt.target.state.doubt.is_open:
            self._doubted = attempt.target
            return Next.ELSEWHERE
        return then

    def error(self, now_s: float) -> UpstreamError:
        """Return what the caller is told when nobody is left; asked after a failure."""
        failure, attempt = self.failure, self.attempt
        assert failure is not None
        assert attempt is not None
        is_ours = failure.kind is FailureKind.REJECTED and attempt.is_translated
        error = UpstreamError(failure, attempt.target.upstream.name if is_ours else "")
        ready_s = min((one.ready_at_s(ANYONE, now_s) for one in self.able), default=now_s) - now_s
        error.retry_after_s = max(1.0, ready_s)
        return error

    def broken(self) -> UpstreamError:
        """Return what the caller is told when the status is spent; asked after a failure."""
        assert self.failure is not None
        error = UpstreamError(self.failure)
        error.remedy = BREAK_REMEDY
        return error

    def when_refused(self, now_s: float) -> Plan | None:
        """Return what to do when the others are not free either: none of them was asked."""
        if self._is_failover:
            self._is_failover = False
            self._failovers -= 1
            self._unused += 1
        return self._again(now_s)

    def _again(self, now_s: float) -> Plan | None:
        again = [one for one in self.able if one not in self._barred]
        if not again:
            return None
        if self._repeats >= self._repeats_max or not self._may_spend(now_s):
            return self._queue_for(again, now_s)
        full = [one for one in again if one not in self._tried]
        self._repeats += 1
        self._tried = set(self._barred)
        if self._repeats > 1 and full:  # one has failed twice, and who is only full needs no rest
            return Plan(full, now_s, waits=True)
        return Plan(again, now_s + backoff_s(self._repeats, self._chance), waits=True)

    def _queue_for(self, targets: list[Target], now_s: float) -> Plan | None:
        """Let the load of an upstream that fails into the queues of the others, as a newcomer's."""
        full = [one for one in targets if one not in self._failed]
        if not full or not self._unused:
            return None
        self._unused = 0
        self._failovers += 1
        return Plan(full, now_s, waits=True)

    def _others(self, then: Next, target: Target, now_s: float) -> Plan | None:
        if then is Next.LARGER_CONTEXT:  # also for all that may follow
            size = target.context_tokens_max
            self.able = [one for one in self.able if one.context_tokens_max > size]
        others = [one for one in self.able if one not in self._tried]
        if not others:
            return self._again(now_s)
        if self._failovers and not self._may_spend(now_s):
            return None
        self._failovers += 1
        self._is_failover = True
        return Plan(others, 0.0, waits=False)

    def _may_spend(self, now_s: float) -> bool:
        is_owed = self._repeats_max == CONTRACT_REPEATS_MAX
        return self._repeats_max > 0 and self._budget.try_spend(now_s, is_owed=is_owed)

    def _may_retry(self, failure: Failure) -> bool:
        return (
            self._is_allowed
            and self._attempts < self._route.attempts_max
            and self._route.may_fail_over(failure.kind)
        )
