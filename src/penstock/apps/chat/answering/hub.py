"""The browsers that listen now, by account, and what is still to go out to each.

A browser that does not read is not waited for: once ``BACKLOG_BYTES_MAX`` lie before it, its stream
ends, and it comes back for the rest with the number of the last event that it has had. Owned by one
event loop.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

BACKLOG_BYTES_MAX: Final = 1024 * 1024  # some minutes of one answer; sockets hold more before that
ACCOUNT_STREAMS_MAX: Final = 16  # browsers of one person; beyond, the oldest ends
STREAMS_MAX: Final = 10_000  # of the process; each holds a socket
KEEP_ALIVE: Final = b": \n\n"


class Listener:
    """One browser's stream."""

    __slots__ = ("_frames", "_size", "_waiter", "account", "is_over")

    def __init__(self, account: str) -> None:
        self.account = account
        self.is_over = False
        self._frames: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, frame: bytes) -> None:
        """Put something before it."""
        if self.is_over:
            return
        self._frames.append(frame)
        self._size += len(frame)
        if self._size > BACKLOG_BYTES_MAX:
            self.end()
        elif self._waiter is not None:
            self._wake()

    def end(self) -> None:
        """Let the stream end; what has not gone out is told when it comes back."""
        self.is_over = True
        self._frames.clear()
        self._size = 0
        self._wake()

    def take(self) -> bytes:
        """Return all that lies before it."""
        frames = self._frames
        if not frames:
            return b""
        self._frames = []
        self._size = 0
        return frames[0] if len(frames) == 1 else b"".join(frames)

    async def wait(self) -> None:
        """Wait until there is something, or the stream is over."""
        if self._frames or self.is_over:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Hub:
    """All of them."""

    def __init__(self) -> None:
        self._by_account: dict[str, list[Listener]] = {}
        self._count = 0
        self._is_closed = False

    def __len__(self) -> int:
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether no more may come."""
        return self._is_closed or self._count >= STREAMS_MAX

    def add(self, account: str) -> Listener:
        """Begin a stream."""
        one = Listener(account)
        here = self._by_account.setdefault(account, [])
        here.append(one)
        self._count += 1
        if len(here) > ACCOUNT_STREAMS_MAX:
            here[0].end()
        return one

    def remove(self, one: Listener) -> None:
        """Forget a stream."""
        here = self._by_account.get(one.account, [])
        if one in here:
            here.remove(one)
            self._count -= 1
            if not here:
                del self._by_account[one.account]

    def listeners(self, account: str) -> list[Listener] | None:
        """Return who listens there; None if nobody does."""
        return self._by_account.get(account)

    def offer_all(self, frame: bytes) -> None:
        """Put something before everybody."""
        for one in self._all():
            one.offer(frame)

    def end(self, account: str) -> None:
        """End all streams of an account: who may still listen comes back."""
        for one in list(self._by_account.get(account, ())):
            one.end()

    def close(self) -> None:
        """End all streams, and take no more."""
        self._is_closed = True
        for one in self._all():
            one.end()

    def _all(self) -> Iterable[Listener]:
        return [one for here in self._by_account.values() for one in here]
