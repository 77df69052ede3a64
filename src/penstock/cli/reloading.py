"""Applying a changed configuration to what is running: all of it or nothing.

    the file or a key is bad        -> nothing changes; every problem is reported
    control cannot publish it       -> the plan before comes back; the reason is reported
    a process refuses it            -> the same, and control publishes that plan again
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
from penstock.cli.plan import Plan, check_files, write
from penstock.cli.state import State, read_json
from penstock.config import private_file
from penstock.core.errors import ConfigError, PenstockError, Problem, StoreError
from penstock.snapshot import file, soundness

CONFIRM_S = 10.0  # a gateway reads the snapshot at once; this covers a machine under load
POLL_S = 0.01
DISABLED: Final = "as control.is_enabled is false: the last snapshot is served"

RESTART_NEEDED: Final = (
    "gateway.workers", "gateway.host", "gateway.port", "gateway.admin_host", "gateway.admin_port",
    "gateway.tls_cert_file", "gateway.tls_key_file", "gateway.spool", "gateway.drain_s",
    "retry.budget_ratio", "retry.floor_per_s",
    "status.is_enabled", "status.host", "status.port", "status.hosts",
    "chat.is_enabled", "chat.host", "chat.port", "chat.hosts",
    "control.is_enabled", "control.host", "control.port", "control.hosts", "control.database_url",
    "control.database_password_env", "control.database_password_file",
    "control.session_hours", "control.session_idle_minutes", "control.oidc_issuer",
    "control.oidc_client_id", "control.oidc_client_secret_env", "control.oidc_client_secret_file",
    "traces.endpoint", "traces.sample_ratio", "traces.headers_env",
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

    def __init__(self, home: State, plan: Plan, control: Child | None, run: str) -> None:
        self._home = home
        self._running = plan  # what the processes were started with
        self._used = plan  # what is served
        self._control = control
        self._run = run
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
            if self._control is None:
                raise StoreError(f"control does not run here, {DISABLED}")
            for child in readers:
                self._home.reloaded(child.name).unlink(missing_ok=True)
            plan = await plan_anew()
            version = await self._publish(self._control, plan, stopping)
            error = await self._confirmed(version, readers, stopping)
            if error:
                await self._publish(self._control, self._used, stopping)
                for child in readers:
                    child.signal(signal.SIGHUP)
            else:
                self._used = plan
            outcome = self._outcome(plan, 0 if error else version, error)
        except ConfigError as bad:
            outcome = Outcome(
                serial=self._serial, error="the configuration is wrong", problems=bad.problems
            )
        except PenstockError as bad:
            outcome = Outcome(serial=self._serial, error=bad.message)
        private_file.write_json(self._home.reload, outcome)
        return outcome

    def _outcome(self, plan: Plan, version: int, error: str) -> Outcome:
        doubts: list[Problem] = []
        if not error:
            doubts += soundness.doubts(file.read(self._home.snapshot))
        return Outcome(
            serial=self._serial,
            version=version,
            error=error,
            doubts=doubts,
            restart_needed=changed(self._running, plan),
        )

    async def _publish(self, control: Child, plan: Plan, stopping: asyncio.Event) -> int:
        """Have control publish a plan; returns the snapshot's version.

        Raises ConfigError or StoreError, and then the plan is as it was before.
        """
        check_files(plan)
        told = self._home.reloaded(control.name)
        told.unlink(missing_ok=True)
        write(self._home, plan, self._run)
        control.signal(signal.SIGHUP)
        for _ in range(int(CONFIRM_S / POLL_S)):
            if said := read_json(told):
                break
            if await is_set_within(stopping, POLL_S):
                break
        else:
            said = {"error": f"control has not answered within {CONFIRM_S:g} s"}
        if not said.get("error") and said.get("version"):
            return int(said["version"])
        write(self._home, self._used, self._run)
        control.signal(signal.SIGHUP)  # for it may have been at it when we gave up
        if said.get("problems"):
            raise ConfigError(msgspec.convert(said["problems"], list[Problem]))
        raise StoreError(str(said.get("error", "stopped")))

    async def _confirmed(
        self, version: int, readers: Sequence[Child], stopping: asyncio.Event
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
                if said.get("version", 0) >= version:
                    waiting.remove(child)
            if not waiting:
                return ""
            if await is_set_within(stopping, POLL_S):
                return "stopped"
        return f"the {waiting[0].name} has not answered within {CONFIRM_S:g} s"


def changed(running: Plan, plan: Plan) -> list[str]:
    """Return the settings that differ and that only a restart can change."""
    return [name for name in RESTART_NEEDED if _get(running, name) != _get(plan, name)]


def _get(plan: Plan, name: str) -> object:
    section, _, field = name.partition(".")
    return getattr(getattr(plan.config, section), field)
