"""Running the emulator until it is told to stop."""

import asyncio
import signal
from collections.abc import Callable
from typing import Final

from penstock.apps.emulate.app import Emulator
from penstock.apps.emulate.settings import Settings
from penstock.config.model import ServerLimits
from penstock.wire import clock
from penstock.wire.server import Server

# A drill opens a thousand streams and more at once, and a reader may be stalled on purpose.
LIMITS: Final = ServerLimits(connections_max=20_000, write_s=600.0)


async def serve(settings: Settings, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Listen, tell the port, and serve until SIGTERM or SIGINT; calls under way are dropped.

    Raises OSError if the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    emulator = Emulator(loop, settings)
    if settings.faults is not None:
        emulator.faults.set(settings.faults, clock.now_s())
    server = Server(loop, emulator, LIMITS)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    listened = await server.listen(host, port)
    on_ready(listened)
    await stopped.wait()
    server.close()
