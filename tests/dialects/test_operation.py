"""The header's table says which upstreams can be asked for what."""

from penstock.dialects.operation import Operation
from penstock.dialects.registry import COUNTERS, DIALECTS, EMBEDDERS, ENDPOINTS, ONE_BY_ONE


def test_who_can_be_asked() -> None:
    assert set(COUNTERS) == set(DIALECTS) - {"openai_chat"}
    assert set(EMBEDDERS) == set(ONE_BY_ONE) == set(DIALECTS) - {"anthropic_messages"}


def test_operations_are_named_as_in_records() -> None:
    assert [one.value for one in Operation] == ["generate", "count_tokens", "embed"]
    assert ENDPOINTS["openai_chat"].operation is Operation.GENERATE
    assert ENDPOINTS["gemini_embed"].operation is Operation.EMBED
    assert ENDPOINTS["openai_input_tokens"].operation is Operation.COUNT_TOKENS
