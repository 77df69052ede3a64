"""Decoding a stream whose events have names, as those of Anthropic and of OpenAI Responses."""

from typing import Final

from penstock.core.errors import DialectError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import sse
from penstock.dialects.events import Event, Failed, KeptAlive

_ALIVE: Final = KeptAlive()


class NamedEventDecoder:
    """A Decoder but for what its events mean. Owned by one event loop."""

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self.junk_lines = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """Return the events that are whole now; where the stream is malformed, Failed is last."""
        events: list[Event] = []
        try:
            for raw in self._splitter.feed(chunk):
                # The usual event is one line of data under one line with its name.
                end = raw.find(b"\n")
                if (
                    raw.startswith(b"event: ")
                    and raw.startswith(b"data: ", end + 1)
                    and raw.find(b"\n", end + 1) == len(raw) - 2
                ):
                    self._decode(raw[end + 7 : -2], events)
                else:
                    self._decode_slowly(raw, events)
        except DialectError as error:
            events.append(Failed(Failure(FailureKind.BROKEN_STREAM, error.message)))
        return events

    def _decode_slowly(self, raw: bytes, events: list[Event]) -> None:
        fields = sse.fields(raw)
        self.junk_lines += fields.junk_lines
        if fields.data is None:
            events.append(_ALIVE)
        else:
            self._decode(fields.data, events)

    def _decode(self, data: bytes, events: list[Event]) -> None:
        """Add what one event says; raises DialectError if it is malformed."""
        raise NotImplementedError
