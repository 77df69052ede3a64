"""OpenAI Responses errors: whose fault each is, and what ends a broken stream."""

import msgspec
import pytest

from penstock.core.errors import DeadlineError, ShedError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.openai_responses import errors
from penstock.dialects.openai_responses.passthrough import inquire
from penstock.dialects.openai_responses.response import Position

Raw = msgspec.Raw


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"code": "server_error", "message": "boom"}, FailureKind.SERVER_ERROR),
        ({"code": "rate_limit_exceeded", "message": "slow"}, FailureKind.QUOTA),
        ({"code": "slow_down"}, FailureKind.SHARED_CAPACITY),
        ({"code": "server_is_overloaded"}, FailureKind.OVERLOADED),
        ({"code": "insufficient_quota"}, FailureKind.ACCOUNT),
        ({"code": "context_length_exceeded"}, FailureKind.CONTEXT_LENGTH),
        ({"code": "invalid_prompt"}, FailureKind.REJECTED),
        ({"code": "image_too_large"}, FailureKind.REJECTED),
        ({"code": "bio_policy"}, FailureKind.REJECTED),
        ({"code": "vector_store_timeout"}, FailureKind.SERVER_ERROR),
        ({"code": None, "message": None}, FailureKind.SERVER_ERROR),
        ({}, FailureKind.SERVER_ERROR),
    ],
)
def test_a_code_says_whose_fault_it_is(told: dict[str, object], kind: FailureKind) -> None:
    in_response = errors.failure_of(Raw(msgspec.json.encode(told)))
    flat = errors.failure_of_event(Raw(msgspec.json.encode({"type": "error"} | told)))
    nested = errors.failure_of_event(Raw(msgspec.json.encode({"type": "error", "error": told})))
    assert in_response.kind is flat.kind is kind
    assert nested.kind is kind
    assert in_response.detail == flat.detail


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"no"', b'{"code":[]}', b"\xff"])
def test_an_error_in_an_odd_form_is_the_servers(data: bytes) -> None:
    for name in (errors.failure_of, errors.failure_of_event):
        assert name(Raw(data)).kind is FailureKind.SERVER_ERROR


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamError(Failure(FailureKind.BROKEN_STREAM, "cut")), "server_error"),
        (UpstreamError(Failure(FailureKind.CONTEXT_LENGTH, "long")), "context_length_exceeded"),
        (DeadlineError("too late"), "server_error"),
        (ShedError("full", retry_after_s=1), "server_error"),
    ],
)
def test_a_broken_stream_ends_where_it_is(
    error: UpstreamError | DeadlineError | ShedError, code: str
) -> None:
    asked = inquire(b'{"model":"m","input":"hi","instructions":"be brief"}')
    at = Position(response_id="resp_1", created_unix_s=7, sequence_number=12)
    raw = errors.failed_event(error, asked, at, "other")
    assert raw.startswith(b"event: response.failed\ndata: {")
    assert raw.endswith(b"}\n\n")
    told = msgspec.json.decode(raw.partition(b"data: ")[2])
    assert (told["type"], told["sequence_number"]) == ("response.failed", 12)
    response = told["response"]
    assert (response["id"], response["created_at"]) == ("resp_1", 7)
    assert (response["status"], response["model"]) == ("failed", "other")
    assert response["instructions"] == "be brief"
    assert response["error"]["code"] == code
    assert error.message in response["error"]["message"]


def test_an_error_of_a_stream_of_which_nothing_is_known() -> None:
    raw = errors.error_event(DeadlineError("too late"), "req_1")
    told = msgspec.json.decode(raw.partition(b"data: ")[2])
    assert told["sequence_number"] == 0
    assert told["response"]["id"] == "resp_req_1"
