"""The arms of an emulated drill: the same outage, three ways to meet it, side by side.

    bound       the emulated providers alone
    failover    emulated providers, and one gateway process with a snapshot of our own making
    penstock    emulated providers, and the whole ``penstock up``: gateway, control, status, chat

Each arm has emulated providers, a folder and a state directory of its own, and nothing of the
user's. Engines of the user's own are played by a second emulator, which does not fail. ``program``
is what processes are started with; ``led`` may change the whole arm's configuration last.
"""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from penstock.apps.drill import set_up
from penstock.apps.drill.process import Process
from penstock.apps.drill.provider import Providers
from penstock.apps.drill.set_up import Emulated, Emulator, Keys, Places, SetUp
from penstock.apps.drill.stopping import first_error
from penstock.config import private_file, toml
from penstock.config.model import Config
from penstock.sim.drills.shapes import BOUND, FAILOVER, PENSTOCK
from penstock.snapshot import build, file, keys
from penstock.wire import clock

UPSTREAM_KEY: Final = "sk-emulated-{}"  # an account of its own at the emulator, and no secret
STATUS: Final = "status"
NOBODY: Final = Emulator("", {})


@dataclass(frozen=True, slots=True)
class Making:
    """What all arms are made of."""

    program: Sequence[str]
    folder: Path
    seed: int
    environment: Mapping[str, str]
    rules: object  # the script of faults
    set_up: SetUp
    group: int = 0  # of processes (``leash.py``); 0: each leads its own


class Arm:
    """One way to meet the outage, while it runs. Owned by one event loop."""

    def __init__(self, name: str, making: Making) -> None:
        self.name = name
        self.folder = making.folder / name
        self.state_dir = self.folder / "state"
        self.providers = self._emulator("emulate", making, making.seed)
        # Another seed, so that no request of the two has the same id; words come from the callers.
        engines = self._emulator("engines", making, making.seed + 1)
        self.engines = engines if making.set_up.has_engines else None
        self.gateway_url = ""  # of arms with a gateway
        self.urls: dict[str, str] = {}  # of its processes
        self.led: Callable[[Config, Path], Config] = lambda config, _: config
        self._making = making
        self._keys: Keys | None = None
        self._emulated = Emulated(NOBODY, NOBODY, {})
        self._process: Process | None = None

    async def start(self) -> None:
        """Start its processes; raises DrillError."""
        for folder in (self.folder, self.state_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = self._making.set_up
        await self.providers.start()
        if self.engines is not None:
            await self.engines.start()
        await self.providers.put("limits", made.limits)
        self._emulated = self._known_emulators(made)
        if self.name == FAILOVER:
            await self._start_gateway(set_up.plain(made.config(self._emulated)))
        elif self.name == PENSTOCK:
            await self._start_all(self.led(made.config(self._emulated), self.state_dir))

    async def begin(self) -> None:
        """Let the outage begin: its seconds count from now on."""
        await self.providers.put("faults", self._making.rules)

    def hush(self) -> None:
        """Let nobody ask any more: the status page probes on and on."""
        if self._process is not None:
            self._process.send(STATUS, signal.SIGSTOP)

    def pids(self) -> dict[str, int]:
        """Return the processes of ``penstock up`` as they are now, by name."""
        if self._process is None:
            return {}
        told: dict[str, int] = self._process.ready().get("pids", {})
        return told

    async def stop(self) -> None:
        """End its processes."""
        if self._process is not None:
            self._process.send(STATUS, signal.SIGCONT)
        for one in (self._process, self.providers.process, self.engines and self.engines.process):
            if one is not None:
                await one.stop()

    @property
    def places(self) -> Places:
        """Where callers ask."""
        if self.name == BOUND or self._keys is None:
            return self._making.set_up.bound_places(self._emulated)
        return self._making.set_up.gateway_places(self.gateway_url, self._keys)

    async def attempts(self) -> list[dict[str, Any]]:
        """Return what the emulators saw, oldest first, each emulator's together."""
        found = await self.providers.attempts()
        return found + (await self.engines.attempts() if self.engines is not None else [])

    def _emulator(self, name: str, making: Making, seed: int) -> Providers:
        environment, group = making.environment, making.group
        return Providers(name, self.folder, making.program, seed, environment, group)

    def _known_emulators(self, made: SetUp) -> Emulated:
        files: dict[str, str] = {}
        for number, name in enumerate(made.providers):
            path = self.folder / f"upstream-{number}.key"
            private_file.write(path, UPSTREAM_KEY.format(number))
            files[name] = str(path)
        providers = Emulator(self.providers.url, self.providers.urls)
        engines = Emulator(self.engines.url, self.engines.urls) if self.engines else providers
        return Emulated(providers, engines, files)

    async def _start_gateway(self, config: Config) -> None:
        made = self._keys = set_up.equal_keys()
        for name in ("run", "spool"):
            (self.state_dir / name).mkdir(mode=0o700, exist_ok=True)
        snapshot = build.build(
            config,
            made.book.keys,
            version=1,
            now_unix_s=clock.now_unix_s(),
            tenancy=build.Tenancy(made.book.tenants),
            is_emulated=True,
        )
        file.write(self.state_dir / "snapshot", snapshot)
        ports = ["--port", "0", "--admin-port", "0", "--state-dir", str(self.state_dir)]
        ready = await self._start_process("gateway", ["gateway", *ports])
        self.gateway_url = str(ready["url"])
        self.urls = {"gateway": self.gateway_url, "metrics": str(ready["admin_url"])}

    async def _start_all(self, config: Config) -> None:
        made = self._keys = set_up.tiered_keys(self._making.set_up.tenants)
        keys.write_book(self.state_dir / "keys.toml", made.book)  # control takes it over
        path = self.folder / "penstock.toml"
        private_file.write(path, toml.document(config))
        ready = await self._start_process("up", ["up", "--config", str(path), "--ports", "auto"])
        self.urls = {str(name): str(url) for name, url in dict(ready["urls"]).items()}
        self.gateway_url = self.urls["gateway"]

    async def _start_process(self, name: str, command: Sequence[str]) -> dict[str, Any]:
        making = self._making
        program, environment = [*making.program, *command], making.environment
        self._process = Process(name, program, self.folder, environment, making.group)
        return await self._process.start()


async def start(arms: Sequence[Arm]) -> None:
    """Start all at once; raises the first DrillError."""
    with first_error():
        async with asyncio.TaskGroup() as group:
            for arm in arms:
                group.create_task(arm.start())


async def begin(arms: Sequence[Arm]) -> None:
    """Let the outage begin at all; raises the first DrillError."""
    with first_error():
        async with asyncio.TaskGroup() as group:
            for arm in arms:
                group.create_task(arm.begin())


async def stop(arms: Sequence[Arm]) -> None:
    """End all at once."""
    async with asyncio.TaskGroup() as group:
        for arm in arms:
            group.create_task(arm.stop())
