"""A whole answer that is too long to be held, passed on as it comes.

Its bytes go to the caller unchanged. What the record needs stands anywhere in it, mostly at its
end: it is read from the answer's skeleton, as it would have been from the whole.
"""

from collections.abc import Callable
from typing import Final

from penstock.core.errors import DialectError, PenstockError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import half_answer
from penstock.dialects.contract import Survey
from penstock.dialects.message import Usage
from penstock.dialects.skeleton import Skeleton

OK: Final = 200


class LongAnswer:
    """An AnswerReader for JSON that is no stream of events. Owned by one event loop."""

    __slots__ = (
        "_bytes_max", "_content_share", "_passed_bytes", "_skeleton", "_survey", "events",
        "failure", "finish_reason", "has_content", "is_complete", "is_ended", "junk_lines",
        "model", "output_bytes", "usage",
    )  # fmt: skip

    def __init__(self, survey: Callable[[bytes], Survey], held: bytes, bytes_max: int) -> None:
        """Take over what has been held; of the skeleton at most ``bytes_max`` are kept."""
        self._survey = survey
        self._skeleton = Skeleton()
        self._content_share = half_answer.content_bytes(held) / len(held) if held else 0.0
        self._passed_bytes = 0
        self._bytes_max = bytes_max
        self.has_content = True
        self.is_complete = False
        self.is_ended = False
        self.failure: Failure | None = None
        self.usage = Usage()
        self.finish_reason = ""
        self.model = ""
        self.events = 0
        self.output_bytes: int = 0  # estimated: the rest is taken as like its beginning
        self.junk_lines = 0

    def feed(self, chunk: bytes) -> bytes:
        """Pass bytes on; an answer that has no end is given up."""
        self._skeleton.feed(chunk)
        self._passed_bytes += len(chunk)
        self.output_bytes = int(self._content_share * self._passed_bytes)
        if self._skeleton.size_bytes <= self._bytes_max:
            return chunk
        detail = f"the answer is larger than {self._bytes_max} bytes, without what is long in it"
        self.failure = Failure(FailureKind.BROKEN_STREAM, detail, OK)
        return b""

    def finish(self) -> bytes:
        """Read what the whole answer says of itself."""
        try:
            survey = self._survey(self._skeleton.whole())
        except DialectError as error:
            self.failure = Failure(FailureKind.BROKEN_STREAM, error.message, OK)
            return b""
        self.usage, self.finish_reason = survey.usage, survey.finish_reason
        self.model, self.failure = survey.model, survey.failure
        self.is_complete = survey.failure is None
        return b""

    def broken(self, error: PenstockError) -> bytes:
        """Return nothing: half an answer is no place for an event, its end tells by its lack."""
        del error
        return b""
