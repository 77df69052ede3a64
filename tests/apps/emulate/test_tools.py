"""Values fit their schemas, and no schema does harm."""

from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from penstock.apps.emulate.tools import value_for

KEYWORDS = (
    "type", "properties", "items", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "minimum",
    "maximum", "minItems", "maxItems", "minLength", "maxLength", "format", "exclusiveMinimum",
)  # fmt: skip
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["object", "array", "string", "integer", "number", "#", "#/properties/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYWORDS, "a", "b"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYWORDS), ANYTHING, max_size=5), st.integers())
def test_any_schema_gives_a_json_value(schema: dict[str, Any], seed: int) -> None:
    made = value_for(schema, Random(seed))
    assert msgspec.json.encode(made) == msgspec.json.encode(value_for(schema, Random(seed)))


@given(st.integers(-100, 100), st.integers(0, 50), st.integers())
def test_numbers_lists_and_texts_stay_in_bounds(low: int, span: int, seed: int) -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "whole": {"type": "integer", "minimum": low, "maximum": low + span},
            "part": {"type": "number", "minimum": low, "maximum": low + span},
            "texts": {
                "type": "array",
                "items": {"type": "string", "minLength": 2, "maxLength": 2 + span},
                "minItems": 2,
                "maxItems": 4,
            },
        },
    }
    made = value_for(schema, Random(seed))
    assert low <= made["whole"] <= low + span
    assert low <= made["part"] <= low + span
    assert 2 <= len(made["texts"]) <= 4
    assert all(2 <= len(text) <= 2 + span for text in made["texts"])


def test_references_alternatives_and_gemini_types_are_read() -> None:
    schema: dict[str, Any] = {
        "$defs": {"Gate": {"type": "OBJECT", "properties": {"up": {"type": "BOOLEAN"}}}},
        "allOf": [
            {"properties": {"gate": {"$ref": "#/$defs/Gate"}}},
            {"properties": {"kind": {"anyOf": [{"const": "weir"}, {"type": "null"}]}}},
        ],
    }
    made = value_for(schema, Random(1))
    assert isinstance(made["gate"]["up"], bool)
    assert made["kind"] == "weir"


def test_a_schema_that_branches_into_itself_ends() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            name: {"type": "array", "items": {"$ref": "#"}, "minItems": 3} for name in "abc"
        },
    }
    assert len(msgspec.json.encode(value_for(schema, Random(1)))) < 1_000_000
