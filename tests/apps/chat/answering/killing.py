"""A chat process that is killed in the middle of many answers, and what its database has then.

Used by ``test_killed.py``, and by ``bench/chat_restart.py`` with as many as a process has to carry.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import String, Text
from tests.apps.chat.answering.gateway import FakeGateway
from tests.apps.chat.answering.rig import Rig

from penstock.apps.chat.shapes import Delta
from penstock.config.chatting import Chat
from penstock.config.model import Config
from penstock.identity.migrate import migrate
from penstock.identity.tables import accounts
from penstock.snapshot import plan as plan_file
from penstock.snapshot.plan import PlanFile


def started(state_dir: Path) -> subprocess.Popen[bytes]:
    """Start the process; its port is any."""
    environment = {**os.environ, "PENSTOCK_STATE_DIR": str(state_dir)}
    command = [sys.executable, "-m", "penstock", "chat", "--port", "0"]
    with (state_dir / "chat.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def count(rig: Rig) -> int:
    """Return how many deltas the log has."""
    with rig.store.reading() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM events WHERE kind = 'delta'")
        return int(found.scalar() or 0)


def told(rig: Rig) -> dict[str, list[Delta]]:
    """Return all deltas that the log has."""
    with rig.store.reading() as connection:
        rows = connection.exec_driver_sql(
            "SELECT message, json_extract(data, '$.at') AS at, "
            "json_extract(data, '$.text') AS words FROM events WHERE kind = 'delta' ORDER BY seq"
        ).all()
    found: dict[str, list[Delta]] = {}
    for row in rows:
        found.setdefault(row.message, []).append(Delta(row.message, row.at, row.words))
    return found


def fill(rig: Rig, gateway: FakeGateway, state_dir: Path, answers: int) -> list[str]:
    """Write the jobs, and a plan that says where the gateway is; return the answers' names."""
    names = [f"answer-{n:04d}" for n in range(answers)]
    migrate(rig.store)
    none = {one.name: "" for one in accounts.columns if isinstance(one.type, (Text, String))}
    zero = {one.name: 0 for one in accounts.columns if one.name not in none}
    for name in names:
        own = {"id": f"account-{name}", "name": name, "email": name}
        with rig.store.writing() as connection:  # whose account is gone loses its answers
            connection.execute(accounts.insert().values(none | zero | own))
        rig.put(name, account=f"account-{name}")
    path = plan_file.path_of(state_dir)
    path.parent.mkdir(exist_ok=True)
    plan_file.write(path, PlanFile(config=Config(chat=Chat(gateway_url=gateway.url))))
    return names


async def until(is_so: Callable[[], bool], within_s: float = 100.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.1)
