"""What a refused caller gets, dialect by dialect: the table of TIERING 5, as bytes on the wire."""

from typing import Any

import msgspec
import pytest
from tests.wire.loopback import Recorder
from tests.wire.offline import feed, offline

from penstock.apps.gateway.caller import HttpCaller
from penstock.core.errors import SHED, LimitError, PenstockError, ShedError, UpstreamError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.registry import DIALECTS, ENDPOINTS

CHAT, RESPONSES, CLAUDE, GEMINI = DIALECTS
ASKED = b"POST /v1/x HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n{}"
TIER = b"x-penstock-tier: free\r\n"
OVER = LimitError("the tenant 'acme'", "requests_per_min", 60, 0, retry_after_s=2.5)
BROKE = LimitError("the tenant 'acme'", "budget_day_microusd", 9, 0, retry_after_s=float("inf"))
LOST = UpstreamError(Failure(FailureKind.OVERLOADED, status=529))


def shed(code: str, wait_s: float = 3.2) -> ShedError:
    return ShedError("Not now.", retry_after_s=wait_s, code=code)


def refused(name: str, error: PenstockError) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Return status, headers and ``error`` as they go out in a dialect or a sibling of one."""
    connection, transport, handler = offline(Recorder(answers=False))
    feed(connection, ASKED)
    HttpCaller(handler.calls[0], ENDPOINTS[name].dialect, "req_1", b"").refuse(error, TIER)
    head, _, body = transport.output.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert len(headers) == len(lines), "a header stands there twice"
    return int(first.split()[1]), headers, msgspec.json.decode(body)["error"]


@pytest.mark.parametrize(
    ("error", "openai", "anthropic", "gemini"),
    [
        (
            OVER,
            (429, "rate_limit_exceeded"),
            (429, "rate_limit_error"),
            (429, "RESOURCE_EXHAUSTED"),
        ),
        (
            shed("tier_capacity"),
            (503, "tier_capacity"),
            (529, "overloaded_error"),
            (503, "UNAVAILABLE"),
        ),
        (
            shed("no_new_sessions"),
            (503, "no_new_sessions"),
            (529, "overloaded_error"),
            (503, "UNAVAILABLE"),
        ),
        (shed("queue_timeout"), (503, "queue_timeout"), (503, "api_error"), (503, "UNAVAILABLE")),
        (shed("preempted"), (503, "preempted"), (503, "api_error"), (503, "UNAVAILABLE")),
        (LOST, (503, "no_capacity"), (529, "overloaded_error"), (503, "UNAVAILABLE")),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_every_dialect_has_its_status_and_its_word(
    error: PenstockError,
    openai: tuple[int, str],
    anthropic: tuple[int, str],
    gemini: tuple[int, str],
) -> None:
    due = {
        CHAT: (*openai, "code"),
        RESPONSES: (*openai, "code"),
        CLAUDE: (*anthropic, "type"),
        GEMINI: (*gemini, "status"),
        "openai_embeddings": (*openai, "code"),
        "openai_input_tokens": (*openai, "code"),
        "anthropic_count_tokens": (*anthropic, "type"),
        "gemini_count_tokens": (*gemini, "status"),
        "gemini_embed": (*gemini, "status"),
        "gemini_batch_embed": (*gemini, "status"),
    }
    assert set(due) == set(ENDPOINTS)
    for name, (status, word, field) in due.items():
        told, headers, fields = refused(name, error)
        assert (told, fields[field]) == (status, word), name
        assert headers["x-penstock-tier"] == "free"
        reason = error.dimension if isinstance(error, LimitError) else error.code
        assert headers["x-penstock-shed-reason"] == reason
        assert 1 <= int(headers["retry-after"]) <= 60
        assert ("x-penstock-preempted" in headers) is (error.code == "preempted")


@pytest.mark.parametrize("name", DIALECTS)
def test_who_was_moved_aside_may_come_back_at_once(name: str) -> None:
    _, headers, _ = refused(name, shed("preempted", 17.0))
    assert (headers["retry-after"], headers["x-penstock-preempted"]) == ("1", "true")
    assert headers["x-should-retry"] == "true"


def test_a_limit_is_told_in_the_dialects_own_headers() -> None:
    headers = refused(CHAT, OVER)[1]
    assert headers["x-ratelimit-limit-requests"] == "60"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert headers["x-ratelimit-reset-requests"] == "2.5s"
    headers = refused(CLAUDE, OVER)[1]
    assert headers["anthropic-ratelimit-requests-limit"] == "60"
    assert headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    for name in DIALECTS:
        headers = refused(name, OVER)[1]
        assert (headers["retry-after"], headers["x-should-retry"]) == ("3", "true")
        assert any("ratelimit" in line for line in headers) is (name != GEMINI)
        assert not any("ratelimit" in line for line in refused(name, shed("tier_capacity"))[1])


@pytest.mark.parametrize("name", DIALECTS)
def test_a_wait_without_end_is_told_as_one(name: str) -> None:
    _, headers, _ = refused(name, BROKE)
    assert headers["x-penstock-shed-reason"] == "budget_day_microusd"
    assert (headers["retry-after"], headers["x-should-retry"]) == ("60", "false")
    assert int(headers["x-penstock-wait-estimate-s"]) == 31 * 86_400
    assert not any("ratelimit" in line for line in headers)


def test_google_says_the_wait_in_the_body() -> None:
    details = refused(GEMINI, OVER)[2]["details"]
    assert {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"} in details


def test_every_reason_has_its_words() -> None:
    for code, words in SHED.items():
        assert shed(code).code == code
        assert words
