"""An outage from the provider's fault to the receiver's webhook, and back: real processes.

The gateway writes its spool in real time; evaluation and delivery are told the time, so that the
calm after the recovery is not waited for.
"""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.conftest import StartGateway
from tests.e2e.emulator import RunningEmulator
from tests.e2e.gateway import CALLER_KEY, RunningGateway, config_of, document
from tests.ledger.spooling import read_all, reader
from tests.notify.receiver import Received, receiving

from penstock.apps.control import alerting, delivering
from penstock.apps.control.parts import Parts
from penstock.apps.control.publishing import Publisher
from penstock.config.model import Config
from penstock.config.operations import Alerts, Objective, Receiver, ReceiverKind
from penstock.ledger.store import Store, migrate, open_store
from penstock.notify import webhook

SECRET = "a secret between the two of us"
AT_ONCE = 16
HOOK = Receiver(
    name="on-call",
    kind=ReceiverKind.WEBHOOK,
    url_env="ON_CALL_URL",
    secret_env="ON_CALL_SECRET",
    may_be_private=True,
)
OBJECTIVE = Objective(name="claude-available", route="only-claude", target_ratio=0.9, events_min=20)
CONFIG = Config(objectives=(OBJECTIVE,), alerts=Alerts(receivers=(HOOK,)))
HALF_HOUR_S = 1800.0


class Watched:
    """A gateway whose spool is read, and a control's evaluation and delivery over it."""

    def __init__(self, gateway: RunningGateway, folder: Path) -> None:
        self._gateway = gateway
        self.store: Store = open_store("", folder)
        migrate(self.store)
        self._reader = reader(gateway.folder / "spool", self.store)
        self.now_unix_s = time.time()
        publisher = Publisher(folder, self.store)
        self._parts = Parts(self.store, publisher, folder, lambda: self.now_unix_s)

    def ask(self, times: int) -> list[int]:
        """Send requests to the gateway, some at once; return their statuses."""
        body = {"model": "only-claude", "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"authorization": f"Bearer {CALLER_KEY}"}
        url = f"{self._gateway.url}/v1/chat/completions"
        with httpx.Client(timeout=30.0) as client, ThreadPoolExecutor(AT_ONCE) as pool:
            calls = [
                pool.submit(client.post, url, json=body, headers=headers) for _ in range(times)
            ]
            return [call.result().status_code for call in calls]

    async def look(self, after_s: float = 0.0) -> list[str]:
        """Read, evaluate and deliver as of so long after now; return what became of alerts."""
        await asyncio.to_thread(read_all, self._reader)
        self.now_unix_s = time.time() + after_s
        changed = alerting.evaluate(self.store, CONFIG, self.now_unix_s)
        await delivering.deliver(self._parts, CONFIG, _at_once, lambda: 0.0)
        return [alert.detail.events[-1].kind for alert in changed]


async def _at_once(work: Callable[[], Any]) -> Any:
    return work()


def is_signed(received: Received, now_unix_s: float) -> bool:
    """Tell whether the last request bears our signature."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: received.header(name) for name in names}
    return webhook.is_signed(SECRET, headers, received.bodies[-1], now_unix_s)


@pytest.mark.slow
def test_an_outage_is_told_and_so_is_its_end(
    start_gateway: StartGateway,
    emulator: RunningEmulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = start_gateway(config_of(document(emulator)))  # its spool is read to its end, and gone
    watched = Watched(gateway, tmp_path)
    monkeypatch.setenv("ON_CALL_SECRET", SECRET)

    async def script() -> list[dict[str, Any]]:
        async with receiving() as received:
            monkeypatch.setenv("ON_CALL_URL", f"http://127.0.0.1:{received.port}/hook")
            assert set(await asyncio.to_thread(watched.ask, 4)) == {200}
            assert await watched.look() == []
            emulator.faults({"provider": "claude", "kind": "http_500"})
            assert 200 not in await asyncio.to_thread(watched.ask, 40)
            assert await watched.look() == ["opened"]
            emulator.faults()
            assert set(await asyncio.to_thread(watched.ask, 420)) == {200}
            assert await watched.look() == [], "the calm has only begun"
            assert await watched.look(HALF_HOUR_S - 60) == []
            assert await watched.look(HALF_HOUR_S + 60) == ["resolved"]
            assert await watched.look(HALF_HOUR_S + 90) == []
            assert is_signed(received, watched.now_unix_s)
            return [json.loads(body) for body in received.bodies]

    opened, resolved = asyncio.run(script())
    watched.store.close()
    assert (opened["type"], resolved["type"]) == ("alert.opened", "alert.resolved")
    told = opened["data"]
    assert told["severity"] == "page"
    assert told["title"].startswith("claude-available: 90.9 % failed in the last ")
    (cause,) = told["fields"]["causes"]
    assert cause["upstream"].startswith("claude")
    assert cause["kind"] == "server_error"
    assert cause["count"] >= 40
    assert "over after" in resolved["data"]["title"]
