"""Every dialect with its examples, and a request sent from one to another.

A dialect that is registered without examples fails the tests that import this.
"""

from typing import Final

import msgspec
from tests.dialects.anthropic_messages import examples as anthropic_messages
from tests.dialects.examples import Examples, Fields
from tests.dialects.gemini_generate import examples as gemini_generate
from tests.dialects.openai_chat import examples as openai_chat
from tests.dialects.openai_responses import examples as openai_responses

from penstock.dialects import capability
from penstock.dialects.registry import DIALECTS

EXAMPLES: Final[dict[str, Examples]] = {
    "openai_chat": openai_chat.EXAMPLES,
    "openai_responses": openai_responses.EXAMPLES,
    "anthropic_messages": anthropic_messages.EXAMPLES,
    "gemini_generate": gemini_generate.EXAMPLES,
}
PAIRS: Final = [(caller, other) for caller in EXAMPLES for other in EXAMPLES if caller != other]


def translated(
    caller: str, upstream: str, fields: Fields, concept: str = ""
) -> tuple[Fields, list[str]]:
    """Return what an upstream gets, and what is said to be lost on the way."""
    shown, wanted = EXAMPLES[caller], EXAMPLES[upstream]
    dialect, other = DIALECTS[caller], DIALECTS[upstream]
    path = shown.paths.get(concept) or dialect.path("m", is_stream=False)
    request = dialect.read_request(dialect.inquire(msgspec.json.encode(shown.body | fields), path))
    model = wanted.models.get(concept, wanted.model)
    written, dropped = other.write_request(request, model, capability.of(upstream, model))
    other.inquire(written, other.path(model, is_stream=request.is_stream))
    return msgspec.json.decode(written, type=Fields), list(dropped)
