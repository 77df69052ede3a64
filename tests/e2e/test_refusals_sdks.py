"""Refusals as the official SDKs see them: which error, whether they come back, and when.

The gateway's own writing end of a call answers, on a socket of its own, with what the gate would
refuse; so the bytes are those that a gateway sends. A second request is answered well.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from penstock.apps.gateway.caller import HttpCaller
from penstock.config.model import ServerLimits
from penstock.core.errors import LimitError, PenstockError, ShedError
from penstock.core.tier import Tier
from penstock.dialects import counting
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.registry import DIALECTS
from penstock.wire.call import Call
from penstock.wire.server import Server

pytestmark = pytest.mark.slow

OVER = LimitError("the tenant 'acme'", "requests_per_min", 60, 0, retry_after_s=0.4)
FAR = LimitError("the tenant 'acme'", "budget_day_microusd", 9, 0, retry_after_s=3600.0)
FULL = ShedError("Not now.", retry_after_s=1.0, code="tier_capacity")
LATE = ShedError("Not now.", retry_after_s=1.0, code="queue_timeout")
MOVED = ShedError("Not now.", retry_after_s=9.0, code="preempted")
USER: list[Any] = [{"role": "user", "content": "hi"}]
TIER = b"x-penstock-tier: free\r\n"


class Refuser:
    """Refuses the first request with an error, and answers all others well."""

    def __init__(self) -> None:
        self.error: PenstockError = FULL
        self.dialect: Dialect = DIALECTS["openai_chat"]
        self.at_s: list[float] = []
        self.url = ""

    def on_call(self, call: Call) -> None:
        """Answer one request."""
        self.at_s.append(call.received_at_s)
        dialect = self.dialect
        caller = HttpCaller(call, dialect, "req_1", b"")
        if len(self.at_s) == 1:
            caller.refuse(self.error, TIER)
            return
        inquiry = Inquiry("m", is_stream=False, fields={}, body=b"")
        inquiry.served = Tier.STANDARD
        body = dialect.write_answer(counting.answer_of(1, "m"), inquiry, 1)
        caller.answer(200, b"content-type: application/json\r\n" + TIER, body)

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        """Let nothing of the wire be refused."""
        raise AssertionError((call.target, status, reason))

    def refuse(self, dialect: str, error: PenstockError) -> None:
        """Refuse the next request so."""
        self.dialect, self.error = DIALECTS[dialect], error
        self.at_s.clear()

    @property
    def pause_s(self) -> float:
        """How long the client has waited before it came back."""
        assert len(self.at_s) == 2
        return self.at_s[1] - self.at_s[0]


async def close(server: Server) -> None:
    """Close the connections, and let the loop see that they are."""
    await server.drain(1.0)
    server.close()
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def served() -> Iterator[Refuser]:
    """Serve it from a thread of its own."""
    refuser, loop = Refuser(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = Server(loop, refuser, ServerLimits())
    listening = asyncio.run_coroutine_threadsafe(server.listen("127.0.0.1", 0), loop)
    refuser.url = f"http://127.0.0.1:{listening.result(5)}"
    yield refuser
    asyncio.run_coroutine_threadsafe(close(server), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def chat(url: str, retries: int) -> Any:
    with openai.OpenAI(base_url=url, api_key="pk", max_retries=retries) as client:
        return client.chat.completions.with_raw_response.create(model="m", messages=USER)


def responses(url: str, retries: int) -> Any:
    with openai.OpenAI(base_url=url, api_key="pk", max_retries=retries) as client:
        return client.responses.with_raw_response.create(model="m", input="hi")


def claude(url: str, retries: int) -> Any:
    with anthropic.Anthropic(base_url=url, api_key="pk", max_retries=retries) as client:
        create = client.messages.with_raw_response.create
        return create(model="m", max_tokens=9, messages=USER)


def gemini(url: str, retries: int) -> Any:
    again = types.HttpRetryOptions(
        attempts=retries + 1, initial_delay=0.01, max_delay=0.02, jitter=0.0
    )
    options = types.HttpOptions(base_url=url, retry_options=again)
    client: Any = genai.Client(api_key="pk", http_options=options)
    try:
        return client.models.generate_content(model="m", contents="hi")
    finally:
        client.close()


class Way(NamedTuple):
    """How an SDK asks in a dialect."""

    dialect: str
    ask: Callable[[str, int], Any]
    sdk: Any


CHAT = Way("openai_chat", chat, openai)
RESPONSES = Way("openai_responses", responses, openai)
CLAUDE = Way("anthropic_messages", claude, anthropic)
CASES: list[tuple[PenstockError, str, int, int]] = [
    (OVER, "RateLimitError", 429, 429),
    (FULL, "InternalServerError", 503, 529),
    (LATE, "InternalServerError", 503, 503),
    (MOVED, "InternalServerError", 503, 503),
]


@pytest.mark.parametrize("case", CASES, ids=lambda one: one[0].code)
@pytest.mark.parametrize("way", [CHAT, RESPONSES, CLAUDE], ids=lambda one: one.dialect)
def test_a_refusal_is_the_sdks_own_error(
    served: Refuser, way: Way, case: tuple[PenstockError, str, int, int]
) -> None:
    error, name, from_openai, from_anthropic = case
    served.refuse(way.dialect, error)
    with pytest.raises(getattr(way.sdk, name)) as caught:
        way.ask(served.url, 0)
    status = from_anthropic if way is CLAUDE else from_openai
    assert caught.value.status_code == status
    headers = caught.value.response.headers
    assert headers["retry-after"] == "1"
    assert headers["x-penstock-tier"] == "free"
    reason = error.dimension if isinstance(error, LimitError) else error.code
    assert headers["x-penstock-shed-reason"] == reason
    assert len(served.at_s) == 1


@pytest.mark.parametrize("way", [CHAT, CLAUDE], ids=lambda one: one.dialect)
@pytest.mark.parametrize("error", [OVER, FULL], ids=lambda one: one.code)
def test_they_come_back_when_they_are_told_to(
    served: Refuser, way: Way, error: PenstockError
) -> None:
    """Both wait for Retry-After, not for the half second of their own."""
    served.refuse(way.dialect, error)
    assert way.ask(served.url, 1).headers["x-penstock-tier"] == "free"
    assert served.pause_s >= 0.95


@pytest.mark.parametrize("way", [CHAT, RESPONSES, CLAUDE], ids=lambda one: one.dialect)
def test_they_do_not_come_back_where_that_is_of_no_use(served: Refuser, way: Way) -> None:
    served.refuse(way.dialect, FAR)
    with pytest.raises(way.sdk.RateLimitError) as caught:
        way.ask(served.url, 2)
    assert len(served.at_s) == 1
    assert caught.value.response.headers["x-penstock-wait-estimate-s"] == "3600"


@pytest.mark.parametrize(("error", "status"), [(OVER, 429), (FULL, 503), (LATE, 503), (MOVED, 503)])
def test_googles_error_says_it_too(served: Refuser, error: PenstockError, status: int) -> None:
    served.refuse("gemini_generate", error)
    with pytest.raises(errors.APIError) as caught:
        gemini(served.url, 0)
    assert caught.value.code == status
    assert caught.value.status == ("RESOURCE_EXHAUSTED" if status == 429 else "UNAVAILABLE")
    assert len(served.at_s) == 1


def test_google_comes_back_when_it_likes(served: Refuser) -> None:
    """It reads no Retry-After: a header cannot keep it away, a limit must."""
    served.refuse("gemini_generate", FAR)
    gemini(served.url, 1)
    assert served.pause_s < 30.0  # it was told 60


def test_the_rate_limit_headers_are_where_users_look_for_them(served: Refuser) -> None:
    served.refuse("openai_chat", OVER)
    with pytest.raises(openai.RateLimitError) as from_gpt:
        chat(served.url, 0)
    assert from_gpt.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert from_gpt.value.code == "rate_limit_exceeded"
    served.refuse("anthropic_messages", OVER)
    with pytest.raises(anthropic.RateLimitError) as from_claude:
        claude(served.url, 0)
    headers = from_claude.value.response.headers
    assert headers["anthropic-ratelimit-requests-limit"] == "60"
