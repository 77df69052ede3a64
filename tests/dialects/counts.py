"""What the test file of every sibling that counts needs."""

from typing import Any

import msgspec

from penstock.dialects.capability import of
from penstock.dialects.contract import Dialect, Inquiry
from penstock.dialects.registry import COUNTERS

MODELS = {
    "anthropic_messages": "claude-sonnet-4-5",
    "openai_responses": "gpt-5.6",
    "gemini_generate": "gemini-3-flash",
}


def body_of(dialect: Dialect, inquiry: Inquiry, name: str) -> dict[str, Any]:
    """Return what the upstream called ``name`` gets of a request for a count."""
    model = MODELS[name]
    capability = of(name, model)
    body, _ = COUNTERS[name].write_request(dialect.read_request(inquiry), model, capability)
    return msgspec.json.decode(body)
