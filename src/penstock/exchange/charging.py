"""What a tenant pays for, told from the record of an exchange: by what its caller got.

    complete                      the answer
    complete after breaks         spliced: the input of its first part, once, and the output of
                                  every part, each at the model that wrote it
    broken                        what went out before the break
    hung_up, content had come     what had come
    hung_up, nothing had come     the input, if an upstream had begun to answer and was not to blame
    failed, refused, lost         nothing: there was no answer
    a count of tokens             nothing: it is the answer, and no use of tokens

What a failed attempt took before another answered is the operator's. The budgets of the gateway
and the charges of the ledger both ask here; a budget reckons all parts at the model that answered
last. Figures that no provider gave are estimates in both.
"""

from typing import Final, NamedTuple

from penstock.core.claim import Claim
from penstock.core.price import Used
from penstock.dialects.operation import Operation
from penstock.exchange.record import AttemptRecord, Record

CHARGED: Final = frozenset({"complete", "broken", "hung_up"})  # outcomes in which something came
NOT_TO_BLAME: Final = frozenset({"success", "ignored"})  # outcomes of attempts


class Part(NamedTuple):
    """What one attempt gave of the answer; only the first part is charged with input."""

    attempt: AttemptRecord
    used: Used
    is_first: bool = True


def parts(record: Record) -> list[Part]:
    """Return what is to be paid for, in order; empty: nothing is."""
    attempts = record.attempts
    if record.outcome not in CHARGED or not attempts:
        return []
    if record.operation is Operation.COUNT_TOKENS:
        return []
    last = attempts[-1]
    if record.outcome == "complete" and not record.hops:  # nearly always
        return [Part(last, used_of(last))]
    has_last = record.outcome == "complete" or last.ttft_s > 0.0 or _left_early(record, last)
    if not record.hops:
        return [Part(last, used_of(last))] if has_last else []
    given = [one for one in attempts[:-1] if one.ttft_s > 0.0]
    if has_last:
        given.append(last)
    return [
        Part(one, used_of(one) if at == 0 else _output(one), at == 0)
        for at, one in enumerate(given)
    ]


def used(record: Record) -> Used:
    """Return the tokens that are to be paid for, of all parts."""
    listed = parts(record)
    if len(listed) == 1:
        return listed[0].used
    return Used(*(sum(column) for column in zip(*(one.used for one in listed), strict=True)))


def tell(record: Record, claim: Claim) -> None:
    """Write what is to be paid for into the claim, by which budgets are kept."""
    is_plain = record.outcome == "complete" and not record.hops  # nearly always
    claim.used = record if is_plain else used(record)


def _left_early(record: Record, last: AttemptRecord) -> bool:
    return record.outcome == "hung_up" and not record.hops and last.outcome in NOT_TO_BLAME


def used_of(attempt: AttemptRecord) -> Used:
    """Return the tokens of one attempt."""
    return Used(
        attempt.input_tokens,
        attempt.output_tokens,
        attempt.cached_tokens,
        attempt.cache_write_tokens,
        attempt.reasoning_tokens,
    )


def _output(attempt: AttemptRecord) -> Used:
    return Used(output_tokens=attempt.output_tokens, reasoning_tokens=attempt.reasoning_tokens)
