"""Google's own form of schemas (a part of OpenAPI's), read as JSON Schema.

    type: STRING            "string"
    nullable                the type or null
    anyOf, defs, ref        anyOf, $defs, $ref
    minItems: "3"           3: Google's JSON writes large whole numbers as strings
    example                 examples
    propertyOrdering        left out: an order is no constraint

Names of fields come in camel case or in snake case; names of properties are the caller's.
"""

from collections.abc import Callable
from typing import Final, cast

from penstock.core.errors import CallerError
from penstock.dialects.gemini_generate.wire_names import camel

DEPTH_MAX: Final = 100
Schema = dict[str, object]
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_RENAMED: Final[dict[str, str]] = {"defs": "$defs", "ref": "$ref"}
_NAMED: Final = frozenset({"properties", "defs", "$defs"})
_NESTED: Final = frozenset({"items", "anyOf", "additionalProperties"})
_LEFT_OUT: Final = frozenset({"nullable", "propertyOrdering", "example", "type"})


def json_schema_of(schema: Schema, place: str) -> Schema:
    """Return the JSON Schema; ``place`` is where it stands in the request."""
    return _read(schema, place, DEPTH_MAX)


def _read(schema: Schema, place: str, levels: int) -> Schema:
    if not levels:
        raise CallerError(f"{place} is nested too deep.", param=place)
    fields = {camel(name): value for name, value in schema.items()}
    read: Schema = {}
    kind = fields.get("type")
    if isinstance(kind, str) and kind.upper() != "TYPE_UNSPECIFIED":
        read["type"] = kind.lower()

    def inner(value: object) -> object:
        return _read(cast("Schema", value), place, levels - 1) if isinstance(value, dict) else value

    for name, value in fields.items():
        if name not in _LEFT_OUT:
            read[_RENAMED.get(name, name)] = _value(name, value, inner)
    if "example" in fields:
        read["examples"] = [fields["example"]]
    return _nullable(read) if fields.get("nullable") is True else read


def _value(name: str, value: object, inner: Callable[[object], object]) -> object:
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value)
    if name in _NAMED and isinstance(value, dict):
        return {key: inner(each) for key, each in cast("Schema", value).items()}
    if name in _NESTED and isinstance(value, list):
        return [inner(each) for each in cast("list[object]", value)]
    return inner(value) if name in _NESTED else value


def _nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    if isinstance(kind, str):
        schema["type"] = [kind, "null"]
        choices = schema.get("enum")
        if isinstance(choices, list):
            schema["enum"] = [*cast("list[object]", choices), None]
        return schema
    return {"anyOf": [schema, {"type": "null"}]}
