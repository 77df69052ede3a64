"""What a configuration says of a model outranks the table, the nearer the more."""

import msgspec
import pytest

from penstock.config.declared import declared, given, overrides
from penstock.config.model import DialectName, Feature, ModelOverrides, Target, Upstream
from penstock.dialects import capability
from penstock.dialects.capability import Capability, Engine, Prefill

LOCAL = Upstream(
    name="local",
    dialect=DialectName.OPENAI_CHAT,
    base_url="http://127.0.0.1:8000/v1",
    engine=Engine.VLLM,
    models={
        "qwen3-8b": ModelOverrides(context_tokens_max=32_768, images=False),
        "qwen3-*": ModelOverrides(forced_tool=False),
        "qwen*": ModelOverrides(stop=False),
        "*": ModelOverrides(json_mode=False),
    },
)


def test_every_column_can_be_overridden_and_says_so_by_the_same_name() -> None:
    columns = {field.name: field.type for field in msgspec.structs.fields(Capability)}
    settings = {field.name: field.type for field in msgspec.structs.fields(ModelOverrides)}
    del columns["is_known"]  # it is about the table itself
    assert list(settings) == list(columns)
    for name, kind in columns.items():
        assert settings[name] == kind | None


def test_without_a_word_of_the_operator_it_is_the_tables_own_row() -> None:
    plain = Upstream(name="a", dialect=DialectName.ANTHROPIC_MESSAGES, base_url="https://a.example")
    row = capability.of("anthropic_messages", "claude-opus-5")
    assert declared(plain, "claude-opus-5") is row
    assert declared(plain, "claude-opus-5", Target(upstream="a")) is row


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("qwen3-8b", "qwen3-8b"),
        ("qwen3-8b-instruct", "qwen3-*"),
        ("qwen2", "qwen*"),
        ("llama", "*"),
    ],
)
def test_the_exact_name_wins_and_then_the_longest_prefix(model: str, key: str) -> None:
    assert overrides(LOCAL, model) is LOCAL.models[key]
    row = capability.openai(model, Engine.VLLM)
    assert declared(LOCAL, model) == msgspec.structs.replace(row, **given(LOCAL.models[key]))


def test_the_target_outranks_its_upstream() -> None:
    target = Target(upstream="local", context_tokens_max=8192, lacks=tuple(Feature))
    found = declared(LOCAL, "qwen3-8b", target)
    assert found.context_tokens_max == 8192
    assert not any((found.tools, found.forced_tool, found.images, found.image_urls))
    assert not any((found.documents, found.structured_output))
    assert declared(LOCAL, "qwen3-8b").context_tokens_max == 32_768


def test_an_upstream_that_may_not_be_asked_for_usage_is_not() -> None:
    quiet = msgspec.structs.replace(LOCAL, stream_usage=False)
    assert not declared(quiet, "llama").stream_usage
    assert declared(quiet, "llama").prefill is Prefill.CONTINUE
