"""What is looked at of events, answers and requests of OpenAI Responses that pass."""

from typing import Final

import msgspec

from penstock.dialects.message import Usage

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")


class InputDetails(msgspec.Struct, gc=False):
    """``usage.input_tokens_details``."""

    cached_tokens: int | None = 0
    cache_write_tokens: int | None = 0


class OutputDetails(msgspec.Struct, gc=False):
    """``usage.output_tokens_details``."""

    reasoning_tokens: int | None = 0


class UsageFields(msgspec.Struct, gc=False):
    """``usage``."""

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None

    def normalised(self) -> Usage:
        """Return the tokens in the common meaning, which is this dialect's own."""
        given = self.input_tokens_details or InputDetails()
        made = self.output_tokens_details or OutputDetails()
        return Usage(
            input_tokens=self.input_tokens or 0,
            output_tokens=self.output_tokens or 0,
            cached_tokens=given.cached_tokens or 0,
            cache_write_tokens=given.cache_write_tokens or 0,
            reasoning_tokens=made.reasoning_tokens or 0,
            is_known=True,
        )


class IncompleteDetails(msgspec.Struct, gc=False):
    """``incomplete_details``."""

    reason: str | None = None


class ResponseHead(msgspec.Struct, gc=False):
    """A response, as far as the record needs it."""

    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    status: str | None = None
    usage: UsageFields | None = None
    incomplete_details: IncompleteDetails | None = None
    error: Raw = ABSENT
    output: Raw = ABSENT

    def finish_reason(self) -> str:
        """Return why the model stopped, in this dialect's words."""
        details = self.incomplete_details
        return (details.reason if details is not None else None) or self.status or ""


class ItemHead(msgspec.Struct, gc=False):
    """An item of the output, as far as it tells content from its beginning."""

    type: str = ""
    id: str | None = None


class StreamEvent(msgspec.Struct, gc=False):
    """The data of one event of a stream."""

    type: str = ""
    sequence_number: int | None = None
    item_id: str | None = None
    output_index: int = 0
    content_index: int = 0
    delta: str | None = None
    item: ItemHead | None = None
    response: Raw = ABSENT


class PartHead(msgspec.Struct):
    """The type of one part of an item."""

    type: str = ""


class InputHead(msgspec.Struct):
    """As much of an item of the input as tells what is in it."""

    type: str | None = None
    id: str | None = None
    content: Raw = ABSENT
    output: Raw = ABSENT


class TextHead(msgspec.Struct):
    """As much of ``text`` as tells whether a schema binds the answer."""

    format: PartHead | None = None
