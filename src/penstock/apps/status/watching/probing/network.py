"""Whether it is our own network that is down, rather than everybody else's service.

A probe that could not connect asks here before it accuses anybody: the other hosts that are
watched are tried, all at once. If one of them can be reached, the network is up and the failure
stands. If none can, and there is one to try, the probe says nothing: it is unknown. Hosts of this
machine are no witnesses, and are not excused: nothing lies between us and them.
"""

import asyncio
import contextlib
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

WITHIN_S: Final = 3.0
FRESH_S: Final = 5.0  # of an answer: many probes fail at once
WITNESSES_MAX: Final = 8

Place = tuple[str, int]  # host and port
Connects = Callable[[str, int], Awaitable[bool]]


class Network:
    """Finds out whether anybody can be reached. Owned by one event loop."""

    def __init__(self, now_s: Callable[[], float], connects: Connects | None = None) -> None:
        self._now_s = now_s
        self._connects = connects or can_connect
        self._asked: dict[str, tuple[float, bool]] = {}

    async def is_cut_off(self, host: str, places: Sequence[Place]) -> bool:
        """Tell whether nobody else can be reached either."""
        if is_local(host):
            return False
        others = [one for one in places if one[0] != host and not is_local(one[0])]
        if not others:
            return False
        at_s, was_cut_off = self._asked.get(host, (-FRESH_S, False))
        if self._now_s() - at_s < FRESH_S:
            return was_cut_off
        tried = others[:WITNESSES_MAX]
        found = await asyncio.gather(*(self._connects(*place) for place in tried))
        self._asked[host] = (self._now_s(), not any(found))
        return not any(found)


def is_local(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


async def can_connect(host: str, port: int) -> bool:
    """Tell whether a connection can be made."""
    try:
        async with asyncio.timeout(WITHIN_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True
