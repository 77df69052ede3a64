"""A generateContent request for a shorter answer (``dialects/shortening.py`` has the rules).

generationConfig.maxOutputTokens    the cap, in whichever spelling it is there
generationConfig.thinkingConfig     no budget, or the lowest level, where the model thinks
                                    unasked; any that the caller asks for but no budget at all
                                    leaves the request as it is
"""

from typing import Final

import msgspec

from penstock.dialects import json_fields
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Inquiry
from penstock.dialects.gemini_generate import wire_names
from penstock.dialects.shortening import (
    is_under,
    is_wanted_whole,
    quiet_effort,
    with_fields,
)

Raw = msgspec.Raw
LIMIT: Final = "maxOutputTokens"
THINKING: Final = "thinkingConfig"
FORM: Final = "responseMimeType"
TOLD: Final[dict[str, dict[str, object]]] = {
    "none": {"thinkingBudget": 0},
    "minimal": {"thinkingLevel": "MINIMAL"},
}


class ThinkingConfig(msgspec.Struct, rename="camel"):
    """``generationConfig.thinkingConfig``."""

    thinking_budget: int | None = None
    thinking_level: str | None = None


def shorten(
    inquiry: Inquiry, model: str, capability: Capability, output_tokens_cap: int
) -> Inquiry:
    """Return what asks for at most so many tokens; the same if it may not be shortened."""
    config = _config(inquiry)
    if config is None or is_under(config.get(LIMIT), output_tokens_cap):
        return inquiry
    quiet = quiet_effort("gemini_generate", model, capability)
    if quiet is None or is_wanted_whole(inquiry) or b"json" in bytes(config.get(FORM, Raw(b""))):
        return inquiry
    asked = config.get(THINKING)
    if asked is not None and not json_fields.is_empty(asked):
        if not _is_off(asked):
            return inquiry
        quiet = ""
    config[LIMIT] = Raw(msgspec.json.encode(output_tokens_cap))
    if quiet:
        config[THINKING] = Raw(msgspec.json.encode(TOLD[quiet]))
    return with_fields(inquiry, {"generationConfig": config})


def _config(inquiry: Inquiry) -> dict[str, Raw] | None:
    """Return the settings with their names in camel case; None if they cannot be read."""
    raw = inquiry.fields.get("generationConfig")
    if raw is None or json_fields.is_empty(raw):
        return {}
    try:
        config = msgspec.json.decode(raw, type=dict[str, Raw])
    except json_fields.MALFORMED:
        return None  # the upstream will say what is wrong with it
    known = (LIMIT, THINKING, FORM)
    return {
        camel if (camel := wire_names.camel(name)) in known else name: value
        for name, value in config.items()
    }


def _is_off(asked: Raw) -> bool:
    try:
        config = msgspec.json.decode(wire_names.camel_body(bytes(asked)), type=ThinkingConfig)
    except json_fields.MALFORMED:
        return False  # the upstream will say what is wrong with it
    return config.thinking_budget == 0 and config.thinking_level is None
