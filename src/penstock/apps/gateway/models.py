"""The routes that a key may use, told as each dialect tells of models."""

from typing import Final

import msgspec

from penstock.apps.gateway.endpoints import ANTHROPIC, GEMINI
from penstock.dialects.contract import Dialect

GEMINI_METHODS: Final = ("generateContent", "streamGenerateContent", "countTokens")


def one(name: str, shape: Dialect) -> bytes:
    """Return a route as a model."""
    return msgspec.json.encode(_entry(name, shape))


def every(names: list[str], shape: Dialect) -> bytes:
    """Return all routes as a list of models, on one page."""
    entries = [_entry(name, shape) for name in names]
    if shape is GEMINI:
        return msgspec.json.encode({"models": entries})
    if shape is ANTHROPIC:
        ends = {"first_id": names[0] if names else None, "last_id": names[-1] if names else None}
        return msgspec.json.encode({"data": entries, "has_more": False} | ends)
    return msgspec.json.encode({"object": "list", "data": entries})


def _entry(name: str, shape: Dialect) -> dict[str, object]:
    if shape is GEMINI:
        about: dict[str, object] = {"name": f"models/{name}", "displayName": name, "version": ""}
        return about | {"supportedGenerationMethods": GEMINI_METHODS}
    if shape is ANTHROPIC:
        made = "1970-01-01T00:00:00Z"  # nobody knows; the SDKs want an instant
        return {"type": "model", "id": name, "display_name": name, "created_at": made}
    return {"id": name, "object": "model", "created": 0, "owned_by": "penstock"}
