"""A chat request for a shorter answer (``dialects/shortening.py`` has the rules).

max_completion_tokens, max_tokens    the cap, each that is there; else the one the model knows
reasoning_effort                     the lowest, where the model thinks unasked
"""

from penstock.dialects import json_fields
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Inquiry
from penstock.dialects.shortening import (
    QUIET,
    is_under,
    is_wanted_whole,
    quiet_effort,
    with_fields,
)


def shorten(
    inquiry: Inquiry, model: str, capability: Capability, output_tokens_cap: int
) -> Inquiry:
    """Return what asks for at most so many tokens; the same if it may not be shortened."""
    fields = inquiry.fields
    limits = [name for name in ("max_completion_tokens", "max_tokens") if name in fields]
    if any(is_under(fields[name], output_tokens_cap) for name in limits):
        return inquiry
    quiet = quiet_effort("openai_chat", model, capability)
    if quiet is None or is_wanted_whole(inquiry) or _wants_json(inquiry):
        return inquiry
    asked = fields.get("reasoning_effort")
    if asked is not None and not json_fields.is_empty(asked):
        if bytes(asked).strip(b'"').decode("utf-8", "replace") not in QUIET:
            return inquiry
        quiet = ""
    named = "max_completion_tokens" if capability.names_completion_tokens else "max_tokens"
    changed: dict[str, object] = dict.fromkeys(limits or [named], output_tokens_cap)
    if quiet:
        changed["reasoning_effort"] = quiet
    return with_fields(inquiry, changed)


def _wants_json(inquiry: Inquiry) -> bool:
    form = inquiry.fields.get("response_format")
    return form is not None and b'"json_' in bytes(form)
