"""Readers for an answer that may be gone on with by another upstream.

    hop                        reader          its bytes
    first, the same dialect    PassedHop       as they came; calls are held back (``splicer.py``)
    first, another dialect     TranslatedHop   through the caller's encoder
    a later one, any dialect   TranslatedHop   through the caller's encoder, which goes on where
                                               the hop before has stopped

A ``PassedHop`` watches with a second decoder what it passes on, and with the caller's ``Tracker``
where in the stream the caller is, so that an encoder can go on from there. When a hop has failed,
``obstacle`` says why nobody can go on, or None; ``resume`` gives the reader of the next hop. What
had not gone out when a hop broke is as if it had never come.

An event that passes and that the decoder does not understand is an obstacle: it may have said
anything.
"""

from typing import Final, Protocol

from penstock.core.errors import DialectError, PenstockError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import hops, sse
from penstock.dialects.continuation import Continuation
from penstock.dialects.contract import (
    AnswerReader,
    Decoder,
    Dialect,
    Encoder,
    Inquiry,
    NumberedEncoder,
)
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Event,
    Failed,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import StopReason, Usage
from penstock.dialects.progress import Progress
from penstock.dialects.splicer import EVENT_BYTES, Later, Splicer, Splicing
from penstock.dialects.trackers import TRACKERS, Tracker
from penstock.dialects.translate import Translation

CONTENT: Final = (TextDelta, ThinkingDelta, ToolStarted, ArgumentsDelta)
SIGNS_OF_LIFE: Final = (b":", b"event: ping")
NO_COMMENTS: Final = ("gemini_generate",)  # its clients read every line as data
RESTARTED: Final = Failure(FailureKind.REJECTED, "the continuation began the answer anew")
AT_LIMIT: Final = Stopped(StopReason.LENGTH)
LOST: Final = "the answer has an event that we do not understand"


class Hop(AnswerReader, Protocol):
    """An AnswerReader that another one can follow."""

    def obstacle(self) -> str | None:
        """Return why another upstream may not go on, or None."""
        ...

    @property
    def progress(self) -> Progress:
        """What the caller has, over all hops so far."""
        ...

    def resume(
        self, decoder: Decoder, continuation: Continuation, model: str, used: Usage
    ) -> "Hop":
        """Return a reader of the next upstream, which was asked for the continuation.

        ``model`` is what it was asked for, ``used`` what this hop has used, estimated or known.
        An upstream that never began to answer is no hop: resume from the one before.
        """
        ...

    def conclude(self, used: Usage) -> bytes:
        """Return the end of an answer that broke off at its output limit."""
        ...

    @property
    def is_holding(self) -> bool:
        """Calls are held back."""
        ...

    def release(self) -> bytes:
        """Return what is held, because it has been for too long; hold nothing more."""
        ...


def first_hop(
    caller: Dialect,
    upstream: Dialect,
    inquiry: Inquiry,
    created_unix_s: int,
    settings: Splicing,
) -> Hop:
    """Return the reader of the first upstream's stream."""
    if caller.name == upstream.name:
        return PassedHop(caller, inquiry, created_unix_s, settings)
    encoder = caller.encoder(inquiry, created_unix_s)
    splicer = Splicer(encoder, Progress(), settings)
    return TranslatedHop(upstream.decoder(), splicer, caller.name)


class TranslatedHop(Translation):
    """A hop that goes through the caller's encoder. Owned by one event loop."""

    __slots__ = ("_caller", "_splicer")

    failure: Failure | None

    def __init__(self, decoder: Decoder, splicer: Splicer, caller: str) -> None:
        super().__init__(decoder, splicer)
        self._splicer = splicer
        self._caller = caller

    @property
    def progress(self) -> Progress:
        """What the caller has, over all hops so far."""
        return self._splicer.progress

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes cut anywhere; return the events for the caller that they make."""
        out = super().feed(chunk)
        self.has_content = self._splicer.has_content
        if self._splicer.is_restarted:
            self.failure = RESTARTED
            self.is_complete = self.is_ended = False
        elif self.progress.is_stopped:  # by us perhaps: whatever the upstream has to add is lost
            self.is_complete, self.failure = True, None
            self.finish_reason = self._splicer.finish_reason
        return out

    def obstacle(self) -> str | None:
        """Return why another upstream may not go on, or None."""
        return self.progress.obstacle()

    def conclude(self, used: Usage) -> bytes:
        """Return the end of an answer that broke off at its output limit."""
        last = self._splicer
        usage = hops.total(last.before, last.model, used) if last.before else used
        self.is_complete, self.is_ended, self.failure = True, True, None
        self.finish_reason = AT_LIMIT.reason.value
        return _conclusion(last.encoder, last.progress, usage)

    @property
    def is_holding(self) -> bool:
        """Calls are held back."""
        return self._splicer.is_holding

    def release(self) -> bytes:
        """Return what is held, because it has been for too long; hold nothing more."""
        return self._splicer.release()

    def resume(self, decoder: Decoder, continuation: Continuation, model: str, used: Usage) -> Hop:
        """Return a reader of the next upstream, which was asked for the continuation."""
        last = self._splicer
        splicer = Splicer(
            last.encoder,
            last.progress,
            last.settings,
            Later(
                continuation,
                (*last.before, hops.hop_of(last.model, used)),
                model,
                self._caller not in NO_COMMENTS,
            ),
        )
        return TranslatedHop(decoder, splicer, self._caller)


class PassedHop:
    """The first hop, where caller and upstream speak the same dialect. Owned by one event loop."""

    def __init__(
        self, dialect: Dialect, inquiry: Inquiry, created_unix_s: int, settings: Splicing
    ) -> None:
        make = TRACKERS.get(dialect.name)
        self._tracker: Tracker | None = make(inquiry, created_unix_s) if make else None
        self._name = dialect.name
        self._relay = dialect.relay(inquiry)
        self._decoder = dialect.decoder()
        self._splitter = sse.Splitter()
        self._settings = settings
        self._held: list[tuple[bytes, list[Event]]] = []
        self._held_bytes = 0
        self._holds = settings.holds_calls
        self._is_watching = True
        self._model = ""  # that the upstream named
        self.progress = Progress()
        self.has_content = False
        self._copy()

    def _copy(self) -> None:
        relay = self._relay
        self.is_complete = relay.is_complete
        self.is_ended = relay.is_ended
        self.failure = relay.failure
        self.usage = relay.usage
        self.finish_reason = relay.finish_reason
        self.model = relay.model
        self.events = relay.events
        self.output_bytes = relay.output_bytes
        self.junk_lines = relay.junk_lines
        if self.progress.has_content or (relay.has_content and not self._held):
            self.has_content = True

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes cut anywhere; return the whole events that go on."""
        if self.failure is not None:
            return b""
        try:
            events = self._splitter.feed(chunk)
        except DialectError as error:
            self.failure = Failure(FailureKind.BROKEN_STREAM, error.message)
            return b""
        out = b"".join([self._take(raw) for raw in events])
        self._copy()
        return out

    def finish(self) -> bytes:
        """The upstream has ended: supply the terminator, or say that the answer is cut."""
        if self.failure is not None:
            return b""
        out = self._relay.finish()
        self._copy()
        return out

    def obstacle(self) -> str | None:
        """Return why another upstream may not go on, or None."""
        if self._tracker is None:
            return f"a stream of {self._name} cannot be gone on with"
        return self.progress.obstacle()

    def resume(self, decoder: Decoder, continuation: Continuation, model: str, used: Usage) -> Hop:
        """Return a reader of the next upstream, which was asked for the continuation."""
        assert self._tracker is not None
        splicer = Splicer(
            self._tracker.resume(),
            self.progress,
            self._settings,
            Later(
                continuation,
                (hops.hop_of(self._model, used),),
                model,
                self._name not in NO_COMMENTS,
            ),
        )
        return TranslatedHop(decoder, splicer, self._name)

    def broken(self, error: PenstockError) -> bytes:
        """Return the event that ends this stream as broken, if the dialect numbers it."""
        # What is held has numbers too, but the caller has not seen them.
        encoder = self._tracker.resume() if self._tracker is not None else None
        return encoder.broken(error) if isinstance(encoder, NumberedEncoder) else b""

    def conclude(self, used: Usage) -> bytes:
        """Return the end of an answer that broke off at its output limit."""
        assert self._tracker is not None
        self.is_complete, self.is_ended, self.failure = True, True, None
        self.finish_reason = AT_LIMIT.reason.value
        return _conclusion(self._tracker.resume(), self.progress, used)

    @property
    def is_holding(self) -> bool:
        """Calls are held back."""
        return bool(self._held)

    def release(self) -> bytes:
        """Return what is held, because it has been for too long; hold nothing more."""
        self._holds = False
        held, self._held = self._held, []
        out = b"".join([self._pass(*one) for one in held])
        self._copy()
        return out

    def _take(self, raw: bytes) -> bytes:
        output_bytes = self._relay.output_bytes
        out = self._relay.feed(raw)
        if self._relay.failure is not None:
            return b""
        has_grown = self._relay.output_bytes > output_bytes
        events = self._watch(raw, passes=bool(out), is_blind=has_grown)
        if self._held or (self._holds and any(isinstance(event, ToolStarted) for event in events)):
            return self._hold(raw, out, events)
        return self._pass(out, events)

    def _watch(self, raw: bytes, *, passes: bool, is_blind: bool) -> list[Event]:
        """Return what an event says; ``is_blind`` if it has content that must be seen."""
        if not self._is_watching:
            return []
        events = self._decoder.feed(raw)
        if not (passes or is_blind):
            return []  # taken out as junk, or for us alone
        sees = any(isinstance(event, CONTENT) for event in events)
        if (is_blind and not sees) or any(isinstance(event, Failed) for event in events):
            self._is_watching = self._holds = False
            self.progress.lose(LOST)
        return events

    def _hold(self, raw: bytes, out: bytes, events: list[Event]) -> bytes:
        if raw.startswith(SIGNS_OF_LIFE) or not raw.strip(b"\r\n"):
            return out
        self._held.append((out, events))
        self._held_bytes += EVENT_BYTES + len(out)
        if self._held_bytes > self._settings.held_bytes_max:
            self._holds = False
        if self._holds and not self._relay.is_complete:
            return b""
        held, self._held = self._held, []
        return b"".join([self._pass(*one) for one in held])

    def _pass(self, out: bytes, events: list[Event]) -> bytes:
        for event in events:
            if isinstance(event, Started):
                self._model = event.model
            self.progress.see(event)
        if self._tracker is not None:
            self._tracker.see(out)
        return out


def _conclusion(encoder: Encoder, progress: Progress, usage: Usage) -> bytes:
    progress.see(AT_LIMIT)
    return encoder.encode(Counted(usage)) + encoder.encode(AT_LIMIT) + encoder.finish()
