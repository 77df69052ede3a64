"""What is looked at of chunks, answers and requests of OpenAI chat that pass."""

from typing import Final

import msgspec

from penstock.dialects import json_fields
from penstock.dialects.message import Usage

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")


class PromptDetails(msgspec.Struct, gc=False):
    """``usage.prompt_tokens_details``."""

    cached_tokens: int | None = 0
    cache_write_tokens: int | None = 0


class CompletionDetails(msgspec.Struct, gc=False):
    """``usage.completion_tokens_details``."""

    reasoning_tokens: int | None = 0


class UsageFields(msgspec.Struct, gc=False):
    """``usage``, of which engines fill in more or less."""

    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None

    def normalised(self) -> Usage:
        """Return the tokens in the common meaning, which is this dialect's own.

        Gemini's interface for this dialect counts thoughts in the total and nowhere else, or leaves
        out what was written if that was nothing but thoughts: what is not prompt is output.
        """
        prompt, completion = self.prompt_tokens_details, self.completion_tokens_details
        input_tokens, output_tokens = self.prompt_tokens or 0, self.completion_tokens or 0
        if input_tokens and self.total_tokens:
            output_tokens = max(output_tokens, self.total_tokens - input_tokens)
        return Usage(
            input_tokens,
            output_tokens,
            prompt.cached_tokens or 0 if prompt is not None else 0,
            prompt.cache_write_tokens or 0 if prompt is not None else 0,
            completion.reasoning_tokens or 0 if completion is not None else 0,
            is_known=True,
        )


class Delta(msgspec.Struct, gc=False):
    """``delta`` or ``message``: what can be content in it."""

    content: str | list[Raw] | None = None  # some servers tell thoughts and text in parts
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: Raw = ABSENT
    function_call: Raw = ABSENT
    audio: Raw = ABSENT

    def content_bytes(self) -> int:
        """Return how much content this is; 0 for a role or an empty delta."""
        content = self.content
        if content and isinstance(content, str):
            return len(content)  # the usual case, and nothing beside it
        count = len(self.reasoning_content or self.reasoning or self.refusal or "")
        if content:
            count += sum(len(memoryview(part)) for part in content)
        for raw in (self.tool_calls, self.function_call, self.audio):
            if raw is not ABSENT and not json_fields.is_empty(raw):
                count += len(memoryview(raw))
        return count


class Choice(msgspec.Struct, gc=False):
    """One of the answers."""

    index: int = 0
    finish_reason: str | None = None
    delta: Delta | None = None
    message: Delta | None = None


class Chunk(msgspec.Struct, gc=False):
    """A chunk of a stream, or a whole answer."""

    choices: list[Choice] | None = None
    usage: UsageFields | None = None
    error: Raw = ABSENT
    model: str | None = None


class StreamOptions(msgspec.Struct):
    """``stream_options``."""

    include_usage: bool | None = False


class ContentPart(msgspec.Struct):
    """The type of one part of a message."""

    type: str = ""


class MessageHead(msgspec.Struct):
    """As much of a message as tells whether it has pictures or files."""

    content: str | list[ContentPart] | None = None
