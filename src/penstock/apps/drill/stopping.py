"""Whoever plays is asked to stop: by Ctrl-C or SIGTERM, once politely, twice at once.

once     before the outage has begun: ``StoppedError``, and nothing is written. Played: what
         was played is reported, and said to be partial
twice    the play is cancelled; processes are ended all the same

``status`` is that of a process which the signal has ended, as shells have it: 130, 143.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Generator
from typing import Final, TypeVar

from penstock.core.errors import PenstockError

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
BY_SIGNAL: Final = 128  # an exit status above it has the signal's number in it
_T = TypeVar("_T")


class StoppedError(PenstockError):
    """It was stopped before there was anything to report."""

    code = "drill_stopped"


class Stop(asyncio.Event):
    """Set when it is to end."""

    status = 0  # of this process, if a signal asked for it


@contextlib.contextmanager
def stoppable(stop: asyncio.Event) -> Generator[None]:
    """Let signals end the play, and a second one everything: CancelledError."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def asked_to(number: signal.Signals) -> None:
        if isinstance(stop, Stop):
            stop.status = BY_SIGNAL + number
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, asked_to, number)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def first_error() -> Generator[None]:
    """Raise the first error of a group of tasks as it is."""
    try:
        yield
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def unless(stop: asyncio.Event, work: Awaitable[_T]) -> _T:
    """Return what comes of some work, if nobody stops it; raises StoppedError and its own."""
    with first_error():
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_watch(stop))
            found = await work
            watching.cancel()
        return found


async def _watch(stop: asyncio.Event) -> None:
    await stop.wait()
    raise StoppedError("stopped before the outage began: there is nothing to report")
