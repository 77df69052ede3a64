"""What Google's errors mean, and that ours are told in its words."""

import msgspec
import pytest
from tests.dialects.samples import SAMPLES

from penstock.core.errors import CallerError, ShedError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.gemini_generate.errors import (
    classify,
    error_body,
    error_event,
    failure_of_event,
)

RPC = "type.googleapis.com/google.rpc."


def envelope(code: int, status: str, message: str = "m", *details: dict[str, object]) -> bytes:
    fields = {"code": code, "status": status, "message": message, "details": details}
    return msgspec.json.encode({"error": fields})


def quota(quota_id: str) -> dict[str, object]:
    return {"@type": f"{RPC}QuotaFailure", "violations": [{"quotaId": quota_id}]}


@pytest.mark.parametrize(
    ("code", "status", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", "bad", FailureKind.REJECTED),
        (400, "FAILED_PRECONDITION", "bad", FailureKind.REJECTED),
        (400, "FAILED_PRECONDITION", "User location is not supported", FailureKind.ACCOUNT),
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass one", FailureKind.ACCOUNT),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (9) exceeds the maximum number of tokens allowed (1).",
            FailureKind.CONTEXT_LENGTH,
        ),
        (401, "UNAUTHENTICATED", "no", FailureKind.ACCOUNT),
        (403, "PERMISSION_DENIED", "no", FailureKind.ACCOUNT),
        (404, "NOT_FOUND", "models/x is not found", FailureKind.MISCONFIGURED),
        (409, "ABORTED", "again", FailureKind.CONFLICT),
        (429, "RESOURCE_EXHAUSTED", "check your plan and billing details", FailureKind.QUOTA),
        (429, "RESOURCE_EXHAUSTED", "daily limit", FailureKind.ACCOUNT),
        (429, "RESOURCE_EXHAUSTED", "see /docs/error-code-429", FailureKind.SHARED_CAPACITY),
        (499, "CANCELLED", "gone", FailureKind.SERVER_ERROR),
        (500, "INTERNAL", "oops", FailureKind.SERVER_ERROR),
        (503, "UNAVAILABLE", "overloaded", FailureKind.OVERLOADED),
        (504, "DEADLINE_EXCEEDED", "late", FailureKind.TIMED_OUT),
    ],
)
def test_kinds_over_http_and_in_a_stream(
    code: int, status: str, message: str, kind: FailureKind
) -> None:
    body = envelope(code, status, message)
    for whole in (body, b"[" + body + b"]"):
        failure = classify(code, {}, whole)
        assert (failure.kind, failure.code, failure.detail) == (kind, status, message)
    inner = msgspec.json.decode(body, type=dict[str, msgspec.Raw])["error"]
    assert failure_of_event(inner).kind is kind


@pytest.mark.parametrize(
    ("quota_id", "kind"),
    [
        ("GenerateRequestsPerMinutePerProjectPerModel", FailureKind.QUOTA),
        ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", FailureKind.ACCOUNT),
        ("SpendLimitPer10MinutesPerProject", FailureKind.ACCOUNT),
    ],
)
def test_the_quota_that_is_named_counts_and_not_the_message(
    quota_id: str, kind: FailureKind
) -> None:
    wait: dict[str, object] = {"@type": f"{RPC}RetryInfo", "retryDelay": "3.5s"}
    body = envelope(429, "RESOURCE_EXHAUSTED", "daily or not", quota(quota_id), wait)
    failure = classify(429, {}, body)
    assert failure.kind is kind
    assert failure.retry_after_s == 3.5


def test_a_key_that_is_refused_under_400() -> None:
    reason: dict[str, object] = {"@type": f"{RPC}ErrorInfo", "reason": "API_KEY_INVALID"}
    failure = classify(400, {}, envelope(400, "INVALID_ARGUMENT", "no", reason))
    assert failure.kind is FailureKind.ACCOUNT


def test_a_header_and_a_detail_that_wait_differently() -> None:
    wait: dict[str, object] = {"retryDelay": "3s"}
    body = envelope(503, "UNAVAILABLE", "m", wait)
    assert classify(503, {b"retry-after": b"7"}, body).retry_after_s == 7
    assert classify(503, {b"retry-after": b"1"}, body).retry_after_s == 3


@pytest.mark.parametrize("details", [b'"x"', b"[1]", b'[{"violations":{}}]', b'[{"reason":1}]'])
def test_details_of_an_unknown_form_lose_nothing_else(details: bytes) -> None:
    body = b'{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":%b}}' % details
    assert classify(429, {}, body).kind is FailureKind.QUOTA


@pytest.mark.parametrize("raw", [b"1", b'"down"', b'{"status":1}', b"{}", b"[]"])
def test_an_error_of_an_unknown_form_is_the_servers(raw: bytes) -> None:
    assert failure_of_event(msgspec.Raw(raw)).kind is FailureKind.SERVER_ERROR


def test_the_sample_and_a_proxys_page() -> None:
    body = (SAMPLES / "errors" / "gemini_generate_503.json").read_bytes()
    assert classify(503, {}, body) == Failure(
        FailureKind.OVERLOADED, "overloaded", 503, "UNAVAILABLE"
    )
    assert classify(502, {}, b"<html>").detail == "status 502"


def test_ours_name_field_and_wait() -> None:
    fields = msgspec.json.decode(error_body(CallerError("bad", param="seed"), "r"))["error"]
    assert (fields["code"], fields["status"]) == (400, "INVALID_ARGUMENT")
    assert fields["message"].startswith("seed: bad")
    assert {"field": "seed", "description": "bad"} in fields["details"][2]["fieldViolations"]
    fields = msgspec.json.decode(error_body(ShedError("full", retry_after_s=1.5), "r"))["error"]
    assert (fields["code"], fields["status"]) == (503, "UNAVAILABLE")
    assert fields["details"][1]["requestId"] == "r"
    assert fields["details"][-1]["retryDelay"] == "1.5s"
    assert classify(503, {}, msgspec.json.encode({"error": fields})).retry_after_s == 1.5


def test_a_context_that_is_too_long_is_told_in_googles_words() -> None:
    error = UpstreamError(Failure(FailureKind.CONTEXT_LENGTH, "prompt is too long", 400))
    assert classify(400, {}, error_body(error, "r")).kind is FailureKind.CONTEXT_LENGTH


def test_an_event_is_one_line_of_data_that_begins_with_the_error() -> None:
    event = error_event(CallerError("a\nb"), "r")
    assert event.startswith(b'data: {"error":{')  # Google's SDK looks for these bytes
    assert event.endswith(b"\r\n\r\n")
    assert event.count(b"\n") == 2
