"""The common request for vectors and its answer, and what OpenAI packs them in.

They are a ``Request`` and an ``Answer``, so that whatever carries those from one dialect to another
carries these too; a sibling that embeds reads and writes nothing else.
"""

import base64
import binascii
import struct
from typing import Final

from penstock.core.errors import DialectError
from penstock.dialects.message import Answer, Request, StopReason, Text, ToolCall

FLOAT_BYTES: Final = 4
Vector = tuple[float, ...]


class EmbedRequest(Request, frozen=True, kw_only=True):
    """Texts to embed, each into a vector of its own."""

    inputs: tuple[str, ...]
    dimensions: int | None = None


class EmbedAnswer(Answer, frozen=True, kw_only=True):
    """One vector for each text, in order."""

    id: str = ""
    model: str = ""
    parts: tuple[Text | ToolCall, ...] = ()
    stop: StopReason = StopReason.END
    vectors: tuple[Vector, ...]


def request_of(request: Request) -> EmbedRequest:
    """Return a request as what it is: siblings that embed are paired with such only."""
    assert isinstance(request, EmbedRequest), "not a request for vectors"
    return request


def answer_of(answer: Answer, count: int) -> EmbedAnswer:
    """Return an answer as what it is; raises DialectError if vectors are missing or too many."""
    assert isinstance(answer, EmbedAnswer), "not an answer of vectors"
    if len(answer.vectors) != count:
        raise DialectError(f"the answer has {len(answer.vectors)} vectors for {count} inputs")
    return answer


def packed(vector: Vector) -> str:
    """Return a vector in base64: single precision, least significant byte first."""
    try:
        raw = struct.pack(f"<{len(vector)}f", *vector)
    except OverflowError as error:
        raise DialectError("a vector has a number that is too large") from error
    return base64.b64encode(raw).decode()


def unpacked(text: str) -> Vector:
    """Return a vector from its base64."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DialectError("a vector of the answer is no base64") from error
    if len(raw) % FLOAT_BYTES:
        raise DialectError("a vector of the answer is cut")
    return struct.unpack(f"<{len(raw) // FLOAT_BYTES}f", raw)
