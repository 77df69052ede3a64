"""Answers that break off, and upstreams that know the whole text and go on with them.

``play`` is what the machine will do, without sockets: read the first hop, cut it, ask the next
upstream for a continuation, and so on. It gives back all that the caller gets.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from tests.dialects.samples import NO_END, inquiry

from penstock.dialects.capability import Prefill
from penstock.dialects.continuation import continued
from penstock.dialects.events import (
    ArgumentsDelta,
    Counted,
    Ended,
    Event,
    KeptAlive,
    Started,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ToolStarted,
)
from penstock.dialects.message import Request, Role, StopReason, Usage
from penstock.dialects.progress import Progress
from penstock.dialects.registry import DIALECTS
from penstock.dialects.seam import anchor_of
from penstock.dialects.splicer import Splicing
from penstock.dialects.splicing import Hop, first_hop

NAMES: Final = sorted(DIALECTS)
STORY: Final = (
    "The keeper climbed the stairs, as \u201che\u201d did each night.\n\nHalfway up he heard a "
    "knock, and d\u00e9j\u00e0 the lamp \U0001f56f\ufe0f was out. \u6d77\u306f\u9759\u304b. End"
)
USED: Final = Usage(11, 3)
SPLICING: Final = Splicing()


class Whole(msgspec.Struct, frozen=True):
    """An answer as it would be without a break."""

    text: str
    thinking: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()

    def events(self, text: str, model: str, piece_chars: int = 7) -> list[Event]:
        """Return what an upstream says that has this text still to say."""
        events: list[Event] = [Started(f"of-{model}", model)]
        if self.thinking:
            events.append(ThinkingDelta(self.thinking))
        events += [
            TextDelta(text[at : at + piece_chars]) for at in range(0, len(text), piece_chars)
        ]
        for index, (call_id, name, arguments) in enumerate(self.calls):
            half = len(arguments) // 2
            events.append(ToolStarted(index, call_id, name))
            events += [
                ArgumentsDelta(index, json) for json in (arguments[:half], arguments[half:]) if json
            ]
        events.append(Counted(Usage(20, 5, is_known=True)))
        events.append(Stopped(StopReason.TOOL if self.calls else StopReason.END))
        return events


def stream_of(name: str, events: Sequence[Event]) -> bytes:
    """Return an upstream's stream."""
    encoder = DIALECTS[name].encoder(inquiry(DIALECTS[name]), 1)
    return b"".join(encoder.encode(event) for event in events) + encoder.finish()


def told(whole: Whole, request: Request, progress: Progress) -> str:
    """Return what an obedient model says to a request to go on."""
    sent = progress.text
    body = sent.rstrip()
    if not body:
        return whole.text
    if request.turns[-1].role is Role.USER:
        return anchor_of(sent) + whole.text[len(body) :]
    return whole.text[len(body) :]


class Play:
    """One caller and the upstreams that answer, one after the other."""

    def __init__(self, caller: str, whole: Whole, settings: Splicing = SPLICING) -> None:
        self.caller = DIALECTS[caller]
        self.inquiry = inquiry(self.caller)
        self.request = self.caller.read_request(self.inquiry)
        self.whole = whole
        self.settings = settings
        self.out = b""
        self.hops: list[Hop] = []
        self.is_plain = False  # nothing had gone out: the next upstream begins anew

    @property
    def hop(self) -> Hop:
        return self.hops[-1]

    def begin(self, upstream: str, pieces: Sequence[bytes]) -> None:
        self.hops.append(first_hop(self.caller, DIALECTS[upstream], self.inquiry, 1, self.settings))
        self._read(pieces)

    def resume(self, upstream: str, prefill: Prefill, share: float = 1) -> None:
        """Go on at the next upstream, of whose stream only a share of the bytes may come."""
        model = f"m{len(self.hops)}"
        if not self.hop.has_content and len(self.hops) == 1:
            self.hops.clear()
            self.out = b""
            self.begin(upstream, [stream_of(upstream, self.whole.events(self.whole.text, model))])
            return
        assert self.hop.obstacle() is None
        progress = self.hop.progress
        continuation = continued(self.request, progress, prefill=prefill)
        text = told(self.whole, continuation.request, progress)
        stream = stream_of(upstream, self.whole.events(text, model))
        decoder = DIALECTS[upstream].decoder()
        self.hops.append(self.hop.resume(decoder, continuation, model, USED))
        self._read([stream[: int(len(stream) * share)]])

    def _read(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self.out += self.hop.feed(piece)
        self.out += self.hop.finish()

    def events(self) -> list[Event]:
        return DIALECTS[self.caller.name].decoder().feed(self.out)

    def said(self) -> Whole:
        """Return what the caller has read, from one beginning to one end."""
        return gist(self.caller.name, self.events())


def gist(name: str, events: Sequence[Event]) -> Whole:
    """Return what an answer says, however its events are cut; it has one beginning and one end."""
    events = [event for event in events if not isinstance(event, KeptAlive)]
    calls: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, ToolStarted):
            assert event.index not in calls
            calls[event.index] = [event.id, event.name, ""]
        elif isinstance(event, ArgumentsDelta):
            calls[event.index][2] += event.json
    assert [type(event) for event in events].count(Started) == 1
    assert [type(event) for event in events].count(Stopped) == 1
    assert type(events[-1]) in ((Stopped, Counted) if name in NO_END else (Ended,))
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    thinking = "".join(event.text for event in events if isinstance(event, ThinkingDelta))
    said = tuple((one[0], one[1], one[2]) for _, one in sorted(calls.items()))
    return Whole(text, thinking, said)


def is_silent(events: Sequence[Event]) -> bool:
    """Tell whether nothing in a stream is content."""
    return all(isinstance(event, Started | Counted | KeptAlive) for event in events)
