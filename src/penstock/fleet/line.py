"""One end of a line: a Unix socket that carries frames, one write for each turn of the loop.

What is sent in a turn is kept until its end, then goes out at once. A line whose other end reads
nothing is cut when ``UNSENT_BYTES_MAX`` have gathered; so is one that brings what is no frame.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar, cast

import msgspec

from penstock.core.errors import DialectError
from penstock.fleet.frames import FrameReader, frames

UNSENT_BYTES_MAX: Final = 32 * 1024 * 1024  # a hundred thousand asks: far more than can be waiting

M = TypeVar("M")


class Line(asyncio.Protocol, Generic[M]):
    """A connection. ``messages`` is the type of list that comes in. Owned by one event loop."""

    def __init__(
        self,
        messages: Any,
        on_messages: Callable[["Line[M]", list[M]], None],
        on_cut: Callable[["Line[M]", str], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reader: FrameReader[M] = FrameReader(messages)
        self._encoder = msgspec.msgpack.Encoder()
        self._on_messages = on_messages
        self._on_cut = on_cut
        self._transport: asyncio.Transport | None = None
        self._unsent: list[msgspec.Struct] = []
        self._reason = ""
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to send."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is not one by name
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell, once."""
        self._transport = None
        self._is_over = True
        self._unsent.clear()
        self._on_cut(self, self._reason or (str(exc) if exc else "the other end has gone"))

    def data_received(self, data: bytes) -> None:
        """Pass on what is complete."""
        try:
            found = self._reader.feed(data)
            if found and self._transport is not None:
                self._on_messages(self, found)
        except DialectError as error:
            self.cut(error.message)

    def send(self, message: msgspec.Struct) -> None:
        """Send at the end of this turn; nothing, if the line is cut."""
        if self._is_over:
            return
        if not self._unsent and self._transport is not None:
            self._loop.call_soon(self.flush)
        self._unsent.append(message)

    def flush(self) -> None:
        """Send what has gathered."""
        transport = self._transport
        if not self._unsent or transport is None:
            return
        unsent, self._unsent = self._unsent, []
        transport.write(frames(unsent, self._encoder))
        if transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self.cut("the other end reads nothing")

    def close(self) -> None:
        """End the line when what has been sent is out."""
        self.flush()
        self._is_over = True
        if self._transport is not None:
            self._transport.close()

    def cut(self, reason: str) -> None:
        """End the line now."""
        self._reason = self._reason or reason
        self._is_over = True
        if self._transport is not None:
            self._transport.abort()
