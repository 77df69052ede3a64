"""Counting tokens at Anthropic: ``POST /v1/messages/count_tokens``.

request   that of an answer, without a limit
answer    {"input_tokens": 12}
"""

from typing import Final

import msgspec

from penstock.dialects import counting
from penstock.dialects.anthropic_messages import errors, passthrough
from penstock.dialects.anthropic_messages.dialect import AnthropicMessages
from penstock.dialects.capability import Capability
from penstock.dialects.contract import Inquiry, Survey
from penstock.dialects.message import Answer, Request

COUNT: Final = "input_tokens"
FIELDS: Final = frozenset(
    {"model", "messages", "system", "tools", "tool_choice", "thinking", "output_config"}
)


class MessagesCount(AnthropicMessages):
    """A sibling of Anthropic Messages that counts. Without state."""

    name = "anthropic_count_tokens"

    def path(self, model: str, *, is_stream: bool) -> bytes:
        """Return the path below a base URL that has no ``/v1``."""
        del model, is_stream
        return b"/v1/messages/count_tokens"

    def inquire(self, body: bytes, path: bytes = b"") -> Inquiry:
        """Read what routing needs; a count is never streamed."""
        del path
        inquiry = passthrough.inquire(body, needs_limit=False)
        inquiry.is_stream = False
        return inquiry

    def survey(self, body: bytes) -> Survey:
        """Look at a count: it uses nothing."""
        return counting.survey(body, COUNT, errors.failure_of_event)

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
        return msgspec.json.encode({COUNT: answer.usage.input_tokens})
