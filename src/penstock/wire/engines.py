"""Asking engines how full they are, five times a second: vLLM, SGLang, llama.cpp.

    an answer that tells         the upstream's limit hears of it (``core/engine_metrics.py``)
    none, late, too large,       asked again later, after twice as long each time up to ten seconds;
      or one that tells nothing  the limit goes on by what else it sees, and a metric says so
    a reload                     who is new is asked, who is gone is not, and nobody twice

A connection for each question: five a second are cheap, and an engine that was started again is
found at once. There is one task an engine, bounded by the number of upstreams.
"""

import asyncio
import re
import ssl
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import certifi

from penstock.core.engine_metrics import saturation
from penstock.exchange.target import UpstreamState
from penstock.wire import clock

EVERY_S: Final = 0.2  # TIERING 2: at least five times a second
WITHIN_S: Final = 1.0  # an engine that needs longer is not asked more often for it
REST_MAX_S: Final = 10.0
HEAD_BYTES_MAX: Final = 16 * 1024
BODY_BYTES_MAX: Final = 4 * 1024 * 1024  # vLLM shows some hundred KB
CONTENT_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d{1,9})\r\n")
CHUNKED: Final = re.compile(rb"(?i)\r\ntransfer-encoding:")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class EngineWatch:
    """All engines of one process. Owned by one event loop; not thread-safe."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._asked: dict[str, tuple[str, UpstreamState, asyncio.Task[None]]] = {}

    def follow(self, upstreams: Iterable[UpstreamState]) -> None:
        """Ask these from now on, those of them that have metrics, and no others."""
        wanted = {one.name: one for one in upstreams if one.entry.metrics_url}
        for name, (url, upstream, task) in list(self._asked.items()):
            if wanted.get(name) is upstream and upstream.entry.metrics_url == url:
                del wanted[name]
                continue
            task.cancel()
            del self._asked[name]
        for name, upstream in wanted.items():
            url = upstream.entry.metrics_url
            task = self._tasks.create_task(_ask(upstream, url))
            self._asked[name] = (url, upstream, task)

    def close(self) -> None:
        """Ask nobody any more."""
        self.follow(())


async def _ask(upstream: UpstreamState, url: str) -> None:
    tls, rest_s = _tls(url, upstream.entry.tls_ca_file), EVERY_S
    while True:
        full = saturation(await fetched(url, tls))
        if full is None:
            rest_s = min(REST_MAX_S, 2.0 * rest_s)
        else:
            rest_s = EVERY_S
            upstream.on_engine(full, clock.now_s())
        await _pause(rest_s)


async def fetched(url: str, tls: ssl.SSLContext | None) -> bytes:
    """Return what stands there; nothing if that fails, for whatever reason."""
    try:
        place = urlsplit(url)
        async with asyncio.timeout(WITHIN_S):
            reader, writer = await asyncio.open_connection(
                place.hostname,
                place.port or DEFAULT_PORTS[place.scheme],
                ssl=tls,
                limit=HEAD_BYTES_MAX,
            )
            try:
                path = (place.path or "/") + (f"?{place.query}" if place.query else "")
                # HTTP/1.0, so that the answer comes in one piece and ends with the connection.
                lines = (
                    f"GET {path} HTTP/1.0",
                    f"host: {place.netloc}",
                    "connection: close",
                    "",
                    "",
                )
                writer.write("\r\n".join(lines).encode())
                head = await reader.readuntil(b"\r\n\r\n")
                if b" 200" not in head.partition(b"\r\n")[0] or CHUNKED.search(head):
                    return b""
                size = CONTENT_LENGTH.search(head)
                return await _body(reader, int(size[1]) if size else BODY_BYTES_MAX)
            finally:
                writer.transport.abort()
    except (OSError, EOFError, ValueError, KeyError, TimeoutError, asyncio.LimitOverrunError):
        return b""  # nobody there, too slow, or something else altogether


async def _body(reader: asyncio.StreamReader, size: int) -> bytes:
    """Read so much, or to the end before it; nothing above the bound, for half says nothing."""
    parts = bytearray()
    while len(parts) < size and (part := await reader.read(64 * 1024)):
        parts += part
        if len(parts) > BODY_BYTES_MAX:
            return b""
    return bytes(parts)


def _tls(url: str, ca_file: str) -> ssl.SSLContext | None:
    """Return whom to trust: the public ones where a file cannot be read, and so not the engine."""
    if not url.startswith("https:"):
        return None
    try:
        return ssl.create_default_context(cafile=ca_file or certifi.where())
    except OSError:
        return ssl.create_default_context(cafile=certifi.where())


async def _pause(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    alarm = loop.call_later(seconds, lambda: over.done() or over.set_result(None))
    try:
        await over
    finally:
        alarm.cancel()
