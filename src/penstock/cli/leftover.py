"""What an earlier run may have left: processes of a killed ``penstock up``, and long logs.

A killed supervisor does not take the gateway with it: callers go on being answered. The next
``penstock up`` on the same state directory ends what is left, then starts its own. A process is
only ours if its command line names our ready file: process ids are used again.
"""

import asyncio
import os
import shutil
import signal
from pathlib import Path

from penstock.cli.child import is_set_within
from penstock.cli.state import State, read_json

STOP_S = 10.0
POLL_S = 0.05
LOG_KEEP_BYTES = 64 * 1024


async def stop_all(home: State, stopping: asyncio.Event) -> list[str]:
    """End the processes of an earlier run; returns what was done, in words."""
    told: list[str] = []
    pids: dict[str, int] = read_json(home.up).get("pids", {})
    for name, pid in pids.items():
        if name == "up" or not await _is_ours(pid, home.ready(name)):
            continue
        told.append(f"ended the {name} of an earlier run (process {pid})")
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(pid, number)
            if await _is_gone_within(pid, home.ready(name), stopping):
                break
    return told


async def _is_gone_within(pid: int, ready: Path, stopping: asyncio.Event) -> bool:
    for _ in range(int(STOP_S / POLL_S)):
        if not await _is_ours(pid, ready):
            return True
        if await is_set_within(stopping, POLL_S):
            return False
    return False


async def _is_ours(pid: int, ready: Path) -> bool:
    return str(ready) in await _command_line(pid)


async def _command_line(pid: int) -> str:
    """Return how a process was started; empty if it is not there (any more)."""
    proc = Path("/proc")
    if (proc / "self").exists():
        try:
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            return ""
    ps = shutil.which("ps")
    if ps is None:
        return ""
    process = await asyncio.create_subprocess_exec(
        ps, "-ww", "-o", "command=", "-p", str(pid), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return out.decode("utf-8", "replace")


def trim(log: Path, bytes_max: int) -> None:
    """Cut a log that has grown beyond its bound down to its last part."""
    try:
        if log.stat().st_size <= bytes_max:
            return
        with log.open("r+b") as file:
            file.seek(-min(LOG_KEEP_BYTES, bytes_max), os.SEEK_END)
            kept = file.read().partition(b"\n")[2]
            file.seek(0)
            file.truncate()
            file.write(kept)
    except OSError:
        return  # a log that cannot be cut is no reason to stop
