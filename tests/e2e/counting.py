"""An upstream that answers when it is told to, and counts how many it had under way at once."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Generator
from typing import Any

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
    }
).encode()


class Counting:
    """Runs on a loop and a thread of its own. Figures are read from the test's thread."""

    def __init__(self) -> None:
        self.hold_s = 0.05
        self.in_flight = self.peak = self.answered = self.left = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stopping.wait()
        server.close()
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.CancelledError):
            while head := await _head(reader):
                await reader.readexactly(head)
                if not await self._answer(reader, writer):
                    return

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            async with asyncio.timeout(self.hold_s):
                await reader.read(1)  # nothing comes but the end
            self.left += 1
        except TimeoutError:
            length = f"content-length: {len(ANSWER)}\r\n".encode()
            kind = b"content-type: application/json\r\n"
            self.in_flight -= 1  # before the gateway can know
            self.answered += 1
            writer.write(b"HTTP/1.1 200 OK\r\n" + kind + length + b"\r\n" + ANSWER)
            return True
        self.in_flight -= 1
        return False


async def _head(reader: asyncio.StreamReader) -> int:
    """Read the head of a request; returns the length of its body, 0 at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def until(condition: Callable[[], object]) -> None:
    """Wait for something, for ten seconds at most."""
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("waited for too long")


@contextlib.contextmanager
def counting() -> Generator[Counting]:
    """Run one while the block does."""
    upstream = Counting()
    upstream.start()
    try:
        yield upstream
    finally:
        upstream.stop()


class Callers:
    """Many callers, each on a connection of its own, so that the kernel spreads them."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self.results: list[tuple[int, dict[str, Any]]] = []  # status and body; 0: cut

    async def ask(self, key: str = "") -> int:
        """Ask once; returns the status, 0 if the connection was cut."""
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            f"authorization: Bearer {key or self._key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode()
        status = 0
        answer: dict[str, Any] = {}
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            with contextlib.closing(writer):
                writer.write(head + body)
                raw = await reader.read()
            if raw:
                status = int(raw.split(b" ", 2)[1])
                answer = json.loads(raw.partition(b"\r\n\r\n")[2])
        except (ConnectionError, json.JSONDecodeError):
            status = 0
        self.results.append((status, answer))
        return status

    async def many(self, count: int, at_once: int) -> None:
        """Ask so often, so many at once."""
        left = iter(range(count))

        async def one() -> None:
            for _ in left:
                await self.ask()

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one())

    @property
    def statuses(self) -> dict[int, int]:
        """How often each status came."""
        found: dict[int, int] = {}
        for status, _ in self.results:
            found[status] = found.get(status, 0) + 1
        return found
