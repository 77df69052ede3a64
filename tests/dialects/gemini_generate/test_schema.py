"""Google's schemas become JSON Schema with the same meaning."""

import pytest

from penstock.core.errors import CallerError
from penstock.dialects.gemini_generate.schema import DEPTH_MAX, Schema, json_schema_of


def test_a_schema_is_read_in_both_spellings() -> None:
    schema: Schema = {
        "type": "OBJECT",
        "property_ordering": ["any_of"],
        "properties": {
            "any_of": {"type": "ARRAY", "minItems": "1", "items": {"type": "INTEGER"}},
            "kind": {"type": "STRING", "enum": ["a"], "nullable": True, "example": "a"},
            "either": {"any_of": [{"type": "STRING"}, {"type": "NULL"}]},
        },
        "required": ["any_of"],
    }
    assert json_schema_of(schema, "p") == {
        "type": "object",
        "properties": {
            "any_of": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
            "kind": {"type": ["string", "null"], "enum": ["a", None], "examples": ["a"]},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
        "required": ["any_of"],
    }


def test_references_and_what_has_no_type() -> None:
    schema: Schema = {
        "type": "TYPE_UNSPECIFIED",
        "nullable": True,
        "ref": "#/$defs/a",
        "defs": {"a": {"type": "NUMBER"}},
    }
    inner = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "number"}}}
    assert json_schema_of(schema, "p") == {"anyOf": [inner, {"type": "null"}]}


def test_nesting_is_bounded() -> None:
    schema: Schema = {"type": "ARRAY"}
    for _ in range(DEPTH_MAX):
        schema = {"type": "ARRAY", "items": schema}
    with pytest.raises(CallerError, match="p is nested"):
        json_schema_of(schema, "p")
