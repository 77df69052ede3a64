"""The chat's API over a database of its own; people come in by a header, time is set by tests."""

import asyncio
import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import msgspec
from sqlalchemy import delete, update
from starlette.applications import Starlette
from starlette.requests import Request
from tests.migrated import begun, chat_with_accounts

from penstock.apps.chat import memberships, tables
from penstock.apps.chat.api import exporting
from penstock.apps.chat.api.table import ENDPOINTS
from penstock.apps.chat.call import Call
from penstock.apps.chat.files.serving import FileDoor
from penstock.apps.chat.parts import Parts, Said
from penstock.apps.chat.rates import Rates
from penstock.config.model import Config
from penstock.web.endpoint import Actor, Role
from penstock.web.http import PREFIX, Caller

START_S = 1_772_443_200.0  # 2026-03-02 09:20 UTC
MAIN = tuple(f"{name}-account" for name in ("ada", "bob"))


class Told:
    """What browsers are told."""

    def __init__(self) -> None:
        self.seq = 0
        self.told: list[tuple[str, str, Any]] = []

    def tell(self, account: str, kind: str, data: msgspec.Struct, message: str = "") -> None:
        del message
        self.seq += 1
        self.told.append((account, kind, data))

    def tell_passing(self, account: str, kind: str, data: msgspec.Struct) -> None:
        self.told.append((account, kind, data))

    def tell_all_passing(self, kind: str, data: msgspec.Struct) -> None:
        self.told.append(("", kind, data))

    def end_streams(self, account: str, session: str = "") -> None:
        del account, session


class Engine:
    """Answers that tests end by hand."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.stopped: list[str] = []
        self.texts: dict[str, Said] = {}

    def begin(self, message: str) -> None:
        self.begun.append(message)

    def stop(self, message: str) -> None:
        self.stopped.append(message)

    def said(self, message: str) -> Said | None:
        return self.texts.get(message)


class Ground:
    """The API; ``who`` calls is a word in each call."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        self.folder = folder
        self.store = begun(chat_with_accounts, folder)
        self.now_s = START_S
        self.told = Told()
        self.engine = Engine()
        self.parts = Parts(
            store=self.store,
            state_dir=folder,
            now_unix_s=lambda: self.now_s,
            config=Config(),
            log=self.told,
            answers=self.engine,
            notices=tuple,
        )
        with self.store.writing() as connection:
            for account in MAIN:
                memberships.begin(connection, account, START_S)
        self.caller = Caller(self.parts, who, Call)
        door = FileDoor(self.parts, who, self.caller.blocking)
        export = exporting.route(self.parts, who, self.caller.blocking)
        self.app = Starlette(routes=[export, *door.routes(), *self.caller.routes(ENDPOINTS)])
        self.run = runner.run
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=f"http://chat{PREFIX}"
        )

    def raw(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Return a whole answer."""
        headers = {"x-who": who} if who else {}
        return self.run(self.client.request(method, path, headers=headers, **more))

    def ask(
        self, who: str, method: str, path: str, body: object = None, **query: Any
    ) -> tuple[int, Any]:
        """Return status and JSON; None without a body."""
        content = None if body is None else json.dumps(body)
        answer = self.raw(who, method, path, content=content, params=query or None)
        return answer.status_code, answer.json() if answer.content else None

    def done(self, who: str, method: str, path: str, body: object = None, **query: Any) -> Any:
        """Return the JSON of what has to go well; a moment passes."""
        self.now_s += 1.0
        self.parts.rates = Rates()
        status, told = self.ask(who, method, path, body, **query)
        assert status < 300, told
        return told

    def upload(self, who: str, raw: bytes, name: str = "picture.png") -> httpx.Response:
        """Send a file."""
        return self.raw(who, "POST", "/files", content=raw, params={"name": name})

    def end(self, answer: str, text: str = "An answer.", state: str = "done", **more: Any) -> None:
        """End an answer as the engine does."""
        m, j = tables.messages.c, tables.jobs.c
        values = {"text": text, "state": state, "ended_unix_s": self.now_s, **more}
        self.engine.texts.pop(answer, None)
        with self.store.writing() as connection:
            connection.execute(update(tables.messages).where(m.id == answer).values(**values))
            connection.execute(delete(tables.jobs).where(j.message == answer))

    def talk(self, who: str, name: str, text: str, parent: str = "", **more: Any) -> str:
        """Send a message and have it answered; return the answer's id."""
        number = len(self.engine.begun)
        user, answer = f"{who}-u-{number:06d}", f"{who}-a-{number:06d}"
        body = {"id": user, "answer": answer, "text": text, "parent": parent, **more}
        self.done(who, "POST", f"/conversations/{name}/messages", body)
        self.end(answer, f"Answer to {text}")
        return answer

    def close(self) -> None:
        """Close what is open."""
        self.run(self.client.aclose())
        self.caller.close()
        self.store.close()


async def who(request: Request) -> Actor:
    """Return whoever the header names."""
    name = request.headers.get("x-who", "")
    if not name:
        return Actor(address="192.0.2.1")
    return Actor(name, Role.VIEWER, "192.0.2.1", account=f"{name}-account")


@contextlib.contextmanager
def ground(folder: Path) -> Generator[Ground]:
    """Give the API over a fresh database."""
    with asyncio.Runner() as runner:
        one = Ground(folder, runner)
        yield one
        one.close()
