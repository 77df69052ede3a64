"""What a caller of OpenAI Responses has been sent: the open item, its text, and what is done.

The relay's own watch says where the stream is. What an item has said is kept, because the events
that close it, and the one that ends the answer, repeat it.
"""

from typing import Final

import msgspec

from penstock.dialects import json_fields, sse
from penstock.dialects.contract import Inquiry
from penstock.dialects.openai_responses.encoder import ResponsesEncoder
from penstock.dialects.openai_responses.passthrough import ResponsesRelay

TEXTS: Final = ("response.output_text.delta", "response.reasoning_summary_text.delta")


class SentFields(msgspec.Struct):
    """The data of one event, as far as its end repeats it."""

    type: str = ""
    delta: str | None = None
    output_index: int = 0
    item: dict[str, object] | None = None


_SENT: Final = msgspec.json.Decoder(SentFields)


class ResponsesTracker:
    """Follows one stream as it goes to the caller. Owned by one event loop."""

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._inquiry = inquiry
        self._created_unix_s = created_unix_s
        self._splitter = sse.Splitter()
        self._relay = ResponsesRelay(inquiry)
        self._text: list[str] | None = None  # of the open item
        self._done: dict[int, dict[str, object]] = {}

    def see(self, sent: bytes) -> None:
        """Learn from whole events as they went out."""
        self._relay.feed(sent)
        for raw in self._splitter.feed(sent):
            data = sse.fields(raw).data
            if data is not None:
                self._learn(data)

    def resume(self) -> ResponsesEncoder:
        """Return an encoder that goes on in the open message, or begins the next item."""
        encoder = ResponsesEncoder(self._inquiry, self._created_unix_s)
        text = None if self._text is None else "".join(self._text)
        encoder.resume(self._relay.position, self._relay.model, text, self._done)
        return encoder

    def _learn(self, data: bytes) -> None:
        try:
            sent = _SENT.decode(data)
        except json_fields.MALFORMED:
            return
        if sent.type == "response.output_item.added":
            self._text = []
        elif sent.type == "response.output_item.done":
            self._text = None
            if sent.item is not None:
                self._done[sent.output_index] = sent.item
        elif sent.type in TEXTS and sent.delta and self._text is not None:
            self._text.append(sent.delta)
