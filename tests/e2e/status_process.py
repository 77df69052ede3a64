"""A ``penstock status`` with a state directory of its own, started as often as is wanted."""

import contextlib
import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
from tests.cli.running import environment

from penstock.config.model import Config
from penstock.config.watching import Component, Probe, Status, Surface, Watching
from penstock.snapshot import plan
from penstock.snapshot.plan import PlanFile

WITHIN_S = 60.0
POLL_S = 0.02


def until(condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Wait for something, whoever runs."""
    until_s = time.monotonic() + within_s
    waiting = threading.Event()
    while not condition():
        assert time.monotonic() < until_s, "waited for too long"
        waiting.wait(POLL_S)


class StatusProcess:
    """One state directory, and the process on it."""

    def __init__(self, folder: Path, probes: tuple[Probe, ...] = (), **status: Any) -> None:
        self.folder = folder
        self._probes = probes
        self.state = folder / "state"
        (self.state / "run").mkdir(mode=0o700, parents=True)
        self.database = self.state / "status.db"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.configure(**status)

    def configure(self, **status: Any) -> None:
        """Write what is to be shown; ``reload`` makes a process take it."""
        config = Config(
            components=(Component(name="API", surface=Surface.API),),
            probes=self._probes,
            watch=Watching(finds_probes=False),
            status=Status(port=0, subscribers_may_be_private=True, **status),
        )
        plan.write(plan.path_of(self.state), PlanFile(config=config))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    def launch(self) -> None:
        """Start it, and do not wait."""
        (self.folder / "ready.json").unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "penstock", "status", "--ready-file", "ready.json"],
                cwd=self.folder, env=environment(self.folder), stdout=log, stderr=log,
            )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.launch()
        ready = self.folder / "ready.json"
        until(lambda: ready.exists() or self.ended() is not None)
        assert self.ended() is None, self.log
        self.url = json.loads(ready.read_text())["url"]

    def ended(self) -> int | None:
        """Return its exit status, if it has one."""
        return self._process.poll() if self._process else 0

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End it; return the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(WITHIN_S)

    @contextlib.contextmanager
    def full_disk(self, file_bytes: int = 0) -> Generator[None]:
        """Let no file of it grow beyond a size, for the time of a block: each write fails."""
        before = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (file_bytes, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, before)

    @property
    def token(self) -> str:
        return (self.state / "control.token").read_text().strip()

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=WITHIN_S)

    def report(self, who: str) -> httpx.Response:
        """Say that the API fails, as somebody."""
        headers = {"user-agent": who}
        body = {"component": "api", "category": "errors"}
        url = f"{self.url}/api/v1/reports"
        return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=WITHIN_S)

    def open(self, title: str) -> httpx.Response:
        """Open an incident, of no component, with the break-glass token."""
        body = {"name": title, "body": "We look."}
        headers = {"authorization": f"Bearer {self.token}"}
        url = f"{self.url}/api/v1/incidents"
        return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=WITHIN_S)

    def titles(self) -> list[str]:
        """Return the incidents that the page shows."""
        told = self.get("/api/v2/incidents.json").json()["incidents"]
        return [str(one["name"]) for one in told]


@contextlib.contextmanager
def started(folder: Path, **status: Any) -> Generator[StatusProcess]:
    """Start one; end it with the block."""
    process = StatusProcess(folder, **status)
    process.start()
    try:
        yield process
    finally:
        process.end()
