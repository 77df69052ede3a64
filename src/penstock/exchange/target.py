"""One upstream and model behind a route, with everything learned about it.

    ready    breaker lets one through, nobody asked to be left alone, a slot is free
    cooling  a Retry-After or a quota's reset lies ahead: waiting helps, and says how long
    full     every slot is taken: waiting helps, until one comes back
    broken   the breaker is open: waiting does not help

Slots and the account's cooldown belong to the upstream and are shared by its models; breaker,
cooldown and load belong to the pair.
"""

import enum
from collections.abc import Callable
from typing import Final

from penstock.config.declared import declared
from penstock.config.model import Breaker, Feature, Upstream
from penstock.config.model import Target as TargetEntry
from penstock.core.backoff import backoff_s
from penstock.core.circuit_breaker import BreakerPolicy, CircuitBreaker, Permit
from penstock.core.concurrency_limit import ConcurrencyLimit
from penstock.core.cooldown import Cooldown
from penstock.core.load import PeakEwma
from penstock.core.outcome import SUCCESS, Failure, FailureKind, Outcome
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.message import Request

IN_WORDS: Final = frozenset({"anthropic_messages"})  # where a schema can be an instruction
ACCOUNT_REST_S: Final = 30.0  # a refused key or a spent account: an operator must act


class Readiness(enum.Enum):
    """Whether an attempt may start now, and if not, whether waiting helps."""

    READY = "ready"
    COOLING = "cooling"
    FULL = "full"
    BROKEN = "broken"


class UpstreamState:
    """What all models of one upstream share. Owned by one event loop."""

    __slots__ = ("account", "dialect", "entry", "limit")

    def __init__(self, entry: Upstream, dialect: Dialect) -> None:
        self.entry = entry
        self.dialect = dialect
        self.limit = ConcurrencyLimit(entry.concurrency_max)
        self.account = Cooldown()

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self.entry.name


class TargetState:
    """What is learned about one upstream and model, kept over reloads."""

    __slots__ = ("breaker", "cooldown", "in_flight", "load")

    def __init__(self, policy: Breaker, now_s: float) -> None:
        self.breaker = CircuitBreaker(breaker_policy(policy), now_s)
        self.cooldown = Cooldown()
        self.load = PeakEwma(now_s)
        self.in_flight = 0


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

    def forward(self, inquiry: Inquiry, dialect: Dialect, *, asks_usage: bool) -> bytes:
        """Return a request of the same dialect, as this model can take it."""
        return dialect.forward(
            inquiry, self.model, asks_usage=asks_usage, capability=self.capability
        )

    def load(self, now_s: float) -> float:
        """Return the expected wait of one more attempt, in seconds."""
        return self.state.load.load(self.state.in_flight, now_s)

    def readiness(self, now_s: float) -> Readiness:
        """Tell whether an attempt may start now; changes nothing."""
        state, upstream = self.state, self.upstream
        if not state.breaker.may_acquire(now_s):
            return Readiness.BROKEN
        if now_s < state.cooldown.until_s or now_s < upstream.account.until_s:
            return Readiness.COOLING
        return Readiness.READY if upstream.limit.is_free else Readiness.FULL

    def ready_at_s(self, now_s: float) -> float:
        """Return when an attempt may start, as far as is known; now if a slot is missing."""
        state = self.state
        at_s = max(now_s, state.cooldown.until_s, self.upstream.account.until_s)
        if not state.breaker.may_acquire(now_s):
            at_s = max(at_s, state.breaker.retry_at_s)
        return at_s

    def acquire(self, now_s: float) -> Permit | None:
        """Take a slot and the breaker's permit if the target is ready, or nothing."""
        state, upstream = self.state, self.upstream
        if now_s < state.cooldown.until_s or now_s < upstream.account.until_s:
            return None
        if not upstream.limit.try_acquire():
            return None
        permit = state.breaker.try_acquire(now_s)
        if permit is None:
            upstream.limit.release()
            return None
        state.in_flight += 1
        return permit

    def give_back(
        self,
        permit: Permit,
        outcome: Outcome,
        now_s: float,
        chance: Callable[[], float],
    ) -> None:
        """Return what ``acquire`` took, and learn from the outcome."""
        self.upstream.limit.release()
        self.state.in_flight -= 1
        self.state.breaker.record(permit, outcome, now_s)
        if outcome is SUCCESS or not isinstance(outcome, Failure):
            return
        if outcome.kind is FailureKind.ACCOUNT:
            self.upstream.account.rest_until(now_s + max(ACCOUNT_REST_S, outcome.retry_after_s))
        elif outcome.retry_after_s > 0:
            self.state.cooldown.rest_until(now_s + outcome.retry_after_s)
        elif outcome.kind is FailureKind.QUOTA:
            self.state.cooldown.rest_until(now_s + backoff_s(2, chance))


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
