"""A real gateway over paced emulators, with tenants of every tier: what live benches share.

Every process is one of ours, started as a user would: ``penstock emulate`` and ``penstock gateway``
with a snapshot, on ports of their own. What the gateway did is read from its spool and its
telemetry.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from host import BENCH, BenchError

import penstock
from penstock.config import load
from penstock.config.check import problems
from penstock.config.model import Config
from penstock.config.tenancy import Contract, Limits, Tenant, TierName
from penstock.ledger import spool
from penstock.snapshot import build, file
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key

WAIT_S = 20.0
PENSTOCK = ("-m", "penstock")
MODELS = {"gpt": "gpt-5.6", "claude": "claude-haiku-4-5"}
DIALECTS = {"gpt": "openai_chat", "claude": "anthropic_messages"}
ENVIRONMENT = os.environ | {
    "PYTHONPATH": f"{Path(penstock.__file__).parents[1]}:{BENCH}",
    "EMULATED_KEY": "sk-emulated",
}


def wait(condition: Callable[[], object]) -> None:
    """Poll until something is true; raises BenchError if it does not become so."""
    until_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > until_s:
            raise BenchError("a process of the set did not get ready in time")
        time.sleep(0.02)


def secret_of(tenant: str) -> str:
    """Return the key of a tenant."""
    return f"pk-{tenant}-0123456789abcdef"


def tenants_of(enterprises: int, contract: int, limits: dict[str, Limits]) -> list[Tenant]:
    """Return tenants of every tier; ``contract`` is the tokens a minute of each enterprise."""
    owed = Contract(tokens_per_min=contract)
    return [
        *(
            Tenant(id=f"enterprise-{at}", tier=TierName.ENTERPRISE, contract=owed)
            for at in range(enterprises)
        ),
        Tenant(id="standard", limits=limits.get("standard", Limits())),
        Tenant(id="free", tier=TierName.FREE, limits=limits.get("free", Limits())),
        Tenant(id="batch", tier=TierName.BATCH),
    ]


class Process:
    """One process, with what it wrote into its ready file."""

    def __init__(self, folder: Path, name: str, *flags: str, program: tuple[str, ...] = ()) -> None:
        """Start it; ``program`` stands in for ``penstock``."""
        self.folder = folder
        self._ready = folder / f"{name}.ready"
        self._ready.unlink(missing_ok=True)
        with (folder / f"{name}.log").open("a") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    *(program or PENSTOCK),
                    *flags,
                    "--ready-file",
                    str(self._ready),
                ],
                stdout=log,
                stderr=log,
                env=ENVIRONMENT,
            )
        wait(lambda: self._ready.exists() or self.process.poll() is not None)
        if not self._ready.exists():
            raise BenchError((folder / f"{name}.log").read_text()[-500:])
        self.ready: dict[str, Any] = json.loads(self._ready.read_text())

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT_S)


class Emulator(Process):
    """One emulator."""

    def __init__(self, folder: Path, name: str, *flags: str, port: int = 0) -> None:
        super().__init__(folder, name, "emulate", "--port", str(port), *flags)
        self.url: str = self.ready["url"]
        self.port = urlsplit(self.url).port or 0

    def control(self, method: str, what: str, document: object = None) -> dict[str, Any]:
        """Call the control port."""
        token = self.ready["control_token"]
        body = None if document is None else json.dumps(document)
        return json.loads(
            fetch(self.url, method, f"/control/{what}", body, {"authorization": f"Bearer {token}"})
        )


class Gateway(Process):
    """One gateway and its snapshot."""

    def __init__(
        self,
        folder: Path,
        table: dict[str, Any],
        tenants: list[Tenant],
        limits: dict[str, Limits],
        program: tuple[str, ...] = (),
    ) -> None:
        self._tenants, self._limits = tenants, limits
        self._version = 0
        for name in ("run", "spool"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._publish(folder, table)
        flags = ("--port", "0", "--admin-port", "0", "--state-dir", str(folder))
        super().__init__(folder, "gateway", "gateway", *flags, program=program)
        self.url: str = self.ready["url"]
        self.port = urlsplit(self.url).port or 0

    def use(self, table: dict[str, Any]) -> None:
        """Let the gateway take another configuration."""
        self._publish(self.folder, table)
        self.process.send_signal(signal.SIGHUP)

    def telemetry(self) -> dict[str, Any]:
        """Return the counters."""
        return json.loads(fetch(self.ready["admin_url"], "GET", "/telemetry"))

    def records(self) -> list[dict[str, Any]]:
        """Return the records of all exchanges that have ended."""
        paths = sorted((self.folder / "spool").glob("*.jsonl"))
        lines = (msgspec.json.decode(line) for path in paths for line in spool.lines(path))
        return [line for line in lines if line["kind"] == "closed"]

    def _publish(self, folder: Path, table: dict[str, Any]) -> None:
        self._version += 1
        keys = [
            Key(
                id=f"key-{one.id}",
                tenant=one.id,
                sha256=sha256(secret_of(one.id)),
                may_assert_user=True,
                limits=self._limits.get(f"key-{one.id}", Limits()),
            )
            for one in self._tenants
        ]
        snapshot = build.build(
            config_of(table),
            keys,
            version=self._version,
            now_unix_s=time.time(),
            tenancy=build.Tenancy(tuple(self._tenants)),
        )
        file.write(folder / "snapshot", snapshot)


def config_of(table: dict[str, Any]) -> Config:
    """Convert and check a configuration; raises BenchError for one that has problems."""
    config, found = load.convert(table)
    found += problems(config)
    if found:
        raise BenchError("; ".join(str(one) for one in found))
    return config


def upstream(name: str, url: str, slots: int, **more: object) -> dict[str, Any]:
    """Return an upstream: an emulated provider, with so many slots."""
    path = {"gpt": "/gpt/v1", "claude": "/claude"}[name.partition("-")[0]]
    return {
        "name": name,
        "dialect": DIALECTS[name.partition("-")[0]],
        "base_url": url + path,
        "api_key_env": "EMULATED_KEY",
        "concurrency_max": slots,
        **more,
    }


def route(*upstreams: str, **more: object) -> dict[str, Any]:
    """Return the route that is asked, over these upstreams."""
    targets = [{"upstream": one, "model": MODELS[one.partition("-")[0]]} for one in upstreams]
    return {"name": "chat", "targets": targets, **more}


def fetch(
    url: str, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
) -> bytes:
    """Ask one of our own ports."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WAIT_S)
    try:
        connection.request(method, path, body, headers or {})
        return connection.getresponse().read()
    finally:
        connection.close()
