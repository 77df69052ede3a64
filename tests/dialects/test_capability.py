"""Which family a model's name belongs to."""

import pytest

from penstock.dialects import capability
from penstock.dialects.capability import Engine, Prefill
from penstock.dialects.families import CLAUDES, ENGINES, GEMINIS, OPENAIS, REFUSING_GEMINI


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
    assert not any((unknown.sampling, unknown.forced_tool, unknown.later_system))
    assert unknown.prefill is Prefill.REFUSED
    assert unknown.output_tokens_max <= min(
        known.output_tokens_max
        for name, known in CLAUDES.items()
        if not name.startswith("claude-3")
    )


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-4.1-mini", "gpt-4-1"),
        ("gpt-5-mini", "gpt-5"),
        ("gpt-5.1", "gpt-5-1"),
        ("gpt-5.2", "gpt"),
        ("gpt-5.6-mini", "gpt-5-6"),
        ("gpt-6", "gpt"),
        ("o3-mini", "o3-mini"),
        ("o3-pro", "o3"),
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


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gemini-2.5-flash", "gemini-2-5"),
        ("gemini-2.5-flash-lite", "gemini-2-5"),
        ("models/gemini-3-pro-preview", "gemini-3"),
        ("gemini-3-flash-preview", "gemini-3-flash"),
        ("gemini-3.1-pro", "gemini-3-1"),
        ("gemini-3.5-flash", "gemini-3-5"),
        ("gemini-3.5-flash-lite", "gemini-3-5-flash-lite"),
        ("gemini-3.7-flash", "gemini-3-7"),
    ],
)
def test_gemini(model: str, family: str) -> None:
    assert capability.gemini(model) is GEMINIS[family]


@pytest.mark.parametrize("model", ["gemini-3.8-flash", "gemini-4", "gemini", "palm"])
def test_an_unknown_gemini_is_asked_for_no_more_than_all_accept(model: str) -> None:
    unknown = capability.gemini(model)
    assert not unknown.is_known
    assert unknown.prefill is Prefill.REFUSED
    assert unknown.signatures


@pytest.mark.parametrize("engine", list(Engine))
def test_an_engine_decides_whatever_its_models_are_called(engine: Engine) -> None:
    for model in ("qwen3-8b", "gpt-4o", "gemini-3"):
        assert capability.openai(model, engine) is ENGINES[engine]


def test_an_engines_model_knows_efforts_where_its_family_does() -> None:
    row = capability.openai("openai/gpt-oss-20b", Engine.VLLM)
    assert row.efforts == ("low", "medium", "high")
    assert row.prefill is Prefill.CONTINUE


@pytest.mark.parametrize(
    ("dialect", "model", "row"),
    [
        ("anthropic_messages", "claude-opus-5", CLAUDES["claude-opus-5"]),
        ("openai_chat", "gpt-4o", OPENAIS["gpt-4o"]),
        ("openai_responses", "gpt-5", OPENAIS["gpt-5"]),
        ("gemini_generate", "gemini-3.6-pro", GEMINIS["gemini-3-6"]),
        ("openai_chat", "gemini-2.5-pro", OPENAIS["gemini"]),
        ("openai_chat", "gemini-3.6-pro", REFUSING_GEMINI),
        ("openai_chat", "llama", ENGINES[Engine.OTHER]),
    ],
)
def test_the_dialect_names_the_table(dialect: str, model: str, row: capability.Capability) -> None:
    assert capability.of(dialect, model) is row
