"""The operator API in this process, over a state directory of its own."""

import asyncio
import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
from tests.migrated import begin, ledger_with_accounts

from penstock.apps.control.app import Control, Options
from penstock.config import load
from penstock.config.model import Config
from penstock.config.operations import Control as Settings
from penstock.snapshot import file, plan
from penstock.snapshot.model import Snapshot
from penstock.snapshot.plan import PlanFile
from penstock.web.process import break_glass

TABLE: dict[str, Any] = {
    "upstreams": [
        {
            "name": "a",
            "dialect": "openai_chat",
            "base_url": "http://127.0.0.1:1/v1",
            "quota": {"tokens_per_min": 1000},
            "headers": {"x-team": "canary-in-a-header"},
            "api_key_env": "A_KEY",
        },
    ],
    "routes": [{"name": "auto", "targets": [{"upstream": "a", "model": "gpt-5.6"}]}],
}


def config() -> Config:
    """Return what is served."""
    found, problems = load.convert(TABLE)
    assert not problems
    return found


class Operator:
    """One who asks the API; answers are status and JSON."""

    def __init__(self, control: Control, runner: asyncio.Runner, folder: Path) -> None:
        self.control = control
        self.folder = folder
        self._runner = runner
        headers = {"authorization": f"Bearer {break_glass(folder)}"}
        transport = httpx.ASGITransport(control.app)
        self.client = httpx.AsyncClient(
            transport=transport, base_url="http://control/api/v1", headers=headers
        )

    def raw(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Return a whole answer."""
        return self._runner.run(self.client.request(method, path, **more))

    def ask(self, method: str, path: str, body: object = None, **query: Any) -> tuple[int, Any]:
        """Return status and JSON; None without a body."""
        content = None if body is None else json.dumps(body)
        answer = self.raw(method, path, content=content, params=query or None)
        return answer.status_code, answer.json() if answer.content else None

    def done(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """Return the JSON of what has to go well."""
        status, told = self.ask(method, path, body, **query)
        assert status < 300, told
        return told

    def try_to_publish(self) -> None:
        """Do what the process does each second if it is behind."""
        self._runner.run(self.control.try_to_publish())

    def snapshot(self) -> Snapshot:
        """Return what is served."""
        return file.read(self.folder / "snapshot")


@contextlib.contextmanager
def operator(folder: Path, url: str = "", *, with_plan: bool = True) -> Generator[Operator]:
    """Give the API of a fresh control, which has published its plan."""
    (folder / "run").mkdir(exist_ok=True)
    if with_plan:
        plan.write(plan.path_of(folder), PlanFile(config=config(), origin="a test"))
    if not url:
        begin(ledger_with_accounts, folder)
    control = Control(Options(state_dir=folder), Settings(database_url=url))
    with asyncio.Runner() as runner:
        one = Operator(control, runner, folder)
        one.try_to_publish()
        yield one
        runner.run(one.client.aclose())
        control.close()
