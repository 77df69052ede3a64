"""What a model is told that must answer in JSON, where its dialect has no field to say so."""

from collections.abc import Mapping
from typing import Final

import msgspec

JSON: Final = "Answer with one JSON object and nothing else: no prose, no code fence."
SCHEMA: Final = "The JSON must fit this JSON Schema:"


def instructions(schema: Mapping[str, object] | None) -> list[str]:
    """Return the instructions: for any JSON object, or for one that fits the schema."""
    if schema is None:
        return [JSON]
    return [JSON, f"{SCHEMA}\n{msgspec.json.encode(schema).decode()}"]
