"""An encoder between a stream of events and the caller: holds calls back, and makes the seam.

    event                first hop                       a later hop
    Started              goes on                         its model is noted, nothing goes out
    thinking             goes on                         taken out: it would be a second one
    text                 goes on                         through the seam; a comment stands before
    a tool call          held, with all that follows     the same; its number follows those before
    Stopped              everything held goes first      the same; END is TOOL where calls are out
    Counted              goes on                         the sum over the hops
    a sign of life       goes on, even while we hold     the same

Calls are held until the finish reason, so that a break leaves all of a turn's calls or none. More
than ``held_bytes_max`` of them goes on as it comes from there on.

A stop sequence that crosses the seam ends the answer. A continuation that begins the answer anew
ends it too, as a failure (``is_restarted``).

Source: DIALECTS 11 of the reference shelf.
"""

from typing import Final

import msgspec

from penstock.core.errors import PenstockError
from penstock.dialects import hops
from penstock.dialects.continuation import Continuation
from penstock.dialects.contract import Encoder, NumberedEncoder
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Event,
    KeptAlive,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import Hop, StopReason, Usage
from penstock.dialects.progress import Progress
from penstock.dialects.seam import Joint

# As much as the longest arguments that coding tools send, whole files among them.
HELD_BYTES_MAX: Final = 1024 * 1024
EVENT_BYTES: Final = 64  # about what an event is in memory, beside its text


class Splicing(msgspec.Struct, frozen=True):
    """An operator's settings."""

    holds_calls: bool = True
    held_bytes_max: int = HELD_BYTES_MAX


class Later(msgspec.Struct, frozen=True):
    """What a later hop knows of itself and of those before."""

    continuation: Continuation
    before: tuple[Hop, ...]
    model: str  # that was asked for
    has_comment: bool  # the caller's dialect bears comments


class Splicer:
    """Encodes one hop. Owned by one event loop."""

    def __init__(
        self,
        encoder: Encoder,
        progress: Progress,
        settings: Splicing,
        later: Later | None = None,
    ) -> None:
        self.encoder = encoder
        self.progress = progress
        self.settings = settings
        self.before = later.before if later else ()
        self.model = later.model if later else ""
        self.has_content = False  # of this hop
        self.is_restarted = False
        self.finish_reason = ""  # as the caller has it
        self._continuation = later.continuation if later else None
        self._has_comment = later is not None and later.has_comment
        self._calls_before = progress.calls
        self._holds = settings.holds_calls
        self._held: list[Event] = []
        self._held_bytes = 0
        self._is_counted = False

    def encode(self, event: Event) -> bytes:
        """Return the bytes that go out because of one event."""
        if isinstance(event, Counted):
            return self._count(event.usage)
        if self.progress.is_stopped or self.is_restarted:
            return b""
        match event:
            case KeptAlive():
                return self.encoder.encode(event)
            case Started():
                return self._start(event)
            case _:
                is_held = self._held or (self._holds and isinstance(event, ToolStarted))
                return self._hold(event) if is_held else self._emit(event)

    @property
    def is_holding(self) -> bool:
        """Calls are held back."""
        return bool(self._held)

    def release(self) -> bytes:
        """Return what is held, and hold nothing more."""
        self._holds = False
        return self._let_go()

    def finish(self) -> bytes:
        """Return the end of the answer."""
        if self.is_restarted:
            return b""
        counted = b""
        if self.before and not self._is_counted:
            counted = self._count(Usage())
        return counted + self.encoder.finish()

    def broken(self, error: PenstockError) -> bytes:
        """Return the event that ends the stream as broken, if the encoder has one of its own."""
        return self.encoder.broken(error) if isinstance(self.encoder, NumberedEncoder) else b""

    def _start(self, event: Started) -> bytes:
        if self._continuation is None:
            self.model = event.model
            return self.encoder.encode(event)
        self.model = event.model or self.model
        return b""

    def _count(self, usage: Usage) -> bytes:
        self._is_counted = True
        if self.before:
            usage = hops.total(self.before, self.model, usage)
        return self.encoder.encode(Counted(usage))

    def _hold(self, event: Event) -> bytes:
        self._held.append(event)
        self._held_bytes += EVENT_BYTES + _size_of(event)
        if self._held_bytes > self.settings.held_bytes_max:
            return self.release()
        if not isinstance(event, Stopped):
            return b""
        return self._let_go()

    def _let_go(self) -> bytes:
        held, self._held = self._held, []
        return b"".join([self._emit(event) for event in held])

    def _emit(self, event: Event) -> bytes:
        if self._continuation is None:
            return self._write(event)
        before = b""
        match event:
            case ThinkingDelta():
                return b""
            case TextDelta(text=text):
                return self._write_text(self._continuation.seam.feed(text), event)
            case ToolStarted() | Stopped():
                before = self._flush()
            case _:
                pass
        if self.progress.is_stopped or self.is_restarted:
            return before
        return before + self._write(self._placed(event))

    def _placed(self, event: Event) -> Event:
        """Return the event of a later hop as one of the whole answer."""
        match event:
            case ToolStarted() | ArgumentsDelta():
                return msgspec.structs.replace(event, index=event.index + self._calls_before)
            case Stopped(reason=StopReason.END) if self.progress.calls:
                return Stopped(StopReason.TOOL)
            case _:
                return event

    def _flush(self) -> bytes:
        """The text is at its end, or interrupted by a call: what the seam holds goes out."""
        assert self._continuation is not None
        seam, crossing = self._continuation.seam, self._continuation.crossing
        out = self._write_text(seam.finish(), TextDelta(""))
        rest = crossing.finish()
        return out + self._write(TextDelta(rest)) if rest else out

    def _write_text(self, text: str, event: TextDelta) -> bytes:
        assert self._continuation is not None
        if self._continuation.seam.joint is Joint.RESTARTED:
            self.is_restarted = True
            self.progress.lose("the continuation began the answer anew")
            return b""
        text = self._continuation.crossing.feed(text)
        if self._continuation.crossing.is_stopped:
            stop = self._continuation.crossing.stop
            return self._write(Stopped(StopReason.STOP_SEQUENCE, stop))
        return self._write(TextDelta(text, event.is_refusal)) if text else b""

    def _write(self, event: Event) -> bytes:
        comment = b""
        if self._has_comment:
            self._has_comment = False
            model = "".join(char for char in self.model if char.isprintable())
            comment = b": penstock continued by %b\n\n" % model.encode()
        self.has_content = True
        if isinstance(event, Stopped):
            self.finish_reason = event.reason.value
        self.progress.see(event)
        return comment + self.encoder.encode(event)


def _size_of(event: Event) -> int:
    match event:
        case TextDelta(text=text) | ThinkingDelta(text=text) | ArgumentsDelta(json=text):
            return len(text)
        case _:
            return 0
