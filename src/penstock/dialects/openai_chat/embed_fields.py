"""What is read of a request for vectors, and of its answer."""

from typing import Final

import msgspec

from penstock.dialects.message import Usage

Raw = msgspec.Raw
ABSENT: Final = Raw(b"")


class EmbedFields(msgspec.Struct):
    """A request, as far as another dialect can take it."""

    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str | None = None
    user: str | None = None


class VectorFields(msgspec.Struct):
    """One of ``data``."""

    embedding: str | list[float]
    index: int = 0


class UsageFields(msgspec.Struct):
    """``usage``."""

    prompt_tokens: int | None = None


class AnswerFields(msgspec.Struct):
    """An answer."""

    data: Raw = ABSENT
    model: str | None = None
    usage: UsageFields | None = None
    error: Raw = ABSENT

    def counted(self) -> Usage:
        """Return the tokens; engines may not tell."""
        count = self.usage.prompt_tokens if self.usage is not None else None
        return Usage(input_tokens=count or 0, is_known=count is not None)
