"""Counting tokens at OpenAI: ``POST /v1/responses/input_tokens``.

    request   the part of a request that is input, and what shapes it
    answer    {"object": "response.input_tokens", "input_tokens": 12}

OpenAI's API without Responses has no such endpoint, and engines rarely do.
"""

from typing import Final

import msgspec

from penstock.dialects import counting
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.message import Answer, Request
from penstock.dialects.openai_responses import errors, passthrough
from penstock.dialects.openai_responses.dialect import OpenAIResponses

COUNT: Final = "input_tokens"
FIELDS: Final = frozenset(
    {
        "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "text",
        "reasoning",
    }
)  # fmt: skip


class ResponsesCount(OpenAIResponses):
    """A sibling of OpenAI Responses that counts. Without state."""

    name = "openai_input_tokens"

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that ends in ``/v1`` or the like."""
        del model, is_stream
        return b"/responses/input_tokens"

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs; a count is never streamed."""
        del path
        inquiry = passthrough.inquire(body)
        inquiry.is_stream = False
        return inquiry

    def survey(self, body: bytes) -> Survey:
        """Look at a count: it uses nothing."""
        return counting.survey(body, COUNT, errors.failure_of)

    def write_request(
        self, request: Request, model: str, capability: Capability
    ) -> tuple[bytes, tuple[str, ...]]:
        """Return the body of a request from another dialect, as far as it is counted."""
        body, dropped = super().write_request(request, model, capability)
        return counting.only(body, FIELDS), dropped

    def read_answer(self, body: bytes) -> Answer:
        """Read a count."""
        return counting.read(body, COUNT)

    def write_answer(self, answer: Answer, inquiry: Inquiry, created_unix_s: int) -> bytes:
        """Return a count from another dialect."""
        del inquiry, created_unix_s
        count = answer.usage.input_tokens
        return msgspec.json.encode({"object": "response.input_tokens", COUNT: count})
