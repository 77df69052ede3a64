"""Errors in the Responses dialect: the envelope of OpenAI chat, and two events of its own.

    response.failed    the response with ``error: {code, message}``
    error              ``code``, ``message`` and ``param`` beside the type; some servers nest them

Codes that blame the prompt or its pictures are the caller's fault, whatever the event is called
(DIALECTS 7). A broken stream ends with ``response.failed`` under the next sequence number.
"""

from typing import Final

import msgspec

from penstock.core.errors import PenstockError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import json_fields
from penstock.dialects.contract import Inquiry
from penstock.dialects.openai_chat import errors as chat
from penstock.dialects.openai_responses.response import Outline, Position, event

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")
_CALLERS: Final = frozenset(
    {
        "invalid_prompt", "data_residency_mismatch", "bio_policy", "misalignment_policy_violation",
        "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url",
        "image_too_large", "image_too_small", "image_parse_error", "image_file_too_large",
        "image_content_policy_violation", "invalid_image_mode", "unsupported_image_media_type",
        "empty_image_file", "failed_to_download_image", "image_file_not_found",
    }
)  # fmt: skip
_TOO_MANY: Final = 429
_UNSENT: Final = Inquiry(model="", is_stream=True, fields={}, body=b"")

classify = chat.classify
error_body = chat.error_body


class EventFields(msgspec.Struct):
    """An ``error`` event."""

    code: str | int | None = None
    message: str | None = None
    error: Raw = ABSENT


_EVENT: Final = msgspec.json.Decoder(EventFields)


def failure_of(raw: Raw) -> Failure:
    """Name the failure that ``error`` of a response tells."""
    failure = chat.failure_of_event(raw)
    if failure.code in _CALLERS:
        return Failure(FailureKind.REJECTED, failure.detail, code=failure.code)
    return failure


def failure_of_event(data: Raw) -> Failure:
    """Name the failure that an ``error`` event tells."""
    try:
        told = _EVENT.decode(data)
    except json_fields.MALFORMED:
        return failure_of(ABSENT)
    if told.error is not ABSENT and not json_fields.is_empty(told.error):
        return failure_of(told.error)
    return failure_of(Raw(msgspec.json.encode({"code": told.code, "message": told.message})))


def error_event(error: PenstockError, request_id: str) -> bytes:
    """Return the event that ends a stream of which nothing is known."""
    return failed_event(error, _UNSENT, Position(response_id=request_id))


def failed_event(error: PenstockError, inquiry: Inquiry, at: Position, model: str = "") -> bytes:
    """Return the event that ends a broken stream where it is."""
    outline = Outline(inquiry, at.response_id, model, at.created_unix_s)
    response = outline.response("failed", [], error=error_fields(error))
    return event("response.failed", at.sequence_number, {"response": response})


def error_fields(error: PenstockError) -> dict[str, object]:
    """Return ``error`` of a response: the code is one that SDKs know, the type is ours."""
    return {
        "code": _code(error),
        "message": error.text,
        "type": error.code,
        "param": error.param or None,
    }


def _code(error: PenstockError) -> str:
    # Callers compact their history on this word, whatever the upstream's own word was.
    if isinstance(error, UpstreamError) and error.failure.kind is FailureKind.CONTEXT_LENGTH:
        return "context_length_exceeded"
    return "rate_limit_exceeded" if error.status == _TOO_MANY else "server_error"
