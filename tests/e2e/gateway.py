"""Start, look into and stop the gateway as a process of its own, over the emulated providers."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from tests.e2e.emulator import DEADLINE_S, KEY, RunningEmulator, wait_until

from penstock.config import load
from penstock.config.check import problems
from penstock.config.model import Config
from penstock.ledger import spool
from penstock.snapshot import build, file
from penstock.snapshot.keys import sha256
from penstock.snapshot.model import Key

CALLER_KEY = "pk-caller-canary-0123456789"
OTHER_KEY = "pk-other-canary-0123456789"  # of another tenant, whose answers are not kept
CLAUDE, GPT, GEMINI = "claude-haiku-4-5", "gpt-5.6", "gemini-3.7-flash"


def target(upstream: str, model: str, **more: object) -> dict[str, object]:
    """Return a route's entry."""
    return {"upstream": upstream, "model": model, **more}


def document(emulator: RunningEmulator, mark: str = "") -> dict[str, Any]:
    """Return a configuration with a route for every pair of providers; limits are short.

    ``mark`` ends the upstreams' names.
    """
    own = {"api_key_env": "EMULATED_KEY"}
    urls = emulator.urls
    models = {"gpt": GPT, "claude": CLAUDE, "gemini": GEMINI}
    targets = {name: target(f"{name}{mark}", model) for name, model in models.items()}
    dialects = {"gpt": "openai_chat", "claude": "anthropic_messages", "gemini": "openai_chat"}
    pairs = (("gpt", "gemini"), ("gpt", "claude"), ("claude", "gpt"), ("claude", "gemini"))
    routes = [{"name": f"{a}-{b}", "targets": [targets[a], targets[b]]} for a, b in pairs]
    routes += [{"name": f"only-{name}", "targets": [one]} for name, one in targets.items()]
    return {
        "gateway": {"drain_s": 5.0},
        "timeouts": {
            "connect_s": 1.0,
            "first_token_s": 0.8,
            "between_tokens_s": 0.8,
            "unary_s": 0.8,
            "total_s": 15.0,
            "queue_s": 2.0,
        },
        # Cases share the gateway: none may be shaped by what the one before it taught a breaker.
        "breaker": {"failures_min": 100_000.0},
        "retry": {"floor_per_s": 1000.0},
        "upstreams": [
            {"name": f"{name}{mark}", "dialect": dialect, "base_url": urls[name], **own}
            for name, dialect in dialects.items()
        ],
        "routes": routes,
    }


def config_of(table: dict[str, Any]) -> Config:
    """Convert and check a configuration."""
    config, found = load.convert(table)
    found += problems(config)
    assert not found, [str(one) for one in found]
    return config


class RunningGateway:
    """One gateway process. Its spool is read from disk, its counters from the admin port."""

    def __init__(self, folder: Path, config: Config, worker: int = 0) -> None:
        self.folder = folder
        self.version = 0
        for below in ("run", "spool"):
            (folder / below).mkdir(parents=True, exist_ok=True)
        self.publish(config)
        name = f"gateway-{worker}" if worker else "gateway"
        ready = folder / f"{name}.ready"
        ready.unlink(missing_ok=True)
        self.log_path = folder / f"{name}.log"
        with self.log_path.open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "penstock", "gateway", "--port", "0", "--admin-port", "0",
                    "--state-dir", str(folder), "--ready-file", str(ready),
                    "--worker", str(worker),
                ],
                stderr=log,
                env={**os.environ, "EMULATED_KEY": KEY},
            )  # fmt: skip
        wait_until(lambda: ready.exists() or self.process.poll() is not None)
        assert ready.exists(), self.log_path.read_text(encoding="utf-8")
        found: dict[str, Any] = json.loads(ready.read_text(encoding="utf-8"))
        self.url: str = found["url"]
        self.admin_url: str = found["admin_url"]

    def publish(self, config: Config, routes: tuple[str, ...] = ()) -> None:
        """Write a snapshot; a running gateway takes it on the next reload."""
        self.version += 1
        key = Key(id="k1", tenant="t1", sha256=sha256(CALLER_KEY), routes=routes)
        other = Key(id="k2", tenant="t2", sha256=sha256(OTHER_KEY), may_keep=False)
        snapshot = build.build(config, [key, other], version=self.version, now_unix_s=time.time())
        file.write(self.folder / "snapshot", snapshot)

    def reload(self, config: Config) -> None:
        """Publish, signal and wait until it is in use."""
        self.publish(config)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.telemetry()["snapshot_version"] == self.version)

    def admin(self, path: str) -> str:
        """GET from the admin port."""
        place = urlsplit(self.admin_url).netloc
        connection = http.client.HTTPConnection(place, timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def telemetry(self) -> dict[str, Any]:
        """Return the counters."""
        return json.loads(self.admin("/telemetry"))

    def lines(self) -> list[dict[str, Any]]:
        """Return all lines of the spool, oldest first."""
        return [
            msgspec.json.decode(line)
            for path in sorted((self.folder / "spool").glob("*.jsonl"))
            for line in spool.lines(path)
        ]

    def records(self) -> list[dict[str, Any]]:
        """Return the final records."""
        return [line for line in self.lines() if line["kind"] == "closed"]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)
