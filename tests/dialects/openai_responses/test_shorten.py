"""Responses requests for shorter answers: the limit, and any reasoning that is asked for."""

import json
from typing import Any

import pytest

from penstock.dialects.capability import openai
from penstock.dialects.openai_responses.dialect import OpenAIResponses

RESPONSES = OpenAIResponses()
CAPPED = {"max_output_tokens": 128}
QUIET = CAPPED | {"reasoning": {"effort": "minimal"}}


def sent(model: str, **fields: Any) -> dict[str, Any]:
    """What the upstream gets beside the question."""
    body = {"model": "m", "input": "hi", **fields}
    inquiry = RESPONSES.inquire(json.dumps(body).encode())
    shorter = RESPONSES.shorten(inquiry, model, openai(model), 128)
    read = json.loads(RESPONSES.forward(shorter, model, asks_usage=False))
    return {name: read[name] for name in read if name not in ("model", "input")}


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        ("gpt-4o", {}, CAPPED),
        ("gpt-4o", {"max_output_tokens": None}, CAPPED),
        ("gpt-4o", {"max_output_tokens": 100}, {"max_output_tokens": 100}),
        ("gpt-5", {}, QUIET),
        ("gpt-5", {"reasoning": None}, QUIET),
        ("gpt-5", {"reasoning": {"effort": "minimal"}}, QUIET),
        ("gpt-5", {"reasoning": {"effort": "low"}}, {"reasoning": {"effort": "low"}}),
        ("gpt-5", {"reasoning": {"summary": "auto"}}, {"reasoning": {"summary": "auto"}}),
        ("gpt-5", {"reasoning": "odd"}, {"reasoning": "odd"}),
        ("o3", {}, {}),
        ("gpt-4o", {"text": {"format": {"type": "json_object"}}},
         {"text": {"format": {"type": "json_object"}}}),
        ("gpt-4o", {"text": {"verbosity": "low"}}, CAPPED | {"text": {"verbosity": "low"}}),
    ],
)  # fmt: skip
def test_limits_and_reasoning(model: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(model, **fields) == expected
