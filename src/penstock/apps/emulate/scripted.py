"""Faults that stand in place of an answer: which error, in whose words.

The messages are ours; status, type, code and headers are what each provider's SDK goes by.
"""

from typing import Final

from penstock.apps.emulate.ask import Reason, TroubleError
from penstock.apps.emulate.catalogue import CLAUDE, Model
from penstock.apps.emulate.claude_request import prefill_rejected
from penstock.apps.emulate.dialect import context_exceeded
from penstock.core.fault import Fault, FaultKind, Flavour

EDGE_STATUS: Final = 530
EDGE_BODY: Final = b"<!doctype html><title>530</title><p>error code: 1033</p>\n"
EVENT_STATUS: Final = 529  # of an error event, where a script does not say
FAILURES: Final = frozenset((FaultKind.FAILED_EVENT_FIRST, FaultKind.FAILED_EVENT_MID))
TOO_MANY: Final = 429
_MESSAGES: Final[dict[int, str]] = {
    400: "The request is not valid.",
    401: "The credential is not valid.",
    402: "The credit balance is too low.",
    403: "The credential may not use this resource.",
    404: "The resource was not found.",
    408: "The request took too long to arrive.",
    409: "The request conflicts with another one.",
    413: "The request is too large.",
    422: "The request could not be processed.",
    500: "Internal server error.",
    502: "Bad gateway.",
    503: "The service is temporarily unavailable.",
    504: "The request timed out while it was processed.",
    529: "Overloaded",
}
_FLAVOURS: Final[dict[Flavour, tuple[Reason, str]]] = {
    Flavour.QUOTA: (
        Reason.OWN_QUOTA,
        "This request would exceed the rate limit of your organization.",
    ),
    Flavour.SHARED_CAPACITY: (
        Reason.SHARED_CAPACITY,
        "The model is in high demand. Try again later.",
    ),
    Flavour.INSUFFICIENT_QUOTA: (
        Reason.SPENT,
        "You exceeded your current quota. Check your plan and billing details.",
    ),
}


def scripted(fault: Fault, model: Model | None, input_tokens: int) -> TroubleError:
    """Return the error that a fault asks for."""
    if fault.kind is FaultKind.CONTEXT_LENGTH and model is not None:
        return context_exceeded(model, max(input_tokens, model.context_tokens + 1))
    if fault.kind is FaultKind.PREFILL_REJECTED:
        if model is None or model.provider == CLAUDE:
            return prefill_rejected()
        return TroubleError(400, "Requests ending with a model turn are not supported.")
    status = fault.status or 400
    if status == TOO_MANY:
        reason, message = _FLAVOURS[fault.flavour]
        return TroubleError(status, message, reason=reason, retry_after_s=fault.retry_after_s)
    message = _MESSAGES.get(status, "Something went wrong.")
    return TroubleError(status, message, retry_after_s=fault.retry_after_s)


def in_stream(fault: Fault) -> TroubleError:
    """Return the error that a fault puts into a stream."""
    status = fault.status or EVENT_STATUS
    return TroubleError(status, _MESSAGES.get(status, "Something went wrong."))
