"""The status page's own visit to a real chat: whole, and nothing is left behind."""

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from collections.abc import Awaitable
from pathlib import Path

import pytest
from tests.cli.running import REAL, Running, running
from tests.e2e.emulator import wait_until

from penstock.apps.status.watching.probing import canary, chat, health, login, result
from penstock.apps.status.watching.probing.finding import LOG_IN
from penstock.apps.status.watching.probing.result import Means, Outcome
from penstock.config import private_file
from penstock.config.chatting import PROBE_FILE, PROBE_USER
from penstock.wire import clock

TIMES = (15.0, 10.0)
CONFIG = """
[watch]
finds_probes = false
[chat]
sign_up = "closed"
"""
COUNTS = (
    "SELECT count(*) FROM sessions",
    "SELECT count(*) FROM conversations",
    "SELECT count(*) FROM messages",
    "SELECT count(*) FROM jobs",
)


class Visitor:
    """Makes probes of one chat, with the account that it has made for them."""

    def __init__(self, up: Running) -> None:
        self.url = str(up.ready()["urls"]["chat"])
        self.who = (PROBE_USER, private_file.read(up.home.root / PROBE_FILE).strip())
        self.question = canary.question(random.Random(1).random)
        self.means = Means(now_s=clock.now_s, chance=random.random, tls=result.context())

    def visit(self) -> str:
        return self._made(chat.probe(self._login, self.who, self.question, TIMES, self.means))

    def log_in(self, password: str = "") -> str:
        who = (self.who[0], password or self.who[1])
        return self._made(login.probe(self._login, who, TIMES, self.means))

    def state(self, name: str) -> str:
        return self._made(health.probe(f"{self.url}/health", name, TIMES, self.means))

    @property
    def _login(self) -> str:
        return f"{self.url}{LOG_IN}"

    def _made(self, probe: Awaitable[Outcome]) -> str:
        async def make() -> Outcome:
            return await probe

        outcome = asyncio.run(make())
        return f"{outcome.result.value} {outcome.how}".strip()


def rows(folder: Path) -> list[int]:
    """Return how many sessions, conversations, messages and jobs the chat has."""
    with contextlib.closing(sqlite3.connect(folder / "state" / "chat.db")) as connection:
        return [connection.execute(query).fetchone()[0] for query in COUNTS]


@pytest.mark.slow
def test_a_visit_is_whole_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "penstock.toml").write_text(CONFIG)
    with running(tmp_path, REAL, ["--emulate"]) as up:
        visitor = Visitor(up)
        assert [visitor.visit() for _ in range(3)] == ["good"] * 3
        assert visitor.log_in() == "good"
        assert rows(tmp_path) == [0, 0, 0, 0]
        assert visitor.log_in("not the one") == "failed refused"
        states = {name: visitor.state(name) for name in ("sessions", "password", "oidc", "guests")}
        off = "unknown off"
        assert states == {"sessions": "good", "password": "good", "oidc": off, "guests": off}
        assert visitor.state("no such way in") == "wrong wrong"
        before = up.ready()["pids"]["chat"]
        os.kill(before, signal.SIGKILL)
        assert visitor.visit() in {"failed connect", "failed reset", "good"}
        wait_until(lambda: up.ready()["pids"]["chat"] != before, 20.0)
        wait_until(lambda: visitor.visit() == "good", 20.0)
        assert up.stop() == 0
