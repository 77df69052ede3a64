"""A stream of an upstream, put together into the whole answer that a caller asked for.

Where a route says ``unary_via_stream``, an upstream is asked to stream although its caller is not:
so silence in the middle is noticed as such, and what a broken answer has cost can be estimated.
Nothing comes out before the answer is whole.
"""

from typing import Final

from penstock.core.errors import DialectError, PenstockError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.contract import Decoder, Dialect, Inquiry
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Ended,
    Event,
    Failed,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import Answer, StopReason, Text, ToolCall, Usage
from penstock.dialects.service_tier import told

CHARS_MAX: Final = 64 * 1024 * 1024  # as much as a whole answer may have bytes


class Assembly:
    """An AnswerReader whose ``finish`` returns a whole answer. Owned by one event loop."""

    __slots__ = (
        "_calls", "_created_unix_s", "_decoder", "_dialect", "_explanation", "_id", "_inquiry",
        "_service_tier", "_stop", "_stop_sequence", "_texts", "_thinking", "events", "failure",
        "finish_reason", "has_content", "is_complete", "is_ended", "junk_lines", "model",
        "output_bytes", "usage",
    )  # fmt: skip

    def __init__(
        self, decoder: Decoder, dialect: Dialect, inquiry: Inquiry, created_unix_s: int
    ) -> None:
        self._decoder = decoder
        self._dialect = dialect
        self._inquiry = inquiry
        self._created_unix_s = created_unix_s
        self._id = ""
        self._service_tier = ""
        self._texts: list[str] = []
        self._thinking: list[str] = []
        self._calls: dict[int, tuple[ToolStarted, list[str]]] = {}
        self._stop = StopReason.END
        self._stop_sequence = ""
        self._explanation = ""
        self.has_content = False  # of which the caller has none before the end
        self.is_complete = False
        self.is_ended = False
        self.failure: Failure | None = None
        self.usage = Usage()
        self.finish_reason = ""
        self.model = ""
        self.events = 0
        self.output_bytes: int = 0
        self.junk_lines = 0

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes cut anywhere; nothing comes out yet."""
        if self.failure is not None or self.is_ended:
            return b""
        try:
            for event in self._decoder.feed(chunk):
                self._learn(event)
        except DialectError as error:
            self._fail(error.message)
        self.junk_lines = self._decoder.junk_lines
        return b""

    def finish(self) -> bytes:
        """Return the whole answer in the caller's dialect, or say that it is cut."""
        if self.failure is not None:
            return b""
        if not self.is_complete:
            self._fail("the stream ended before the model said why it stopped")
            return b""
        calls = [
            ToolCall(begun.id, begun.name, "".join(pieces))
            for begun, pieces in self._calls.values()
        ]
        text = "".join(self._texts)
        answer = Answer(
            id=self._id,
            model=self.model,
            parts=(*((Text(text),) if text else ()), *calls),
            thinking="".join(self._thinking),
            stop=self._stop,
            stop_sequence=self._stop_sequence,
            explanation=self._explanation,
            usage=self.usage,
            service_tier=told(self._inquiry) or self._service_tier,
        )
        return self._dialect.write_answer(answer, self._inquiry, self._created_unix_s)

    def broken(self, error: PenstockError) -> bytes:
        """Return nothing: no stream has begun that could end in an event."""
        del error
        return b""

    def _learn(self, event: Event) -> None:
        self.events += 1
        match event:
            case Started():
                self._id, self.model = event.id, event.model
                self._service_tier = event.service_tier
            case TextDelta(text=text):
                self._keep(self._texts, text)
            case ThinkingDelta(text=text):
                self._keep(self._thinking, text)
            case ToolStarted() | ArgumentsDelta():
                self._learn_call(event)
            case Stopped():
                self.is_complete = True
                self._stop, self._stop_sequence = event.reason, event.stop_sequence
                self._explanation = event.explanation
                self.finish_reason = event.reason.value
            case _:
                self._learn_of_stream(event)

    def _learn_call(self, event: ToolStarted | ArgumentsDelta) -> None:
        if isinstance(event, ToolStarted):
            self._calls[event.index] = (event, [])
        elif event.index in self._calls:
            self._keep(self._calls[event.index][1], event.json)

    def _learn_of_stream(self, event: Event) -> None:
        """Learn from an event that is no part of the answer."""
        match event:
            case Counted(usage=usage):
                self.usage = usage
            case Ended():
                self.is_ended = True
            case Failed(failure=failure):
                self.failure = None if self.is_complete else failure
            case _:
                pass

    def _keep(self, pieces: list[str], piece: str) -> None:
        pieces.append(piece)
        self.output_bytes += len(piece)
        if self.output_bytes > CHARS_MAX:
            self._fail(f"the answer is longer than {CHARS_MAX} characters")

    def _fail(self, detail: str) -> None:
        if not self.is_complete:
            self.failure = Failure(FailureKind.BROKEN_STREAM, detail)
