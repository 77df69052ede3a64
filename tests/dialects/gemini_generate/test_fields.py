"""What is read of Gemini's usage, refusals, errors and parts."""

import msgspec
import pytest

from penstock.dialects.gemini_generate.fields import AnswerPart, Chunk, UsageFields
from penstock.dialects.message import Usage


def chunk(text: bytes) -> Chunk:
    return msgspec.json.decode(text, type=Chunk)


def test_output_includes_thoughts_and_input_the_tools_prompt() -> None:
    told = msgspec.json.decode(
        b'{"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 7,'
        b' "thoughtsTokenCount": 30, "cachedContentTokenCount": 2}',
        type=UsageFields,
    )
    assert told.normalised() == Usage(15, 37, 2, reasoning_tokens=30, is_known=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{}", ""),
        (b'{"promptFeedback": {"blockReason": "BLOCKED_REASON_UNSPECIFIED"}}', ""),
        (b'{"promptFeedback": {"blockReason": "SAFETY"}}', "SAFETY"),
    ],
)
def test_an_unspecified_reason_is_none(text: bytes, reason: str) -> None:
    assert chunk(text).block_reason() == reason


def test_an_empty_error_is_none() -> None:
    assert not chunk(b'{"error": null}').has_error()
    assert not chunk(b'{"error": {}}').has_error()
    assert chunk(b'{"error": {"code": 503}}').has_error()


def test_a_signature_is_content_to_nobody() -> None:
    part = msgspec.json.decode(b'{"thoughtSignature": "c2ln"}', type=AnswerPart)
    assert part.content_bytes() == 0
    call = msgspec.json.decode(b'{"functionCall": {"name": "f"}}', type=AnswerPart)
    assert call.content_bytes() == len(b'{"name": "f"}')
