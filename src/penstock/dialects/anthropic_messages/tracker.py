"""What a caller of Anthropic Messages has been sent: which block is open, and its number."""

from typing import Final

from penstock.dialects import json_fields, sse
from penstock.dialects.anthropic_messages.answer import MessagesEncoder
from penstock.dialects.anthropic_messages.passthrough import EVENT
from penstock.dialects.contract import Inquiry
from penstock.dialects.events import TextDelta, ThinkingDelta

DELTA: Final = b"event: content_block_delta"


class MessagesTracker:
    """Follows one stream as it goes to the caller. Owned by one event loop."""

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._inquiry = inquiry
        self._created_unix_s = created_unix_s
        self._splitter = sse.Splitter()
        self._index = -1
        self._block: type[TextDelta | ThinkingDelta] | None = None

    def see(self, sent: bytes) -> None:
        """Learn from whole events as they went out."""
        for raw in self._splitter.feed(sent):
            # A delta moves nothing, and most events are deltas.
            data = None if raw.startswith(DELTA) else sse.fields(raw).data
            if data is not None:
                self._learn(data)

    def resume(self) -> MessagesEncoder:
        """Return an encoder that goes on in the open text block, or opens the next one."""
        encoder = MessagesEncoder(self._inquiry, self._created_unix_s)
        encoder.resume(self._index, self._block)
        return encoder

    def _learn(self, data: bytes) -> None:
        try:
            event = EVENT.decode(data)
        except json_fields.MALFORMED:
            return
        if event.type == "content_block_start" and event.content_block is not None:
            self._index = event.index
            # Whatever is no text cannot be gone on with, but must be closed.
            self._block = TextDelta if event.content_block.type == "text" else ThinkingDelta
        elif event.type == "content_block_stop":
            self._block = None
