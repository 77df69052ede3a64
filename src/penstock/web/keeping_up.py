"""Loops of a process that go on for ever: one that fails is logged and begins anew, alone.

``pause`` and ``is_set_within`` are what they wait with.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from penstock.core.errors import PenstockError
from penstock.telemetry import log

AGAIN_S: Final = 5.0  # after a loop of ours has failed

Loop = Callable[[], Awaitable[None]]


async def kept_up(name: str, loop: Loop) -> None:
    """Run a loop; begin it anew if it fails."""
    while True:
        # Whatever it is: a fault of ours in one part must not take the others along.
        (error,) = await asyncio.gather(loop(), return_exceptions=True)
        reason = error.message if isinstance(error, PenstockError) else repr(error)
        log.warn("loop_failed", loop=name, reason=reason)
        await pause(AGAIN_S)


async def pause(for_s: float) -> None:
    """Wait for so long."""
    await is_set_within(asyncio.Event(), for_s)  # which nobody sets


async def is_set_within(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event for so long at most; tells whether it came."""
    try:
        async with asyncio.timeout(within_s):
            return await event.wait()
    except TimeoutError:
        return False
