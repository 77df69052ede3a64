"""What is looked at of events, answers and requests of Anthropic Messages that pass."""

from typing import Final

import msgspec

from penstock.dialects.message import Usage

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")


class OutputDetails(msgspec.Struct, gc=False):
    """``usage.output_tokens_details``."""

    thinking_tokens: int | None = None


class UsageFields(msgspec.Struct, gc=False):
    """``usage``: cumulative; what is absent has not changed."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None
    service_tier: str | None = None

    def update(self, newer: "UsageFields") -> None:
        """Take over what newer figures say."""
        for name in newer.__struct_fields__:
            value = getattr(newer, name)
            if value is not None:
                setattr(self, name, value)

    def normalised(self, *, is_final: bool = True) -> Usage:
        """Return the tokens in the common meaning: this dialect's input excludes the cache.

        What ``message_start`` says is not final: its output is a placeholder.
        """
        cached = self.cache_read_input_tokens or 0
        written = self.cache_creation_input_tokens or 0
        details = self.output_tokens_details or OutputDetails()
        return Usage(
            input_tokens=(self.input_tokens or 0) + cached + written,
            output_tokens=self.output_tokens or 0,
            cached_tokens=cached,
            cache_write_tokens=written,
            reasoning_tokens=details.thinking_tokens or 0,
            is_known=is_final,
        )


class StopDetails(msgspec.Struct, gc=False):
    """``stop_details``: what is said of a refusal."""

    explanation: str | None = None


class Delta(msgspec.Struct, gc=False):
    """``delta`` of a block or of the message."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class Block(msgspec.Struct, gc=False):
    """``content_block``, as far as it tells content from its beginning."""

    type: str = ""
    id: str = ""
    name: str = ""
    text: str | None = None
    thinking: str | None = None
    input: Raw = ABSENT


class Message(msgspec.Struct, gc=False):
    """``message`` of ``message_start``."""

    id: str = ""
    model: str = ""
    usage: UsageFields | None = None


class StreamEvent(msgspec.Struct, gc=False):
    """The data of one event of a stream."""

    type: str = ""
    delta: Delta | None = None
    index: int = 0
    content_block: Block | None = None
    message: Message | None = None
    usage: UsageFields | None = None
    error: Raw = ABSENT


class WholeAnswer(msgspec.Struct):
    """A whole answer, as far as the record needs it."""

    type: str = ""
    model: str = ""
    content: Raw = ABSENT
    stop_reason: str | None = None
    usage: UsageFields | None = None
    error: Raw = ABSENT


class ResultPart(msgspec.Struct):
    """The type of one part of a tool result."""

    type: str = ""


class ContentPart(msgspec.Struct):
    """The type of one block of a message, and of the parts in it."""

    type: str = ""
    content: str | list[ResultPart] | ResultPart | None = None


class MessageHead(msgspec.Struct):
    """As much of a message as tells whether it has pictures or documents."""

    content: str | list[ContentPart] | None = None


class OutputConfig(msgspec.Struct):
    """As much of ``output_config`` as tells whether a schema binds the answer."""

    format: Raw = ABSENT


class Thinking(msgspec.Struct):
    """A block, as far as it tells whether Claude can have thought it."""

    type: str = ""
    signature: str | None = None
