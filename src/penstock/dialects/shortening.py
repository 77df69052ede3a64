"""Shorter answers: which requests may be capped, and how a model is kept from thinking then.

    the request                              a capped one
    has tools, or wants JSON                 is left as it is: half of that is of no use to anybody
    asks for less than the cap               is left as it is: a cap never raises
    asks to think                            is left as it is: thinking counts, and would be cut
    says nothing of thinking, to a model     gets the cap, and
        that does not think unasked          nothing else
        that does, and can be told not to    is told not to: the lowest effort
        that does, and cannot be told        is left as it is after all

A dialect's ``shorten.py`` does this in its own words, for what passes unchanged; here it is for the
common request. ``None`` for an effort means: cannot be kept from thinking.
"""

from typing import Final

import msgspec

from penstock.dialects import json_fields
from penstock.dialects.capability import Capability, Prefill, Thinking
from penstock.dialects.contract import Inquiry
from penstock.dialects.message import Request

Raw = msgspec.Raw
QUIET: Final = ("none", "minimal")  # efforts that leave an answer its tokens


def quiet_effort(dialect: str, model: str, capability: Capability) -> str | None:
    """Return the effort with which a model does not think; empty if it does not unasked."""
    if dialect == "anthropic_messages":
        return _quiet_claude(capability)
    if dialect == "gemini_generate":
        return _quiet_gemini(model, capability)
    if not capability.efforts:
        return ""  # or an engine that nobody knows: its models may differ
    return next((effort for effort in QUIET if effort in capability.efforts), None)


def shorten_request(
    request: Request, dialect: str, model: str, capability: Capability, output_tokens_cap: int
) -> Request:
    """Return the request for an answer of so many tokens at most; the same if it may not be."""
    if request.tools or request.schema is not None or request.is_json:
        return request
    asked = request.output_tokens_max
    if asked is not None and asked <= output_tokens_cap:
        return request
    quiet = quiet_effort(dialect, model, capability)
    if quiet is None or request.shows_thinking or request.effort not in ("", *QUIET):
        return request
    return msgspec.structs.replace(
        request, output_tokens_max=output_tokens_cap, effort=request.effort or quiet
    )


def is_wanted_whole(inquiry: Inquiry) -> bool:
    """Tell whether an answer that is cut would be of no use: calls, or JSON of a schema."""
    return inquiry.needs_tools or inquiry.needs_structured_output


def is_under(raw: Raw | None, output_tokens_cap: int) -> bool:
    """Tell whether a limit of the caller's is as low already; one that is no number is let be."""
    if raw is None or json_fields.is_empty(raw):
        return False
    try:
        return msgspec.json.decode(raw, type=int) <= output_tokens_cap
    except json_fields.MALFORMED:
        return True  # the upstream will say what is wrong with it


def with_fields(inquiry: Inquiry, changed: dict[str, object]) -> Inquiry:
    """Return the inquiry with some of its fields set; all others keep their bytes."""
    fields = dict(inquiry.fields)
    for name, value in changed.items():
        fields[name] = Raw(msgspec.json.encode(value))
    return inquiry.saying(fields, msgspec.json.encode(fields))


def _quiet_claude(capability: Capability) -> str | None:
    if capability.thinking is Thinking.ADAPTIVE:
        return "none"  # the newer ones think unless told not to (DIALECTS 13.13)
    if capability.thinking is Thinking.NONE and capability.prefill is Prefill.REFUSED:
        return None  # so new that nobody has said whether they think, or how they are told
    return ""


def _quiet_gemini(model: str, capability: Capability) -> str | None:
    if capability.thinking is Thinking.NONE:
        return ""
    if capability.thinking is Thinking.BUDGET:
        return None if "pro" in model else "none"  # the large ones cannot be told to stop
    return "minimal" if "minimal" in capability.efforts else None
