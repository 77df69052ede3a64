"""Nobody of a drill outlives it, however it ends: real processes, real signals."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from penstock.apps.drill.leash import leashed

# Says its pid, and goes on; DEAF hears no SIGTERM.
IDLE = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {IDLE}"
DRILL = """
import asyncio, sys
from penstock.apps.drill.leash import leashed

async def play():
    async with leashed() as group:
        idle = await asyncio.create_subprocess_exec(
            sys.executable, "-c", sys.argv[1], process_group=group
        )
        await idle.wait()

asyncio.run(play())
"""


def test_who_is_killed_takes_all_of_them_along() -> None:
    with subprocess.Popen([sys.executable, "-c", DRILL, IDLE], stdout=subprocess.PIPE) as drill:
        assert drill.stdout is not None
        pid = int(drill.stdout.readline())
        drill.kill()
        assert drill.stdout.read() == b"", "it ends when nobody holds it any more"
    while is_there(pid):  # it has let go of everything; the rest is the kernel's
        pass


def test_who_ends_by_itself_leaves_nobody_not_even_who_is_deaf() -> None:
    async def play() -> asyncio.subprocess.Process:
        async with leashed() as group:
            deaf = await asyncio.create_subprocess_exec(
                sys.executable, "-c", DEAF, process_group=group, stdout=asyncio.subprocess.PIPE
            )
            assert deaf.stdout is not None
            await deaf.stdout.readline()
            assert os.getpgid(deaf.pid) == group != os.getpgid(0), "Ctrl-C is not for it"
        await deaf.wait()
        return deaf

    assert asyncio.run(play()).returncode == -signal.SIGKILL


def is_there(pid: int) -> bool:
    """Say whether a process lives; one that nobody has waited for yet does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
