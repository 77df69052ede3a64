"""A Messages request for a shorter answer (``dialects/shortening.py`` has the rules).

max_tokens    the cap; it is always there
thinking      disabled, where the model thinks unasked; any other that the caller asks for, and
              an effort, leave the request as it is: a budget must stay below max_tokens
"""

from penstock.dialects import json_fields
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Inquiry
from penstock.dialects.shortening import (
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
    if is_under(fields.get("max_tokens"), output_tokens_cap) or is_wanted_whole(inquiry):
        return inquiry
    quiet = quiet_effort("anthropic_messages", model, capability)
    output = fields.get("output_config")
    if quiet is None or (output is not None and b'"effort"' in bytes(output)):
        return inquiry
    asked = fields.get("thinking")
    if asked is not None and not json_fields.is_empty(asked):
        if b'"disabled"' not in bytes(asked):
            return inquiry
        quiet = ""
    changed: dict[str, object] = {"max_tokens": output_tokens_cap}
    if quiet:
        changed["thinking"] = {"type": "disabled"}
    return with_fields(inquiry, changed)
