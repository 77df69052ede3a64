"""What ends a drill's processes when the drill itself is killed: one small process with a pipe.

start    it leads a process group, and all that a drill starts belongs to that group
pipe     the drill holds its other end. When that closes without a word the drill is dead: the
         group is told to end, and killed ``GRACE_S`` later
done     a drill that ends by itself says so: then whoever is left of the group is killed at once

What a drill's processes start leads groups of its own, and is ended by them: ``up`` ends its own.
Run as ``python -m penstock.apps.drill.leash``; of Penstock it loads nothing, so that it is small.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator
from typing import Final

MODULE: Final = "penstock.apps.drill.leash"
DONE: Final = b"done"
FORKED_S: Final = 0.3  # until who was just being started belongs to the group
GRACE_S: Final = 15.0  # ``up`` drains its gateways, and insists with those that do not end


@contextlib.asynccontextmanager
async def leashed() -> AsyncGenerator[int]:
    """Yield the process group to which everybody is to belong who must not outlive us."""
    holding = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        MODULE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield holding.pid
    finally:
        await holding.communicate(DONE)


def hold() -> None:
    """Wait until the pipe ends, and end the group."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.read(sys.stdin.fileno(), len(DONE)) != DONE:
        pause = threading.Event()  # never set: it only waits
        pause.wait(FORKED_S)
        os.killpg(0, signal.SIGTERM)
        pause.wait(GRACE_S)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    hold()
