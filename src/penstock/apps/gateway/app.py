"""The gateway process: one event loop, two ports, one snapshot in, one spool out.

start      read the snapshot, listen, then say so in the ready file
SIGHUP     read the snapshot again; a bad one is refused and the last good one stays
each LOOK_S the same if the file has changed: a new key, a limit, a revocation
each LOOK_S a live drill is begun, or ended: ``live.py``
each second idle connections are closed, what was spent is kept
SIGTERM    stop accepting, finish what is under way up to a limit, exit 0
"""

import asyncio
import gc
import os
import random
import secrets
import signal
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop

from penstock.apps.gateway.admin import Admin, Parts
from penstock.apps.gateway.api import Api, Home
from penstock.apps.gateway.live import Clock, LiveDrills
from penstock.apps.gateway.recording import SpoolRecorder
from penstock.apps.gateway.sharing import Sharing
from penstock.config import load, private_file
from penstock.config.model import ServerLimits
from penstock.core.errors import StoreError
from penstock.exchange.live_dialer import LiveDialer
from penstock.exchange.machine import Ports
from penstock.ledger.spool import SpoolWriter
from penstock.snapshot import file as snapshot_file
from penstock.snapshot import soundness
from penstock.snapshot.model import Snapshot
from penstock.snapshot.routing import Routing, check
from penstock.snapshot.spent import SpentFile
from penstock.snapshot.using import put_in_use
from penstock.telemetry import log
from penstock.telemetry.metrics import Counters
from penstock.wire import clock
from penstock.wire.alarms import Alarm, Alarms
from penstock.wire.client import HttpDialer
from penstock.wire.engines import EngineWatch
from penstock.wire.server import Server

TICK_S: Final = 1.0
LOOK_S: Final = 0.25  # a change counts within a second, publishing included; a look is a ``stat``
ADMIN_LIMITS: Final = ServerLimits(body_bytes_max=64 * 1024, connections_max=100)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How the process was started; ports of -1 are the snapshot's."""

    state_dir: Path
    ready_file: Path | None = None
    port: int = -1
    admin_port: int = -1
    worker: int = 0  # 1 to N of several; 0: the only one
    seen: tuple[int, int] | None = None  # the stamp of the snapshot before it was read


class Gateway:
    """Everything of one worker, put together."""

    def __init__(self, options: Options, snapshot: Snapshot, tasks: asyncio.TaskGroup) -> None:
        self._options = options
        self._seen: tuple[int, int] | None = options.seen
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_fault)
        self._stopping = asyncio.Event()
        now_s = clock.now_s()
        config = snapshot.config
        chance = random.Random(secrets.randbits(64)).random
        self._counters = Counters()
        self._spool = SpoolWriter(
            options.state_dir / "spool",
            config.gateway.spool,
            clock.now_unix_s,
        )
        self._recorder = SpoolRecorder(self._spool, self._counters, chance)
        self._routing = Routing()
        self._dialer = HttpDialer(self._loop, tasks)
        self._engines = EngineWatch(tasks)
        self._sharing = Sharing(options.state_dir, options.worker)
        alarms = Alarms(self._loop)
        gate = self._gate = self._sharing.own(config.admission, alarms, chance, now_s)
        asked = self._sharing.gate(gate, tasks)
        budget = self._sharing.budget(snapshot, now_s)
        ports = Ports(self._live_dialer(alarms, chance), asked, self._recorder, budget, chance)
        api = Api(self._routing, ports, self._recorder, self._counters, alarms, _id_prefix())
        self._handing = api.handing = self._sharing.handing(tasks, self._loop, Home(api))
        self._keeper = api.resuming.keeper
        self._callers = Server(self._loop, api, config.gateway.limits)
        parts = Parts(
            self._routing,
            self._recorder,
            self._counters,
            self._spool,
            gate,
            self._dialer,
            budget,
            self._callers,
            self._keeper,
            clock.now_unix_s(),
            self._sharing.remote,
            self._sharing.shelf(snapshot, self._counters),
            self._live,
        )
        self._told = Admin(parts)
        self._admin = Server(self._loop, self._told, ADMIN_LIMITS)
        self._use(snapshot)
        self._spent = SpentFile(self._sharing.spent, gate.tenancy)
        self._recall(now_s)

    def _live_dialer(self, alarms: Alarms, chance: Callable[[], float]) -> LiveDialer:
        """Put what live drills need in front of the dialer."""
        dialer = LiveDialer(self._dialer, lambda ring: Alarm(alarms, ring), chance)
        times = Clock(clock.now_s, clock.now_unix_s)
        self._live = LiveDrills(self._options.state_dir, self._sharing.name, dialer, times)
        self._recorder.on_closed = self._live.on_closed
        return dialer

    @property
    def _snapshot_path(self) -> Path:
        return self._options.state_dir / "snapshot"

    async def serve(self) -> None:
        """Listen, say so, and go on until told to stop; raises StoreError if it cannot listen."""
        gateway = self._routing.config.gateway
        options = self._options
        port = gateway.port if options.port < 0 else options.port
        admin_port = gateway.admin_port if options.admin_port < 0 else options.admin_port
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopping.set)
        self._loop.add_signal_handler(signal.SIGHUP, self.reload)
        tls = _tls(gateway.tls_cert_file, gateway.tls_key_file)
        try:
            admin_port = await self._admin.listen(
                gateway.admin_host, admin_port, shares_port=options.worker > 0
            )
            await self._handing.listen()
            port = await self._callers.listen(gateway.host, port, tls=tls, shares_port=True)
        except OSError as error:
            self._close()
            raise StoreError(f"the gateway cannot listen: {error.strerror or error}") from error
        scheme = "http" if tls is None else "https"
        url = f"{scheme}://{gateway.host}:{port}"
        admin_url = f"http://{gateway.admin_host}:{admin_port}"
        # What exists now lives as long as the process: no collection need look at it again.
        # Exchanges leave no cycles behind, so looking for some may be rare.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        if options.ready_file is not None:
            ready = {"url": url, "admin_url": admin_url, "pid": os.getpid()}
            private_file.write_json(options.ready_file, ready)
        log.info("listening", url=url, admin_url=admin_url, snapshot=self._routing.version)
        self._loop.call_later(TICK_S, self._tick)
        self._loop.call_later(LOOK_S, self._look)
        await self._stopping.wait()
        await self._drain(self._routing.config.gateway.drain_s)

    def reload(self) -> None:
        """Read the snapshot again; a bad one is refused and the last good one stays."""
        self._seen = snapshot_file.stamp(self._snapshot_path)
        error = ""
        try:
            snapshot = snapshot_file.read(self._snapshot_path)
            self._use(snapshot)
        except StoreError as refused:
            error = refused.message
            self._counters.reloads_failed += 1
            log.warn("reload_refused", reason=error, snapshot=self._routing.version)
        else:
            log.info("reloaded", snapshot=snapshot.version)
        outcome = {"version": self._routing.version, "error": error}
        told = self._options.state_dir / "run" / f"{self._sharing.name}.reload.json"
        try:
            told.parent.mkdir(mode=0o700, exist_ok=True)
            private_file.write_json(told, outcome)
        except (
            OSError,
            StoreError,
        ) as failed:  # whoever asked for the reload waits in vain; callers do not
            log.warn("reload_not_told", reason=str(failed))

    def _on_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log a defect of ours; its connection is lost, the process goes on."""
        del loop
        self._counters.faults += 1
        error: BaseException | None = context.get("exception")
        log.fault(str(context.get("message", "")), error)

    def _use(self, snapshot: Snapshot) -> None:
        """Take a snapshot whole; raises StoreError, and then nothing has changed."""
        check(snapshot)
        for doubt in soundness.doubts(snapshot):
            log.warn("doubtful", place=doubt.place, reason=doubt.message, remedy=doubt.remedy)
        api_keys: dict[str, str] = {}
        for upstream in snapshot.config.upstreams:
            try:
                api_keys[upstream.name] = load.secret(upstream)
            except StoreError as error:
                log.warn("upstream_without_key", upstream=upstream.name, reason=error.message)
        self._dialer.configure(snapshot.config.upstreams, api_keys)
        own = self._sharing.share(snapshot)
        put_in_use(own, self._routing, self._gate, clock.now_s(), clock.now_unix_s())
        self._engines.follow(self._routing.upstreams.values())
        self._keeper.settings = snapshot.config.gateway.keep
        self._callers.limits = snapshot.config.gateway.limits
        self._handing.use(snapshot.config.gateway)
        self._recorder.sample_ratio = snapshot.config.gateway.log.sample_ratio
        self._live.use(snapshot.config)

    def _recall(self, now_s: float) -> None:
        """Take up what tenants and keys had spent before the last restart, and no live drill."""
        self._live.start()
        self._spent.restore(now_s)
        if self._spent.error:
            log.warn("spending_forgotten", reason=self._spent.error)

    def _look(self) -> None:
        if self._stopping.is_set():
            return
        self._loop.call_later(LOOK_S, self._look)
        self._live.look()
        if snapshot_file.stamp(self._snapshot_path) not in (self._seen, None):
            self.reload()

    def _tick(self) -> None:
        if self._stopping.is_set():
            return
        self._loop.call_later(TICK_S, self._tick)
        self._gate.on_tick(clock.now_s())
        self._sharing.tick()
        self._told.tick()
        self._live.tick()
        self._dialer.sweep(clock.now_s())
        self._keeper.sweep(clock.now_s())
        self._spent.tick(clock.now_s())

    async def _drain(self, limit_s: float) -> None:
        log.info("draining", in_flight=self._recorder.in_flight, limit_s=limit_s)
        self._keeper.close()
        self._live.leave()
        cut, _ = await asyncio.gather(self._callers.drain(limit_s), self._handing.drain(limit_s))
        self._told.tick()
        self._keeper.close()  # whose readers have left in the meantime
        self._close()
        log.info("stopped", cut=cut)

    def _close(self) -> None:
        self._spent.write(clock.now_s())
        self._callers.close()
        self._handing.close()
        self._admin.close()
        self._engines.close()
        self._dialer.close()
        self._sharing.close()
        self._spool.close()


async def _main(options: Options, snapshot: Snapshot) -> StoreError | None:
    """Serve until told to stop; return why that could not be, which a task group would wrap."""
    async with asyncio.TaskGroup() as tasks:
        try:
            await Gateway(options, snapshot, tasks).serve()
        except StoreError as error:
            return error
    return None


def run(options: Options) -> None:
    """Run the process until it is told to stop; raises StoreError if it cannot start."""
    path = options.state_dir / "snapshot"
    options = msgspec.structs.replace(options, seen=snapshot_file.stamp(path))
    snapshot = snapshot_file.read(path)
    log.start(f"gateway-{options.worker}" if options.worker else "gateway")
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        error = runner.run(_main(options, snapshot))
    if error is not None:
        raise error


def _id_prefix() -> str:
    return f"req_{secrets.token_hex(8)}"


def _new_loop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()


def _tls(cert_file: str, key_file: str) -> ssl.SSLContext | None:
    if not cert_file:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert_file, key_file)
    except OSError as error:  # ssl.SSLError is one
        raise StoreError(f"{cert_file} and its key cannot be used: {error.strerror}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context
