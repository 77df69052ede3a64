"""generateContent for shorter answers: the limit and thinking, in both spellings."""

import json
from typing import Any

import pytest

from penstock.dialects.capability import gemini
from penstock.dialects.gemini_generate.dialect import GeminiGenerate

GEMINI = GeminiGenerate()
FLASH = "gemini-2.5-flash"
OFF: dict[str, Any] = {"thinkingConfig": {"thinkingBudget": 0}}
CAPPED: dict[str, Any] = {"maxOutputTokens": 128}


def sent(model: str, config: object, name: str = "generationConfig") -> object:
    """The settings that the upstream gets."""
    body: dict[str, object] = {"contents": [{"parts": [{"text": "hi"}]}], "model": "m"}
    if config != {}:
        body[name] = config
    path = b"/v1beta/models/m:generateContent"
    inquiry = GEMINI.inquire(json.dumps(body).encode(), path)
    shorter = GEMINI.shorten(inquiry, model, gemini(model), 128)
    read = json.loads(GEMINI.forward(shorter, model, asks_usage=False))
    assert "model" not in read
    assert "generation_config" not in read
    return read.get("generationConfig", {})


@pytest.mark.parametrize(
    ("model", "config", "expected"),
    [
        ("gemini-2.0-flash", {}, CAPPED),
        ("gemini-2.0-flash", {"topK": 3}, CAPPED | {"topK": 3}),
        ("gemini-2.0-flash", {"maxOutputTokens": 100}, {"maxOutputTokens": 100}),
        ("gemini-2.0-flash", {"responseMimeType": "application/json"},
         {"responseMimeType": "application/json"}),
        ("gemini-2.0-flash", {"responseMimeType": "text/plain"},
         CAPPED | {"responseMimeType": "text/plain"}),
        (FLASH, {}, CAPPED | OFF),
        (FLASH, OFF, CAPPED | OFF),
        (FLASH, {"thinkingConfig": {"thinkingBudget": -1}},
         {"thinkingConfig": {"thinkingBudget": -1}}),
        (FLASH, {"thinkingConfig": {"includeThoughts": True}},
         {"thinkingConfig": {"includeThoughts": True}}),
        (FLASH, {"thinkingConfig": 3}, {"thinkingConfig": 3}),
        ("gemini-2.5-pro", {}, {}),
        ("gemini-3-pro", {}, {}),
        ("gemini-3-flash", {}, CAPPED | {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}),
        ("gemini-3-flash", {"thinkingConfig": {"thinkingLevel": "HIGH"}},
         {"thinkingConfig": {"thinkingLevel": "HIGH"}}),
    ],
)  # fmt: skip
def test_limits_and_thinking(model: str, config: object, expected: object) -> None:
    assert sent(model, config) == expected


def test_snake_case() -> None:
    config = {"max_output_tokens": 999, "thinking_config": {"thinking_budget": 0}}
    told = CAPPED | {"thinkingConfig": {"thinking_budget": 0}}
    assert sent(FLASH, config, "generation_config") == told
    config = {"max_output_tokens": 99, "top_k": 3}
    assert sent(FLASH, config, "generation_config") == config
