"""Anthropic Messages: errors read and written."""

import msgspec
import pytest
from tests.dialects.samples import SAMPLES

from penstock.core.errors import (
    CallerError,
    DeadlineError,
    KeyRefusedError,
    PenstockError,
    ShedError,
    StoreError,
    UpstreamError,
)
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.anthropic_messages import errors

DATE = b"Tue, 06 Oct 2026 12:00:00 GMT"


def error(kind: str, message: str = "", code: str | None = None) -> bytes:
    details = {"error_code": code} if code else None
    return msgspec.json.encode(
        {"type": "error", "error": {"type": kind, "message": message, "details": details}}
    )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error("invalid_request_error", "bad"), FailureKind.REJECTED),
        (
            400,
            error("invalid_request_error", "prompt is too long: 3 > 2"),
            FailureKind.CONTEXT_LENGTH,
        ),
        (
            400,
            error("invalid_request_error", "Your credit balance is too low"),
            FailureKind.ACCOUNT,
        ),
        (401, error("authentication_error"), FailureKind.ACCOUNT),
        (402, error("billing_error"), FailureKind.ACCOUNT),
        (403, error("permission_error"), FailureKind.ACCOUNT),
        (404, error("not_found_error", "model: x"), FailureKind.MISCONFIGURED),
        (409, error("conflict_error"), FailureKind.CONFLICT),
        (413, error("request_too_large"), FailureKind.REJECTED),
        (429, error("rate_limit_error"), FailureKind.QUOTA),
        (429, error("rate_limit_error", code="ramp_limit_exceeded"), FailureKind.QUOTA),
        (429, error("rate_limit_error", code="contract_spend_limit_reached"), FailureKind.ACCOUNT),
        (429, error("rate_limit_error", code="enforced_spend_limit_reached"), FailureKind.ACCOUNT),
        (429, error("rate_limit_error", "the context window of ..."), FailureKind.QUOTA),
        (500, error("api_error"), FailureKind.SERVER_ERROR),
        (500, error("overloaded_error"), FailureKind.OVERLOADED),
        (503, b"<html>", FailureKind.OVERLOADED),
        (504, error("timeout_error"), FailureKind.TIMED_OUT),
        (529, error("overloaded_error", code="compaction_unavailable"), FailureKind.OVERLOADED),
    ],
)
def test_classify(status: int, body: bytes, kind: FailureKind) -> None:
    assert errors.classify(status, {}, body).kind is kind


def test_the_sample() -> None:
    sample = (SAMPLES / "errors" / "anthropic_messages_529.json").read_bytes()
    assert errors.classify(529, {}, sample) == Failure(
        FailureKind.OVERLOADED, "Overloaded", status=529, code="overloaded_error"
    )


def test_a_quota_is_full_again_when_its_last_dimension_is() -> None:
    headers = {
        b"date": DATE,
        b"retry-after": b"3",
        b"anthropic-ratelimit-requests-remaining": b"0",
        b"anthropic-ratelimit-requests-reset": b"2026-10-06T12:00:20Z",
        b"anthropic-ratelimit-input-tokens-remaining": b"0",
        b"anthropic-ratelimit-input-tokens-reset": b"2026-10-06T14:00:40+02:00",
        b"anthropic-ratelimit-tokens-remaining": b"5",
        b"anthropic-ratelimit-tokens-reset": b"2026-10-06T13:00:00Z",
    }
    assert errors.classify(429, headers, b"").retry_after_s == 40.0
    del headers[b"date"]
    assert errors.classify(429, headers, b"").retry_after_s == 3.0


@pytest.mark.parametrize("reset", [b"", b"soon", b"\xff", b"2026-10-06T12:00:20"])
def test_a_reset_that_is_no_instant_is_ignored(reset: bytes) -> None:
    headers = {
        b"date": DATE,
        b"anthropic-ratelimit-requests-remaining": b"0",
        b"anthropic-ratelimit-requests-reset": reset,
    }
    assert errors.reset_after_s(headers) == 0.0


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b'{"type":"overloaded_error"}', FailureKind.OVERLOADED),
        (b'{"type":"rate_limit_error"}', FailureKind.QUOTA),
        (b'{"type":"invalid_request_error","message":"prompt is too long"}',
         FailureKind.CONTEXT_LENGTH),
        (b'{"type":"authentication_error"}', FailureKind.ACCOUNT),
        (b'{"type":"new_error"}', FailureKind.SERVER_ERROR),
        (b'"it broke"', FailureKind.SERVER_ERROR),
        (b"", FailureKind.SERVER_ERROR),
    ],
)  # fmt: skip
def test_an_error_inside_a_stream(raw: bytes, kind: FailureKind) -> None:
    assert errors.failure_of_event(msgspec.Raw(raw)).kind is kind


@pytest.mark.parametrize(
    ("told", "status", "kind"),
    [
        (CallerError("x"), 400, "invalid_request_error"),
        (CallerError("x", status=404), 404, "not_found_error"),
        (CallerError("x", status=405), 405, "invalid_request_error"),
        (CallerError("x", status=413), 413, "request_too_large"),
        (KeyRefusedError("x"), 401, "authentication_error"),
        (ShedError("x", retry_after_s=1), 529, "overloaded_error"),
        (ShedError("x", retry_after_s=1, code="tier_capacity"), 529, "overloaded_error"),
        (ShedError("x", retry_after_s=1, code="queue_timeout"), 503, "api_error"),
        (ShedError("x", retry_after_s=1, code="preempted"), 503, "api_error"),
        (StoreError("x"), 503, "api_error"),
        (DeadlineError("x"), 504, "timeout_error"),
        (UpstreamError(Failure(FailureKind.QUOTA)), 529, "overloaded_error"),
        (UpstreamError(Failure(FailureKind.SERVER_ERROR)), 502, "api_error"),
        (UpstreamError(Failure(FailureKind.TIMED_OUT)), 504, "timeout_error"),
        (UpstreamError(Failure(FailureKind.REJECTED, status=413)), 413, "request_too_large"),
    ],
)
def test_status_and_type(told: PenstockError, status: int, kind: str) -> None:
    assert errors.status_of(told) == status
    body = msgspec.json.decode(errors.error_body(told, "req_7"))
    assert body["type"] == "error"
    assert body["request_id"] == "req_7"
    assert body["error"]["type"] == kind
    assert body["error"]["details"] == {"error_code": told.code}


def test_a_callers_own_limit_is_429() -> None:
    own = ShedError("x", retry_after_s=1)
    own.status = 429
    assert errors.status_of(own) == 429
    assert msgspec.json.decode(errors.error_body(own, ""))["error"]["type"] == "rate_limit_error"


def test_the_message_names_the_field_and_the_full_context() -> None:
    named = msgspec.json.decode(errors.error_body(CallerError("cannot be", param="seed"), ""))
    assert named["error"]["message"] == "seed: cannot be. Correct the request."
    full = UpstreamError(Failure(FailureKind.CONTEXT_LENGTH, "9 > 8", status=400))
    message = msgspec.json.decode(errors.error_body(full, ""))["error"]["message"]
    assert message.startswith("prompt is too long: 9 > 8")
