"""Turning what happened into the record of it.

    final usage came, attempt succeeded   the provider's figures, to the token
    some usage came                       its input; the larger of its output and what we counted
    no usage came, a good head did        input estimated from the request's text and pictures,
                                          output from the text that came: in both without the
                                          names, marks and ids of the format around it
    nothing good came                     nothing to count
    a count of tokens was asked for       nothing: it is the answer, and no use of tokens
    vectors were asked for                no output

Whatever is not the provider's own final figure is marked ``is_estimated``. An attempt that failed
because a live drill made it fail is ``ignored``, and says which drill.
"""

from typing import Final

from penstock.core import trace_context
from penstock.core.estimate import tokens
from penstock.core.outcome import IGNORED, SUCCESS, Failure, Outcome
from penstock.core.spent import Spent
from penstock.core.tier import WORDS
from penstock.core.trace_context import TRACEPARENT
from penstock.dialects import counting, half_answer
from penstock.dialects.message import NO_USAGE, Usage
from penstock.dialects.operation import Operation
from penstock.exchange.attempt import Attempt
from penstock.exchange.order import Order
from penstock.exchange.record import NEVER, AttemptRecord, Opened, Record

GOOD_STATUS: Final = 200
MOVED: Final = "moved aside, before its first byte, for one with a contract"
COUNT_TOKENS: Final = Operation.COUNT_TOKENS  # a look into an enumeration costs as much as a call


class End:
    """How an exchange ended; ``status`` is what the caller was told, 499 if nobody listened."""

    __slots__ = ("bytes_out", "code", "finish_reason", "outcome", "queued_s", "status")

    def __init__(
        self,
        outcome: str,
        status: int,
        code: str,
        finish_reason: str,
        queued_s: float,
        bytes_out: int,
    ) -> None:
        self.outcome = outcome
        self.status = status
        self.code = code
        self.finish_reason = finish_reason
        self.queued_s = queued_s
        self.bytes_out = bytes_out


def usage_of(order: Order, attempt: Attempt) -> tuple[Usage, bool]:
    """Return an attempt's tokens, and whether they are an estimate."""
    if attempt.operation is COUNT_TOKENS:
        return NO_USAGE, False
    usage, reader = attempt.usage, attempt.reader
    if usage is None and reader is not None:
        usage = reader.usage
    if usage is not None and usage.is_known and attempt.outcome is SUCCESS:
        return usage, False
    if attempt.status != GOOD_STATUS:
        return NO_USAGE, False
    usage = usage or Usage()
    is_input_told = usage.is_known or usage.input_tokens > 0
    return Usage(
        input_tokens=usage.input_tokens if is_input_told else _input_tokens(order, attempt),
        output_tokens=max(usage.output_tokens, tokens(_output_bytes(attempt))),
        cached_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    ), True


def _input_tokens(order: Order, attempt: Attempt) -> int:
    """Return about how many tokens were asked with; a request of no turns goes by its size."""
    if attempt.operation is not Operation.GENERATE:
        return tokens(len(attempt.body))
    if attempt.continuation is not None:
        return counting.tokens_of(attempt.continuation.request)
    return counting.estimate(order.dialect, order.inquiry).usage.input_tokens


def _output_bytes(attempt: Attempt) -> int:
    """Return how much content came; a whole answer may have broken off in its middle."""
    if attempt.operation is Operation.EMBED:
        return 0
    if attempt.reader is not None:
        return attempt.reader.output_bytes
    return half_answer.content_bytes(b"".join(attempt.parts))


def spent_on(order: Order, attempt: Attempt, now_unix_s: float) -> Spent:
    """Count what an attempt took, once, when it has ended; return what the gate learns from it."""
    attempt.counted, attempt.is_estimated = usage, _ = usage_of(order, attempt)
    ttft_s = 0.0
    if attempt.reader is not None and attempt.first_token_at_s and order.inquiry.is_stream:
        ttft_s = attempt.first_token_at_s - attempt.dialled_at_s
    seen = attempt.dialect.limits_seen(attempt.response_headers, now_unix_s)
    input_tokens = max(0, usage.input_tokens - usage.cached_tokens)
    return Spent(ttft_s, input_tokens, usage.output_tokens, seen, attempt.head_at_s)


def attempt_record(attempt: Attempt, began_at_s: float, now_s: float) -> AttemptRecord:
    """Return the record of one attempt."""
    usage, outcome, target = attempt.counted, attempt.outcome, attempt.target
    dialled_at_s, first_s = attempt.dialled_at_s, attempt.first_token_at_s
    duration_s = (attempt.ended_at_s or now_s) - dialled_at_s
    headers = attempt.response_headers
    upstream_id = headers.get(b"x-request-id") or headers.get(b"request-id")
    record = AttemptRecord(  # by place: names would cost as much as all the rest
        target.upstream.name,
        target.model,
        "success" if outcome is SUCCESS else _word(outcome),
        dialled_at_s - began_at_s,
        duration_s,
        attempt.status,
        first_s - dialled_at_s if first_s else NEVER,
        "",  # why it failed
        upstream_id.decode("latin-1") if upstream_id else "",
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        attempt.is_estimated,
        is_reused=attempt.is_reused,
    )
    if attempt.continuation is not None:
        record.seam = attempt.continuation.seam.joint.value
    if outcome is not SUCCESS or attempt.drill:
        if outcome is IGNORED and not first_s:
            record.waited_s = duration_s
        _say_why(record, attempt)
    return record


def _say_why(record: AttemptRecord, attempt: Attempt) -> None:
    """Say why it failed; a provider is not blamed for a live drill, nor measured by one."""
    is_failure = isinstance(attempt.outcome, Failure)
    if isinstance(attempt.outcome, Failure):
        record.detail = attempt.outcome.detail
    elif attempt.was_moved:
        record.detail = MOVED
    if attempt.drill:
        record.drill = attempt.drill
        record.ttft_s = record.waited_s = 0.0
        if is_failure:
            record.outcome, record.drill_outcome = "ignored", record.outcome


def opened_line(order: Order, attempt: Attempt) -> Opened:
    """Return the line that stands in the spool before an attempt is dialled."""
    operation, target = order.operation, attempt.target
    return Opened(
        order.id,
        attempt.number,
        target.upstream.name,
        target.model,
        order.tenant,
        order.key,
        order.route.name,
        order.at_unix_s,
        0 if operation is COUNT_TOKENS else tokens(len(attempt.body)),
        operation,
    )


def record_of(order: Order, attempts: list[Attempt], end: End, now_s: float) -> Record:
    """Return the one record of an exchange.

    Its tokens are those of the last attempt, and of the earlier ones that gave parts of the answer.
    """
    inquiry, claim, began_at_s = order.inquiry, order.claim, order.at_s
    last = attempts[-1] if attempts else None
    usage, first_s, is_estimated, written = NO_USAGE, 0.0, False, list[AttemptRecord]()
    if last is not None:
        usage, first_s, is_estimated = last.counted, last.first_token_at_s, last.is_estimated
        written = [attempt_record(one, began_at_s, now_s) for one in attempts]
    record = Record(  # by place: names would cost as much as all the rest
        order.id,
        order.at_unix_s,
        now_s - began_at_s,
        order.tenant,
        order.key,
        order.route.name,
        inquiry.model,
        order.dialect.name,
        inquiry.is_stream,
        end.outcome,
        end.status,
        order.operation,
        end.code,
        first_s - began_at_s if first_s else NEVER,
        end.queued_s,
        end.finish_reason,
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        is_estimated,
        len(inquiry.body),
        end.bytes_out,
        tier=WORDS[claim.served],
        degraded=claim.degraded,
        attempts=written,
    )
    if TRACEPARENT in order.headers:
        record.trace = trace_context.kept(order.headers)
    if last is None:
        return record
    if last.dropped:
        record.dropped = last.dropped
    if last.reader is not None:
        record.events = last.reader.events
        record.junk_lines = last.reader.junk_lines
    if len(attempts) > 1:
        _add_hops(record, attempts, began_at_s)
    return record


def _add_hops(record: Record, attempts: list[Attempt], began_at_s: float) -> None:
    """Add the earlier attempts of whose answer the caller has something."""
    for attempt, written in zip(attempts[:-1], record.attempts, strict=False):
        if not attempt.first_token_at_s:
            continue
        if not record.hops:
            record.ttft_s = attempt.first_token_at_s - began_at_s
        record.hops += 1
        record.input_tokens += written.input_tokens
        record.output_tokens += written.output_tokens
        record.cached_tokens += written.cached_tokens
        record.cache_write_tokens += written.cache_write_tokens
        record.reasoning_tokens += written.reasoning_tokens
        record.is_estimated |= written.is_estimated
        if attempt.reader is not None:
            record.events += attempt.reader.events
            record.junk_lines += attempt.reader.junk_lines


def _word(outcome: Outcome | None) -> str:
    if outcome is SUCCESS:
        return "success"
    return outcome.kind.value if isinstance(outcome, Failure) else "ignored"
