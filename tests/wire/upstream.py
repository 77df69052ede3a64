"""An upstream that does what a test says, and an owner that writes down what it hears."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, cast

import msgspec
from tests.wire.loopback import run, until

from penstock.config.model import Breaker, DialectName, Upstream
from penstock.config.model import Target as TargetEntry
from penstock.core.circuit_breaker import Permit
from penstock.core.outcome import Failure
from penstock.dialects.contract import Headers
from penstock.dialects.registry import DIALECTS
from penstock.exchange.attempt import Attempt
from penstock.exchange.demand import Demand, Grant
from penstock.exchange.target import Target, TargetState, UpstreamState
from penstock.wire.client import HttpDialer, Pool

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello"


class Owner:
    """Whom the dialer tells."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.status = 0
        self.headers: Headers = {}
        self.body = b""
        self.failure: Failure | None = None

    @property
    def is_over(self) -> bool:
        return bool(self.told) and self.told[-1] in {"complete", "failed"}

    def on_sent(self, attempt: Attempt, now_s: float) -> None:
        attempt.sent_at_s = now_s
        self.told.append("sent")

    def on_head(self, attempt: Attempt, status: int, headers: Headers, now_s: float) -> None:
        del attempt, now_s
        self.status, self.headers = status, headers
        self.told.append("head")

    def on_chunk(self, attempt: Attempt, chunk: bytes, now_s: float) -> None:
        del attempt, now_s
        assert chunk
        self.body += chunk
        if self.told[-1] != "chunk":
            self.told.append("chunk")

    def on_complete(self, attempt: Attempt, now_s: float) -> None:
        del attempt, now_s
        self.told.append("complete")

    def on_failed(self, attempt: Attempt, failure: Failure, now_s: float) -> None:
        del attempt, now_s
        self.failure = failure
        self.told.append("failed")


class End(asyncio.Protocol):
    """The upstream's end of one connection."""

    def __init__(self, ends: list["End"]) -> None:
        self.received = b""
        self.is_lost = False
        self.transport = cast("asyncio.Transport", None)
        self._ends = ends

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._ends.append(self)

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.is_lost = True

    @property
    def requests(self) -> int:
        return self.received.count(b"POST ")

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def close(self) -> None:
        self.transport.close()

    def reset(self) -> None:
        one = self.transport.get_extra_info("socket")
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.transport.abort()


def entry_of(base_url: str, **changes: Any) -> Upstream:
    plain = Upstream(name="up", dialect=DialectName.OPENAI_CHAT, base_url=base_url)
    return msgspec.structs.replace(plain, **changes)


def attempt_of(entry: Upstream, owner: Owner, body: bytes = b"{}") -> Attempt:
    state = UpstreamState(entry, DIALECTS[entry.dialect.value])
    target = Target(
        TargetEntry(upstream=entry.name, model="m"), state, TargetState(Breaker(), 0.0), "m"
    )
    grant = Grant(target, Permit(0), cast("Demand", owner), 0.0)  # nobody asks it anything here
    attempt = Attempt(owner, grant, 1, 0.0)
    attempt.path = target.paths[0]
    attempt.body = body
    return attempt


class Site:
    """A scripted upstream and the dialer that is tested."""

    def __init__(self, dialer: HttpDialer, entry: Upstream, ends: list[End]) -> None:
        self.dialer = dialer
        self.entry = entry
        self.ends = ends

    @property
    def pool(self) -> Pool:
        return self.dialer.pools["up"]

    def dial(self, body: bytes = b"{}", entry: Upstream | None = None) -> tuple[Attempt, Owner]:
        owner = Owner()
        attempt = attempt_of(entry or self.entry, owner, body)
        self.dialer.dial(attempt)
        return attempt, owner

    async def asked(self, body: bytes = b"{}") -> tuple[Attempt, Owner, End]:
        """Dial, and wait until the request has arrived."""
        before = sum(end.requests for end in self.ends)
        attempt, owner = self.dial(body)
        await until(lambda: sum(end.requests for end in self.ends) > before)
        await until(lambda: "sent" in owner.told)
        end = next(e for e in self.ends if e.received.endswith(body) and not e.is_lost)
        return attempt, owner, end

    async def idle(self, count: int) -> list[End]:
        """Leave this many idle connections in the pool; return their ends, oldest first."""
        asked = [await self.asked(b"{%d}" % n) for n in range(count)]
        for number, (_, owner, end) in enumerate(asked):
            end.write(OK)
            await until(lambda owner=owner: owner.is_over)
            assert self.pool.idle == number + 1
        return [end for _, _, end in asked]


def with_upstream(
    main: Callable[[Site], Coroutine[Any, Any, None]],
    *,
    tls: ssl.SSLContext | None = None,
    base_url: str = "http://127.0.0.1:{port}/v1",
    **changes: Any,
) -> None:
    """Run a test against a scripted upstream; afterwards no connection may be left."""

    async def inside() -> None:
        loop = asyncio.get_running_loop()
        ends: list[End] = []
        server = await loop.create_server(lambda: End(ends), "127.0.0.1", 0, ssl=tls)
        port = int(server.sockets[0].getsockname()[1])
        entry = entry_of(base_url.format(port=port), **changes)
        async with asyncio.TaskGroup() as tasks:
            dialer = HttpDialer(loop, tasks)
            dialer.configure((entry,), {"up": "the-key"})
            site = Site(dialer, entry, ends)
            pool = site.pool
            try:
                await main(site)
            finally:
                server.close()
                dialer.close()
                for end in ends:
                    end.transport.abort()
            await until(lambda: pool.open == 0 and all(end.is_lost for end in ends))

    run(inside)
