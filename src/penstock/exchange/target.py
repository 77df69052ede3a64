"""One upstream and model behind a route, with everything learned about it.

    ready    breaker lets one through, nobody asked to be left alone, every quota has credit, a
             slot is free that the claim's tier may have
    cooling  a Retry-After or a quota's reset lies ahead: waiting helps, and says how long
    short    a quota lacks credit for this claim: waiting helps, says how long, and in which order
             is the queue's to say
    full     every slot is taken, or as many as the tier may fill: waiting helps, until one comes
             back
    broken   the breaker is open: waiting does not help

Slots, the declared quota and the account's cooldown belong to the upstream and are shared by its
models; breaker, cooldown, load and the quota that headers tell belong to the pair, for providers
limit models one by one. What a failure does to which of them is ``core/reaction.py``.
"""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from penstock.config.declared import declared
from penstock.config.model import Breaker, Feature, Upstream
from penstock.config.model import Quota as QuotaEntry
from penstock.config.model import Target as TargetEntry
from penstock.core.backoff import backoff_s
from penstock.core.circuit_breaker import BreakerPolicy, CircuitBreaker, Permit
from penstock.core.claim import Claim
from penstock.core.concurrency_limit import ConcurrencyLimit
from penstock.core.cooldown import Cooldown
from penstock.core.limits_seen import LimitsSeen
from penstock.core.load import PeakEwma
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Outcome
from penstock.core.quota import AS_USED, CHARGES, Amounts, Dimension, Limits, Quota
from penstock.core.reaction import REACTIONS, Rests
from penstock.core.refusal_doubt import REFUSED, RefusalDoubt
from penstock.core.spent import NOTHING, Spent
from penstock.core.tier import Tier
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Dialect
from penstock.dialects.message import Request

IN_WORDS: Final = frozenset({"anthropic_messages"})  # where a schema can be an instruction
ACCOUNT_REST_S: Final = 30.0  # a refused key or a spent account: an operator must act
ENGINE_FRESH_S: Final = 2.0  # an engine that has told nothing for longer says nothing
OF_OLD: Final = Permit(-1)  # of no generation: the breaker learns nothing from it
UNBOUNDED: Final = (1 << 30,) * len(Tier)


class Readiness(enum.Enum):
    """Whether an attempt may start now, and if not, whether waiting helps."""

    READY = "ready"
    COOLING = "cooling"
    SHORT = "short"
    FULL = "full"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ChargedPermit(Permit):
    """A permit for which quotas were charged."""

    amounts: Amounts


class UpstreamState:
    """What all models of one upstream share. Owned by one event loop.

    ``ceilings`` says, by tier, below how many slots in use one more may begin; the gate sets it.
    """

    __slots__ = (
        "account", "ceilings", "charge", "dialect", "engine_at_s", "engine_saturation", "entry",
        "limit", "name", "quota",
    )  # fmt: skip

    def __init__(self, entry: Upstream, dialect: Dialect) -> None:
        self.entry = entry
        self.name = entry.name  # in the configuration; here, for it is written of each attempt
        self.dialect = dialect
        self.charge = CHARGES.get(dialect.name, AS_USED)
        self.limit = ConcurrencyLimit(entry.concurrency_max, is_adaptive=entry.is_adaptive)
        self.limit.itl_goal_s = entry.itl_goal_s or 0.0
        self.quota = Quota(declared_limits(entry.quota), entry.quota.target_ratio, self.charge)
        self.account = Cooldown()
        self.ceilings: tuple[int, ...] = UNBOUNDED
        self.engine_saturation = 0.0
        self.engine_at_s = -ENGINE_FRESH_S

    def use(self, entry: Upstream) -> None:
        """Obey other settings, and forget nothing; the gate's next tick serves who may go now."""
        self.entry = entry
        self.limit.itl_goal_s = entry.itl_goal_s or 0.0
        self.quota.use(declared_limits(entry.quota), entry.quota.target_ratio)
        self.limit.use(entry.concurrency_max, is_adaptive=entry.is_adaptive)

    def on_engine(self, saturation: float, now_s: float) -> None:
        """Learn what an engine says of itself: 1 is full."""
        self.engine_saturation = saturation
        self.engine_at_s = now_s
        self.limit.on_saturation(saturation, now_s)

    def has_slot(self, tier: Tier) -> bool:
        """Tell whether a slot is free that this tier may have."""
        limit = self.limit
        return limit.in_flight < limit.limit and limit.in_flight < self.ceilings[tier]

    def is_silent(self, now_s: float) -> bool:
        """Whether no engine has told lately how full it is."""
        return now_s >= self.engine_at_s + ENGINE_FRESH_S

    def saturation(self, now_s: float) -> float:
        """Return how full it is: of slots, of the declared quota, or by the engine's own word."""
        limit = self.limit
        full = limit.in_flight / max(1, limit.limit)
        if self.quota.is_known:
            full = max(full, self.quota.usage_ratio(now_s))
        if not self.is_silent(now_s):
            full = max(full, self.engine_saturation)
        return full


class TargetState:
    """What is learned about one upstream and model, kept over reloads."""

    __slots__ = ("breaker", "cooldown", "doubt", "in_flight", "load", "quota")

    def __init__(self, policy: Breaker, now_s: float) -> None:
        self.breaker = CircuitBreaker(breaker_policy(policy), now_s)
        self.cooldown = Cooldown()
        self.load = PeakEwma(now_s)
        self.doubt = RefusalDoubt()
        self.quota: Quota | None = None  # until an answer tells one
        self.in_flight = 0

    def on_end(self, outcome: Outcome) -> None:
        """Learn from how an attempt ended whether refusals here are the callers' fault."""
        if outcome is SUCCESS:
            self.doubt.on_answered()
        elif is_refusal(outcome):
            self.doubt.on_refused()


class Target:
    """A route's entry joined with the state of its upstream and model."""

    __slots__ = (
        "capability", "context_tokens_max", "is_degraded", "lacks", "model", "names_model",
        "paths", "stamp", "state", "upstream", "weight",
    )  # fmt: skip

    def __init__(
        self,
        entry: TargetEntry,
        upstream: UpstreamState,
        state: TargetState,
        model: str,
    ) -> None:
        self.upstream = upstream
        self.state = state
        self.model = model
        self.names_model = bool(entry.model)  # the operator did, not the caller
        self.weight = entry.weight
        self.is_degraded = entry.is_degraded
        self.capability = declared(upstream.entry, model, entry)
        self.context_tokens_max = self.capability.context_tokens_max
        self.lacks = missing(self.capability, upstream.dialect.name) | frozenset(entry.lacks)
        dialect = upstream.dialect
        self.paths = (
            dialect.path(model, is_stream=False),
            dialect.path(model, is_stream=True),
        )
        self.stamp = b"x-penstock-upstream: %b\r\nx-penstock-model: %b\r\n" % (
            header_value(upstream.name),
            header_value(model),
        )

    def write_request(self, request: Request, dialect: Dialect) -> tuple[bytes, tuple[str, ...]]:
        """Return a request of another dialect as this model can take it, and what that costs."""
        return dialect.write_request(request, self.model, self.capability)

    @property
    def cool_until_s(self) -> float:
        """Until when it, or its account, has asked to be left alone."""
        return max(self.state.cooldown.until_s, self.upstream.account.until_s)

    def load(self, now_s: float) -> float:
        """Return the expected wait of one more attempt, in seconds."""
        return self.state.load.load(self.state.in_flight, now_s)

    def readiness(self, claim: Claim, now_s: float) -> Readiness:
        """Tell whether an attempt may start now; changes nothing."""
        state, upstream = self.state, self.upstream
        if not state.breaker.may_acquire(now_s):
            return Readiness.BROKEN
        if now_s < state.cooldown.until_s or now_s < upstream.account.until_s:
            return Readiness.COOLING
        if upstream.quota.is_known or state.quota is not None:
            amounts = self._amounts(claim)
            if any(not quota.may_take(amounts, now_s) for quota in self._quotas()):
                return Readiness.SHORT
        return Readiness.READY if upstream.has_slot(claim.served) else Readiness.FULL

    def lacks_account_credit(self, claim: Claim, now_s: float) -> bool:
        """Tell whether credit is short that all models of the upstream share."""
        quota = self.upstream.quota
        return quota.is_known and not quota.may_take(self._amounts(claim), now_s)

    def ready_at_s(self, claim: Claim, now_s: float) -> float:
        """Return when an attempt may start, as far as is known; now if a slot is missing."""
        state = self.state
        at_s = max(now_s, state.cooldown.until_s, self.upstream.account.until_s)
        if not state.breaker.may_acquire(now_s):
            at_s = max(at_s, state.breaker.retry_at_s)
        if self.upstream.quota.is_known or state.quota is not None:
            amounts = self._amounts(claim)
            for quota in self._quotas():
                at_s = max(at_s, quota.ready_at_s(amounts, now_s))
        return at_s

    def acquire(self, claim: Claim, now_s: float, as_tier: Tier | None = None) -> Permit | None:
        """Take a slot, the quota and the breaker's permit if the target is ready, or nothing.

        ``as_tier`` is whose slots may be used, if it is not the claim's own tier.
        """
        state, upstream = self.state, self.upstream
        limit = upstream.limit
        tier = claim.served if as_tier is None else as_tier
        if (
            now_s < state.cooldown.until_s
            or now_s < upstream.account.until_s
            or limit.in_flight >= upstream.ceilings[tier]
        ):
            return None
        if upstream.quota.is_known or state.quota is not None:
            return self._acquire_charged(claim, now_s)
        if limit.in_flight >= limit.limit:
            return None
        permit = state.breaker.try_acquire(now_s)
        if permit is not None:
            limit.in_flight += 1  # as try_acquire would: the usual way saves the calls
            state.in_flight += 1
        return permit

    def adopt(self, now_s: float) -> Permit:
        """Book an attempt that is under way, even if it is one too many; charges no quota."""
        self.upstream.limit.in_flight += 1
        self.state.in_flight += 1
        return self.state.breaker.try_acquire(now_s) or OF_OLD

    def give_back(
        self,
        permit: Permit,
        outcome: Outcome,
        spent: Spent,
        now_s: float,
        chance: Callable[[], float],
    ) -> None:
        """Return what ``acquire`` took, and learn from the outcome."""
        limit, state = self.upstream.limit, self.state
        limit.in_flight -= 1
        state.in_flight -= 1
        state.breaker.record(permit, outcome, now_s)
        if type(permit) is ChargedPermit:
            self._settle(permit, outcome, spent, now_s)
        if spent.seen is not None:
            self._resync(spent.seen, spent.seen_at_s or now_s, now_s)
        if outcome is SUCCESS:
            limit.observe(spent.ttft_s, spent.input_tokens, now_s)
        elif isinstance(outcome, Failure):
            limit.on_failure(outcome.kind, now_s)
            self._rest(outcome, spent, now_s, chance)

    def saturation(self, now_s: float) -> float:
        """Return how full the upstream is, or this model's own quota."""
        quota = self.state.quota
        own = quota.usage_ratio(now_s) if quota is not None else 0.0
        return max(own, self.upstream.saturation(now_s))

    def _quotas(self) -> Iterator[Quota]:
        """Yield the quotas that hold for this pair."""
        if self.upstream.quota.is_known:
            yield self.upstream.quota
        if self.state.quota is not None:
            yield self.state.quota

    def _amounts(self, claim: Claim) -> Amounts:
        bounds = [most for most in (claim.output_tokens_max, claim.output_tokens_cap) if most]
        return self.upstream.charge.amounts(
            claim.input_tokens, claim.output_tokens, min(bounds, default=0)
        )

    def _acquire_charged(self, claim: Claim, now_s: float) -> Permit | None:
        amounts = self._amounts(claim)
        for quota in self._quotas():
            if not quota.may_take(amounts, now_s):
                return None
        limit, state = self.upstream.limit, self.state
        if not limit.try_acquire():
            return None
        permit = state.breaker.try_acquire(now_s)
        if permit is None:
            limit.release()
            return None
        for quota in self._quotas():
            quota.take(amounts)
        state.in_flight += 1
        return ChargedPermit(permit.generation, amounts)

    def _settle(self, permit: ChargedPermit, outcome: Outcome, spent: Spent, now_s: float) -> None:
        """Charge what was used; a failure that tells of no tokens has used none."""
        if spent is NOTHING and outcome is IGNORED:
            for quota in self._quotas():
                quota.put_back(permit.amounts, now_s)
            return
        actual = None
        if spent.input_tokens or spent.output_tokens or isinstance(outcome, Failure):
            actual = self.upstream.charge.amounts(spent.input_tokens, spent.output_tokens, 0)
        for quota in self._quotas():
            quota.settle(permit.amounts, actual, now_s)

    def _resync(self, seen: LimitsSeen, seen_at_s: float, now_s: float) -> None:
        quota = self.state.quota
        if quota is None:
            ratio = self.upstream.entry.quota.target_ratio
            quota = self.state.quota = Quota(Limits(), ratio, self.upstream.charge, now_s)
        quota.resync(seen, seen_at_s, now_s)

    def _rest(
        self, failure: Failure, spent: Spent, now_s: float, chance: Callable[[], float]
    ) -> None:
        """Leave alone who asks for it, for as long."""
        rests, asked_s = REACTIONS[failure.kind].rests, failure.retry_after_s
        if rests is Rests.ACCOUNT:
            self.upstream.account.rest_until(now_s + max(ACCOUNT_REST_S, asked_s))
            return
        if rests is Rests.QUOTA:
            spent_up = (
                []
                if spent.seen is None
                else [Dimension(at) for at, level in enumerate(spent.seen) if level.remaining == 0]
            )
            if not asked_s and spent.seen is not None:
                asked_s = max((spent.seen[at].reset_s for at in spent_up), default=0.0)
            asked_s = asked_s or backoff_s(2, chance)
            for quota in self._quotas():
                for dimension in spent_up or Dimension:
                    quota.freeze(dimension, now_s + asked_s, now_s)
        if asked_s > 0:
            self.state.cooldown.rest_until(now_s + asked_s)


def is_refusal(outcome: Outcome) -> bool:
    """Tell whether it is a 400, which says that the request is at fault."""
    return (
        isinstance(outcome, Failure)
        and outcome.kind is FailureKind.REJECTED
        and outcome.status == REFUSED
    )


def declared_limits(entry: QuotaEntry) -> Limits:
    """Return what the operator says of an account."""
    return Limits(
        entry.requests_per_min,
        entry.tokens_per_min,
        entry.input_tokens_per_min,
        entry.output_tokens_per_min,
    )


def missing(capability: Capability, dialect: str) -> frozenset[Feature]:
    """Return the features for which a request would be refused."""
    features = {
        Feature.TOOLS: capability.tools,
        Feature.IMAGES: capability.images,
        Feature.DOCUMENTS: capability.documents,
        Feature.STRUCTURED_OUTPUT: capability.structured_output or dialect in IN_WORDS,
    }
    return frozenset(feature for feature, is_there in features.items() if not is_there)


def breaker_policy(entry: Breaker) -> BreakerPolicy:
    """Return the breaker's policy as the configuration has it."""
    return BreakerPolicy(
        window_s=entry.window_s,
        failures_min=entry.failures_min,
        failure_ratio=entry.failure_ratio,
        cooldown_s=entry.cooldown_s,
        cooldown_max_s=entry.cooldown_max_s,
        probes_to_close=entry.probes_to_close,
    )


def header_value(text: str) -> bytes:
    """Return a text that may stand in a header: a caller's model name may be anything."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:200]).encode("ascii")
