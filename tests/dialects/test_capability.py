"""Which family a model's name belongs to."""

import pytest

from penstock.dialects import capability
from penstock.dialects.capability import CLAUDES, OPENAIS, Thinking


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic.claude-opus-4-1-20250805-v1:0", "claude-opus-4-1"),
        ("claude-opus-4@20250514", "claude-opus-4"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("claude-haiku-5-5", "claude-haiku-5-5"),
        ("claude-fable-5", "claude-fable-5"),
    ],
)
def test_claude(model: str, family: str) -> None:
    assert capability.claude(model) is CLAUDES[family]


@pytest.mark.parametrize("model", ["claude-opus-4-9", "claude-sonnet-5-7", "claude", "claude-neu"])
def test_an_unknown_claude_is_asked_for_no_more_than_all_accept(model: str) -> None:
    unknown = capability.claude(model)
    assert not unknown.is_known
    assert not any((unknown.sampling, unknown.forced_tool, unknown.prefill))
    assert unknown.output_tokens_max <= min(
        known.output_tokens_max
        for name, known in CLAUDES.items()
        if not name.startswith("claude-3")
    )


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o", "gpt-4"),
        ("gpt-4.1-mini", "gpt-4"),
        ("gpt-5-mini", "gpt-5"),
        ("gpt-5.1", "gpt-5-1"),
        ("gpt-5.2", "gpt"),
        ("gpt-5.6-mini", "gpt-5-6"),
        ("gpt-6", "gpt"),
        ("o3-mini", "o3"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("gemini-2.5-flash", "gemini"),
    ],
)
def test_openai(model: str, family: str) -> None:
    assert capability.openai(model) is OPENAIS[family]


def test_an_engine_of_ones_own_is_asked_in_the_old_words() -> None:
    engine = capability.openai("qwen3-8b")
    assert not engine.names_completion_tokens
    assert engine.efforts == ()


@pytest.mark.parametrize(
    ("effort", "efforts", "nearest"),
    [
        ("low", ("low", "high"), "low"),
        ("medium", ("low", "high"), "low"),
        ("max", ("low", "high"), "high"),
        ("none", ("low", "high"), "low"),
    ],
)
def test_the_nearest_effort(effort: str, efforts: tuple[str, ...], nearest: str) -> None:
    assert capability.nearest_effort(effort, efforts) == nearest


def test_whoever_thinks_by_itself_knows_efforts() -> None:
    for family in CLAUDES.values():
        assert (family.thinking is Thinking.ADAPTIVE) is bool(family.efforts)
