"""One worker of several: its gate asks the limiter, and its own limits are a share.

the only worker   the gate in process decides alone, and has every limit whole
one of several    the gate asks the ``limiter`` process over ``run/limiter.sock``; while that
does not answer, the gate in process decides, and has limit / N
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from penstock.apps.gateway.handing import Handing
from penstock.config.model import Admission, ServerLimits
from penstock.core.retry_budget import RetryBudget
from penstock.exchange.consumers import Consumers
from penstock.exchange.gate import LocalGate
from penstock.exchange.tenancy import Tenancy
from penstock.fleet.remote_gate import RemoteGate
from penstock.fleet.salt import salt_of
from penstock.fleet.worker_line import WorkerLine
from penstock.snapshot.model import Snapshot
from penstock.snapshot.share import share_of
from penstock.telemetry import log
from penstock.telemetry.metrics import Counters
from penstock.telemetry.shelf import Shelf
from penstock.wire import clock
from penstock.wire.alarms import Alarm, Alarms
from penstock.wire.server import Handler, Server

SOCKET: Final = "limiter.sock"
SPENT: Final = "spent.json"


class Sharing:
    """How this worker shares with the others. ``worker`` is 0 for the only one."""

    def __init__(self, state_dir: Path, worker: int) -> None:
        self.worker = worker
        self._socket = state_dir / "run" / SOCKET
        self._line: asyncio.Task[None] | None = None
        self.remote: RemoteGate | None = None
        self._run = state_dir / "run"

    @property
    def name(self) -> str:
        """The process's name: of its files in ``run``, and in the log."""
        return f"gateway-{self.worker}" if self.worker else "gateway"

    @property
    def spent(self) -> Path:
        """Where it is kept what tenants have spent: of several workers, each knows of its own."""
        return self._run / f"{self.name}.spent.json" if self.worker else self._run.parent / SPENT

    def own(
        self, admission: Admission, alarms: Alarms, chance: Callable[[], float], now_s: float
    ) -> LocalGate:
        """Return the gate in process."""
        unix_offset_s = clock.now_unix_s() - now_s
        salt = salt_of(self._run.parent)
        consumers = Consumers(admission, salt, unix_offset_s, chance, now_s)
        gate = LocalGate(chance, admission, Tenancy(), consumers)
        gate.use_timer(Alarm(alarms, gate.on_wake))
        return gate

    def gate(self, own: LocalGate, tasks: asyncio.TaskGroup) -> LocalGate | RemoteGate:
        """Return the gate that exchanges ask."""
        if not self.worker:
            return own
        line = WorkerLine(self._socket, self.worker, os.getpid(), clock.now_s, _tell)
        self.remote = line.gate = RemoteGate(own, line.send)
        self._line = tasks.create_task(line.keep())
        return self.remote

    def handing(
        self, tasks: asyncio.TaskGroup, loop: asyncio.AbstractEventLoop, home: Handler
    ) -> Handing:
        """Return the way to the workers that keep answers; ``home`` serves what others bring."""
        return Handing(self._run, self.worker, tasks, lambda: Server(loop, home, ServerLimits()))

    def shelf(self, snapshot: Snapshot, counters: Counters) -> Shelf | None:
        """Return where all workers put what they have counted; counting goes on from there."""
        if not self.worker:
            return None
        workers = snapshot.config.gateway.workers
        shelf = Shelf(self._run, self.worker, workers, clock.now_unix_s())
        shelf.restore(counters)
        return shelf

    def share(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the limits that this worker has by itself."""
        return share_of(snapshot, snapshot.config.gateway.workers) if self.worker else snapshot

    def budget(self, snapshot: Snapshot, now_s: float) -> RetryBudget:
        """Return this worker's retry budget: a share of its own traffic, and of the floor."""
        retry = self.share(snapshot).config.retry
        return RetryBudget(retry.budget_ratio, retry.floor_per_s, now_s)

    def tick(self) -> None:
        """Tell the limiter how far the answers are; called once a second."""
        if self.remote is not None:
            self.remote.progress()

    def close(self) -> None:
        """End the line; what is under way has ended."""
        if self._line is not None:
            self._line.cancel()


def _tell(event: str, reason: str) -> None:
    if reason:
        log.warn(event, reason=reason)
    else:
        log.info(event)
