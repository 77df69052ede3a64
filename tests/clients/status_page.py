"""A status process of its own, with an incident that is open, one that is over, and maintenance."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.apps.status.installation import Clock, installed
from tests.e2e.emulator import DEADLINE_S, wait_until

from penstock.apps.status import components
from penstock.apps.status.incidents import incidents, maintenance
from penstock.apps.status.incidents.saying import Said
from penstock.apps.status.parts import Parts
from penstock.config.model import Config, Status
from penstock.config.watching import Component, Surface
from penstock.snapshot import plan as plan_file
from penstock.snapshot.plan import PlanFile
from penstock.watch.component import State
from penstock.wire import clock

HOUR_S: Final = 3600.0
NAME: Final = "Penstock"
CONFIG: Final = Config(
    status=Status(name=NAME),
    components=(
        Component(name="Web chat", surface=Surface.WEB, description="What people open"),
        Component(name="Log-in", surface=Surface.LOGIN),
        Component(name="API", surface=Surface.API),
        Component(name="claude-opus", group="Anthropic", provider="anthropic", upstreams=("a",)),
        Component(name="claude-haiku", group="Anthropic", provider="anthropic", upstreams=("a",)),
    ),
)


def seed(folder: Path) -> None:
    """Write what the process will find: states, incidents, a maintenance, and a draft."""
    now_unix_s = clock.now_unix_s()
    parts = installed(folder, Clock(now_unix_s), CONFIG)
    plan_file.write(plan_file.path_of(folder), PlanFile(config=CONFIG))
    ids = {one.watched.name: one.id for one in components.planned(CONFIG, parts.page.id)}
    with parts.store.writing() as connection:
        past = incidents.Past(
            name="Slow answers",
            body="Answers took longer.",
            components={ids["claude-opus"]: State.DEGRADED},
            from_unix_s=now_unix_s - 30 * HOUR_S,
            to_unix_s=now_unix_s - 28 * HOUR_S,
        )
        incidents.backfill(connection, past, now_unix_s)
        _open(connection, parts, ids, now_unix_s)
        schedule = maintenance.Schedule(
            from_unix_s=now_unix_s + 24 * HOUR_S, until_unix_s=now_unix_s + 25 * HOUR_S
        )
        planned = maintenance.Announcement(
            name="The database moves",
            body="An hour at night.",
            components=(ids["API"],),
            schedule=schedule,
            author="operator",
        )
        maintenance.schedule(connection, parts, planned, now_unix_s)
    parts.store.close()


def _open(connection: Any, parts: Parts, ids: dict[str, str], now_unix_s: float) -> None:
    first = Said(
        status="investigating",
        body="We are looking into it.",
        components={ids["Log-in"]: State.MAJOR},
        author="operator",
    )
    opening = incidents.Opening(name="Nobody can log in", said=first)
    id_ = incidents.open_(connection, parts, opening, now_unix_s - HOUR_S)
    more = {ids["Log-in"]: State.MAJOR, ids["Web chat"]: State.PARTIAL}
    second = Said(status="identified", body="It is <log-in>.", components=more, author="operator")
    incidents.update(connection, parts, id_, second, now_unix_s - HOUR_S / 2)
    draft = Said(
        status="investigating",
        body="Not yet for anybody.",
        components={ids["API"]: State.MAJOR},
        author="operator",
    )
    unseen = incidents.Opening(name="A draft", said=draft, is_draft=True)
    incidents.open_(connection, parts, unseen, now_unix_s)


class RunningStatus:
    """One ``penstock status`` process over what ``seed`` has written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        seed(folder)
        ready_file = folder / "ready.json"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "penstock", "status", "--port", "0", "--ready-file", ready_file],
            env={**os.environ, "PENSTOCK_STATE_DIR": str(folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: ready_file.exists() or self._process.poll() is not None)
        self.url: str = json.loads(ready_file.read_text())["url"]
        self.site = folder / "site"

    def stop(self) -> None:
        """End the process."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(DEADLINE_S)
