"""Chat requests for shorter answers: which limit, and the effort."""

import json
from typing import Any

import msgspec
import pytest

from penstock.dialects.capability import Engine, openai
from penstock.dialects.openai_chat.dialect import OpenAIChat

CHAT = OpenAIChat()


def sent(model: str, engine: Engine | None = None, **fields: Any) -> dict[str, Any]:
    """What the upstream gets, of the limits and the effort."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
    inquiry = CHAT.inquire(json.dumps(body).encode())
    known = openai(model, engine)
    shorter = CHAT.shorten(inquiry, model, known, 128)
    read = json.loads(CHAT.forward(shorter, model, asks_usage=False, capability=known))
    return {name: read[name] for name in read if "tokens" in name or "effort" in name}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"max_completion_tokens": 128}),
        ({"max_tokens": 999}, {"max_tokens": 128}),
        ({"max_completion_tokens": 999}, {"max_completion_tokens": 128}),
        ({"max_tokens": 999, "max_completion_tokens": 500},
         {"max_tokens": 128, "max_completion_tokens": 128}),
        ({"max_tokens": 999, "max_completion_tokens": 50},
         {"max_tokens": 999, "max_completion_tokens": 50}),
        ({"reasoning_effort": None}, {"max_completion_tokens": 128, "reasoning_effort": None}),
        ({"reasoning_effort": "none"}, {"max_completion_tokens": 128, "reasoning_effort": "none"}),
        ({"reasoning_effort": "high"}, {"reasoning_effort": "high"}),
        ({"response_format": {"type": "json_object"}}, {}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {}),
        ({"response_format": {"type": "text"}}, {"max_completion_tokens": 128}),
    ],
)  # fmt: skip
def test_limits(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("gpt-4o", **fields) == expected


def test_engines_are_told_in_older_words() -> None:
    assert sent("llama-3", Engine.VLLM) == {"max_tokens": 128}
    assert sent("llama-3", Engine.VLLM, max_completion_tokens=999) == {"max_tokens": 128}
    assert sent("qwen", Engine.OLLAMA) == {"max_tokens": 128, "reasoning_effort": "none"}


def test_models_that_think_unasked_are_told_not_to_or_left_alone() -> None:
    assert sent("gpt-5") == {"max_completion_tokens": 128, "reasoning_effort": "minimal"}
    assert sent("gpt-5", reasoning_effort="minimal") == {
        "max_completion_tokens": 128, "reasoning_effort": "minimal",
    }  # fmt: skip
    assert sent("gpt-5", reasoning_effort="low") == {"reasoning_effort": "low"}
    assert sent("o3") == {}


def test_without_a_cap_the_bytes_are_the_callers() -> None:
    body = b'{"model": "m",  "messages": [ ]}'
    inquiry = CHAT.inquire(body)
    assert CHAT.forward(inquiry, "m", asks_usage=False) is body
    shorter = CHAT.shorten(inquiry, "gpt-4o", openai("gpt-4o"), 128)
    assert bytes(shorter.fields["messages"]) == b"[ ]"
    assert msgspec.json.decode(shorter.body)["model"] == "m"
