"""OpenAI's error envelope, the same for all of GPT's endpoints."""

from typing import Any, Final

from penstock.apps.emulate.ask import Reason, TroubleError

_TYPES: Final[dict[int, tuple[str, str | None]]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "credit_balance_exhausted"),
    403: ("permission_error", "permission_denied"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    502: ("server_error", None),
    503: ("server_error", "server_is_overloaded"),
    504: ("server_error", "timeout"),
    529: ("server_error", "server_is_overloaded"),
}
_REASONS: Final[dict[Reason, tuple[str, str | None]]] = {
    Reason.NO_MODEL: ("invalid_request_error", "model_not_found"),
    Reason.CONTEXT_LENGTH: ("invalid_request_error", "context_length_exceeded"),
    Reason.SHARED_CAPACITY: ("server_error", "slow_down"),
    Reason.SPENT: ("insufficient_quota", "insufficient_quota"),
    Reason.NO_RESPONSE: ("invalid_request_error", "previous_response_not_found"),
    Reason.FOREIGN_THOUGHT: ("invalid_request_error", "invalid_encrypted_content"),
}


def error_fields(trouble: TroubleError) -> dict[str, Any]:
    """Return what stands under ``error``."""
    kind, code = _REASONS.get(
        trouble.reason, _TYPES.get(trouble.status, ("invalid_request_error", None))
    )
    message = trouble.message
    if trouble.reason is Reason.NO_MODEL:
        name = message.removeprefix("model: ")
        message = f"The model `{name}` does not exist or you do not have access to it."
    if trouble.reason is Reason.CONTEXT_LENGTH:
        message = f"This model's maximum context length is exceeded: {message}"
    return {"message": message, "type": kind, "param": trouble.param, "code": code}
