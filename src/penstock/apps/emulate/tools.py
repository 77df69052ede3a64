"""Tool calls and structured answers: values made from a JSON schema, the same for the same seed.

A schema is read as far as providers read it: type, properties, items, enum, const, default, the
first of anyOf or oneOf, all of allOf, local references. What is beyond that gives a word.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final, cast

import msgspec

from penstock.apps.emulate.ask import Ask, Role, Schema, Tool, ToolChoice
from penstock.apps.emulate.text import json_pieces, words

_DEPTH_MAX: Final = 12  # a schema that refers to itself must end somewhere
_NODES_MAX: Final = 1_000  # and one that branches into itself must not grow without end
_LIST_MAX: Final = 3
_NUMBER_MAX: Final = 2**53  # beyond it a float is no exact integer
_LENGTH_MAX: Final = 10_000  # of strings and lists whose schema wants them long
_FORMATS: Final = (
    ("date-time", "2026-03-02T11:49:00Z"),
    ("date", "2026-03-02"),
    ("time", "11:49:00Z"),
    ("email", "operator@example.com"),
    ("uri", "https://example.com/gate"),
    ("uuid", "0b8e5c1e-6f0a-4c51-9f5c-3d1f6a2b7c90"),
)


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call: its arguments as JSON, in the fragments in which they are streamed."""

    at: int
    name: str
    arguments: dict[str, Any]
    fragments: tuple[str, ...]


def choose(ask: Ask) -> tuple[Tool, ...]:
    """Return the tools to call: forced ones, or those that the user's last words name."""
    if not ask.tools or ask.tool_choice is ToolChoice.NONE or ask.turns[-1].role is Role.TOOL:
        return ()
    if ask.tool_named:
        return tuple(tool for tool in ask.tools if tool.name == ask.tool_named)[:1]
    text = ask.last_user_text
    named = tuple(tool for tool in ask.tools if _is_named(tool.name, text))
    if named:
        return named if ask.may_call_parallel else named[:1]
    if ask.tool_choice is ToolChoice.REQUIRED or _is_named("tool", text):
        return ask.tools[:1]
    return ()


def call(tool: Tool, at: int, rng: Random) -> ToolCall:
    """Call a tool with arguments that fit its schema."""
    made = value_for(tool.schema, rng)
    arguments = cast("dict[str, Any]", made) if isinstance(made, dict) else {}
    encoded = msgspec.json.encode(arguments).decode()
    return ToolCall(at, tool.name, arguments, tuple(json_pieces(encoded)))


def value_for(schema: Schema, rng: Random) -> Any:
    """Return a value that fits a schema."""
    return _Maker(schema, rng).value(schema, 0)


def _is_named(name: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _amount(schema: Schema, name: str, default: float) -> float:
    """Return a number from a schema, if it is one that can be worked with."""
    value: Any = schema.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) < _NUMBER_MAX else default


class _Maker:
    """Makes the value of one schema; ``root`` is where references start."""

    def __init__(self, root: Schema, rng: Random) -> None:
        self._root = root
        self._rng = rng
        self._nodes = 0

    def value(self, schema: Schema, depth: int) -> Any:
        self._nodes += 1
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        choices: Any = schema.get("enum")
        if isinstance(choices, list) and choices:
            return self._rng.choice(cast("list[Any]", choices))
        kind = self._kind(schema)
        if kind not in {"object", "array"}:
            return self._plain(schema, kind)
        if depth > _DEPTH_MAX or self._nodes > _NODES_MAX:
            return None
        return (self._object if kind == "object" else self._array)(schema, depth)

    def _plain(self, schema: Schema, kind: str) -> Any:
        makers: dict[str, Callable[[Schema], Any]] = {
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _: self._rng.random() < 1 / 2,
            "null": lambda _: None,
        }
        return makers.get(kind, self._string)(schema)

    def _resolved(self, schema: Any) -> Schema:
        """Follow references and take the first of alternatives, a bounded number of times."""
        for _ in range(_DEPTH_MAX):
            if not isinstance(schema, dict):
                return {}  # true is a schema too: anything will do
            found = cast("Schema", schema)
            options: Any = found.get("anyOf") or found.get("oneOf")
            if "$ref" in found:
                schema = self._referred(str(found["$ref"]))
            elif isinstance(options, list) and options:
                schema = cast("list[Any]", options)[0]
            elif isinstance(found.get("allOf"), list):
                schema = self._joined(found)
            else:
                return found
        return {}

    def _referred(self, reference: str) -> Any:
        found: Any = self._root
        for key in reference.removeprefix("#").strip("/").split("/"):
            found = cast("Schema", found).get(key) if key and isinstance(found, dict) else found
        return found

    def _joined(self, schema: Schema) -> Schema:
        """Return all of allOf in one; what stands beside it comes first. One level deep."""
        beside: Schema = {name: value for name, value in schema.items() if name != "allOf"}
        listed = cast("list[Any]", schema["allOf"])
        parts = [beside, *(cast("Schema", part) for part in listed if isinstance(part, dict))]
        joined: Schema = {}
        properties: Schema = {}
        for part in parts:
            joined = {**part, **joined}
            inner: Any = part.get("properties")
            if isinstance(inner, dict):
                properties |= cast("Schema", inner)
        joined.pop("allOf", None)
        return joined | {"properties": properties} if properties else joined

    @staticmethod
    def _kind(schema: Schema) -> str:
        kind: Any = schema.get("type")
        if isinstance(kind, list):
            kind = next((k for k in cast("list[Any]", kind) if k != "null"), "null")
        if isinstance(kind, str):
            return kind.lower()  # Gemini's own schemas say STRING
        return "object" if "properties" in schema else "array" if "items" in schema else "string"

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties: Any = schema.get("properties")
        if not isinstance(properties, dict):
            return {}
        named = cast("Schema", properties)
        return {name: self.value(inner, depth + 1) for name, inner in named.items()}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        low = max(0, min(int(_amount(schema, "minItems", 1)), _LENGTH_MAX))
        high = int(_amount(schema, "maxItems", max(low, _LIST_MAX)))
        count = self._rng.randint(low, max(low, min(high, _LIST_MAX)))
        inner: Any = schema.get("items")
        return [self.value(inner, depth + 1) for _ in range(count)]

    def _integer(self, schema: Schema) -> int:
        low = math.ceil(_amount(schema, "minimum", _amount(schema, "exclusiveMinimum", -1) + 1))
        above = _amount(schema, "exclusiveMaximum", low + 101) - 1
        high = math.floor(_amount(schema, "maximum", above))
        return self._rng.randint(low, max(low, high))

    def _number(self, schema: Schema) -> float:
        low = _amount(schema, "minimum", 0.0)
        high = max(low, _amount(schema, "maximum", low + 100.0))
        return min(high, max(low, round(low + self._rng.random() * (high - low), 2)))

    def _string(self, schema: Schema) -> str:
        for name, example in _FORMATS:
            if schema.get("format") == name:
                return example
        text = " ".join(words(self._rng.random, self._rng.randint(1, 3)))
        low = max(0, min(int(_amount(schema, "minLength", 0)), _LENGTH_MAX))
        high = max(0, int(_amount(schema, "maxLength", max(low, len(text)))))
        return text.ljust(low, "x")[:high]
