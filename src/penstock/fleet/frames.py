"""Frames: many messages in one write, over a stream of bytes that may be cut anywhere.

    a frame    four bytes of length, the highest first, then that many bytes of MessagePack: an
               array of messages
    too long   a length beyond ``FRAME_BYTES_MAX`` is refused before anything is collected
    garbage    what is no array of messages is refused; after that nothing more is read

All messages of one turn of the event loop go out in one frame, or in a few if they are many: a
system call costs more than to write a message.
"""

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from penstock.core.errors import DialectError

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024  # a thousand messages of 4 KiB, which none comes near
BATCH_MAX: Final = 1000  # messages in a frame
LENGTH_BYTES: Final = 4

M = TypeVar("M")


def frames(messages: Sequence[msgspec.Struct], encoder: msgspec.msgpack.Encoder) -> bytes:
    """Return the bytes for some messages, in their order."""
    if len(messages) <= BATCH_MAX:
        body = encoder.encode(messages)
        return len(body).to_bytes(LENGTH_BYTES, "big") + body
    parts = range(0, len(messages), BATCH_MAX)
    return b"".join(frames(messages[at : at + BATCH_MAX], encoder) for at in parts)


class FrameReader(Generic[M]):
    """Puts frames together again. Owned by one connection; not thread-safe."""

    __slots__ = ("_buffer", "_decode", "_is_broken")

    def __init__(self, messages: Any) -> None:
        self._decode: msgspec.msgpack.Decoder[list[M]] = msgspec.msgpack.Decoder(messages)
        self._buffer = bytearray()
        self._is_broken = False

    def feed(self, data: bytes) -> list[M]:
        """Return the messages that are complete now; raises DialectError for what is no frame."""
        if self._is_broken:
            raise DialectError("nothing can be read after a broken frame")
        buffer = self._buffer
        buffer += data
        found: list[M] = []
        at = 0
        while len(buffer) - at >= LENGTH_BYTES:
            start = at + LENGTH_BYTES
            size = int.from_bytes(buffer[at:start], "big")
            if size > FRAME_BYTES_MAX:
                self._is_broken = True
                raise DialectError(f"a frame of {size} bytes; at most {FRAME_BYTES_MAX} are read")
            if len(buffer) < start + size:
                break
            found += self._messages(bytes(buffer[start : start + size]))
            at = start + size
        del buffer[:at]
        return found

    def _messages(self, body: bytes) -> list[M]:
        try:
            return self._decode.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._is_broken = True
            raise DialectError(f"a frame that is no list of messages: {error}") from error
