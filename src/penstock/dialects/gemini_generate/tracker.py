"""What a caller of Gemini has been sent: the names that stand in every chunk of an answer.

    responseId, modelVersion, createTime    as the upstream's chunks have them
    one of them that no chunk has           in none of ours: all chunks of an answer look alike
    no chunk at all                         ours: the model that was asked for, and the time

Nothing else is open between two chunks: each is a whole response. The last one is ours, with the
only finish reason of the answer and the usage of all hops.
"""

from typing import Final

import msgspec

from penstock.dialects import json_fields, sse
from penstock.dialects.contract import Inquiry
from penstock.dialects.gemini_generate.answer import GenerateEncoder


class NamesFields(msgspec.Struct, rename="camel", omit_defaults=True):
    """What all chunks of an answer have in common."""

    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None  # Vertex has it


_NAMES: Final = msgspec.json.Decoder(NamesFields)


class GenerateTracker:
    """Follows one stream as it goes to the caller. Owned by one event loop."""

    def __init__(self, inquiry: Inquiry, created_unix_s: int) -> None:
        self._inquiry = inquiry
        self._created_unix_s = created_unix_s
        self._splitter = sse.Splitter()
        self._names: NamesFields | None = None

    def see(self, sent: bytes) -> None:
        """Learn from whole events as they went out."""
        for raw in () if self._is_named() else self._splitter.feed(sent):
            data = sse.fields(raw).data
            if data is None or self._is_named():
                continue
            try:
                self._names = _NAMES.decode(data)
            except json_fields.MALFORMED:
                continue  # the next chunk says the same

    def resume(self) -> GenerateEncoder:
        """Return an encoder whose chunks belong to the same answer."""
        encoder = GenerateEncoder(self._inquiry, self._created_unix_s)
        encoder.resume(None if self._names is None else msgspec.to_builtins(self._names))
        return encoder

    def _is_named(self) -> bool:
        return self._names is not None and bool(self._names.response_id)
