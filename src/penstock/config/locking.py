"""Locks between processes: a file that one of them holds, until it ends or lets go."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Final

POLL_S: Final = 0.05


@contextlib.contextmanager
def locked(path: Path, within_s: float = 0.0) -> Generator[bool]:
    """Hold a lock file while the block runs; gives False if another process does, after a wait."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield any(_tried(fd, at * POLL_S) for at in range(1 + int(within_s / POLL_S)))
    finally:
        os.close(fd)  # the lock goes with it, also when the process is killed


def _tried(fd: int, waited_s: float) -> bool:
    if waited_s:
        threading.Event().wait(POLL_S)  # never set: it only waits
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
