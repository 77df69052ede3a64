"""The gateway before two real engines: llama.cpp through llama-cpp-python's own server.

The model's weights are random, so what it says means nothing. But a token of it is a character
(``tiny_gguf.py``) and its answers are the most probable ones: an engine that goes on literally from
what was sent says, to the byte, what the broken one would have said. An engine whose chat format
closes the assistant's turn says something else, and there only the plumbing is tried.

Engines are killed for real, in the middle of an answer that has most of its way to go.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from tests.e2e.emulator import wait_until
from tests.e2e.gateway import RunningGateway, config_of
from tests.engine import asking
from tests.engine.conftest import Pair, StartEngine, table
from tests.engine.llama_server import MODEL, Engine

pytestmark = pytest.mark.engine

SHORT = 40  # tokens
BROKEN_AFTER = 20  # characters
PROMPT_TOKENS = len(f"user: {asking.QUESTION}\nassistant: ")
Stream = Callable[..., str]
Whole = Callable[..., tuple[str, int, int]]


def direct(engine: Engine, tokens: int = asking.TOKENS) -> str:
    """Return what an engine says when nobody stands before it."""
    with openai.OpenAI(base_url=engine.url, api_key="none", max_retries=0) as sdk:
        answer = sdk.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": asking.QUESTION}],
            max_tokens=tokens,
            temperature=0,
        )
    return answer.choices[0].message.content or ""


def once(strike: Callable[[], object]) -> asking.Seen:
    """Strike as soon as some text has been seen."""
    struck: list[int] = []

    def seen(text: str) -> None:
        if len(text) >= BROKEN_AFTER and not struck:
            struck.append(len(text))
            strike()

    return seen


def record_after(gateway: RunningGateway, count: int) -> dict[str, Any]:
    """Return the one record that came after so many."""
    wait_until(lambda: len(gateway.records()) > count)
    [record] = gateway.records()[count:]
    return record


def outcomes(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Return who was asked, without the mark of the test, and what came of it."""
    return [(one["upstream"].partition(".")[0], one["outcome"]) for one in record["attempts"]]


@pytest.mark.parametrize("stream", asking.STREAMS)
def test_a_stream_is_the_engine_s_own_words(pair: Pair, stream: Stream) -> None:
    count = len(pair.gateway.records())
    assert stream(pair.gateway.url, "strict", tokens=SHORT) == direct(pair.first, SHORT)
    record = record_after(pair.gateway, count)
    assert outcomes(record) == [("first", "success")]
    assert record["finish_reason"] == "length"
    # This server tells no usage in a stream.
    assert record["is_estimated"]
    assert record["input_tokens"] > 0
    assert record["output_tokens"] > 0


@pytest.mark.parametrize("whole", asking.WHOLES)
def test_a_whole_answer_has_the_engine_s_own_count(pair: Pair, whole: Whole) -> None:
    count = len(pair.gateway.records())
    told = whole(pair.gateway.url, "strict", tokens=SHORT)
    assert told == (direct(pair.first, SHORT), PROMPT_TOKENS, SHORT)
    record = record_after(pair.gateway, count)
    assert outcomes(record) == [("first", "success")]
    assert (record["input_tokens"], record["output_tokens"]) == (PROMPT_TOKENS, SHORT)
    assert not record.get("is_estimated")


@pytest.mark.parametrize("stream", asking.STREAMS)
def test_an_engine_is_killed_in_mid_stream_and_the_other_one_ends_the_answer(
    pair: Pair, stream: Stream
) -> None:
    unbroken = direct(pair.second)
    count = len(pair.gateway.records())
    text = stream(pair.gateway.url, "continued", seen=once(pair.first.kill))
    # The gateway guesses how many tokens are left, so the answer may be somewhat longer.
    assert len(text) >= len(unbroken)
    assert text.startswith(unbroken)
    record = record_after(pair.gateway, count)
    assert record["outcome"] == "complete"
    assert record["hops"] == 1
    assert outcomes(record) == [("first", "broken_stream"), ("second", "success")]
    assert record["output_tokens"] == sum(one["output_tokens"] for one in record["attempts"])
    assert record["is_estimated"]


@pytest.mark.parametrize("stream", asking.STREAMS)
def test_an_engine_is_killed_in_mid_stream_and_the_caller_is_told(
    pair: Pair, stream: Stream
) -> None:
    count = len(pair.gateway.records())
    with pytest.raises(asking.ERRORS, match="broke"):
        stream(pair.gateway.url, "strict", seen=once(pair.first.kill))
    record = record_after(pair.gateway, count)
    assert record["outcome"] == "broken"
    assert outcomes(record) == [("first", "broken_stream")]


@pytest.mark.parametrize("ask", [asking.chat_stream, asking.claude_stream, asking.chat_whole])
def test_an_engine_that_is_killed_before_it_says_anything_leaves_no_trace(
    pair: Pair, ask: Callable[..., Any]
) -> None:
    count, lines = len(pair.gateway.records()), len(pair.gateway.lines())
    expected = ask(pair.gateway.url, "second", tokens=SHORT)
    wait_until(lambda: len(pair.gateway.records()) == count + 1)
    lines = len(pair.gateway.lines())
    pair.first.suspend()
    with ThreadPoolExecutor() as thread:
        answer = thread.submit(ask, pair.gateway.url, "strict", tokens=SHORT)
        wait_until(lambda: len(pair.gateway.lines()) > lines)
        pair.first.kill()
        assert answer.result() == expected
    record = record_after(pair.gateway, count + 1)
    assert record["outcome"] == "complete"
    assert "hops" not in record
    assert [who for who, _ in outcomes(record)] == ["first", "second"]


def test_an_engine_that_drops_a_stream_for_the_next_request_is_no_end(pair: Pair) -> None:
    # This server's default: it ends the running stream with [DONE], and no finish reason.
    unbroken = direct(pair.second)
    count = len(pair.gateway.records())
    text = asking.chat_stream(
        pair.gateway.url, "continued", seen=once(lambda: direct(pair.first, 1))
    )
    record = record_after(pair.gateway, count)
    assert text.startswith(unbroken)
    assert record["hops"] == 1
    assert outcomes(record)[0] == ("first", "broken_stream")
    with pytest.raises(openai.APIError):
        asking.chat_stream(pair.gateway.url, "strict", seen=once(lambda: direct(pair.first, 1)))


def test_an_engine_whose_chat_format_closes_the_turn_is_asked_by_an_anchor(
    pair: Pair, start_engine: StartEngine
) -> None:
    other = start_engine("--chat_format", "chatml")
    mark = f"closed.{pair.gateway.version}"
    pair.gateway.reload(config_of(table(pair.first, other, mark, prefill="restarts")))
    count = len(pair.gateway.records())
    begun = direct(pair.first)
    text = asking.chat_stream(pair.gateway.url, "continued", seen=once(pair.first.kill))
    assert text.startswith(begun[:BROKEN_AFTER])
    assert len(text) > BROKEN_AFTER
    record = record_after(pair.gateway, count)
    assert record["hops"] == 1
    assert outcomes(record) == [("first", "broken_stream"), ("second", "success")]
    assert record["attempts"][1]["seam"] == "blunt", "a random model repeats no anchor"
    other.kill()


def test_a_request_beyond_the_engine_s_context_is_told_as_such(pair: Pair) -> None:
    messages = [{"role": "user", "content": "x" * 9000}]
    with (
        asking.gpt(pair.gateway.url) as sdk,
        pytest.raises(openai.BadRequestError, match="maximum context length is 8192") as told,
    ):
        sdk.chat.completions.create(model="strict", messages=messages, max_tokens=SHORT)
    assert told.value.code == "context_length_exceeded"


def test_a_stream_that_this_server_ends_before_it_begins_is_a_typed_error(pair: Pair) -> None:
    # Asked for a stream beyond its context, it says 200 and then nothing at all.
    messages = [{"role": "user", "content": "x" * 9000}]
    count = len(pair.gateway.records())
    with (
        asking.gpt(pair.gateway.url) as sdk,
        pytest.raises(openai.InternalServerError, match="before the model said why it stopped"),
    ):
        sdk.chat.completions.create(
            model="continued", messages=messages, max_tokens=SHORT, stream=True
        )
    record = record_after(pair.gateway, count)
    assert record["outcome"] == "failed"
    # It also closes the connection behind it: a pooled one is stale then, and dialled anew.
    assert "broken_stream" in {outcome for _, outcome in outcomes(record)}
