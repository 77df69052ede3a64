"""A model that is told in words to answer in JSON is given the schema whole."""

import msgspec

from penstock.dialects.json_instruction import instructions


def test_any_object_needs_no_schema() -> None:
    (only,) = instructions(None)
    assert "one JSON object" in only


def test_a_schema_is_told_after_the_rest() -> None:
    schema = {"type": "object", "properties": {"gr\u00f6\u00dfe": {"type": "integer"}}}
    first, second = instructions(schema)
    assert [first] == instructions(None)
    words, _, told = second.partition("\n")
    assert words.endswith("JSON Schema:")
    assert msgspec.json.decode(told) == schema
    assert "gr\u00f6\u00dfe" in told
