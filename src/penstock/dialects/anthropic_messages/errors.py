"""Errors in the Anthropic dialect: read from upstreams, written to callers.

Envelope: ``{"type": "error", "error": {type, message, details: {error_code}}, "request_id"}``; in
a stream it is ``event: error`` with the same data, under status 200.

    error.type              status      kind
    invalid_request_error   400         REJECTED; CONTEXT_LENGTH or ACCOUNT by its words
    authentication_error    401         ACCOUNT
    billing_error           402         ACCOUNT
    permission_error        403         ACCOUNT
    not_found_error         404         MISCONFIGURED
    conflict_error          409         CONFLICT
    request_too_large       413         REJECTED
    rate_limit_error        429         QUOTA; ACCOUNT where a spending limit is meant
    api_error               500         SERVER_ERROR
    timeout_error           504         TIMED_OUT
    overloaded_error        503, 529    OVERLOADED

Towards callers, capacity that is used up is 529 ``overloaded_error``; a queue's timeout stays 503
(TIERING 5).
"""

from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from penstock.core.errors import (
    PREEMPTED,
    QUEUE_TIMEOUT,
    PenstockError,
    ShedError,
    UpstreamError,
)
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import http_error, json_fields
from penstock.dialects.contract import Headers

DETAIL_CHARS_MAX: Final = 500
RATE_DIMENSIONS: Final = (b"requests", b"tokens", b"input-tokens", b"output-tokens")
# A queue's timeout and a preempted exchange are not overload: what they waited for may be free.
STAYS_503: Final = frozenset({QUEUE_TIMEOUT, PREEMPTED})
OVERLOADED: Final = 529
_UNAVAILABLE: Final = 503
_BY_WORD: Final[dict[str, FailureKind]] = {
    "billing_error": FailureKind.ACCOUNT,
    "enforced_spend_limit_reached": FailureKind.ACCOUNT,
    "contract_spend_limit_reached": FailureKind.ACCOUNT,
    "linked_organization_spend_limit_reached": FailureKind.ACCOUNT,
    "linked_organization_billing_unavailable": FailureKind.ACCOUNT,
    "organization_on_hold": FailureKind.ACCOUNT,
    "ramp_limit_exceeded": FailureKind.QUOTA,
    "compaction_unavailable": FailureKind.OVERLOADED,
    "overloaded_error": FailureKind.OVERLOADED,
    "timeout_error": FailureKind.TIMED_OUT,
}
_BY_TYPE: Final[dict[str, FailureKind]] = {
    "invalid_request_error": FailureKind.REJECTED,
    "authentication_error": FailureKind.ACCOUNT,
    "permission_error": FailureKind.ACCOUNT,
    "not_found_error": FailureKind.MISCONFIGURED,
    "conflict_error": FailureKind.CONFLICT,
    "request_too_large": FailureKind.REJECTED,
    "rate_limit_error": FailureKind.QUOTA,
    "api_error": FailureKind.SERVER_ERROR,
}
_CONTEXT_WORDS: Final = (
    "prompt is too long", "context window", "context limit", "context length", "maximum context",
)  # fmt: skip
_BILLING_WORDS: Final = ("credit balance is too low",)
# Statuses whose kind the words of the body may still change.
_IN_DOUBT: Final = (FailureKind.REJECTED, FailureKind.QUOTA, FailureKind.SERVER_ERROR)
_TYPES: Final[dict[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_SERVER_ERRORS_FROM: Final = 500


class Details(msgspec.Struct):
    """``error.details``."""

    error_code: str | None = None


class ErrorFields(msgspec.Struct):
    """``error``."""

    type: str | None = None
    message: str | None = None
    details: Details | None = None

    def words(self) -> tuple[str, ...]:
        """Return what names the error, the most exact first."""
        code = self.details.error_code if self.details is not None else None
        return tuple(word for word in (code, self.type) if word)

    def kind(self) -> FailureKind | None:
        """Return the kind that the words tell; None if they say no more than the status does."""
        for word in self.words():
            if word in _BY_WORD:
                return _BY_WORD[word]
        message = (self.message or "").lower()
        if any(words in message for words in _CONTEXT_WORDS):
            return FailureKind.CONTEXT_LENGTH
        if any(words in message for words in _BILLING_WORDS):
            return FailureKind.ACCOUNT
        return None


class Envelope(msgspec.Struct):
    """The body of an answer that is an error."""

    error: ErrorFields | str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_ERROR: Final = msgspec.json.Decoder(ErrorFields | str)


def classify(status: int, headers: Headers, body: bytes) -> Failure:
    """Name the failure of an answer whose status is not 200."""
    try:
        error = _fields(_ENVELOPE.decode(body).error)
    except json_fields.MALFORMED:
        error = ErrorFields()  # a proxy's HTML page, most likely: the status must do
    kind = http_error.kind_of_status(status)
    if kind in _IN_DOUBT:
        told = error.kind()
        if told is not FailureKind.CONTEXT_LENGTH or kind is FailureKind.REJECTED:
            kind = told or kind
    wait_s = http_error.retry_after_s(headers)
    if kind is FailureKind.QUOTA:
        wait_s = max(wait_s, reset_after_s(headers))
    words = error.words()
    return Failure(
        kind=kind,
        detail=(error.message or f"status {status}")[:DETAIL_CHARS_MAX],
        status=status,
        code=words[0] if words else "",
        retry_after_s=wait_s,
    )


def failure_of_event(raw: msgspec.Raw) -> Failure:
    """Name the failure that an error inside a stream, or inside a 200, tells."""
    try:
        error = _fields(_ERROR.decode(raw))
    except json_fields.MALFORMED:
        error = ErrorFields()
    words = error.words()
    kind = error.kind() or next((_BY_TYPE[word] for word in words if word in _BY_TYPE), None)
    return Failure(
        kind=kind or FailureKind.SERVER_ERROR,
        detail=(error.message or "the stream reported an error")[:DETAIL_CHARS_MAX],
        code=words[0] if words else "",
    )


def reset_after_s(headers: Headers) -> float:
    """Return when the used-up dimensions of our quota are full again, in seconds.

    Resets are instants (RFC 3339): they are measured against the answer's own ``date``, so a clock
    that is off does no harm. 0 if none is used up, or if the answer has no date.
    """
    try:
        now = parsedate_to_datetime(headers.get(b"date", b"").decode())
        waits = [
            (_instant(headers, dimension) - now).total_seconds()
            for dimension in RATE_DIMENSIONS
            if headers.get(b"anthropic-ratelimit-%b-remaining" % dimension) == b"0"
        ]
    except (ValueError, TypeError):
        return 0.0
    return min(max(waits, default=0.0), http_error.RETRY_AFTER_S_MAX)


def status_of(error: PenstockError) -> int:
    """Return the HTTP status of an error: 529 where this dialect calls used-up capacity so."""
    if error.status != _UNAVAILABLE:
        return error.status
    is_overload = isinstance(error, UpstreamError) or (
        isinstance(error, ShedError) and error.code not in STAYS_503
    )
    return OVERLOADED if is_overload else error.status


def error_body(error: PenstockError, request_id: str) -> bytes:
    """Return the envelope of an error for a caller."""
    status = status_of(error)
    default = "api_error" if status >= _SERVER_ERRORS_FROM else "invalid_request_error"
    envelope = {
        "type": "error",
        "error": {
            "type": _TYPES.get(status, default),
            "message": _message(error),
            "details": {"error_code": error.code},
        },
        "request_id": request_id,
    }
    return msgspec.json.encode(envelope)


def error_event(error: PenstockError, request_id: str) -> bytes:
    """Return the event that ends a broken stream."""
    return b"event: error\ndata: " + error_body(error, request_id) + b"\n\n"


def _message(error: PenstockError) -> str:
    message = error.text
    if error.param and error.param not in message:
        message = f"{error.param}: {message}"
    # Callers compact their history on these words, whatever the upstream's own words were.
    is_context = (
        isinstance(error, UpstreamError) and error.failure.kind is FailureKind.CONTEXT_LENGTH
    )
    if is_context and _CONTEXT_WORDS[0] not in message.lower():
        message = f"{_CONTEXT_WORDS[0]}: {message}"
    return message


def _fields(error: ErrorFields | str | None) -> ErrorFields:
    return error if isinstance(error, ErrorFields) else ErrorFields(message=error)


def _instant(headers: Headers, dimension: bytes) -> datetime:
    value = headers.get(b"anthropic-ratelimit-%b-reset" % dimension, b"").decode()
    return datetime.fromisoformat(value)
