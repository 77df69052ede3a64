"""Both spellings of Google's JSON are read; what callers fill in stays as it is."""

import msgspec
import pytest

from penstock.core.errors import DialectError
from penstock.dialects.gemini_generate import wire_names


@pytest.mark.parametrize(
    ("name", "written"),
    [("system_instruction", "systemInstruction"), ("topK", "topK"), ("_raw", "_raw"), ("", "")],
)
def test_names(name: str, written: str) -> None:
    assert wire_names.camel(name) == written


def test_a_body_in_camel_case_stays_the_same_object() -> None:
    body = b'{"generationConfig":{"topK":1}}'
    assert wire_names.camel_body(body) is body


def test_only_names_of_fields_change() -> None:
    body: dict[str, object] = {
        "contents": [{"parts": [{"function_call": {"args": {"user_id": {"a_b": 1}}}}]}],
        "labels": {"my_label": "a_b"},
        "generation_config": {"response_schema": {"properties": {"a_b": {}}}},
    }
    assert msgspec.json.decode(wire_names.camel_body(msgspec.json.encode(body))) == {
        "contents": [{"parts": [{"functionCall": {"args": {"user_id": {"a_b": 1}}}}]}],
        "labels": {"my_label": "a_b"},
        "generationConfig": {"responseSchema": {"properties": {"a_b": {}}}},
    }


def test_top_level_renames_what_is_read_and_nothing_else() -> None:
    raw = msgspec.Raw(b"1")
    fields = wire_names.top_level({"tool_config": raw, "new_field": raw})
    assert list(fields) == ["toolConfig", "new_field"]


def test_nesting_is_bounded() -> None:
    deep: object = 1
    for _ in range(wire_names.DEPTH_MAX + 1):
        deep = [deep]
    with pytest.raises(DialectError, match="nested"):
        wire_names.normalised(deep)
