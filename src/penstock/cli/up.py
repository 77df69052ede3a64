"""``penstock up``: start everything, say how to use it, keep it running, stop it cleanly.

start     lock the state directory, plan, emulator if wanted beside control, which publishes the
          snapshot; then the gateway, and the ready file
control   cannot publish (its database is not there): the last snapshot is served, and we say so
workers   of more than one: the limiter, then gateway-1 to gateway-N on the same ports
SIGHUP    plan anew, control publishes, gateways and limiter are told; a bad file changes nothing
a death   the process is started again, on the same ports, by itself
Ctrl-C    the gateways drain, then the others end; a second Ctrl-C stops at once
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

import penstock
from penstock.cli import greeting, leftover, plan, state
from penstock.cli.child import Child, ChildError, is_set_within
from penstock.cli.plan import Plan
from penstock.cli.reloading import Reloading
from penstock.cli.terminal import Terminal
from penstock.config import load, private_file
from penstock.config.check import warnings
from penstock.config.locking import locked
from penstock.config.model import Config
from penstock.core.errors import ConfigError, Problem, StoreError
from penstock.snapshot import file, keys, soundness
from penstock.snapshot.model import Snapshot

PROGRAM: Final = (sys.executable, "-m", "penstock")
DRAIN_MARGIN_S = 5.0  # what a process may take beyond its own drain_s
SERVANT_STOP_S = 5.0  # for those who have nothing under way
EMULATOR: Final = "emulate"
LIMITER: Final = "limiter"
CONTROL: Final = "control"
STATUS: Final = "status"
CHAT: Final = "chat"
NO_READERS: Final = frozenset({EMULATOR, CONTROL, STATUS, CHAT})  # of the snapshot
LOG_LOOK_S = 5.0


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock up``."""
    parser = argparse.ArgumentParser(
        prog="penstock up",
        description="Start everything, and say how to use it. Ctrl-C drains and stops it.",
    )
    parser.add_argument("--config", metavar="FILE", default="", help="default: ./penstock.toml")
    parser.add_argument(
        "--emulate", action="store_true", help="use the emulated providers, whatever is found"
    )
    parser.add_argument(
        "--ports",
        choices=("configured", "auto"),
        default="configured",
        help="auto: free ports instead of 8400 to 8405",
    )
    parser.add_argument(
        "--ready-file",
        metavar="FILE",
        default="",
        help="write urls, key and pids there as JSON (mode 0600) once all is ready",
    )
    return parser


def run(argv: Sequence[str], program: Sequence[str] = PROGRAM) -> int:
    """Run until stopped; ``program`` is what the processes are started with."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    with _only_one(home):
        return asyncio.run(Up(args, home, program).run())


@contextlib.contextmanager
def _only_one(home: state.State) -> Generator[None]:
    with locked(home.lock) as is_free:
        if not is_free:
            pid = state.read_json(home.up).get("pids", {}).get("up", "unknown")
            raise StoreError(
                f"another 'penstock up' (process {pid}) runs on {home.root}: stop it, or set "
                "PENSTOCK_STATE_DIR to another directory"
            )
        yield


class Up:
    """One run of ``penstock up``. Owned by one event loop."""

    def __init__(self, args: argparse.Namespace, home: state.State, program: Sequence[str]) -> None:
        self._home = home
        self._program = list(program)
        self._config = str(args.config)
        self._must_emulate = bool(args.emulate)
        self._is_auto = args.ports == "auto"
        self._ready_file = Path(args.ready_file) if args.ready_file else None
        self._terminal = Terminal()
        self._stopping = asyncio.Event()
        self._at_once = asyncio.Event()
        self._reload_asked = asyncio.Event()
        self._children: list[Child] = []  # in the order of their start
        self._urls: dict[str, str] = {}
        self._emulator: dict[str, Any] = {}
        self._key = ""
        self._plan = Plan(Config(), "")
        self._run = secrets.token_hex(8)  # by which control knows our plan from an older one
        self._warnings: list[str] = []
        self._without: list[str] = []  # why status page or chat do not run
        self._doubts: list[Problem] = []

    async def run(self) -> int:
        """Start, serve until stopped, stop; returns the exit status."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._on_stop)
        loop.add_signal_handler(signal.SIGTERM, self._on_stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload_asked.set)
        try:
            await self._start()
            self._tell()
            await self._serve()
        except ChildError:
            if not self._stopping.is_set():
                raise
        finally:
            await self._stop()
        return 0

    def _on_stop(self) -> None:
        if self._stopping.is_set():
            self._at_once.set()
        self._stopping.set()
        self._reload_asked.set()

    async def _start(self) -> None:
        self._terminal.line(f"penstock {penstock.version()}", "bold")
        for words in await leftover.stop_all(self._home, self._stopping):
            self._terminal.state("degraded", words)
        self._key = keys.kept_key(self._home.root, keys.LOCAL)
        made = await plan.make(load.config_path(self._config), must_emulate=self._must_emulate)
        if not self._is_auto:
            _check_ports(made)
        if made.config.status.is_enabled:
            keys.kept_key(self._home.root, keys.STATUS)  # there before control looks for it
        if made.config.chat.is_enabled:
            keys.kept_key(self._home.root, keys.CHAT)
        self._plan = made
        async with _all_or_none() as group:
            if made.config.control.is_enabled:
                group.create_task(self._start_control(made))
            if made.config.status.is_enabled:
                group.create_task(self._start_surface(STATUS, made.config.status.port))
            if made.config.chat.is_enabled:
                group.create_task(self._start_surface(CHAT, made.config.chat.port))
            group.create_task(self._start_planned(made))
        snapshot = self._published()
        self._doubts = list(soundness.doubts(snapshot))
        await self._start_gateway(snapshot.config)
        self._write_ready()

    async def _start_planned(self, made: Plan) -> None:
        """Start the emulator, if there is to be one; then control knows what is to be served."""
        if made.wants_emulator:
            made = await self._start_emulator(made)
        plan.check_files(made)
        self._plan = made
        plan.write(self._home, made, self._run)

    async def _start_control(self, made: Plan) -> None:
        port = 0 if self._is_auto else made.config.control.port
        command = [*self._planned_command(CONTROL, port), "--is-start"]
        try:
            ready = await self._start_child(CONTROL, command)
        except ChildError as error:
            if self._stopping.is_set() or not self._home.snapshot.exists():
                raise
            self._warnings.append(error.message)
            self._child(CONTROL).command = self._planned_command(CONTROL, port)
            return
        self._urls[CONTROL] = ready["url"]
        self._child(CONTROL).command = self._planned_command(CONTROL, _port(ready["url"]))
        if ready["problems"]:
            raise ConfigError(msgspec.convert(ready["problems"], list[Problem]))
        if ready["error"]:
            self._warnings.append(f"control cannot publish: {ready['error']}")

    async def _start_surface(self, name: str, configured_port: int) -> None:
        """Start the status page or the chat; nobody else's start depends on it."""
        port = 0 if self._is_auto else configured_port
        try:
            ready = await self._start_child(name, self._planned_command(name, port))
        except ChildError as error:
            self._without.append(error.message)
            return
        self._urls[name] = ready["url"]
        self._child(name).command = self._planned_command(name, _port(ready["url"]))

    def _planned_command(self, name: str, port: int) -> list[str]:
        return [
            *self._program, name, "--state-dir", str(self._home.root),
            "--ready-file", str(self._home.ready(name)),
            "--port", str(port), "--run", self._run,
        ]  # fmt: skip

    def _child(self, name: str) -> Child:
        return next(child for child in self._children if child.name == name)

    def _published(self) -> Snapshot:
        """Return what the gateway is going to serve; raises StoreError if there is nothing."""
        is_enabled = self._plan.config.control.is_enabled
        if not is_enabled:
            self._warnings.append("control does not run here: control.is_enabled is false")
        try:
            snapshot = file.read(self._home.snapshot)
        except StoreError as error:
            told = "; ".join([*self._warnings, error.message])
            raise StoreError(f"there is nothing to serve: {told}") from error
        if self._warnings:
            self._warnings.append(f"the last snapshot is served, version {snapshot.version}")
        return snapshot

    async def _start_emulator(self, made: Plan) -> Plan:
        private_file.write(self._home.emulated_key, "emulated-key-that-is-no-secret\n")
        private_file.write(self._home.emulate_token, f"{secrets.token_urlsafe(32)}\n")
        port = 0 if self._is_auto else made.config.emulate.port
        ready = await self._start_child(EMULATOR, self._emulator_command(made, port))
        self._emulator = ready
        self._urls["emulate"] = ready["url"]
        self._child(EMULATOR).command = self._emulator_command(made, _port(ready["url"]))
        return plan.with_emulator(made, ready["url"], ready["urls"], self._home.emulated_key)

    def _emulator_command(self, made: Plan, port: int) -> list[str]:
        return [
            *self._program, "emulate", "--host", "127.0.0.1", "--port", str(port),
            "--ready-file", str(self._home.ready("emulate")),
            "--control-token-file", str(self._home.emulate_token),
            "--seed", str(made.config.emulate.seed),
            *(["--shared-text"] if made.config.emulate.is_text_shared else []),
        ]  # fmt: skip

    async def _start_gateway(self, config: Config) -> None:
        port = 0 if self._is_auto else config.gateway.port
        admin_port = 0 if self._is_auto else config.gateway.admin_port
        workers = range(1, config.gateway.workers + 1) if config.gateway.workers > 1 else (0,)
        for counts in self._home.run.glob("*.counts"):
            counts.unlink()  # of an earlier run
        if len(workers) > 1:
            await self._start_child(LIMITER, self._limiter_command())
        for worker in workers:
            command = self._gateway_command(worker, port, admin_port)
            ready = await self._start_child(_gateway_name(worker), command)
            # The others share its ports. Should it die, it comes back where callers know it to be.
            port, admin_port = _port(ready["url"]), _port(ready["admin_url"])
            self._children[-1].command = self._gateway_command(worker, port, admin_port)
            self._urls["gateway"] = ready["url"]
            self._urls["metrics"] = ready["admin_url"]

    def _gateway_command(self, worker: int, port: int, admin_port: int) -> list[str]:
        return [
            *self._program, "gateway", "--state-dir", str(self._home.root),
            "--ready-file", str(self._home.ready(_gateway_name(worker))),
            "--port", str(port), "--admin-port", str(admin_port),
            *(["--worker", str(worker)] if worker else []),
        ]  # fmt: skip

    def _limiter_command(self) -> list[str]:
        return [
            *self._program, LIMITER, "--state-dir", str(self._home.root),
            "--ready-file", str(self._home.ready(LIMITER)),
        ]  # fmt: skip

    async def _start_child(self, name: str, command: list[str]) -> dict[str, Any]:
        child = Child(name, command, self._home, self._stopping)
        self._children.append(child)
        with greeting.waiting(self._terminal, f"starting the {name}"):
            return await child.start()

    def _write_ready(self) -> None:
        """Write what scripts need to know; again after each restart, with the new pids."""
        ready = {
            "urls": self._urls,
            "key": self._key,
            "pids": {"up": os.getpid(), **{child.name: child.pid for child in self._children}},
        }
        private_file.write_json(self._home.up, ready)
        if self._ready_file:
            private_file.write_json(self._ready_file, ready)

    def _tell(self) -> None:
        first_link = state.first_link(self._home)
        greeting.greet(self._terminal, self._plan, self._urls, self._key, first_link)
        path = load.config_path(self._config)
        if path and not self._must_emulate:  # what was found by itself needs no advice
            asked = load.load(path)  # without the routes that were made for the emulator
            self._terminal.problems("degraded", [*warnings(asked), *load.secret_warnings(asked)])
        self._terminal.problems("degraded", self._doubts)
        for words in (*self._warnings, *self._without):
            self._terminal.state("degraded", words)

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as group:
            for child in self._children:
                group.create_task(child.keep(self._on_change))
            group.create_task(self._reload_when_asked())
            group.create_task(self._trim_logs())
            await self._stopping.wait()
            await self._stop()  # here, because those who keep a child wait for its end

    def _on_change(self, shape: str, words: str) -> None:
        self._terminal.state(shape, words)
        if shape == "good":
            try:
                self._write_ready()
            except StoreError as error:  # a full disk is no reason to stop answering
                self._terminal.state("bad", error.message)

    async def _reload_when_asked(self) -> None:
        control = next((child for child in self._children if child.name == CONTROL), None)
        reloading = Reloading(self._home, self._plan, control, self._run)
        while True:
            await self._reload_asked.wait()
            if self._stopping.is_set():
                return
            self._reload_asked.clear()
            readers = [child for child in self._children if child.name not in NO_READERS]
            outcome = await reloading.reload(self._plan_anew, readers, self._stopping)
            for child in self._children:
                if child.name in (STATUS, CHAT):
                    child.signal(signal.SIGHUP)  # it looks at the plan, whatever became of it
            self._terminal.state("bad" if outcome.error else "good", outcome.words())
            self._terminal.problems("bad", outcome.problems)
            self._terminal.problems("degraded", outcome.doubts)

    async def _plan_anew(self) -> Plan:
        made = await plan.make(load.config_path(self._config), must_emulate=self._must_emulate)
        if made.wants_emulator and self._emulator:
            urls = self._emulator["urls"]
            return plan.with_emulator(made, self._emulator["url"], urls, self._home.emulated_key)
        if made.wants_emulator and not made.config.upstreams:
            problem = Problem("emulate", "is not running", "stop 'penstock up' and start it again")
            raise ConfigError([problem])
        return made

    async def _trim_logs(self) -> None:
        """Keep each log within its bound: the processes append, so it can be cut under them."""
        while not await is_set_within(self._stopping, LOG_LOOK_S):
            for child in self._children:
                leftover.trim(child.log, self._plan.config.gateway.log.file_bytes_max)

    async def _stop(self) -> None:
        """Drain the gateways first: what they have under way may still need the others."""
        self._stopping.set()
        self._reload_asked.set()
        children, self._children = self._children, []
        if not children:
            return  # stopped already, or never started
        drain_s = self._plan.config.gateway.drain_s
        if all(child.is_up for child in children):
            words = f"draining, up to {drain_s:g} s; Ctrl-C again stops at once"
            self._terminal.line()
            self._terminal.state("work", words)
        gateways = [child for child in children if child.name.startswith("gateway")]
        async with asyncio.TaskGroup() as group:
            for child in gateways:
                group.create_task(self._stop_child(child, drain_s + DRAIN_MARGIN_S))
        for child in reversed(children):
            if child not in gateways:
                await self._stop_child(child, SERVANT_STOP_S)
        for path in (self._home.up, self._ready_file):
            if path:
                path.unlink(missing_ok=True)
        self._terminal.state("good", "stopped")

    async def _stop_child(self, child: Child, within_s: float) -> None:
        if not await child.stop(within_s, self._at_once):
            self._terminal.state("bad", f"{child.name} was killed before it had drained")


@contextlib.asynccontextmanager
async def _all_or_none() -> AsyncGenerator[asyncio.TaskGroup]:
    """Run tasks together; raises the first error of ours as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from failed


def _gateway_name(worker: int) -> str:
    return f"gateway-{worker}" if worker else "gateway"


def _port(url: str) -> int:
    return urlsplit(url).port or 0


def _check_ports(made: Plan) -> None:
    """Raise ConfigError that names every port that another program has."""
    gateway = made.config.gateway
    wanted = [
        ("gateway.port", gateway.host, gateway.port),
        ("gateway.admin_port", gateway.admin_host, gateway.admin_port),
    ]
    control = made.config.control
    if control.is_enabled:
        wanted.append(("control.port", control.host, control.port))
    status = made.config.status
    if status.is_enabled:
        wanted.append(("status.port", status.host, status.port))
    chat = made.config.chat
    if chat.is_enabled:
        wanted.append(("chat.port", chat.host, chat.port))
    if made.wants_emulator:
        wanted.append(("emulate.port", "127.0.0.1", made.config.emulate.port))
    problems = [
        Problem(place, f"{host}:{port} {reason}", "set another, or start with --ports auto")
        for place, host, port in wanted
        if (reason := _why_not(host, port))
    ]
    if problems:
        raise ConfigError(problems)


def _why_not(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return (error.strerror or "cannot be used").lower()
    return ""
