"""What one upstream answers, read but not judged: the machine decides what follows from it.

a good stream               an AnswerReader of the dialect, or one that translates
anything else               collected, within a bound, until HTTP says that it is whole
a good one beyond a bound   passed on as it comes, if nothing in it is for us to change
a whole answer              looked at, translated if need be
a whole error, or half one  classified by the dialect
a count that nobody gives   estimated, without an upstream
"""

from dataclasses import replace
from typing import Final

from penstock.core.errors import DialectError, PenstockError
from penstock.core.outcome import RULES, Failure, FailureKind
from penstock.dialects import counting, service_tier
from penstock.dialects.assembly import Assembly
from penstock.dialects.contract import AnswerReader, Survey
from penstock.dialects.long_answer import LongAnswer
from penstock.dialects.operation import Operation
from penstock.dialects.translate import Translation
from penstock.exchange.attempt import Attempt
from penstock.exchange.order import Order
from penstock.exchange.splice import Splice
from penstock.exchange.target import header_value

OK: Final = 200
JSON: Final = b"application/json"
EVENT_STREAM: Final = b"text/event-stream"
BAD_REQUEST: Final = 400
ABSENT_STATUSES: Final = (404, 405, 501)  # how servers say that they do not know a path
ESTIMATED: Final = b"x-penstock-estimated: true\r\nx-penstock-attempts: %d\r\n"
ERROR_BYTES_MAX: Final = 64 * 1024  # of an upstream's error body; what is beyond is not read


class Whole:
    """A whole answer in the caller's dialect, and what the record needs to know of it."""

    __slots__ = ("body", "survey")

    def __init__(self, body: bytes, survey: Survey) -> None:
        self.body = body
        self.survey = survey


def is_stream(order: Order, attempt: Attempt) -> bool:
    """Tell whether the body is read as a stream; otherwise it is collected."""
    if attempt.status != OK or not (order.inquiry.is_stream or attempt.is_assembled):
        return False
    content_type = attempt.response_headers.get(b"content-type", b"")
    return content_type.lower().startswith(EVENT_STREAM)


def reader_of(order: Order, attempt: Attempt, splice: Splice | None) -> AnswerReader:
    """Return what reads a stream."""
    if attempt.is_assembled:
        decoder, at_unix_s = attempt.dialect.decoder(), int(order.at_unix_s)
        return Assembly(decoder, order.dialect, order.inquiry, at_unix_s)
    if splice is not None:
        return splice.reader_of(attempt)
    dialect = attempt.dialect
    if attempt.is_translated:
        encoder = order.dialect.encoder(order.inquiry, int(order.at_unix_s))
        return Translation(dialect.decoder(), encoder)
    return dialect.relay(order.inquiry)


def collect(attempt: Attempt, chunk: bytes) -> Failure | None:
    """Keep a piece of a body that is read whole; a failure if it is one too many."""
    attempt.parts.append(chunk)
    attempt.parts_bytes = parts_bytes = attempt.parts_bytes + len(chunk)
    is_good = attempt.status == OK
    bytes_max = attempt.target.upstream.entry.answer_bytes_max if is_good else ERROR_BYTES_MAX
    if parts_bytes <= bytes_max:
        return None
    detail = f"the answer is larger than {bytes_max} bytes"
    return Failure(FailureKind.BROKEN_STREAM, detail, OK)


def let_go(order: Order, attempt: Attempt) -> bytes:
    """Return what is held of a whole answer that is too long to hold; nothing while it is held.

    From here on it is read as a stream is. What is to be translated, or told its tier, is needed
    whole, HTTP/1.0 has to, and what does not begin as an answer may still be an error.
    """
    if attempt.parts_bytes <= order.route.unary_hold_bytes_max:
        return b""
    if order.inquiry.is_stream or order.must_be_whole:
        return b""
    if attempt.is_translated or _is_told_tier(order):
        return b""
    if attempt.status != OK or not attempt.parts[0].lstrip().startswith(b"{"):
        return b""
    held = b"".join(attempt.parts)
    bytes_max = attempt.target.upstream.entry.answer_bytes_max
    attempt.reader = reader = LongAnswer(attempt.dialect.survey, held, bytes_max)
    attempt.parts = []
    return reader.feed(held)


def _is_told_tier(order: Order) -> bool:
    """Tell whether the caller's own dialect says in the answer which tier has served it."""
    return bool(order.inquiry.service_tier) and order.speakers is None


def broken(order: Order, reader: AnswerReader | None, error: PenstockError) -> bytes:
    """Return the event that ends a broken stream; half a whole answer has no place for one."""
    if not order.inquiry.is_stream:
        return b""
    event = reader.broken(error) if reader is not None else b""
    return event or order.dialect.error_event(error, order.id)


def is_whole(attempt: Attempt) -> bool:
    """Tell whether a body has come in one piece, so that its end is told next."""
    length = attempt.response_headers.get(b"content-length")
    return length is not None and length == b"%d" % attempt.parts_bytes


def whole(order: Order, attempt: Attempt) -> Whole | Failure:
    """Return a whole good answer for the caller, or why it is none."""
    dialect = attempt.dialect
    body = b"".join(attempt.parts)
    try:
        survey = dialect.survey(body)
        attempt.usage = survey.usage  # is taken, whether the answer is of use or not
        if survey.failure is not None:
            return survey.failure
        if order.inquiry.is_stream:
            return Failure(FailureKind.BROKEN_STREAM, "a stream was asked for, none came", OK)
        if attempt.is_translated:
            answer = service_tier.told_in(dialect.read_answer(body), order.inquiry)
            body = order.dialect.write_answer(answer, order.inquiry, int(order.at_unix_s))
        elif _is_told_tier(order):
            body = dialect.retold(order.inquiry, body)
    except DialectError as error:
        return Failure(FailureKind.BROKEN_STREAM, error.message, OK)
    return Whole(body, survey)


def failure_of(attempt: Attempt) -> Failure:
    """Return what the upstream's error means; its body may be cut short."""
    body = b"".join(attempt.parts)
    failure = attempt.dialect.classify(attempt.status, attempt.response_headers, body)
    if attempt.operation is not Operation.GENERATE and attempt.status in ABSENT_STATUSES:
        return replace(failure, kind=FailureKind.NOT_OFFERED)
    return failure


def blamed(attempt: Attempt, failure: Failure) -> Failure:
    """Return a failure as the caller's, if it was they who named a model that is not there."""
    is_redirect = 0 < failure.status < BAD_REQUEST
    if failure.kind is not FailureKind.MISCONFIGURED or attempt.target.names_model or is_redirect:
        return failure
    return Failure(FailureKind.REJECTED, failure.detail, failure.status, failure.code)


def estimate(order: Order, attempts: int) -> tuple[bytes, bytes] | None:
    """Return headers and body of the answer that needs no upstream; None if there is none."""
    if order.operation is not Operation.COUNT_TOKENS:
        return None
    answer = counting.estimate(order.dialect, order.inquiry)
    body = order.dialect.write_answer(answer, order.inquiry, int(order.at_unix_s))
    return b"content-type: application/json\r\n" + ESTIMATED % attempts, body


def as_sent(attempt: Attempt, failure: Failure) -> bytes:
    """Return the upstream's own error, where it is the caller's to read; else nothing."""
    is_callers = RULES[failure.kind].exhausted_status == 0 and not attempt.is_translated
    return b"".join(attempt.parts) if is_callers and attempt.status != OK else b""


def started(order: Order, attempt: Attempt) -> bytes:
    """Return the header lines of an answer that goes out before it is whole."""
    content_type = EVENT_STREAM if order.inquiry.is_stream else JSON
    return headers(attempt, attempt.number, content_type)


def headers_as_sent(attempt: Attempt, attempts: int) -> bytes:
    """Return the header lines of an upstream's own error: asking again would not help."""
    content_type = attempt.response_headers.get(b"content-type", b"application/json")
    return headers(attempt, attempts, content_type) + b"x-should-retry: false\r\n"


def headers(attempt: Attempt, attempts: int, content_type: bytes) -> bytes:
    """Return the header lines of an answer: who gave it, at which try, and what was dropped."""
    lines = b"content-type: %b\r\n%bx-penstock-attempts: %d\r\n" % (
        content_type,
        attempt.target.stamp,
        attempts,
    )
    if attempt.dropped:
        lines += b"x-penstock-dropped: %b\r\n" % header_value(",".join(attempt.dropped))
    return lines
