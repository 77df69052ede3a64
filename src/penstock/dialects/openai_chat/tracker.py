"""What a caller of OpenAI chat has been sent: id, model and creation time.

They stand in every chunk, but some servers begin with one that has no id.
"""

from typing import Final

import msgspec

from penstock.dialects import json_fields, sse
from penstock.dialects.contract import Inquiry
from penstock.dialects.openai_chat.answer import ChatEncoder


class HeadFields(msgspec.Struct):
    """What all chunks of an answer have in common."""

    id: str | None = None
    created: int | None = None
    model: str | None = None


_HEAD: Final = msgspec.json.Decoder(HeadFields)


class ChatTracker:
    """Follows one stream as it goes to the caller. Owned by one event loop."""

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._inquiry = inquiry
        self._created_unix_s = created_unix_s
        self._splitter = sse.Splitter()
        self._head = HeadFields()

    def see(self, sent: bytes) -> None:
        """Learn from whole events as they went out."""
        for raw in () if self._head.id else self._splitter.feed(sent):
            data = sse.fields(raw).data
            if data is None or self._head.id:
                continue
            try:
                self._head = _HEAD.decode(data)
            except json_fields.MALFORMED:
                continue  # the next chunk says the same

    def resume(self) -> ChatEncoder:
        """Return an encoder whose chunks belong to the same answer."""
        head = self._head
        created_unix_s = self._created_unix_s if head.created is None else head.created
        encoder = ChatEncoder(self._inquiry, created_unix_s)
        encoder.resume(head.id or "", head.model or "")
        return encoder
