"""What a dialect tells of a request and of a whole answer that it has looked at, and passes on."""

import msgspec

from penstock.core.outcome import Failure
from penstock.core.tier import Tier
from penstock.dialects.message import Usage


class Inquiry:
    """What the gateway must know of a request before it can choose who answers.

    ``fields`` are the top-level fields as raw JSON, in order. ``service_tier`` is the caller's own
    word, ``output_tokens_max`` the caller's bound; empty and 0 where the request has none. What the
    request cannot know is ``served``: admission sets it, and from then on the dialects tell it.
    """

    __slots__ = (
        "body", "choices", "fields", "is_stream", "model", "needs_documents", "needs_images",
        "needs_structured_output", "needs_tools", "output_tokens_max", "served", "service_tier",
        "wants_usage",
    )  # fmt: skip

    def __init__(
        self, model: str, fields: dict[str, msgspec.Raw], body: bytes, *, is_stream: bool
    ) -> None:
        self.model = model
        self.is_stream = is_stream
        self.fields = fields
        self.body = body
        self.needs_tools = False
        self.needs_images = False
        self.needs_structured_output = False
        self.needs_documents = False
        self.wants_usage = True  # False: usage of a stream is for us alone, and is taken out
        self.choices = 1
        self.service_tier = ""
        self.output_tokens_max = 0
        self.served: Tier | None = None

    def saying(self, fields: dict[str, msgspec.Raw], body: bytes) -> "Inquiry":
        """Return the same request with another body."""
        other = Inquiry(self.model, fields, body, is_stream=self.is_stream)
        other.needs_tools = self.needs_tools
        other.needs_images = self.needs_images
        other.needs_structured_output = self.needs_structured_output
        other.needs_documents = self.needs_documents
        other.wants_usage = self.wants_usage
        other.choices = self.choices
        other.service_tier = self.service_tier
        other.output_tokens_max = self.output_tokens_max
        other.served = self.served
        return other


class Survey:
    """What the record needs to know of a whole answer."""

    __slots__ = ("failure", "finish_reason", "model", "usage")

    def __init__(
        self,
        usage: Usage,
        finish_reason: str = "",
        model: str = "",
        failure: Failure | None = None,
    ) -> None:
        self.usage = usage
        self.finish_reason = finish_reason
        self.model = model
        self.failure = failure
