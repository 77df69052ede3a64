"""Where things lie in the state directory, and whether a ``penstock up`` runs on it."""

import contextlib
import fcntl
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import msgspec

from penstock.config import load, private_file
from penstock.core.errors import StoreError


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


@contextlib.contextmanager
def locked(path: Path) -> Generator[bool]:
    """Hold a lock file while the block runs; gives False if another process holds it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(fd)  # the lock goes with it, also when the process is killed


def up_pid(state: State) -> int:
    """Return the process id of the ``penstock up`` that runs on this state; 0 if none does."""
    with locked(state.lock) as is_free:
        return 0 if is_free else int(read_json(state.up).get("pids", {}).get("up", 0))
