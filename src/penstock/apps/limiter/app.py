"""The limiter process: the gate of a whole machine, behind a Unix socket.

start      read the snapshot, take back what was learned, listen, say so in the ready file
SIGHUP     read the snapshot again; a bad one is refused and the last good one stays
each second the same if the file has changed; what was learned goes to disk
SIGTERM    what was learned goes to disk, exit 0; the workers go on with their shares

No caller's bytes pass here: only who asks, for what, and how it went.
"""

import asyncio
import gc
import os
import random
import secrets
import signal
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop

from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.exchange.consumers import Consumers
from penstock.exchange.gate import LocalGate
from penstock.exchange.tenancy import Tenancy
from penstock.fleet.address import address
from penstock.fleet.line import Line
from penstock.fleet.messages import FromWorker
from penstock.fleet.owner import Owner, Session
from penstock.fleet.salt import salt_of
from penstock.fleet.saving import Kept, Saving
from penstock.snapshot import file as snapshot_file
from penstock.snapshot.learned import Learned
from penstock.snapshot.model import Snapshot
from penstock.snapshot.routing import Routing, check
from penstock.snapshot.spent import SpentFile
from penstock.snapshot.using import put_in_use
from penstock.telemetry import log
from penstock.web.keeping_up import is_set_within
from penstock.wire import clock
from penstock.wire.alarms import Alarm, Alarms
from penstock.wire.engines import EngineWatch

SOCKET: Final = "limiter.sock"
STATE: Final = "limiter.json"
SPENT: Final = "spent.json"
SAVE_S: Final = 1.0
TICK_S: Final = 0.1
STALL_S: Final = 0.3  # a tick that is as late was held up by ourselves
SECOND_TICKS: Final = 10
LOOK_TICKS: Final = 2  # a changed limit counts within a second
PLACES_TICKS: Final = 5  # half a second: callers are told every second


LEARNED_S: Final = 60.0  # for which limits, quotas and breakers are worth to be remembered


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the process was started."""

    state_dir: Path
    ready_file: Path | None = None


class Limiter:
    """Everything of the process, put together."""

    def __init__(self, options: Options, snapshot: Snapshot, tasks: asyncio.TaskGroup) -> None:
        self._options = options
        self._snapshot_path = options.state_dir / "snapshot"
        self._seen = snapshot_file.stamp(self._snapshot_path)
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_fault)
        self._stopping = asyncio.Event()
        now_s = clock.now_s()
        self._routing = Routing()
        self._engines = EngineWatch(tasks)
        chance = random.Random(secrets.randbits(64)).random
        admission = snapshot.config.admission
        unix_offset_s = clock.now_unix_s() - now_s
        salt = salt_of(options.state_dir)
        consumers = Consumers(admission, salt, unix_offset_s, chance, now_s)
        self._gate = LocalGate(chance, admission, Tenancy(), consumers)
        self._gate.use_timer(Alarm(Alarms(self._loop), self._gate.on_wake))
        self._use(snapshot)
        self._spent = SpentFile(options.state_dir / SPENT, self._gate.tenancy)
        self._spent.restore(now_s)
        if self._spent.error:
            log.warn("spending_forgotten", reason=self._spent.error)
        parts = {
            "consumers": Kept(consumers, admission.ladder.ticket_s),
            "learned": Kept(Learned(self._routing), LEARNED_S),
        }
        self._saving = Saving(options.state_dir / STATE, parts, self._on_unsaved)
        self._saving.restore(now_s, clock.now_unix_s())
        self._owner = Owner(self._gate, self._routing, now_s, self._look)
        self._lines: dict[Line[FromWorker], Session] = {}
        self._ticked_at_s = now_s
        self._ticks = 0

    async def serve(self) -> None:
        """Listen, say so, and go on until told to stop; raises StoreError if it cannot listen."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopping.set)
        self._loop.add_signal_handler(signal.SIGHUP, self.reload)
        path = self._options.state_dir / "run" / SOCKET
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.unlink(missing_ok=True)
            server = await self._loop.create_unix_server(self._new_line, address(path))
            path.chmod(0o600)
        except OSError as error:
            raise StoreError(f"the limiter cannot listen: {error.strerror or error}") from error
        gc.collect()
        gc.freeze()  # what exists now lives as long as the process
        gc.set_threshold(50_000, 20, 100)
        if self._options.ready_file is not None:
            ready = {"socket": str(path), "pid": os.getpid()}
            private_file.write_json(self._options.ready_file, ready)
        log.info("listening", socket=str(path), snapshot=self._routing.version)
        self._loop.call_later(TICK_S, self._tick)
        await self._save_each_second()
        server.close()
        self._engines.close()
        self._spent.write(clock.now_s())
        log.info("stopped", under_way=self._owner.under_way)

    def reload(self) -> None:
        """Read the snapshot again; a bad one is refused and the last good one stays."""
        self._seen = snapshot_file.stamp(self._snapshot_path)
        error = ""
        try:
            self._use(snapshot_file.read(self._snapshot_path))
        except StoreError as refused:
            error = refused.message
            log.warn("reload_refused", reason=error, snapshot=self._routing.version)
        else:
            log.info("reloaded", snapshot=self._routing.version)
        told = self._options.state_dir / "run" / "limiter.reload.json"
        try:
            private_file.write_json(told, {"version": self._routing.version, "error": error})
        except (
            OSError,
            StoreError,
        ) as failed:  # whoever asked for the reload waits in vain; workers do not
            log.warn("reload_not_told", reason=str(failed))

    def _use(self, snapshot: Snapshot) -> None:
        check(snapshot)
        put_in_use(snapshot, self._routing, self._gate, clock.now_s(), clock.now_unix_s())
        self._engines.follow(self._routing.upstreams.values())

    def _look(self) -> None:
        """Read the snapshot if there is a newer one."""
        if snapshot_file.stamp(self._snapshot_path) not in (self._seen, None):
            self.reload()

    # --- lines

    def _new_line(self) -> Line[FromWorker]:
        line: Line[FromWorker] = Line(list[FromWorker], self._on_messages, self._on_cut)
        self._lines[line] = Session(self._owner, line.send, clock.now_s())
        return line

    def _on_messages(self, line: Line[FromWorker], messages: list[FromWorker]) -> None:
        session = self._lines[line]
        now_s = clock.now_s()
        for message in messages:
            session.on_message(message, now_s)

    def _on_cut(self, line: Line[FromWorker], reason: str) -> None:
        session = self._lines.pop(line)
        if session.is_open and session.worker:
            log.info("worker_gone", worker=session.worker, reason=reason)
        session.on_cut(clock.now_s())

    # --- time

    def _tick(self) -> None:
        if not self._stopping.is_set():  # first: what fails below fails once
            self._loop.call_later(TICK_S, self._tick)
        now_s = clock.now_s()
        if now_s - self._ticked_at_s > STALL_S:
            self._owner.excuse(now_s)
        self._ticked_at_s = now_s
        silent = self._owner.on_tick(now_s)
        for line in [line for line, session in self._lines.items() if session in silent]:
            log.warn("worker_silent", worker=self._lines[line].worker)
            line.cut("it was silent for too long")
        self._ticks += 1
        if self._ticks % PLACES_TICKS == 0:
            self._owner.tell_places(now_s)
        if self._ticks % LOOK_TICKS == 0:
            self._look()
        if self._ticks % SECOND_TICKS == 0:
            self._gate.on_tick(now_s)
            self._spent.tick(now_s)
            self._owner.tell_statistics(now_s)

    async def _save_each_second(self) -> None:
        """Write what was learned, in a thread: nobody waits for a disk."""
        while not self._stopping.is_set():
            content = self._saving.content(clock.now_s(), clock.now_unix_s())
            await asyncio.to_thread(self._saving.write, content)
            await is_set_within(self._stopping, SAVE_S)
        self._saving.write(self._saving.content(clock.now_s(), clock.now_unix_s()))

    def _on_unsaved(self, reason: str) -> None:
        log.warn("state_not_saved", reason=reason)

    def _on_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log a defect of ours; its line is lost, the process goes on."""
        del loop
        error: BaseException | None = context.get("exception")
        log.fault(str(context.get("message", "")), error)


def run(options: Options) -> None:
    """Run the process until it is told to stop; raises StoreError if it cannot start."""
    snapshot = snapshot_file.read(options.state_dir / "snapshot")
    log.start("limiter")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        error = runner.run(_main(options, snapshot))
    if error is not None:
        raise error


async def _main(options: Options, snapshot: Snapshot) -> StoreError | None:
    """Serve until told to stop; return why that could not be, which a task group would wrap."""
    async with asyncio.TaskGroup() as tasks:
        try:
            await Limiter(options, snapshot, tasks).serve()
        except StoreError as error:
            return error
    return None
