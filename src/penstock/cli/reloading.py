"""Applying a changed configuration to what is running: all of it or nothing.

    the file or a key is bad        -> nothing changes; every problem is reported
    a process refuses it            -> the last good snapshot comes back; the reason is reported
    all have taken it               -> done; what only a restart can change is named

The outcome lies in ``run/reload.json`` with a serial number, so that ``penstock reload`` knows
the answer to its own question from an older one.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from penstock.cli.child import Child, is_set_within
from penstock.cli.plan import Plan
from penstock.cli.publish import next_version, publish
from penstock.cli.state import State, read_json
from penstock.config import private_file
from penstock.core.errors import ConfigError, PenstockError, Problem
from penstock.snapshot import file, soundness
from penstock.snapshot.model import Snapshot

CONFIRM_S = 10.0  # a gateway reads the snapshot at once; this covers a machine under load
POLL_S = 0.01

RESTART_NEEDED: Final = (
    "gateway.workers", "gateway.host", "gateway.port", "gateway.admin_host", "gateway.admin_port",
    "gateway.tls_cert_file", "gateway.tls_key_file", "gateway.spool", "gateway.drain_s",
    "retry.budget_ratio", "retry.floor_per_s",
    "emulate.is_enabled", "emulate.port", "emulate.seed", "emulate.is_text_shared",
)  # fmt: skip


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one reload."""

    serial: int
    version: int = 0  # of the snapshot that now counts; 0: as before
    error: str = ""
    problems: list[Problem] = []
    doubts: list[Problem] = []  # it is in use all the same
    restart_needed: list[str] = []

    def words(self) -> str:
        """Say it in one line."""
        if self.error:
            return f"reload: {self.error}; nothing has changed"
        words = f"reload: version {self.version} is in use"
        if self.restart_needed:
            words += f"; only after a restart: {', '.join(self.restart_needed)}"
        return words


class Reloading:
    """The reloads of one run of ``penstock up``."""

    def __init__(self, home: State, plan: Plan) -> None:
        self._home = home
        self._running = plan  # what the processes were started with
        self._serial = int(read_json(home.reload).get("serial", 0))

    async def reload(
        self,
        plan_anew: Callable[[], Awaitable[Plan]],
        readers: Sequence[Child],
        stopping: asyncio.Event,
    ) -> Outcome:
        """Apply what is there now to the processes that read the snapshot.

        Never raises for what an operator can do wrong.
        """
        self._serial += 1
        try:
            before = file.read(self._home.snapshot)
            for child in readers:
                self._home.reloaded(child.name).unlink(missing_ok=True)
            plan = await plan_anew()
            snapshot = publish(self._home, plan)
            error = await self._confirmed(snapshot, readers, stopping)
        except ConfigError as bad:
            outcome = Outcome(
                serial=self._serial, error="the configuration is wrong", problems=bad.problems
            )
        except PenstockError as bad:
            outcome = Outcome(serial=self._serial, error=bad.message)
        else:
            if error:
                self._restore(before, readers)
            outcome = Outcome(
                serial=self._serial,
                version=0 if error else snapshot.version,
                error=error,
                doubts=list(soundness.doubts(snapshot)),
                restart_needed=changed(self._running, plan),
            )
        private_file.write_json(self._home.reload, outcome)
        return outcome

    async def _confirmed(
        self, snapshot: Snapshot, readers: Sequence[Child], stopping: asyncio.Event
    ) -> str:
        """Tell the processes, and return what one says against the snapshot, if anything."""
        for child in readers:
            child.signal(signal.SIGHUP)
        waiting = list(readers)
        for _ in range(int(CONFIRM_S / POLL_S)):
            for child in list(waiting):
                said = read_json(self._home.reloaded(child.name))
                if said.get("error"):
                    return str(said["error"])
                if said.get("version", 0) >= snapshot.version:
                    waiting.remove(child)
            if not waiting:
                return ""
            if await is_set_within(stopping, POLL_S):
                return "stopped"
        return f"the {waiting[0].name} has not answered within {CONFIRM_S:g} s"

    def _restore(self, before: Snapshot, readers: Sequence[Child]) -> None:
        """Bring the last good content back, under a version that is new again."""
        version = next_version(self._home)
        file.write(self._home.snapshot, msgspec.structs.replace(before, version=version))
        for child in readers:
            child.signal(signal.SIGHUP)


def changed(running: Plan, plan: Plan) -> list[str]:
    """Return the settings that differ and that only a restart can change."""
    return [name for name in RESTART_NEEDED if _get(running, name) != _get(plan, name)]


def _get(plan: Plan, name: str) -> object:
    section, _, field = name.partition(".")
    return getattr(getattr(plan.config, section), field)
