"""What answers are tested with: a real database, the engine, its stream on a real socket."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from tests.migrated import begun

from penstock.apps.chat.answering import stream
from penstock.apps.chat.answering.answers import AnswerDesk, NoAnswers
from penstock.apps.chat.answering.log import EventLog
from penstock.apps.chat.parts import Parts
from penstock.apps.chat.shapes import Notices
from penstock.apps.chat.store import open_chat
from penstock.config import private_file
from penstock.config.chatting import Chat
from penstock.config.model import Config
from penstock.web import process
from penstock.web.endpoint import Actor, Role
from penstock.web.keeping_up import kept_up
from penstock.wire import clock

KEY = "pk-chat-canary"
PATIENCE_S = 20.0


class Rig:
    """One process of the chat, as far as answers go."""

    def __init__(self, state_dir: Path, gateway_url: str, **chat: Any) -> None:
        state_dir.mkdir(exist_ok=True, parents=True)
        private_file.write(state_dir / "chat.key", f"{chat.pop('key', KEY)}\n")
        self.store = begun(open_chat, state_dir)
        self.log = EventLog(self.store, chat.pop("now_unix_s", clock.now_unix_s))
        config = Config(chat=Chat(gateway_url=gateway_url, **chat))
        self.parts = Parts(
            store=self.store, state_dir=state_dir, now_unix_s=clock.now_unix_s, config=config,
            log=self.log, answers=NoAnswers(), notices=tuple,
        )  # fmt: skip
        self.desk = AnswerDesk(self.parts, self.log)
        self.parts.answers = self.desk
        self.url = ""
        self.browsers: list[Browser] = []

    async def who(self, request: Request) -> Actor:
        """Whoever names an account has it."""
        account = request.headers.get("x-account", "")
        role = Role.VIEWER if account else Role.NOBODY
        return Actor(name=account, role=role, account=account)

    def greeting(self, account: str) -> list[bytes]:
        return [stream.notices_frame(Notices(())), *self.desk.greeting(account)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Run until the block ends."""
        events = stream.Events(self.log, self.who, self.greeting)
        app = Starlette(routes=[Route(stream.PATH, events)])
        server = process.server(app, is_patient=True)
        listener = process.listen("chat", "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.log.attach()
        self.desk.attach()
        loops = {"log": self.log.run, "answers": self.desk.run}
        async with asyncio.TaskGroup() as tasks:
            lasting = [tasks.create_task(kept_up(name, one)) for name, one in loops.items()]
            lasting.append(tasks.create_task(stream.until_ending(server, self.log.hub)))
            serving = tasks.create_task(server.serve([listener]))
            try:
                yield
            finally:
                server.should_exit = True
                for browser in self.browsers:
                    browser.leave()
                await serving
                for one in lasting:
                    one.cancel()
        self.desk.close()
        await self.log.close()
        self.store.close()

    # --- rows

    def put(self, answer: str, *, account: str = "ann", text: str = "hello", **more: Any) -> None:
        """Write what POST messages writes: a person's message, its answer, a job."""
        with self.store.writing() as connection:
            run = connection.exec_driver_sql
            run(
                "INSERT OR IGNORE INTO conversations (id, account, title, created_unix_s) "
                "VALUES (?, ?, 'a talk', 1)",
                (f"c-{answer}", account),
            )
            run(
                "INSERT INTO messages (id, conversation, account, role, state, text) "
                "VALUES (?, ?, ?, 'user', 'done', ?)",
                (f"u-{answer}", f"c-{answer}", account, text),
            )
            run(
                "INSERT INTO messages (id, conversation, account, parent, role, state, text) "
                "VALUES (?, ?, ?, ?, 'assistant', 'waiting', ?)",
                (answer, f"c-{answer}", account, f"u-{answer}", more.get("partial", "")),
            )
            run(
                "INSERT INTO jobs (message, account, conversation, model, tier, idempotency_key, "
                "created_unix_s) VALUES (?, ?, ?, ?, 'free', ?, ?)",
                (answer, account, f"c-{answer}", more.get("model", "auto"), f"key-{answer}",
                 clock.now_unix_s()),
            )  # fmt: skip

    def begin(self, answer: str, **more: Any) -> None:
        self.put(answer, **more)
        self.desk.begin(answer)

    def row(self, answer: str) -> dict[str, Any]:
        with self.store.reading() as connection:
            found = connection.exec_driver_sql("SELECT * FROM messages WHERE id = ?", (answer,))
            return dict(found.mappings().one())

    def jobs(self) -> int:
        with self.store.reading() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar() or 0)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if is_so():
                    return
                await asyncio.sleep(0.005)

    async def ended(self, answer: str) -> dict[str, Any]:
        """Wait until an answer is over and written."""
        states = ("done", "stopped", "broken", "refused")
        await self.until(lambda: self.row(answer)["state"] in states)
        return self.row(answer)


class Browser:
    """One browser: its stream, and the texts as it puts them together."""

    def __init__(self, rig: Rig, account: str = "ann") -> None:
        self._rig = rig
        self._account = account
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.last = ""
        self.events: list[tuple[str, Any]] = []
        self.texts: dict[str, str] = {}

    async def come(self, after: str | None = None) -> None:
        """Open the stream."""
        self.leave()
        self._rig.browsers.append(self)
        port = int(self._rig.url.rpartition(":")[2])
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        query = f"?after={after}" if after is not None else ""
        last = f"last-event-id: {self.last}\r\n" if after is None and self.last else ""
        self._writer.write(
            f"GET {stream.PATH}{query} HTTP/1.1\r\nhost: x\r\nx-account: {self._account}\r\n"
            f"{last}\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head

    def leave(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def read(self, is_enough: Callable[[str, Any], bool]) -> None:
        """Read events until one is it, or the stream ends."""
        assert self._reader is not None
        rest = b""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                size = int((await self._reader.readuntil(b"\r\n")).strip(), 16)
                if size == 0:
                    return
                rest += (await self._reader.readexactly(size + 2))[:-2]
                *whole, rest = rest.split(b"\n\n")
                found = [self._take(one) for one in whole]
                if any(is_enough(*one) for one in found if one[0]):
                    return

    def _take(self, raw: bytes) -> tuple[str, Any]:
        fields = dict(line.split(": ", 1) for line in raw.decode().split("\n") if ": " in line)
        if "event" not in fields:
            return "", None
        self.last = fields.get("id", self.last)
        kind, data = fields["event"], json.loads(fields["data"])
        self.events.append((kind, data))
        if kind == "delta":
            text = self.texts.get(data["message"], "").encode("utf-16-le")
            kept = text[: 2 * data["at"]]
            assert len(kept) == 2 * data["at"], "a gap"
            self.texts[data["message"]] = kept.decode("utf-16-le") + data["text"]
        return kind, data

    def of(self, kind: str) -> list[Any]:
        return [data for name, data in self.events if name == kind]


def is_over(answer: str) -> Callable[[str, Any], bool]:
    """Tell the event that says an answer is over."""
    over = ("done", "stopped", "broken", "refused")
    return lambda kind, data: kind == "message" and data["id"] == answer and data["state"] in over


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
