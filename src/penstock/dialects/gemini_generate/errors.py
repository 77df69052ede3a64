"""Errors in the Gemini dialect: read from upstreams, written to callers.

Envelope: ``{"error": {code, message, status, details[]}}``, at times in a list of one; in a stream
it is a chunk of its own. What the details say besides:

    RetryInfo.retryDelay                 how long to wait, as ``3.5s``
    QuotaFailure.violations[].quotaId    whose quota: of a day or of money is the account's (a long
                                         rest), of a minute is QUOTA
    ErrorInfo.reason                     API_KEY_INVALID, under status 400

    status                               code    kind
    INVALID_ARGUMENT, OUT_OF_RANGE       400     REJECTED; CONTEXT_LENGTH, ACCOUNT by its words
    FAILED_PRECONDITION                  400     REJECTED; ACCOUNT where billing or region is meant
    UNAUTHENTICATED, PERMISSION_DENIED   401-403 ACCOUNT
    NOT_FOUND                            404     MISCONFIGURED
    ABORTED                              409     CONFLICT
    RESOURCE_EXHAUSTED                   429     QUOTA; ACCOUNT, SHARED_CAPACITY by its words
    CANCELLED, INTERNAL, UNKNOWN         499-501 SERVER_ERROR
    UNAVAILABLE                          503     OVERLOADED
    DEADLINE_EXCEEDED                    504     TIMED_OUT

Source: DIALECTS 7 and TIERING 2 of the reference shelf.
"""

from typing import Final

import msgspec

from penstock.core.errors import PenstockError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import http_error, json_fields
from penstock.dialects.contract import Headers

DETAIL_CHARS_MAX: Final = 500
DOMAIN: Final = "penstock"
_RPC: Final = "type.googleapis.com/google.rpc."
_BY_STATUS_WORD: Final[dict[str, FailureKind]] = {
    "INVALID_ARGUMENT": FailureKind.REJECTED,
    "OUT_OF_RANGE": FailureKind.REJECTED,
    "FAILED_PRECONDITION": FailureKind.REJECTED,
    "UNAUTHENTICATED": FailureKind.ACCOUNT,
    "PERMISSION_DENIED": FailureKind.ACCOUNT,
    "NOT_FOUND": FailureKind.MISCONFIGURED,
    "ABORTED": FailureKind.CONFLICT,
    "RESOURCE_EXHAUSTED": FailureKind.QUOTA,
    "UNAVAILABLE": FailureKind.OVERLOADED,
    "DEADLINE_EXCEEDED": FailureKind.TIMED_OUT,
}
_CONTEXT_WORDS: Final = (
    "input token count", "maximum number of tokens", "context length", "context window",
)  # fmt: skip
_KEY_WORDS: Final = ("API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_SERVICE_BLOCKED")
_BILLING_WORDS: Final = (
    "api key not valid", "api key expired", "enable billing", "billing account", "prepayment",
    "location is not supported", "credits are depleted",
)  # fmt: skip
_SPENT_WORDS: Final = ("perday", "per day", "daily", "spend")
# Vertex has one pool for all customers, and this page is how it says so.
_SHARED_WORDS: Final = ("error-code-429",)
_STATUS_WORDS: Final[dict[int, str]] = {
    401: "UNAUTHENTICATED",
    402: "PERMISSION_DENIED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    529: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_BAD_REQUEST: Final = 400


class Violation(msgspec.Struct, rename="camel"):
    """One of ``violations``."""

    quota_id: str | None = None
    quota_metric: str | None = None
    subject: str | None = None
    description: str | None = None


class Detail(msgspec.Struct, rename="camel"):
    """One of ``details``, of whatever type."""

    reason: str | None = None
    retry_delay: str | None = None
    violations: list[Violation] | None = None


class ErrorFields(msgspec.Struct):
    """``error``."""

    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: msgspec.Raw = msgspec.Raw(b"[]")


class Envelope(msgspec.Struct):
    """The body of an answer that is an error."""

    error: ErrorFields | str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_WRAPPED: Final = msgspec.json.Decoder(list[Envelope])
_ERROR: Final = msgspec.json.Decoder(ErrorFields | str)
_DETAILS: Final = msgspec.json.Decoder(list[Detail] | None)


def classify(status: int, headers: Headers, body: bytes) -> Failure:
    """Name the failure of an answer whose status is not 200."""
    error = _read(body)
    details = _details(error)
    kind = _refined(http_error.kind_of_status(status), error, details)
    return Failure(
        kind=kind,
        detail=(error.message or f"status {status}")[:DETAIL_CHARS_MAX],
        status=status,
        code=error.status or "",
        retry_after_s=max(http_error.retry_after_s(headers), _retry_delay_s(details)),
    )


def failure_of_event(raw: msgspec.Raw) -> Failure:
    """Name the failure that an error inside a stream, or inside a 200, tells."""
    try:
        error = _fields(_ERROR.decode(raw))
    except json_fields.MALFORMED:
        error = ErrorFields()
    kind = _BY_STATUS_WORD.get(error.status or "")
    if kind is None and isinstance(error.code, int) and error.code >= _BAD_REQUEST:
        kind = http_error.kind_of_status(error.code)
    details = _details(error)
    return Failure(
        kind=_refined(kind or FailureKind.SERVER_ERROR, error, details),
        detail=(error.message or "the stream reported an error")[:DETAIL_CHARS_MAX],
        code=error.status or "",
        retry_after_s=_retry_delay_s(details),
    )


def error_body(error: PenstockError, request_id: str) -> bytes:
    """Return the envelope of an error for a caller."""
    details: list[dict[str, object]] = [
        {"@type": f"{_RPC}ErrorInfo", "reason": error.code.upper(), "domain": DOMAIN},
        {"@type": f"{_RPC}RequestInfo", "requestId": request_id},
    ]
    if error.param:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": f"{_RPC}BadRequest", "fieldViolations": [violation]})
    if error.retry_after_s:
        delay = f"{error.retry_after_s:.3f}".rstrip("0").rstrip(".")
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{delay}s"})
    default = "INVALID_ARGUMENT" if error.status < http_error.SERVER_ERRORS_FROM else "INTERNAL"
    fields = {
        "code": error.status,
        "message": _message(error),
        "status": _STATUS_WORDS.get(error.status, default),
        "details": details,
    }
    return msgspec.json.encode({"error": fields})


def error_event(error: PenstockError, request_id: str) -> bytes:
    """Return the event that ends a broken stream."""
    return b"data: %b\r\n\r\n" % error_body(error, request_id)


def _message(error: PenstockError) -> str:
    message = error.text
    if error.param and error.param not in message:
        message = f"{error.param}: {message}"
    is_context = (
        isinstance(error, UpstreamError) and error.failure.kind is FailureKind.CONTEXT_LENGTH
    )
    # Callers compact their history on these words, whatever the upstream's own words were.
    if is_context and not _has(message, _CONTEXT_WORDS):
        return f"The input token count exceeds the maximum number of tokens: {message}"
    return message


def _refined(kind: FailureKind, error: ErrorFields, details: list[Detail]) -> FailureKind:
    """Return the kind that the words tell, where the status leaves a doubt."""
    message = error.message or ""
    if kind is FailureKind.REJECTED:
        if any(detail.reason in _KEY_WORDS for detail in details) or _has(message, _BILLING_WORDS):
            return FailureKind.ACCOUNT
        return FailureKind.CONTEXT_LENGTH if _has(message, _CONTEXT_WORDS) else kind
    if kind is FailureKind.QUOTA:
        if _has(message, _SHARED_WORDS):
            return FailureKind.SHARED_CAPACITY
        return FailureKind.ACCOUNT if _has(_quota(message, details), _SPENT_WORDS) else kind
    return kind


def _quota(message: str, details: list[Detail]) -> str:
    """Return what names the quota that is used up: its id where there is one, else the message."""
    named = [
        name
        for detail in details
        for violation in detail.violations or ()
        for name in (violation.quota_id, violation.quota_metric, violation.description)
        if name
    ]
    return " ".join(named) or message


def _retry_delay_s(details: list[Detail]) -> float:
    delays = [http_error.duration_s(detail.retry_delay) for detail in details if detail.retry_delay]
    return min(max(delays, default=0.0), http_error.RETRY_AFTER_S_MAX)


def _details(error: ErrorFields) -> list[Detail]:
    try:
        return _DETAILS.decode(error.details) or []
    except json_fields.MALFORMED:
        return []


def _read(body: bytes) -> ErrorFields:
    try:
        if body.lstrip().startswith(b"["):
            return _fields(next(iter(_WRAPPED.decode(body)), Envelope()).error)
        return _fields(_ENVELOPE.decode(body).error)
    except json_fields.MALFORMED:
        return ErrorFields()  # a proxy's HTML page, most likely: the status must do


def _fields(error: ErrorFields | str | None) -> ErrorFields:
    return error if isinstance(error, ErrorFields) else ErrorFields(message=error)


def _has(message: str, phrases: tuple[str, ...]) -> bool:
    lowered = message.lower()
    return any(phrase in lowered for phrase in phrases)
