"""OpenAI chat: errors read and written."""

import msgspec
import pytest
from tests.dialects.samples import SAMPLES

from penstock.core.errors import CallerError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.openai_chat import errors


def error(**fields: object) -> bytes:
    return msgspec.json.encode({"error": fields})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(message="bad", type="invalid_request_error"), FailureKind.REJECTED),
        (400, error(code="context_length_exceeded"), FailureKind.CONTEXT_LENGTH),
        (400, error(message="the maximum context length is 8"), FailureKind.CONTEXT_LENGTH),
        (400, error(type="exceed_context_size_error"), FailureKind.REJECTED),
        (401, error(code="invalid_api_key"), FailureKind.ACCOUNT),
        (404, error(code="model_not_found"), FailureKind.MISCONFIGURED),
        (429, error(code="rate_limit_exceeded"), FailureKind.QUOTA),
        (429, error(code="insufficient_quota"), FailureKind.ACCOUNT),
        (429, error(code="slow_down"), FailureKind.SHARED_CAPACITY),
        (429, b"[" + error(code=429, status="RESOURCE_EXHAUSTED") + b"]", FailureKind.QUOTA),
        (500, error(message="oops", code="server_error"), FailureKind.SERVER_ERROR),
        (502, b"<html>Bad gateway</html>", FailureKind.SERVER_ERROR),
        (503, b"", FailureKind.OVERLOADED),
        (503, error(code="rate_limit_exceeded"), FailureKind.OVERLOADED),
    ],
)
def test_classify(status: int, body: bytes, kind: FailureKind) -> None:
    assert errors.classify(status, {}, body).kind is kind


def test_the_upstreams_words_and_waits_are_kept() -> None:
    headers = {
        b"retry-after": b"2",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"6m0s",
    }
    failure = errors.classify(429, headers, error(message="slow", code="rate_limit_exceeded"))
    assert failure == Failure(
        FailureKind.QUOTA, "slow", status=429, code="rate_limit_exceeded", retry_after_s=360.0
    )
    sample = (SAMPLES / "errors" / "openai_5xx.json").read_bytes()
    assert errors.classify(500, {}, sample).detail == "bad"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b'{"code":"server_is_overloaded"}', FailureKind.OVERLOADED),
        (b'{"type":"rate_limit_error"}', FailureKind.QUOTA),
        (b'{"code":400,"type":"BadRequestError"}', FailureKind.REJECTED),
        (b'{"code":503}', FailureKind.OVERLOADED),
        (b'{"code":0,"message":"?"}', FailureKind.SERVER_ERROR),
        (b'{"message":"exceeds the context window"}', FailureKind.CONTEXT_LENGTH),
        (b'"it broke"', FailureKind.SERVER_ERROR),
        (b'{"message":"\xff"}', FailureKind.SERVER_ERROR),
        (b"[]", FailureKind.SERVER_ERROR),
    ],
)
def test_an_error_inside_a_stream(raw: bytes, kind: FailureKind) -> None:
    assert errors.failure_of_event(msgspec.Raw(raw)).kind is kind


def test_the_envelope() -> None:
    body = msgspec.json.decode(errors.error_body(CallerError("no such field", param="seed")))
    assert body == {
        "error": {
            "message": "no such field. Correct the request.",
            "type": "invalid_request_error",
            "param": "seed",
            "code": "invalid_request",
        }
    }


def test_a_caller_can_see_that_the_context_is_full() -> None:
    body = errors.error_body(UpstreamError(Failure(FailureKind.CONTEXT_LENGTH, "x", status=400)))
    assert msgspec.json.decode(body)["error"]["code"] == "context_length_exceeded"
