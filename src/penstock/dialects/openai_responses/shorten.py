"""A Responses request for a shorter answer (``dialects/shortening.py`` has the rules).

max_output_tokens    the cap
reasoning            the lowest effort, where the model thinks unasked; any reasoning that the
                     caller asks for leaves the request as it is
"""

import msgspec

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


class Reasoning(msgspec.Struct):
    """As much of ``reasoning`` as tells whether it is asked for."""

    effort: str | None = None


def shorten(
    inquiry: Inquiry, model: str, capability: Capability, output_tokens_cap: int
) -> Inquiry:
    """Return what asks for at most so many tokens; the same if it may not be shortened."""
    fields = inquiry.fields
    if is_under(fields.get("max_output_tokens"), output_tokens_cap):
        return inquiry
    quiet = quiet_effort("openai_responses", model, capability)
    if quiet is None or is_wanted_whole(inquiry) or _wants_json(inquiry):
        return inquiry
    asked = fields.get("reasoning")
    if asked is not None and not json_fields.is_empty(asked):
        if not _is_quiet(asked):
            return inquiry
        quiet = ""
    changed: dict[str, object] = {"max_output_tokens": output_tokens_cap}
    if quiet:
        changed["reasoning"] = {"effort": quiet}
    return with_fields(inquiry, changed)


def _is_quiet(asked: msgspec.Raw) -> bool:
    try:
        return msgspec.json.decode(asked, type=Reasoning).effort in QUIET
    except json_fields.MALFORMED:
        return False  # the upstream will say what is wrong with it


def _wants_json(inquiry: Inquiry) -> bool:
    text = inquiry.fields.get("text")
    return text is not None and b'"json_' in bytes(text)
