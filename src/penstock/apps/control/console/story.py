"""One exchange in words: what became of it, why this upstream, what was taken from it.

Only what the record holds is told. Which other upstreams were passed over before the first dial is
not recorded, and not guessed.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from penstock.exchange.record import AttemptRecord
from penstock.ledger.rows import Detail
from penstock.web.charts.drawing import Drawn
from penstock.web.charts.waterfall import Step, waterfall
from penstock.web.quantities import seconds

# of an exchange: state, word
FATES: Final = {
    "served": ("good", "served"),
    "failed": ("bad", "failed"),
    "shed": ("partial", "shed"),
    "limited": ("degraded", "limited"),
    "rejected": ("unknown", "rejected"),
    "left": ("unknown", "left"),
    "lost": ("bad", "lost"),
}
OUTCOMES: Final = {  # of an attempt that failed; core.outcome has the whole list
    "overloaded": "overloaded",
    "shared_capacity": "its shared pool was full",
    "quota": "our quota there was used up",
    "server_error": "an error of the server",
    "unreachable": "unreachable",
    "reset": "the connection died before an answer",
    "stale": "a pooled connection had died idle",
    "broken_stream": "the stream broke off",
    "timed_out": "nothing in time",
    "stalled": "silence in the middle",
    "account": "the account was refused",
    "misconfigured": "the model is not there",
    "not_offered": "does not offer this",
    "conflict": "conflict",
    "context_length": "too long for the model",
    "rejected": "the request was refused",
    "hung": "nothing came until the caller left",
    "lost": "our process ended under it",
    "success": "answered",
    "ignored": "the caller left: no verdict",
}
CODES: Final = {  # why an exchange was not served, in words
    "no_capacity": "no capacity",
    "model_not_found": "there is no such model",
    "rate_limit_exceeded": "over the tenant's own limit",
    "upstream_failed": "all upstreams failed",
    "caller_left": "the caller left",
    "cancelled": "the caller cancelled it",
    "deadline_exceeded": "no answer in time",
    "invalid_api_key": "no such key",
    "expired_api_key": "the key has ended",
    "invalid_request": "the request was at fault",
    "invalid_json": "the request was no JSON",
    "unsupported_by_route": "no upstream of the route can do this",
    "unsupported_parameter": "a parameter that is not served",
    "idempotency_key_reused": "another request under the same idempotency key",
    "internal_error": "an error of ours",
}
SEAMS: Final = {  # dialects.seam.Joint
    "anchor": "it repeated the last words, and was joined after them",
    "overlap": "it repeated more than the last words; nothing was sent twice",
    "blunt": "it repeated nothing, and was joined as it came",
    "restarted": "it began again from the top",
    "held": "nothing of it was sent",
}
OK: Final = 200
WELL: Final = ("success", "ignored")
WAITED_S: Final = 0.001  # in the queue: less is no wait


class Attempt(NamedTuple):
    """One attempt with its place, its verdict and its cost."""

    number: int
    record: AttemptRecord
    words: str
    state: str
    cost_microusd: int


def sentence(row: Any, detail: Detail) -> str:
    """Return in one sentence what became of an exchange."""
    failed = [one for one in detail.attempts if has_failed(one)]
    took = seconds(row.duration_s)
    if row.fate == "served":
        return _served(row, failed)
    code = f": {reason(row.code, row.status)}" if row.code else ""
    how = _named(failed) or reason(row.code, row.status) or row.outcome
    told = {
        "failed": f"Failed after {took}: {how}",
        "shed": f"Shed after {took} for lack of capacity",
        "limited": "Refused: over the tenant's own limit",
        "rejected": f"Rejected{code or ': the request or its key was at fault'}",
        "left": f"The caller left after {took}",
        "lost": "Lost: our process ended under it; its figures are estimates",
    }
    return told.get(row.fate, f"Ended as {row.outcome} after {took}{code}")


def _served(row: Any, failed: list[AttemptRecord]) -> str:
    took = seconds(row.duration_s)
    if row.hops:
        return f"Served in {took}: the answer broke off, and {row.upstream} went on with it"
    after = f", after {_named(failed)} failed" if failed else ""
    return f"Served by {row.upstream or 'us'} in {took}{after}"


def why(row: Any, detail: Detail) -> list[str]:
    """Return what the record says of why it went as it did, a sentence each."""
    numbered = enumerate(detail.attempts, 1)
    told = [words for number, one in numbered for words in _why_attempt(number, one)]
    if detail.attempts and not told:
        first = detail.attempts[0].upstream
        is_left = row.fate == "left"
        how = "the caller left while it answered" if is_left else "nothing failed"
        told.append(f"{first} was asked first, and {how}.")
    if not detail.attempts:
        told.append("No upstream was asked.")
    if row.queued_s >= WAITED_S:
        told.append(f"It waited {seconds(row.queued_s)} for a slot in the tier {row.tier}.")
    if row.served_model and row.model not in ("", row.served_model, row.route):
        told.append(f"{row.model} was asked for; {row.served_model} answered.")
    told += [f"Under load {one} was taken from it." for one in detail.degraded]
    return told


def _why_attempt(number: int, one: AttemptRecord) -> Iterator[str]:
    if one.drill:
        drill, _, kind = one.drill.partition(" ")
        yield f"Attempt {number} at {one.upstream} was struck by {drill}: {kind}."
    elif has_failed(one):
        status = f" (status {one.status})" if one.status else ""
        yield f"Attempt {number} at {one.upstream} failed: {words_of(one)}{status}."
    if one.seam:
        joined = SEAMS.get(one.seam, f"joined by {one.seam}")
        yield f"Attempt {number} went on with the broken answer: {joined}."


def attempts(detail: Detail) -> list[Attempt]:
    """Return the attempts in order, each with its cost."""
    costs = [*detail.costs_microusd, *(0 for _ in detail.attempts)]
    return [
        Attempt(number, one, words_of(one), state_of(one), cost)
        for number, (one, cost) in enumerate(zip(detail.attempts, costs, strict=False), 1)
    ]


def chart(row: Any, detail: Detail) -> Drawn:
    """Return the exchange as a waterfall."""
    steps: list[Step] = []
    if row.queued_s >= WAITED_S:
        steps.append(Step("Queue", seconds(row.queued_s), 0.0, row.queued_s, is_wait=True))
    for number, one in enumerate(detail.attempts, 1):
        words = f"{words_of(one)}, {seconds(one.duration_s)}"
        if one.ttft_s:
            words = f"first token {seconds(one.ttft_s)}, {words}"
        steps.append(
            Step(
                f"{number}  {one.upstream}",
                words,
                one.dialled_s,
                one.dialled_s + one.duration_s,
                one.dialled_s + one.ttft_s if one.ttft_s else 0.0,
                is_failed=has_failed(one),
            )
        )
    return waterfall("Attempts over time", steps, row.duration_s)


def reason(code: str, status: int) -> str:
    """Return in words why an exchange was not served; the code itself where there are none."""
    if code == "upstream_failed" and status == OK:
        return "the answer broke off, and nobody went on with it"
    return CODES.get(code, code.replace("_", " ")) or (f"status {status}" if status else "unknown")


def has_failed(one: AttemptRecord) -> bool:
    """Tell whether an attempt came to nothing, on purpose too."""
    return one.outcome not in WELL or bool(one.drill_outcome)


def words_of(one: AttemptRecord) -> str:
    """Return what became of an attempt."""
    if one.drill_outcome:
        return f"a live drill: {OUTCOMES.get(one.drill_outcome, one.drill_outcome)}"
    return OUTCOMES.get(one.outcome, one.outcome)


def state_of(one: AttemptRecord) -> str:
    """Return the state of an attempt."""
    if one.outcome == "success":
        return "good"
    if one.drill_outcome:
        return "work"
    return "unknown" if one.outcome == "ignored" else "bad"


def _named(failed: list[AttemptRecord]) -> str:
    """Return who failed and how; the last of many."""
    told = [f"{one.upstream} ({words_of(one)})" for one in failed[-2:]]
    more = f"{len(failed) - 2} more and " if len(failed) > len(told) else ""
    return more + " and ".join(told)
