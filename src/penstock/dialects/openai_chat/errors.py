"""Errors in the OpenAI dialect: read from upstreams, written to callers.

Envelope: ``{"error": {message, type, param, code}}``; Gemini's compatible endpoint wraps it in a
list and uses ``status`` and a numeric ``code``. In a stream it is a ``data:`` line with ``error``.

What a 429 means is told apart by its code: spent money is the account's, ``slow_down`` and the
flex tier's are a shared pool's, every other one of OpenAI's is our own quota (TIERING 2).
"""

from typing import Final

import msgspec

from penstock.core.errors import PenstockError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import http_error, json_fields
from penstock.dialects.contract import Headers

DETAIL_CHARS_MAX: Final = 500
RATE_DIMENSIONS: Final = (b"requests", b"tokens")
_BY_CODE: Final[dict[str, FailureKind]] = {
    "context_length_exceeded": FailureKind.CONTEXT_LENGTH,
    "insufficient_quota": FailureKind.ACCOUNT,
    "credit_balance_exhausted": FailureKind.ACCOUNT,
    "billing_hard_limit_reached": FailureKind.ACCOUNT,
    "billing_not_active": FailureKind.ACCOUNT,
    "invalid_api_key": FailureKind.ACCOUNT,
    "account_deactivated": FailureKind.ACCOUNT,
    "model_not_found": FailureKind.MISCONFIGURED,
    "slow_down": FailureKind.SHARED_CAPACITY,
    "resource_unavailable": FailureKind.SHARED_CAPACITY,
    "capacity_exceeded": FailureKind.SHARED_CAPACITY,
    "rate_limit_exceeded": FailureKind.QUOTA,
    "server_is_overloaded": FailureKind.OVERLOADED,
    "overloaded": FailureKind.OVERLOADED,
    "overloaded_error": FailureKind.OVERLOADED,
    "engine_overloaded": FailureKind.OVERLOADED,
    "UNAVAILABLE": FailureKind.OVERLOADED,
    "RESOURCE_EXHAUSTED": FailureKind.QUOTA,
    "DEADLINE_EXCEEDED": FailureKind.TIMED_OUT,
}
_BY_TYPE: Final[dict[str, FailureKind]] = {
    "invalid_request_error": FailureKind.REJECTED,
    "BadRequestError": FailureKind.REJECTED,
    "exceed_context_size_error": FailureKind.CONTEXT_LENGTH,
    "authentication_error": FailureKind.ACCOUNT,
    "rate_limit_error": FailureKind.QUOTA,
    "overloaded_error": FailureKind.OVERLOADED,
}
_CONTEXT_WORDS: Final = ("context length", "context window", "context size", "maximum context")
_BAD_REQUEST: Final = 400
_TOO_MANY: Final = 429


class ErrorFields(msgspec.Struct):
    """``error``, of which each server fills in its own part."""

    message: str | None = None
    type: str | None = None
    code: str | int | None = None
    status: str | None = None


class Envelope(msgspec.Struct):
    """The body of an answer that is an error."""

    error: ErrorFields | str | None = None
    message: str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(Envelope)
_WRAPPED: Final = msgspec.json.Decoder(list[Envelope])


def classify(status: int, headers: Headers, body: bytes) -> Failure:
    """Name the failure of an answer whose status is not 200."""
    error = _read(body)
    words = _words(error)
    kind = http_error.kind_of_status(status)
    if kind in (FailureKind.REJECTED, FailureKind.QUOTA, FailureKind.MISCONFIGURED):
        told = next((_BY_CODE[word] for word in words if word in _BY_CODE), None)
        if told is FailureKind.QUOTA and status < _TOO_MANY:
            told = None
        kind = told or kind
    if status == _BAD_REQUEST and _is_context(error.message or ""):
        kind = FailureKind.CONTEXT_LENGTH
    wait_s = http_error.retry_after_s(headers)
    if kind is FailureKind.QUOTA:
        reset_s = http_error.reset_after_s(headers, b"x-ratelimit-", RATE_DIMENSIONS)
        wait_s = max(wait_s, reset_s)
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
        error = msgspec.json.decode(raw, type=ErrorFields | str)
    except json_fields.MALFORMED:
        error = ErrorFields()
    if isinstance(error, str):
        error = ErrorFields(message=error)
    words = _words(error)
    kind = next((_BY_CODE[word] for word in words if word in _BY_CODE), None)
    if kind is None:
        kind = next((_BY_TYPE[word] for word in words if word in _BY_TYPE), None)
    if kind is None and isinstance(error.code, int) and error.code >= _BAD_REQUEST:
        kind = http_error.kind_of_status(error.code)
    if _is_context(error.message or ""):
        kind = FailureKind.CONTEXT_LENGTH
    return Failure(
        kind=kind or FailureKind.SERVER_ERROR,
        detail=(error.message or "the stream reported an error")[:DETAIL_CHARS_MAX],
        code=words[0] if words else "",
    )


def error_body(error: PenstockError) -> bytes:
    """Return the envelope of an error for a caller."""
    return msgspec.json.encode({"error": _fields(error)})


def error_event(error: PenstockError) -> bytes:
    """Return the event that ends a broken stream."""
    return b"data: " + error_body(error) + b"\n\n"


def _fields(error: PenstockError) -> dict[str, str | None]:
    return {
        "message": error.text,
        "type": _TYPES.get(error.status, "server_error"),
        "param": error.param or None,
        "code": _code(error),
    }


def _code(error: PenstockError) -> str:
    # Callers compact their history on this word, whatever the upstream's own word was.
    if isinstance(error, UpstreamError) and error.failure.kind is FailureKind.CONTEXT_LENGTH:
        return "context_length_exceeded"
    return error.code


_TYPES: Final[dict[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}


def _read(body: bytes) -> ErrorFields:
    try:
        if body.lstrip().startswith(b"["):
            envelope = next(iter(_WRAPPED.decode(body)), Envelope())
        else:
            envelope = _ENVELOPE.decode(body)
    except json_fields.MALFORMED:
        return ErrorFields()  # a proxy's HTML page, most likely: the status must do
    error = envelope.error
    if isinstance(error, ErrorFields):
        return error
    return ErrorFields(message=error or envelope.message)


def _words(error: ErrorFields) -> list[str]:
    return [word for word in (error.code, error.status, error.type) if isinstance(word, str)]


def _is_context(message: str) -> bool:
    lowered = message.lower()
    return any(words in lowered for words in _CONTEXT_WORDS)
