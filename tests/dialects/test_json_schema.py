"""Schemas are closed where a vendor wants them so, and nothing else about them changes."""

import pytest

from penstock.dialects import json_schema
from penstock.dialects.json_schema import Schema

CLOSED: Schema = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


SCHEMAS: list[tuple[Schema, bool]] = [
    (CLOSED, True),
    ({"type": "string"}, True),
    (CLOSED | {"required": []}, False),
    (CLOSED | {"additionalProperties": {}}, False),
    ({"type": "array", "items": {"type": "object"}}, False),
    ({"anyOf": [CLOSED, {"properties": {}}]}, False),
    (CLOSED | {"$defs": {"x": {"type": "object"}}}, False),
    (CLOSED | {"required": None}, False),
]


@pytest.mark.parametrize(("schema", "strict"), SCHEMAS)
def test_strict(schema: Schema, *, strict: bool) -> None:
    assert json_schema.is_strict(schema) is strict


def test_closed_leaves_a_closed_schema_alone() -> None:
    assert json_schema.closed(CLOSED) is CLOSED


def test_every_object_is_closed_and_nothing_else_changes() -> None:
    schema: Schema = {
        "properties": {
            "properties": {"type": "array", "items": {"type": "object"}},
            "type": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        },
        "$defs": {"d": {"type": "object", "additionalProperties": True}},
    }
    assert json_schema.closed(schema) == {
        "properties": {
            "properties": {
                "type": "array",
                "items": {"type": "object", "additionalProperties": False},
            },
            "type": {
                "anyOf": [{"type": "object", "additionalProperties": False}, {"type": "null"}]
            },
        },
        "$defs": {"d": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }
    assert "additionalProperties" not in schema


def test_what_is_said_beside_a_schema_is_said_in_it_unless_it_speaks_for_itself() -> None:
    assert json_schema.described({"type": "object"}, "d") == {"type": "object", "description": "d"}
    alone: list[Schema] = [{"description": "own"}, {"$ref": "#/$defs/a"}]
    for schema in alone:
        assert json_schema.described(schema, "d") is schema
    assert json_schema.described(CLOSED, "") is CLOSED


def test_a_schema_without_end_is_left_alone_in_its_depths() -> None:
    schema: Schema = {"type": "object"}
    for _ in range(3000):
        schema = {"items": schema}
    assert json_schema.closed(schema) is schema
    assert json_schema.is_strict(schema)
