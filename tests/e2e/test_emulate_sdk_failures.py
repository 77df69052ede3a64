"""Scripted failures reach the caller as the official SDKs' own errors."""

from typing import Any

import anthropic
import httpx2
import openai
import pytest
from google.genai import errors, types
from tests.e2e.emulator import RunningEmulator, wait_until

SONNET, GPT, FLASH = "claude-sonnet-5-5", "gpt-5.6", "gemini-3.7-flash"


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (402, "APIStatusError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (408, "APIStatusError"),
        (409, "ConflictError"),
        (413, "APIStatusError"),
        (422, "UnprocessableEntityError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (502, "InternalServerError"),
        (503, "InternalServerError"),
        (504, "InternalServerError"),
        (529, "InternalServerError"),
        (530, "InternalServerError"),
    ],
)
def test_a_scripted_status_becomes_the_sdks_own_error(
    emulator: RunningEmulator,
    claude: Any,
    gpt: Any,
    gemini: Any,
    status: int,
    name: str,
) -> None:
    emulator.faults({"kind": f"http_{status}"})
    with pytest.raises(getattr(anthropic, name)) as from_claude:
        claude.messages.create(model=SONNET, max_tokens=9, messages=user("hi"))
    with pytest.raises(getattr(openai, name)) as from_gpt:
        gpt.chat.completions.create(model=GPT, messages=user("hi"), stream=True)
    with pytest.raises(errors.APIError) as from_gemini:
        gemini.generate_content(model=FLASH, contents="hi")
    codes = (from_claude.value.status_code, from_gpt.value.status_code, from_gemini.value.code)
    assert codes == (status, status, status)
    outcomes = {attempt["outcome"] for attempt in emulator.attempts()}
    assert outcomes == {f"faulted:http_{status}"}


def test_each_429_says_whose_limit_it_is(emulator: RunningEmulator, claude: Any, gpt: Any) -> None:
    seen: dict[str, tuple[str | None, str, str]] = {}
    for flavour in ("quota", "shared_capacity", "insufficient_quota"):
        emulator.faults({"kind": "http_429", "flavour": flavour, "retry_after_s": 7})
        with pytest.raises(openai.RateLimitError) as caught:
            gpt.chat.completions.create(model=GPT, messages=user("hi"))
        headers = caught.value.response.headers
        remaining = headers["x-ratelimit-remaining-requests"]
        seen[flavour] = (caught.value.code, remaining, headers["retry-after"])
        with pytest.raises(anthropic.RateLimitError) as from_claude:
            claude.messages.create(model=SONNET, max_tokens=9, messages=user("hi"))
        left = from_claude.value.response.headers["anthropic-ratelimit-requests-remaining"]
        assert (left == "0") == (flavour == "quota")
    assert seen == {
        "quota": ("rate_limit_exceeded", "0", "7"),
        "shared_capacity": ("slow_down", "999999", "7"),
        "insufficient_quota": ("insufficient_quota", "999999", "7"),
    }


def test_a_real_limit_gives_a_genuine_429(emulator: RunningEmulator, gpt: Any) -> None:
    emulator.limits(gpt={"requests_per_min": 2})
    for remaining in ("1", "0"):
        raw = gpt.chat.completions.with_raw_response.create(model=GPT, messages=user("hi"))
        assert raw.headers["x-ratelimit-remaining-requests"] == remaining
    with pytest.raises(openai.RateLimitError) as caught:
        gpt.chat.completions.create(model=GPT, messages=user("hi"))
    assert 0 < int(caught.value.response.headers["retry-after"]) <= 30
    other = gpt.with_options(api_key="another-account")
    assert other.chat.completions.create(model=GPT, messages=user("hi")).choices
    assert [a["outcome"] for a in emulator.attempts()].count("rejected") == 1


def test_an_error_event_becomes_the_sdks_error(
    emulator: RunningEmulator,
    claude: Any,
    gpt: Any,
    gemini: Any,
) -> None:
    for kind in ("error_event_first", "error_event_mid"):
        emulator.faults({"kind": kind, "status": 529})
        with (
            pytest.raises(anthropic.APIStatusError) as from_claude,
            claude.messages.stream(model=SONNET, max_tokens=99, messages=user("hi")) as stream,
        ):
            stream.get_final_message()
        assert from_claude.value.type == "overloaded_error"
        with pytest.raises(openai.APIError) as from_gpt:
            list(gpt.chat.completions.create(model=GPT, messages=user("hi"), stream=True))
        assert from_gpt.value.code == "server_is_overloaded"
        emulator.faults({"kind": kind, "status": 503})
        with pytest.raises(errors.ServerError) as from_gemini:
            list(gemini.generate_content_stream(model=FLASH, contents="hi"))
        assert from_gemini.value.code == 503


def test_a_refusal_is_a_success(
    emulator: RunningEmulator,
    claude: Any,
    gpt: Any,
    gemini: Any,
) -> None:
    emulator.faults({"kind": "refusal"})
    message = claude.messages.create(model=SONNET, max_tokens=99, messages=user("hi"))
    assert message.stop_reason == "refusal"
    assert message.stop_details is not None
    completion = gpt.chat.completions.create(model=GPT, messages=user("hi"))
    assert completion.choices[0].finish_reason == "content_filter"
    answer = gemini.generate_content(model=FLASH, contents="hi")
    assert answer.candidates is not None
    assert answer.candidates[0].finish_reason is types.FinishReason.SAFETY
    assert {attempt["outcome"] for attempt in emulator.attempts()} == {"complete"}


def test_an_abort_is_seen_and_a_cut_is_not(
    emulator: RunningEmulator, claude: Any, gpt: Any
) -> None:
    emulator.faults({"kind": "stream_abort"})
    with pytest.raises(openai.APIConnectionError):
        list(gpt.chat.completions.create(model=GPT, messages=user("hi"), stream=True))
    with (
        pytest.raises(httpx2.RemoteProtocolError),
        claude.messages.stream(model=SONNET, max_tokens=99, messages=user("hi")) as stream,
    ):
        stream.get_final_message()
    emulator.faults({"kind": "stream_cut", "after_events": 2})
    chunks = list(gpt.chat.completions.create(model=GPT, messages=user("hi"), stream=True))
    assert sum(bool(c.choices[0].delta.content) for c in chunks) == 2
    assert chunks[-1].choices[0].finish_reason is None


def test_a_caller_who_leaves_stops_the_stream(emulator: RunningEmulator, gpt: Any) -> None:
    emulator.pace(gpt={"ttft_s": 0.0, "tokens_per_s": 50.0})
    stream = gpt.chat.completions.create(model=GPT, messages=user("[[words:5000]]"), stream=True)
    for chunk, _ in zip(stream, range(4), strict=False):
        assert chunk.choices
    stream.close()
    wait_until(lambda: emulator.stats()["open"] == 0)
    (attempt,) = emulator.attempts()
    assert attempt["outcome"] == "cancelled"
    assert attempt["cancelled_at_s"] is not None
    assert 3 <= attempt["output_tokens"] < 1000
