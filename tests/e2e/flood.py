"""Many reports and views a second at one port, from a process of its own: ``flood.py URL SECONDS``.

Paced, on connections that stay; a server that is slower is not waited for: what would be more than
UNANSWERED_MAX of a connection is not sent. Prints what was sent and answered, as JSON.
"""

import asyncio
import collections
import contextlib
import json
import re
import sys
import time
from urllib.parse import urlsplit

REPORTS_PER_S = 2000
VIEWS_PER_S = 1000
CONNECTIONS = 20
TICK_S = 0.02
UNANSWERED_MAX = 64
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


class Line:
    """One connection."""

    def __init__(self, host: str, port: int) -> None:
        self._place = (host, port)
        self.sent = self.answered = 0
        self.by_status: collections.Counter[str] = collections.Counter()
        self._writer: asyncio.StreamWriter | None = None

    def send(self, request: bytes) -> None:
        if self._writer is None or self.sent - self.answered >= UNANSWERED_MAX:
            return
        self.sent += 1
        self._writer.write(request)

    async def run(self) -> None:
        reader, self._writer = await asyncio.open_connection(*self._place)
        kept = b""
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                found = STATUS.findall(kept + data)
                kept = (kept + data)[-11:] if not STATUS.search((kept + data)[-12:]) else b""
                self.answered += len(found)
                self.by_status.update(one.decode() for one in found)


def report(host: str, number: int) -> bytes:
    """Return a report of somebody else each time."""
    body = b'{"component":"api","category":"errors"}'
    head = (
        f"POST /api/v1/reports HTTP/1.1\r\nhost: {host}\r\nuser-agent: person {number}\r\n"
        f"x-forwarded-for: 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def flood(url: str, seconds: float) -> dict[str, object]:
    """Send for some time."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    view = f"GET / HTTP/1.1\r\nhost: {parts.netloc}\r\naccept-encoding: gzip\r\n\r\n".encode()
    lines = [Line(host, port) for _ in range(CONNECTIONS)]
    tasks = [asyncio.create_task(one.run()) for one in lines]
    began_s, reports, views = time.monotonic(), 0, 0
    while (took_s := time.monotonic() - began_s) < seconds:
        while reports < took_s * REPORTS_PER_S:
            reports += 1
            lines[reports % CONNECTIONS].send(report(parts.netloc, reports))
        while views < took_s * VIEWS_PER_S:
            views += 1
            lines[views % CONNECTIONS].send(view)
        await asyncio.sleep(TICK_S)
    for one in tasks:
        one.cancel()
    by_status = sum((one.by_status for one in lines), collections.Counter[str]())
    return {
        "offered": reports + views,
        "sent": sum(one.sent for one in lines),
        "answered": sum(one.answered for one in lines),
        "by_status": dict(by_status),
        "seconds": seconds,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(flood(sys.argv[1], float(sys.argv[2])))))
