"""Where passwords are hashed: threads of their own, bounded lines, those who are known first.

A hash takes tens of milliseconds of a core, and anybody may ask for one. So that a flood of log-ins
slows nothing else, and locks out nobody who belongs here:

threads    a few, of the lowest priority where the system knows one: whatever else the process does
           comes first
places     so many are at work; others wait in two lines, and whoever is known goes first
known      a browser that was in an account holds a ticket that says so; a few at a time for each
strangers  so many for each network; of all, no more than are done within a few seconds
too many   are told at once when to come again, before anything is read or written for them
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec

from penstock.identity.errors import BusyError
from penstock.identity.passwords import AT_ONCE

NICE: Final = 10  # a tenth of what others get where there is not enough for all
PLACES: Final = 2 * AT_ONCE  # some read and write while others hash
WAITING_MAX: Final = 120  # strangers: some seconds of work
WAIT_S_MAX: Final = 8.0  # people go away, or press again
NETWORK_MAX: Final = 24  # of one network: an office in the morning, not a flood
KNOWN_MAX: Final = 120
EACH_MAX: Final = 3  # of one account that is known
HELD_S: Final = 0.1  # a place, until one has been measured
SMOOTH: Final = 0.2  # of a new measurement in what is told to wait

_Made = TypeVar("_Made")


class Caller(msgspec.Struct, frozen=True):
    """Who wants a password hashed."""

    network: str
    account: str = ""  # that the browser was in; empty: a stranger

    @property
    def key(self) -> str:
        """By what places are counted."""
        return f"account:{self.account}" if self.account else f"network:{self.network}"


class Hashing:
    """The threads and the lines before them. Owned by one event loop."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._threads = ThreadPoolExecutor(AT_ONCE, "hashing", _lower)
        self._at_work = 0
        self._known: deque[asyncio.Future[None]] = deque()
        self._strangers: deque[asyncio.Future[None]] = deque()
        self._counted: Counter[str] = Counter()
        self._held_s = HELD_S
        self.refused_s = float("-inf")  # when the last was told to come again

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._known) + len(self._strangers)

    @contextlib.asynccontextmanager
    async def place(self, caller: Caller) -> AsyncGenerator[None]:
        """Wait for a place, and hold it; raises BusyError."""
        line, line_max, each_max = self._strangers, WAITING_MAX, NETWORK_MAX
        if caller.account:
            line, line_max, each_max = self._known, KNOWN_MAX, EACH_MAX
        is_long = len(line) >= line_max or self._wait_s() > WAIT_S_MAX
        if is_long or self._counted[caller.key] >= each_max:
            self.refused_s = self._now_s()
            raise BusyError(max(1.0, self._wait_s()))
        self._counted[caller.key] += 1
        try:
            await self._turn(line)
            begun_s = self._now_s()
            try:
                yield
            finally:
                self._held_s += SMOOTH * (self._now_s() - begun_s - self._held_s)
                self._next()
        finally:
            self._counted[caller.key] -= 1
            if not self._counted[caller.key]:
                del self._counted[caller.key]

    async def run(self, work: Callable[[], _Made]) -> _Made:
        """Return what work returns, done in one of the threads; for whoever holds a place."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Take no more work; what is being hashed is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, line: deque[asyncio.Future[None]]) -> None:
        if self._at_work < PLACES:
            self._at_work += 1
            return
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(called)
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # it came, and nobody takes it
                self._next()
            else:
                line.remove(called)
            raise

    def _next(self) -> None:
        """Give the place to whoever is next; those who are known go first."""
        for line in (self._known, self._strangers):
            while line:
                called = line.popleft()
                if not called.done():
                    called.set_result(None)
                    return
        self._at_work -= 1

    def _wait_s(self) -> float:
        return self.waiting * self._held_s / PLACES


def _lower() -> None:
    """Let a thread wait for all others; only Linux has priorities for threads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
