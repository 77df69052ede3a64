"""Counting at Anthropic: the request of an answer without its limit."""

from typing import Any

import msgspec
import pytest
from tests.dialects.counts import body_of

from penstock.core.errors import DialectError
from penstock.dialects.anthropic_messages.count import FIELDS, MessagesCount
from penstock.dialects.registry import DIALECTS

COUNT = MessagesCount()
BODY: dict[str, Any] = {
    "model": "route",
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "What is a weir?"}],
    "tools": [{"name": "find", "input_schema": {"type": "object", "properties": {}}}],
}


def test_it_needs_no_limit_and_is_never_streamed() -> None:
    inquiry = COUNT.inquire(msgspec.json.encode(BODY | {"stream": True}))
    assert not inquiry.is_stream
    assert inquiry.needs_tools
    with pytest.raises(DialectError, match="max_tokens"):
        DIALECTS["anthropic_messages"].inquire(msgspec.json.encode(BODY))


def test_the_same_dialect_changes_the_model_only() -> None:
    body = msgspec.json.encode(BODY)
    assert COUNT.forward(COUNT.inquire(body), "route", asks_usage=False) is body
    sent = COUNT.forward(COUNT.inquire(body), "claude-sonnet-5", asks_usage=False)
    assert msgspec.json.decode(sent) == BODY | {"model": "claude-sonnet-5"}


@pytest.mark.parametrize("name", ["openai_responses", "gemini_generate"])
def test_it_is_asked_of_others(name: str) -> None:
    sent = msgspec.json.encode(body_of(COUNT, COUNT.inquire(msgspec.json.encode(BODY)), name))
    for word in (b"Be brief.", b"What is a weir?", b"find"):
        assert word in sent


def test_what_others_ask_has_nothing_that_is_not_counted() -> None:
    chat = DIALECTS["openai_chat"]
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "temperature": 0.5,
        "stop": ["x"],
        "user": "u",
    }
    sent = body_of(chat, chat.inquire(msgspec.json.encode(asked)), "anthropic_messages")
    assert set(sent) <= FIELDS
    assert sent["messages"][0]["role"] == "user"
