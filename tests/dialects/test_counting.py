"""What holds of every sibling that counts.

An estimate is of what is said, not of how it is written down; and there always is one.
"""

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import DialectError
from penstock.core.estimate import tokens
from penstock.dialects import counting
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.counting import IMAGE_TOKENS, TURN_TOKENS
from penstock.dialects.registry import COUNTERS, DIALECTS

CLAUDE = COUNTERS["anthropic_messages"]


def estimate(*messages: dict[str, Any], **more: object) -> int:
    body = msgspec.json.encode({"model": "m", "messages": messages} | more)
    return counting.estimate(CLAUDE, CLAUDE.inquire(body)).usage.input_tokens


def user(content: object) -> dict[str, Any]:
    return {"role": "user", "content": content}


@given(text=st.text(st.characters(codec="utf-8"), min_size=1))
def test_text_counts_by_its_bytes(text: str) -> None:
    expected = tokens(len(text.encode()))
    assert estimate(user(text)) in (expected + TURN_TOKENS, 1)


def test_every_part_counts() -> None:
    one = estimate(user("weir"))
    assert estimate(user("weir"), system="abcd" * 5) == one + 5
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    size = tokens(len(msgspec.json.encode(schema)))
    tools = [{"name": "abcd", "description": "abcdefgh", "input_schema": schema}]
    assert estimate(user("weir"), tools=tools) == one + 1 + 2 + size
    source = {"type": "base64", "media_type": "image/png", "data": "A" * 40_000}
    block = {"type": "image", "source": source}
    assert estimate(user([{"type": "text", "text": "weir"}, block])) == one + IMAGE_TOKENS
    call: dict[str, Any] = {"type": "tool_use", "id": "c1", "name": "abcd", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "abcd" * 3}
    whole = estimate(user("weir"), {"role": "assistant", "content": [call]}, user([result]))
    assert whole == one + 2 * TURN_TOKENS + 2 + 3
    text = {"type": "text", "media_type": "text/plain", "data": "abcd" * 7}
    document = {"type": "document", "source": text}
    assert estimate(user([{"type": "text", "text": "weir"}, document])) == one + 7


def test_what_cannot_be_read_counts_by_its_size() -> None:
    body = {"model": "m", "messages": [user([{"type": "server_thing", "x": "y" * 400}])]}
    raw = msgspec.json.encode(body)
    answer = counting.estimate(CLAUDE, CLAUDE.inquire(raw))
    assert answer.usage.input_tokens == tokens(len(raw))


@pytest.mark.parametrize("messages", [[], [user("")]])
def test_nothing_is_one_token_at_least(messages: list[dict[str, Any]]) -> None:
    assert estimate(*messages) >= 1


def test_only_what_is_counted_goes_out() -> None:
    assert counting.only(b'{"a":1,"b":{"c":2}}', frozenset({"b", "z"})) == b'{"b":{"c":2}}'


# --- all siblings

ERRORS = {
    "anthropic_messages": b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
    "openai_responses": b'{"error":{"code":"server_error","message":"busy"}}',
    "gemini_generate": b'{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}',
}
INQUIRY = Inquiry(model="m", is_stream=False, fields={}, body=b"{}")
every_counter = pytest.mark.parametrize("counter", COUNTERS.values(), ids=list(COUNTERS))


@every_counter
@given(count=st.integers(0, 2**53))
def test_a_count_that_is_written_is_read_again(counter: Dialect, count: int) -> None:
    body = counter.write_answer(counting.answer_of(count), INQUIRY, 0)
    assert counter.read_answer(body).usage.input_tokens == count
    survey = counter.survey(body)
    assert survey.failure is None
    assert (survey.usage.is_known, survey.usage.input_tokens) == (True, 0)


@every_counter
@given(body=st.binary() | st.from_regex(rb"\{\"\w{1,12}\":[-\d\[\"]{0,3}\}"))
def test_any_bytes_raise_only_what_they_may(counter: Dialect, body: bytes) -> None:
    for read in (counter.survey, counter.read_answer):
        with contextlib.suppress(DialectError):
            read(body)


@every_counter
@pytest.mark.parametrize("value", ["-1", "1.5", '"12"', "null", "[1]"])
def test_what_is_no_count_is_refused(counter: Dialect, value: str) -> None:
    good = counter.write_answer(counting.answer_of(12), INQUIRY, 0)
    with pytest.raises(DialectError):
        counter.read_answer(good.replace(b"12", value.encode()))
    with pytest.raises(DialectError):
        counter.survey(b"{}")


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_under_200_is_a_failure(name: str) -> None:
    assert COUNTERS[name].survey(ERRORS[name]).failure is not None
    assert COUNTERS[name].name not in DIALECTS
