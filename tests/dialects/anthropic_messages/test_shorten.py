"""Messages requests for shorter answers: max_tokens, and thinking, whose budget lies below it."""

import json
from typing import Any

import pytest

from penstock.dialects.anthropic_messages.dialect import AnthropicMessages
from penstock.dialects.capability import claude

MESSAGES = AnthropicMessages()
CAPPED = {"max_tokens": 128}
WHOLE = {"max_tokens": 4000}
OFF: dict[str, Any] = {"thinking": {"type": "disabled"}}
BUDGET: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
EFFORT: dict[str, Any] = {"output_config": {"effort": "low"}}


def sent(model: str, **fields: Any) -> dict[str, Any]:
    """What the upstream gets beside the question."""
    question = [{"role": "user", "content": "hi"}]
    body = {"model": "m", "messages": question, "max_tokens": 4000, **fields}
    inquiry = MESSAGES.inquire(json.dumps(body).encode())
    shorter = MESSAGES.shorten(inquiry, model, claude(model), 128)
    read = json.loads(MESSAGES.forward(shorter, model, asks_usage=False))
    return {name: read[name] for name in read if name not in ("model", "messages")}


TOOLS: dict[str, Any] = {"tools": [{"name": "t", "input_schema": {}}]}


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        ("claude-haiku-4-5", {}, CAPPED),
        ("claude-haiku-4-5", {"max_tokens": 100}, {"max_tokens": 100}),
        ("claude-haiku-4-5", OFF, CAPPED | OFF),
        ("claude-haiku-4-5", BUDGET, WHOLE | BUDGET),
        ("claude-haiku-4-5", {"thinking": None}, CAPPED | {"thinking": None}),
        ("claude-sonnet-5", {}, CAPPED | OFF),
        ("claude-sonnet-5", OFF, CAPPED | OFF),
        ("claude-sonnet-5", EFFORT, WHOLE | EFFORT),
        ("claude-haiku-5-5", {}, WHOLE),
        ("claude-haiku-4-5", TOOLS, WHOLE | TOOLS),
    ],
)  # fmt: skip
def test_limits_and_thinking(model: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(model, **fields) == expected
