"""Passing a stream on unchanged, while watching what it says.

    event seen as whole and good            -> its bytes go on as they came
    event that is for us alone (usage)      -> taken out
    line that is no field, junk             -> taken out and counted; the stream goes on
    good JSON of a form we do not know     -> goes on: it is the caller's to read
    data that is malformed, before content  -> failure: another upstream may still answer
    data that is malformed, after content   -> failure if it may have held content, else taken out
    data after a failure                    -> nothing
    failure after the answer is complete    -> taken out: what is complete stays complete
    good event, and the caller is told      -> what ``rewrite`` makes of its data
      which tier serves it

Malformed data may have held content if its event is named as one that does, or if it begins as the
last good event of the stream did: a damaged chunk has its siblings' id in front, a stray line has
not. Anything else is a stray line, and one of those does not end a good stream.

A dialect subclasses ``Relay`` and says what its events mean (``_see``).
"""

from typing import Final

import msgspec

from penstock.core.errors import DialectError, PenstockError
from penstock.core.outcome import Failure, FailureKind
from penstock.dialects import json_fields, sse
from penstock.dialects.message import Usage
from penstock.dialects.service_tier import Rewrite

CR: Final = 0x0D  # a number is found faster than bytes are
NO_DATA: Final = b"\n"  # what no line of data begins with
SAME_BYTES: Final = 12  # enough to tell {"id":"chatcmpl- and {"type":"content_ from anything else


class Relay:
    """An AnswerReader for the same dialect on both sides. Owned by one event loop."""

    __slots__ = (
        "_beginning", "_is_cut", "_splitter", "events", "failure", "finish_reason", "has_content",
        "is_complete", "is_ended", "junk_lines", "model", "output_bytes", "rewrite", "usage",
    )  # fmt: skip

    terminator: bytes = b""
    content_events: tuple[bytes, ...] = ()  # names of events that can carry content

    def __init__(self) -> None:
        self._splitter = sse.Splitter()
        self._is_cut = False  # the splitter keeps the beginning of an event
        self._beginning = NO_DATA  # of the data of the last good event
        self.rewrite: Rewrite | None = None  # the usual stream has none
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
        """Take bytes cut anywhere; return the whole events that go on."""
        if self.failure is not None:
            return b""
        # The usual chunk is one event of one line, and needs no splitting.
        if (
            chunk.startswith(b"data: ")
            and chunk.find(b"\n") == len(chunk) - 2
            and chunk.endswith(b"\n\n")
            and not self._is_cut
            and CR not in chunk
        ):
            return self._judge(b"", chunk[6:-2], chunk)
        return self._feed_slowly(chunk)

    def _feed_slowly(self, chunk: bytes) -> bytes:
        try:
            events = self._splitter.feed(chunk)
        except DialectError as error:
            self.break_off(error.message)
            return b""
        self._is_cut = bool(self._splitter.kept)
        if len(events) == 1:
            return self._pass(events[0])
        passed: list[bytes] = []
        for raw in events:
            passed.append(self._pass(raw))
            if self.failure is not None:
                break
        return b"".join(passed)

    def finish(self) -> bytes:
        """The upstream has ended: supply the terminator, or say that the answer is cut."""
        if self.failure is not None:
            return b""
        if self.is_ended:
            return b""
        if not self.is_complete:
            self.break_off("the stream ended before the model said why it stopped")
            return b""
        self.is_ended = True
        return self.terminator

    def broken(self, error: PenstockError) -> bytes:
        """Return nothing: an error event needs to know of no other, unless a dialect says so."""
        del error
        return b""

    def _pass(self, raw: bytes) -> bytes:
        # The usual event is one line of data, perhaps under one line with its name.
        if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2:
            name, data = b"", raw[6:-2]
        elif (
            raw.startswith(b"event: ")
            and raw.startswith(b"data: ", (end := raw.find(b"\n")) + 1)
            and raw.find(b"\n", end + 1) == len(raw) - 2
        ):
            name, data = raw[7:end].rstrip(b"\r"), raw[end + 7 : -2]
        else:
            fields = sse.fields(raw)
            if fields.junk_lines:
                self.junk_lines += fields.junk_lines
                raw = sse.without_junk(raw)
            if fields.data is None:
                return raw  # a comment or a lone field: a sign of life
            name, data = fields.event, fields.data
        return self._judge(name, data, raw)

    def _judge(self, name: bytes, data: bytes, raw: bytes) -> bytes:
        """Return what goes on of an event with data: ``raw``, or nothing."""
        self.events += 1
        try:
            passes = self._see(name, data)
        except msgspec.ValidationError as error:
            if not data.startswith(b"{"):
                return self._on_malformed(name, data, str(error))
            self.has_content = True  # good JSON that says things in an unusual way: theirs to read
            return raw
        except json_fields.MALFORMED as error:
            return self._on_malformed(name, data, str(error))
        if not data.startswith(self._beginning):  # they all begin alike: none needs to be kept
            self._beginning = data[:SAME_BYTES]
        if not passes or self.failure is not None:
            return b""
        return raw if self.rewrite is None else raw.replace(data, self.rewrite(data), 1)

    def fail(self, failure: Failure) -> None:
        """End here: nothing more comes out. Once the answer is complete it stays so."""
        if not self.is_complete:
            self.failure = failure

    def break_off(self, detail: str) -> None:
        """End here, because the stream is not what its dialect allows."""
        self.fail(Failure(FailureKind.BROKEN_STREAM, detail))

    def _see(self, name: bytes, data: bytes) -> bool:
        """Learn from one event; return whether it goes on. Raises on malformed data."""
        raise NotImplementedError

    def _on_malformed(self, name: bytes, data: bytes, message: str) -> bytes:
        is_sibling = data[:SAME_BYTES] == self._beginning
        if not self.has_content or is_sibling or name in self.content_events:
            self.break_off(f"the stream has a malformed event: {message}")
        else:
            self.junk_lines += 1
        return b""
