"""JSON Schemas, as far as vendors differ in what they accept.

    closed   every object forbids properties that it does not name (Claude's structured output)
    strict   closed, and every object requires all that it names (OpenAI's strict mode)

Whatever is not an object, a list of alternatives or items is left as it is, and so is what lies
deeper than ``DEPTH_MAX``: no vendor reads that far.
"""

from collections.abc import Iterator
from typing import Final, cast

DEPTH_MAX: Final = 100  # OpenAI reads 10 levels
Schema = dict[str, object]
_NAMED: Final = ("properties", "$defs", "definitions")  # schemas by name
_NESTED: Final = ("items", "anyOf", "allOf", "oneOf", "not")  # a schema, or a list of them


def is_strict(schema: object) -> bool:
    """Tell whether OpenAI's strict mode takes the schema."""
    return all(
        each.get("additionalProperties") is False
        and _names(each.get("required")) == _names(each.get("properties"))
        for each in _schemas(schema)
        if _is_object(each)
    )


def closed(schema: Schema) -> Schema:
    """Return the schema with every object closed; the same object if all were."""
    if all(each.get("additionalProperties") is False for each in _objects(schema)):
        return schema
    return cast("Schema", _closed(schema, DEPTH_MAX))


def described(schema: Schema, description: str) -> Schema:
    """Return the schema with what is said of it beside it, where other vendors have no such place.

    Its own words count more; and OpenAI takes no words beside a reference.
    """
    if not description or "description" in schema or "$ref" in schema:
        return schema
    return schema | {"description": description}


def _closed(schema: object, levels: int) -> object:
    if not levels:
        return schema
    if isinstance(schema, list):
        return [_closed(each, levels - 1) for each in cast("list[object]", schema)]
    if isinstance(schema, dict):
        return _closed_fields(cast("Schema", schema), levels - 1)
    return schema


def _closed_fields(schema: Schema, levels: int) -> Schema:
    copy = dict(schema)
    for key in _NAMED:
        named = copy.get(key)
        if isinstance(named, dict):
            copy[key] = {
                name: _closed(each, levels) for name, each in cast("Schema", named).items()
            }
    for key in _NESTED:
        if key in copy:
            copy[key] = _closed(copy[key], levels)
    if _is_object(copy):
        copy["additionalProperties"] = False
    return copy


def _objects(schema: object) -> Iterator[Schema]:
    return (each for each in _schemas(schema) if _is_object(each))


def _schemas(schema: object, levels: int = DEPTH_MAX) -> Iterator[Schema]:
    """Yield a schema and all that it holds."""
    if isinstance(schema, list) and levels:
        for each in cast("list[object]", schema):
            yield from _schemas(each, levels - 1)
    elif isinstance(schema, dict) and levels:
        fields = cast("Schema", schema)
        yield fields
        for key in _NAMED:
            named = fields.get(key)
            if isinstance(named, dict):
                for each in cast("Schema", named).values():
                    yield from _schemas(each, levels - 1)
        for key in _NESTED:
            yield from _schemas(fields.get(key), levels - 1)


def _is_object(schema: Schema) -> bool:
    return schema.get("type") == "object" or "properties" in schema


def _names(named: object) -> list[str]:
    return sorted(map(str, cast("list[object]", named))) if isinstance(named, dict | list) else []
