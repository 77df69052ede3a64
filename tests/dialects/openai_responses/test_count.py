"""Counting at OpenAI: what is input, and nothing else."""

from typing import Any

import msgspec
import pytest
from tests.dialects.counts import body_of

from penstock.dialects.openai_responses.count import FIELDS, ResponsesCount
from penstock.dialects.registry import DIALECTS

COUNT = ResponsesCount()
BODY: dict[str, Any] = {
    "model": "route",
    "instructions": "Be brief.",
    "input": "What is a weir?",
    "tools": [{"type": "function", "name": "find", "parameters": {"type": "object"}}],
}


def test_the_same_dialect_changes_the_model_only() -> None:
    body = msgspec.json.encode(BODY)
    inquiry = COUNT.inquire(body)
    assert not inquiry.is_stream
    assert COUNT.forward(inquiry, "route", asks_usage=False) is body
    sent = COUNT.forward(inquiry, "gpt-5.6", asks_usage=False)
    assert msgspec.json.decode(sent) == BODY | {"model": "gpt-5.6"}
    assert COUNT.path("gpt-5.6", is_stream=False) == b"/responses/input_tokens"


@pytest.mark.parametrize("name", ["anthropic_messages", "gemini_generate"])
def test_it_is_asked_of_others(name: str) -> None:
    sent = msgspec.json.encode(body_of(COUNT, COUNT.inquire(msgspec.json.encode(BODY)), name))
    for word in (b"Be brief.", b"What is a weir?", b"find"):
        assert word in sent


def test_what_others_ask_has_nothing_that_is_not_counted() -> None:
    messages = DIALECTS["anthropic_messages"]
    asked = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 9,
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
    }
    sent = body_of(messages, messages.inquire(msgspec.json.encode(asked)), "openai_responses")
    assert set(sent) <= FIELDS
    assert "store" not in sent
