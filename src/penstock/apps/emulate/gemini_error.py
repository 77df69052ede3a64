"""Google's error envelope, the same for both of Gemini's endpoints."""

from typing import Any, Final

from penstock.apps.emulate.ask import Reason, TroubleError

_STATUS: Final[dict[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_RPC: Final = "type.googleapis.com/google.rpc"


def error_fields(trouble: TroubleError) -> dict[str, Any]:
    """Return what stands under ``error``."""
    fields: dict[str, Any] = {
        "code": trouble.status,
        "message": _message(trouble),
        "status": _STATUS.get(trouble.status, "UNKNOWN"),
    }
    details: list[dict[str, Any]] = []
    if trouble.reason in {Reason.OWN_QUOTA, Reason.SPENT}:
        period = "PerDay" if trouble.reason is Reason.SPENT else "PerMinute"
        violation = {"quotaId": f"GenerateRequests{period}PerProjectPerModel"}
        details.append({"@type": f"{_RPC}.QuotaFailure", "violations": [violation]})
    if trouble.retry_after_s is not None:
        delay = f"{trouble.retry_after_s:g}s"
        details.append({"@type": f"{_RPC}.RetryInfo", "retryDelay": delay})
    if details:
        fields["details"] = details
    return fields


def _message(trouble: TroubleError) -> str:
    if trouble.reason is Reason.NO_MODEL:
        name = trouble.message.removeprefix("model: ")
        return f"models/{name} is not found for this API version."
    if trouble.reason is Reason.CONTEXT_LENGTH:
        return f"The input token count exceeds the maximum number of tokens: {trouble.message}"
    return trouble.message
