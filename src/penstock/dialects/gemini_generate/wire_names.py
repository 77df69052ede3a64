"""The names of fields: Google's JSON may spell each in camel case or in snake case.

A request is read in camel case; one in snake case is rewritten first. What callers fill in
themselves, arguments, results, schemas and labels, keeps its names. Where Google's JSON takes one
object for a list of one, so do the readers.
"""

import re
from typing import Final, cast

import msgspec

from penstock.core.errors import DialectError

DEPTH_MAX: Final = 100  # Google's own JSON parser follows 100 levels
Fields = dict[str, object]
_SNAKE: Final = re.compile(rb'"[a-z]+(?:_[a-z]+)+"\s*:')
_READ: Final = frozenset(
    {
        "systemInstruction", "toolConfig", "generationConfig", "serviceTier", "cachedContent",
        "safetySettings", "continuationToken", "modelArmorConfig", "candidateCount",
        "responseSchema", "responseJsonSchema", "maxOutputTokens",
    }
)  # fmt: skip
_FREE: Final = frozenset(
    {
        "args", "response", "labels", "parameters", "parametersJsonSchema", "partMetadata",
        "responseJsonSchema", "responseSchema", "defs",
    }
)  # fmt: skip


def camel(name: str) -> str:
    """Return a field's name in camel case."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest) if head else name


def camel_body(body: bytes) -> bytes:
    """Return JSON with its fields in camel case; the same if none was in snake case.

    Raises what a parser raises, and DialectError where the JSON is nested too deep.
    """
    if _SNAKE.search(body) is None:
        return body
    return msgspec.json.encode(normalised(msgspec.json.decode(body)))


def top_level(fields: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Return the fields with those that we read in camel case; the same object if they were."""
    if not any("_" in name for name in fields):
        return fields
    return {
        renamed if (renamed := camel(name)) in _READ else name: raw for name, raw in fields.items()
    }


def normalised(value: object, levels: int = DEPTH_MAX) -> object:
    """Return a decoded value with all fields in camel case, but for what callers fill in."""
    if not levels:
        raise DialectError("the body is nested too deep")
    if isinstance(value, list):
        return [normalised(each, levels - 1) for each in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    renamed: Fields = {}
    for name, each in cast("Fields", value).items():
        key = camel(name)
        renamed[key] = each if key in _FREE else normalised(each, levels - 1)
    return renamed
