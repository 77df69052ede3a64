"""Where things lie in the state directory, and whether a ``penstock up`` runs on it."""

import os
from pathlib import Path
from typing import Any, Final

import msgspec

from penstock.config import load, private_file
from penstock.config.locking import locked
from penstock.core.errors import StoreError
from penstock.snapshot import plan

FIRST_LINK: Final = "first-link"
NO_PID: Final = 2**31 - 1  # above what any system gives; 0 would be ourselves
CONSOLE: Final = "console.localhost"  # what browsers find on this machine by themselves


class State:
    """The state directory of one installation; all paths are absolute."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.run = self.root / "run"
        self.spool = self.root / "spool"
        self.snapshot = self.root / "snapshot"
        self.keys = self.root / "keys.toml"
        self.prices = self.root / "prices.toml"
        self.lock = self.run / "up.lock"
        self.up = self.run / "up.json"
        self.reload = self.run / "reload.json"
        self.plan = plan.path_of(self.root)
        self.database = self.root / "ledger.db"
        self.control_lock = self.run / "control.lock"
        self.emulate_token = self.run / "emulate.token"
        self.emulated_key = self.run / "emulated.key"

    def ready(self, name: str) -> Path:
        """Return where a process says that it is ready."""
        return self.run / f"{name}.ready.json"

    def gateways_ready(self) -> list[Path]:
        """Return where a gateway or its workers said that they are ready, the last one first."""
        paths = [self.ready("gateway"), *self.run.glob("gateway-*.ready.json")]
        there = [path for path in paths if path.exists()]
        return sorted(there, key=lambda path: path.stat().st_mtime_ns, reverse=True)

    def reloaded(self, name: str) -> Path:
        """Return where a process says what became of a reload."""
        return self.run / f"{name}.reload.json"

    def log(self, name: str) -> Path:
        """Return where a process's standard error goes."""
        return self.run / f"{name}.log"


def open_state() -> State:
    """Return the state directory that the environment names, made if need be."""
    return State(load.state_dir())


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object of ours; empty if it is not there (yet) or is not one."""
    try:
        return msgspec.json.decode(private_file.read(path), type=dict[str, Any])
    except (StoreError, msgspec.MsgspecError):
        return {}


def up_pid(state: State) -> int:
    """Return the process id of the ``penstock up`` that runs on this state; 0 if none does."""
    with locked(state.lock) as is_free:
        return 0 if is_free else int(read_json(state.up).get("pids", {}).get("up", 0))


def control_url(home: State) -> str:
    """Return where control listens; empty if the one that said so is gone, or none has."""
    return url_of(home, "control")


def url_of(home: State, name: str) -> str:
    """Return where a process listens; empty if the one that said so is gone, or none has."""
    ready = read_json(home.ready(name))
    try:
        os.kill(int(ready.get("pid", 0)) or NO_PID, 0)
    except (OSError, OverflowError):
        return ""
    return str(ready.get("url", ""))


def first_link(home: State) -> str:
    """Return the link by which the first owner comes in; empty if one has, or control is not up."""
    path = home.root / FIRST_LINK
    url = control_url(home)
    if not path.exists() or not url:
        return ""
    return f"http://{CONSOLE}:{url.rpartition(':')[2]}/first/{private_file.read(path).strip()}"
