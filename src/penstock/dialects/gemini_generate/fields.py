"""What is looked at of chunks and requests of Gemini that pass."""

from typing import Final

import msgspec

from penstock.dialects import json_fields
from penstock.dialects.message import Usage

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")
UNSPECIFIED: Final = ("FINISH_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED", "")


class UsageFields(msgspec.Struct, gc=False, rename="camel"):
    """``usageMetadata``."""

    prompt_token_count: int | None = 0
    tool_use_prompt_token_count: int | None = 0
    cached_content_token_count: int | None = 0
    candidates_token_count: int | None = 0
    thoughts_token_count: int | None = 0

    def normalised(self, *, is_final: bool = True) -> Usage:
        """Return the tokens in the common meaning: here candidates exclude thoughts."""
        thoughts = self.thoughts_token_count or 0
        return Usage(
            input_tokens=(self.prompt_token_count or 0) + (self.tool_use_prompt_token_count or 0),
            output_tokens=(self.candidates_token_count or 0) + thoughts,
            cached_tokens=self.cached_content_token_count or 0,
            reasoning_tokens=thoughts,
            is_known=is_final,
        )


class AnswerPart(msgspec.Struct, gc=False, rename="camel"):
    """One part of an answer; ``thought_signature`` is content to nobody."""

    text: str | None = None
    thought: bool | None = None
    function_call: Raw = ABSENT
    inline_data: Raw = ABSENT
    file_data: Raw = ABSENT
    executable_code: Raw = ABSENT
    code_execution_result: Raw = ABSENT
    tool_call: Raw = ABSENT
    tool_response: Raw = ABSENT
    audio_transcription: Raw = ABSENT

    def content_bytes(self) -> int:
        """Return how much content this is; 0 for an empty text or a signature alone."""
        if self.text is not None:
            return len(self.text)  # the usual case, and nothing beside it
        return sum(
            len(memoryview(raw))
            for raw in (
                self.function_call, self.inline_data, self.file_data, self.executable_code,
                self.code_execution_result, self.tool_call, self.tool_response,
                self.audio_transcription,
            )
        )  # fmt: skip


class AnswerContent(msgspec.Struct, gc=False):
    """``content`` of a candidate."""

    parts: list[AnswerPart] | None = None


class Candidate(msgspec.Struct, gc=False, rename="camel"):
    """One of the answers."""

    content: AnswerContent | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    index: int | None = 0


class PromptFeedback(msgspec.Struct, gc=False, rename="camel"):
    """``promptFeedback``."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class Chunk(msgspec.Struct, gc=False, rename="camel"):
    """A chunk of a stream, or a whole answer."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: UsageFields | None = None
    model_version: str | None = None
    response_id: str | None = None
    error: Raw = ABSENT

    def has_error(self) -> bool:
        """Tell whether this is an error and no answer."""
        return self.error is not ABSENT and not json_fields.is_empty(self.error)

    def block_reason(self) -> str:
        """Return why the prompt was refused; empty if it was not."""
        reason = self.prompt_feedback.block_reason if self.prompt_feedback else None
        return "" if reason is None or reason in UNSPECIFIED else reason

    def block_message(self) -> str:
        """Return what is said of a refused prompt."""
        feedback = self.prompt_feedback
        return (feedback.block_reason_message if feedback is not None else None) or ""


class Media(msgspec.Struct, rename="camel"):
    """As much of inline or linked data as tells what it is."""

    mime_type: str | None = None


class PartHead(msgspec.Struct, rename="camel"):
    """As much of a part as tells whether it is a picture or a file."""

    inline_data: Media | None = None
    file_data: Media | None = None


class ContentHead(msgspec.Struct):
    """As much of a turn."""

    parts: list[PartHead] | PartHead | None = None
