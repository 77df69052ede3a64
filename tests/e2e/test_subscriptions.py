"""The status process, killed between a message and its receiver's answer; and its secrets."""

import asyncio
import contextlib
import json
import re
import signal
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update
from tests.apps.status.subscriptions.bench import Bench, Box, mailing
from tests.cli.running import environment
from tests.notify.receiver import Received, receiving

from penstock.apps.status import components, keeping, tables
from penstock.apps.status.subscriptions.asking import Kind
from penstock.config.model import Config
from penstock.config.operations import Alerts, Smtp
from penstock.config.watching import Component, Status, Surface
from penstock.notify import outbox
from penstock.snapshot import plan
from penstock.snapshot.plan import PlanFile

WITHIN_S = 60.0
CANARY = "canary-in-a-path"
BOX = "canary-in-a-box@example.org"
LINK = re.compile(r"/subscription/[\w-]{43}")


class Process:
    """A ``penstock status`` with a state directory, started as often as is wanted."""

    def __init__(self, folder: Path, smtp_port: int) -> None:
        self.folder = folder
        self.state = folder / "state"
        (self.state / "run").mkdir(mode=0o700, parents=True)
        smtp = Smtp(host="127.0.0.1", port=smtp_port, is_tls=False, sender="status@example.org")
        config = Config(
            components=(Component(name="API", surface=Surface.API),),
            status=Status(port=0, subscribers_may_be_private=True),
            alerts=Alerts(smtp=smtp),
        )
        plan.write(plan.path_of(self.state), PlanFile(config=config))
        self.config = config
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "penstock", "status", "--ready-file", str(ready),
                cwd=self.folder, env=environment(self.folder), stdout=log, stderr=log,
            )  # fmt: skip
        await until(ready.exists)
        self.url = json.loads(ready.read_text())["url"]

    async def end(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    def bench(self) -> Bench:
        """Return what writes into the same database, as the process's own parts do."""
        bench = Bench(self.state, self.config, time.time())
        with bench.store.reading() as connection:
            found = keeping.read(connection, keeping.PAGE, type(bench.parts.page))
        assert found is not None
        bench.parts.page = found
        return bench

    @property
    def api(self) -> str:
        """The id of the one component."""
        page = self.bench().parts.page
        return components.planned(self.config, page.id)[0].id


@contextlib.asynccontextmanager
async def started(folder: Path) -> AsyncGenerator[tuple[Process, Received, Box]]:
    async with receiving() as received, mailing() as box:
        process = Process(folder, box.port)
        await process.start()
        try:
            yield process, received, box
        finally:
            await process.end()


async def until(condition: Any) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02):
                    await asyncio.Event().wait()


def states(bench: Bench) -> list[tuple[str, int]]:
    return [(row.state, row.tries) for row in bench.rows(tables.deliveries)]


def due_now(bench: Bench) -> None:
    """Let a minute pass, as far as the outbox can tell."""
    with bench.store.writing() as connection:
        connection.execute(update(tables.deliveries).values(next_unix_s=1.0))


@pytest.mark.slow
def test_a_process_killed_between_taking_and_the_answer_tells_again_by_the_same_id(
    tmp_path: Path,
) -> None:
    async def script() -> None:
        async with started(tmp_path) as (process, received, box):
            bench = process.bench()
            url = f"http://127.0.0.1:{received.port}/{CANARY}"
            bench.add(Kind.WEBHOOK, url)
            bench.add(Kind.EMAIL, BOX)
            received.is_silent = True
            bench.say(bench.open_incident(process.api), "The API fails")
            await until(lambda: received.bodies and box.mail)
            await until(lambda: (outbox.SENT, 1) in states(bench))
            await process.end(signal.SIGKILL)
            assert sorted(states(bench)) == [(outbox.SENT, 1), (outbox.WAITING, 1)]
            first = received.header("webhook-id")
            received.is_silent = False
            due_now(bench)
            await process.start()
            await until(lambda: states(bench).count((outbox.SENT, 2)) == 1)
            assert received.header("webhook-id") == first
            bodies = [json.loads(body)["incident"]["id"] for body in received.bodies]
            assert len(bodies) == 2
            await process.end(signal.SIGTERM)  # and what was taken is not told again
            due_now(bench)
            await process.start()
            bench.say(bench.open_incident(process.api), "Another thing")
            await until(lambda: len(box.mail) == 2 and len(received.bodies) == 3)
            assert sorted(states(bench))[:4] == sorted(states(bench))
            assert len({str(one["Message-ID"]) for one in box.mail}) == 2

    asyncio.run(script())


def written(folder: Path) -> dict[Path, bytes]:
    """Return all that lies there; from the start if a file goes meanwhile, as SQLite's log does."""
    while True:
        places = [one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()]
        with contextlib.suppress(FileNotFoundError):
            return {place: place.read_bytes() for place in places}


@pytest.mark.slow
def test_no_address_link_or_secret_is_on_the_disk_or_in_the_log(tmp_path: Path) -> None:
    async def script() -> list[str]:
        async with (
            started(tmp_path) as (process, received, box),
            httpx.AsyncClient(base_url=process.url) as client,
        ):
            await client.post("/subscribe", data={"kind": "email", "address": BOX})
            await box.has(1)
            found = LINK.search(box.texts()[0])
            assert found is not None
            link = found[0]
            answer = await client.post(link, data={"do": "confirm"})
            assert "You will be told" in answer.text
            bench = process.bench()
            url = f"http://127.0.0.1:{received.port}/{CANARY}"
            hook, token = bench.add(Kind.WEBHOOK, url)
            secret = bench.sealing.webhook_secret(hook)
            received.answers = [b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"]
            bench.say(bench.open_incident(process.api), "The API fails")
            await box.has(2)
            await until(lambda: received.bodies)
            await until(lambda: (outbox.WAITING, 1) in states(bench))
            await client.post("/subscribe", data={"kind": "slack", "address": f"{url}/slack"})
            await until(lambda: len(received.bodies) > 1)
            await process.end(signal.SIGTERM)
            return [CANARY, BOX, BOX.partition("@")[0], token, link.rpartition("/")[2], secret[6:]]

    canaries = asyncio.run(script())
    found = written(tmp_path)
    assert {"log", "status.db"} <= {place.name for place in found}
    for place, text in found.items():
        for canary in canaries:
            assert canary.encode() not in text, f"{canary[:12]} is in {place.name}"
    log = (tmp_path / "log").read_text()
    assert "subscriber_not_told" in log
    assert "fault" not in log


@pytest.mark.slow
def test_a_link_of_a_mail_ends_it_in_one_click_at_the_process(tmp_path: Path) -> None:
    async def script() -> None:
        async with (
            started(tmp_path) as (process, _, box),
            httpx.AsyncClient(base_url=process.url) as client,
        ):
            bench = process.bench()
            bench.add(Kind.EMAIL, BOX)
            bench.say(bench.open_incident(process.api), "The API fails")
            await box.has(1)
            header = str(box.mail[0]["List-Unsubscribe"])
            data = {"List-Unsubscribe": "One-Click"}
            assert (await client.post(header.strip("<>"), data=data)).status_code == 200
            with bench.store.reading() as connection:
                ended = connection.execute(select(tables.subscribers.c.ended_unix_s)).scalar_one()
            assert ended > 0

    asyncio.run(script())
