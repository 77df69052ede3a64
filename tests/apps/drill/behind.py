"""Whoever is behind a door, for tests: one port, answers by path, all of it written down."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from penstock.config.model import ServerLimits
from penstock.wire.call import Call
from penstock.wire.server import Server

HEALTH: Final = {"sessions": {"state": "ok"}, "password": {"state": "ok"}, "oidc": {"state": "off"}}
LARGE: Final = b"x" * (1024 * 1024 + 1)
JSON: Final = b"content-type: application/json\r\n"


class Behind:
    """A surface. Paths: /stream waits for ``more``, /in gives a session, /echo says what came."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.more = asyncio.Event()
        self.was_left = asyncio.Event()
        self._tasks = asyncio.TaskGroup()

    async def stream(self, call: Call) -> None:
        call.start(200, b"content-type: text/event-stream\r\n")
        call.write(b"data: one\n\n")
        await self.more.wait()
        call.end(b"data: two\n\n")

    def on_hang_up(self) -> None:
        self.was_left.set()

    def on_pause(self) -> None:
        pass

    def on_resume(self) -> None:
        pass

    def on_stop(self) -> None:
        pass

    def on_call(self, call: Call) -> None:
        self.calls.append(call)
        call.observer = self
        match call.target:
            case b"/stream":
                self._tasks.create_task(self.stream(call))
            case b"/breaks":
                call.start(200, b"content-type: text/plain\r\n")
                call.write(b"half")
                call.abort()
            case b"/gone":
                call.send(204, b"x-kept: 1\r\n", b"")
            case b"/large":
                call.send(200, b"", LARGE)
            case b"/health":
                call.send(200, JSON, msgspec.json.encode(HEALTH))
            case b"/login":
                lines = b"location: /\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n"
                call.send(303, lines, b"")
            case _:
                call.send(200, JSON, msgspec.json.encode(self.echo(call)))

    def echo(self, call: Call) -> dict[str, Any]:
        headers = {name.decode(): value.decode() for name, value in call.headers.items()}
        return {
            "method": call.method.decode(),
            "target": call.target.decode(),
            "query": call.query.decode(),
            "headers": headers,
            "body": call.body.decode(),
        }

    def refusal(self, call: Call, status: int, reason: str) -> tuple[bytes, bytes]:
        del call, status
        return b"text/plain", reason.encode()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str]:
        """Listen; yields the address."""
        server = Server(asyncio.get_running_loop(), self, ServerLimits())
        port = await server.listen("127.0.0.1", 0)
        async with self._tasks:
            yield f"http://127.0.0.1:{port}"
            self.more.set()
        server.close()
