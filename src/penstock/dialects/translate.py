"""A stream from one dialect to another, event by event.

    common event    what it means here
    text, thinking  content
    tool call       content from its name on
    Stopped         the answer is complete
    Counted         the usage so far
    Ended           nothing will follow: the terminator for the caller comes out at once
    Failed          the upstream's error: nothing more comes out, unless the answer is complete

A malformed event ends the stream as broken: unlike on the pass-through path nobody can tell what
was lost.
"""

from penstock.core.errors import DialectError, PenstockError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects.contract import Decoder, Encoder, NumberedEncoder
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
from penstock.dialects.message import Usage


class Translation:
    """An AnswerReader for two dialects. Owned by one event loop."""

    __slots__ = (
        "_decoder", "_encoder", "events", "failure", "finish_reason", "has_content",
        "is_complete", "is_ended", "junk_lines", "model", "output_bytes", "usage",
    )  # fmt: skip

    def __init__(self, decoder: Decoder, encoder: Encoder) -> None:
        self._decoder = decoder
        self._encoder = encoder
        self.has_content = False
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
        """Take bytes cut anywhere; return the events for the caller that they make."""
        if self.failure is not None or self.is_ended:
            return b""
        out: list[bytes] = []
        try:
            for event in self._decoder.feed(chunk):
                self._learn(event)
                if type(event) is Failed:
                    break
                if type(event) is Ended:
                    out.append(self.finish())
                    break
                out.append(self._encoder.encode(event))
        except DialectError as error:
            self._fail(Failure(FailureKind.BROKEN_STREAM, error.message))
        self.junk_lines = self._decoder.junk_lines
        return b"".join(out)

    def finish(self) -> bytes:
        """The upstream has ended: supply the terminator, or say that the answer is cut."""
        if self.failure is not None or self.is_ended:
            return b""
        if not self.is_complete:
            self.failure = Failure(
                FailureKind.BROKEN_STREAM,
                "the stream ended before the model said why it stopped",
            )
            return b""
        self.is_ended = True
        return self._encoder.finish()

    def broken(self, error: PenstockError) -> bytes:
        """Return the event that ends this stream as broken, if the encoder has one of its own."""
        return self._encoder.broken(error) if isinstance(self._encoder, NumberedEncoder) else b""

    def _learn(self, event: Event) -> None:
        self.events += 1
        match event:
            case TextDelta(text=text) | ThinkingDelta(text=text) | ArgumentsDelta(json=text):
                self.output_bytes += len(text)
                self.has_content = True
            case ToolStarted():
                self.has_content = True
            case Stopped(reason=reason):
                self.is_complete = self.has_content = True
                self.finish_reason = reason.value
            case Counted(usage=usage):
                self.usage = usage
            case Started(model=model):
                self.model = model
            case Failed(failure=failure):
                self._fail(failure)
            case _:
                pass

    def _fail(self, failure: Failure) -> None:
        if not self.is_complete:  # what is complete stays complete
            self.failure = failure
