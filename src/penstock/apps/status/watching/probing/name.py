"""A name probe: a name is looked up, a connection is made, and with https a TLS handshake.

The certificate must be right for the name, and not over. What lies behind is not asked: DNS, CDN
and network are seen to fail while the service itself may be well.
"""

import asyncio
from typing import Final
from urllib.parse import SplitResult, urlsplit

from penstock.apps.status.watching.probing import result
from penstock.apps.status.watching.probing.result import Means, Outcome

PORTS: Final = {"https": 443, "http": 80}


async def probe(url: str, times: tuple[float, float], means: Means) -> Outcome:
    """Connect once. ``times``: how long it may take, and from when on it is slow."""
    within_s, slow_s = times
    parts = urlsplit(url)
    began_s = means.now_s()

    async def work() -> Outcome:
        is_tls = parts.scheme == "https"
        _, writer = await asyncio.open_connection(
            parts.hostname, port_of(parts), ssl=means.tls if is_tls else None
        )
        writer.transport.abort()
        return result.ended(slow_s, means.now_s() - began_s, host=parts.hostname or "")

    return await result.bounded(work, within_s, parts.hostname or "")


def port_of(parts: SplitResult) -> int:
    """Return the port that a URL means."""
    return parts.port or PORTS.get(parts.scheme, 443)
