"""The limits in time of one attempt: which comes next, and what it means when it passes.

    until                       limit             then
    there is a connection       connect_s         UNREACHABLE
    the first content           first_token_s     TIMED_OUT   keep-alives do not count
    the first byte, no stream   unary_s           TIMED_OUT
    the next byte after that    between_tokens_s  STALLED

Each counts from the instant before it, so a silence is noticed also while nothing arrives.
"""

from typing import Final

from penstock.config.model import Timeouts
from penstock.core.outcome import IGNORED, Failure, FailureKind, Outcome
from penstock.exchange.attempt import Attempt
from penstock.exchange.order import Order

UNREACHABLE: Final = FailureKind.UNREACHABLE
TIMED_OUT: Final = FailureKind.TIMED_OUT
STALLED: Final = FailureKind.STALLED


def next_limit(attempt: Attempt, order: Order, *, is_streaming: bool) -> tuple[float, FailureKind]:
    """Return the instant of the next limit, in monotonic seconds, and the kind of failure."""
    timeouts = order.route.timeouts
    if not attempt.sent_at_s:
        return attempt.dialled_at_s + timeouts.connect_s, UNREACHABLE
    # What is held back has come, too: it is no longer the first token that is waited for.
    has_begun = attempt.parts if attempt.reader is None else attempt.is_holding
    if is_streaming or has_begun:
        return attempt.progress_at_s + timeouts.between_tokens_s, STALLED
    wait_s = timeouts.first_token_s if order.inquiry.is_stream else timeouts.unary_s
    return attempt.sent_at_s + wait_s, TIMED_OUT


def failure_of(attempt: Attempt, kind: FailureKind, order: Order) -> Failure:
    """Return what it means that a limit has passed."""
    words = _words(kind, order.route.timeouts, is_stream=order.inquiry.is_stream)
    return Failure(kind, words, attempt.status)


def verdict(attempt: Attempt, hang_s: float, now_s: float) -> Outcome:
    """Return what it says of an upstream that we stop to wait for it: nothing, unless it hung."""
    waited_s = now_s - attempt.progress_at_s
    if waited_s < hang_s:
        return IGNORED
    kind = STALLED if attempt.first_token_at_s else TIMED_OUT
    detail = f"nothing had come for {waited_s:.1f} s when the exchange ended"
    return Failure(kind, detail, attempt.status)


def _words(kind: FailureKind, timeouts: Timeouts, *, is_stream: bool) -> str:
    if kind is UNREACHABLE:
        return f"no connection in {timeouts.connect_s} s"
    if kind is STALLED:
        return f"nothing came for {timeouts.between_tokens_s} s in the middle of the answer"
    if is_stream:
        return f"no content came in {timeouts.first_token_s} s"
    return f"no answer came in {timeouts.unary_s} s"
