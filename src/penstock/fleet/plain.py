"""Claims, outcomes and refusals as plain values, and back.

A claim travels whole once, when the owner first hears of its exchange; from then on only what
admission has decided about it since travels back, as pairs of a place in the claim and a value.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from penstock.core.attributes import names_of
from penstock.core.claim import Claim
from penstock.core.errors import LimitError, ShedError
from penstock.core.outcome import IGNORED, SUCCESS, Failure, FailureKind, Ignored, Outcome
from penstock.core.spent import NOTHING, Spent
from penstock.core.tier import Tier
from penstock.fleet.messages import Outcomes, Refused, Spending

FIELDS: Final = tuple(name for name in names_of(Claim) if name != "used")  # told at the close
TIERS: Final = frozenset(FIELDS.index(name) for name in ("tier", "served"))
WORDS: Final = FIELDS.index("degraded")
NO_VERDICT: Final = "-"
SUCCEEDED: Final = Outcomes()
UNDECIDED: Final = Outcomes(NO_VERDICT)
KINDS: Final = {kind.value: kind for kind in FailureKind}
TEXT_MAX: Final = 1000  # characters of a message on the wire

values_of = attrgetter(*FIELDS)


def claim_of(values: Sequence[Any]) -> Claim:
    """Return the claim that has these values; raises ValueError if it is another version's."""
    if len(values) != len(FIELDS):
        raise ValueError(f"a claim of {len(values)} fields; ours has {len(FIELDS)}")
    claim = Claim("", "", Tier.STANDARD, 0, 0.0)
    apply(claim, enumerate(values))
    return claim


def changes(before: Sequence[Any], after: Sequence[Any]) -> tuple[tuple[int, Any], ...]:
    """Return what has changed of a claim's values."""
    if before == after:
        return ()
    pairs = enumerate(zip(before, after, strict=True))
    return tuple((at, new) for at, (old, new) in pairs if old != new)


def apply(claim: Claim, changed: Iterable[tuple[int, Any]]) -> None:
    """Write decided values into a claim."""
    for at, raw in changed:
        if at in TIERS:
            value: Any = Tier(raw)
        elif at == WORDS:
            value = tuple(raw)
        else:
            value = raw
        setattr(claim, FIELDS[at], value)


def shadow_of(claim: Claim) -> Claim:
    """Return the caller's part of a claim, for another gate to decide on."""
    shadow = Claim(claim.tenant, claim.key, claim.tier, claim.input_tokens, claim.arrived_at_s)
    shadow.user = claim.user
    shadow.line = claim.line
    shadow.output_tokens_max = claim.output_tokens_max
    shadow.may_degrade_model = claim.may_degrade_model
    shadow.ttft_timeout_s = claim.ttft_timeout_s
    shadow.was_moved = claim.was_moved
    return shadow


def take_over(claim: Claim, decided: Claim) -> None:
    """Write what another gate has decided into a claim."""
    claim.is_admitted = claim.is_admitted or decided.is_admitted
    claim.is_in_contract = decided.is_in_contract
    claim.served = decided.served
    claim.output_tokens = decided.output_tokens
    claim.load_level = decided.load_level
    claim.output_tokens_cap = decided.output_tokens_cap
    claim.degraded = decided.degraded
    claim.model = decided.model


def told(outcome: Outcome) -> Outcomes:
    """Return an outcome for the wire; its words for people stay here."""
    if outcome is SUCCESS:
        return SUCCEEDED
    if isinstance(outcome, Failure):
        code = outcome.code[:TEXT_MAX]
        return Outcomes(outcome.kind.value, outcome.status, code, outcome.retry_after_s)
    return UNDECIDED if isinstance(outcome, Ignored) else SUCCEEDED


def heard(told: Outcomes) -> Outcome:
    """Return an outcome as it came; a kind that we do not know is no verdict."""
    if not told.kind:
        return SUCCESS
    kind = KINDS.get(told.kind)
    if kind is None:
        return IGNORED
    return Failure(kind, "", told.status, told.code, told.retry_after_s)


def spending(spent: Spent) -> Spending | None:
    """Return what an attempt has taken for the wire."""
    if spent is NOTHING:
        return None
    return Spending(spent.ttft_s, spent.input_tokens, spent.output_tokens, spent.seen)


def spent_of(spending: Spending | None) -> Spent:
    """Return what an attempt has taken, as it came."""
    if spending is None:
        return NOTHING
    return Spent(spending.ttft_s, spending.input_tokens, spending.output_tokens, spending.seen)


def refused(exchange: int, serial: int, error: ShedError | LimitError, changed: Any) -> Refused:
    """Return a refusal for the wire."""
    limit = None
    if isinstance(error, LimitError):
        limit = (error.whose, error.dimension, error.limit, error.remaining)
    return Refused(
        exchange, serial, error.message[:TEXT_MAX], error.code, error.retry_after_s, limit, changed
    )


def error_of(message: Refused) -> ShedError | LimitError:
    """Return the error that the owner has made."""
    if message.limit is not None:
        return LimitError(*message.limit, retry_after_s=message.retry_after_s)
    return ShedError(message.message, retry_after_s=message.retry_after_s, code=message.code)
