"""The whole outage in virtual time, reckoned by a process beside while the cut one is played.

It takes a core for half a minute, so it is nice to everybody else; whoever stops the drill does not
wait for it, and it belongs to the group of those that end with us. Its answer comes as a file,
whole or not at all.
"""

import multiprocessing
import os
import signal
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from penstock.config import private_file
from penstock.core.errors import StoreError
from penstock.sim.drills.drill_file import Drill, Drills
from penstock.sim.drills.shapes import Seen
from penstock.sim.watching.whole_day import whole_day
from penstock.web.keeping_up import pause
from penstock.wire import clock

NICE: Final = 15
WAIT_S: Final = 120.0  # after the play is over; on a busy machine it may not have had its turn
LOOK_S: Final = 0.2
FILE: Final = "uncut.json"


class Beside:
    """One reckoning. Owned by one event loop."""

    def __init__(self, drills: Drills, drill: Drill, seed: int, folder: Path, group: int) -> None:
        self._path = folder / FILE
        self._process = multiprocessing.get_context("spawn").Process(
            target=_reckon, args=(drills, drill, seed, str(self._path), group), daemon=True
        )

    def start(self) -> None:
        """Begin."""
        self._process.start()

    async def seen(self, within_s: float = WAIT_S) -> tuple[Seen, ...]:
        """Return what came of it; nothing if that takes too long, or it failed."""
        give_up_at_s = clock.now_s() + within_s
        while self._process.is_alive() and clock.now_s() < give_up_at_s:
            await pause(LOOK_S)
        try:
            found = msgspec.json.decode(private_file.read(self._path), type=tuple[Seen, ...])
        except (StoreError, msgspec.MsgspecError):
            return ()
        return found

    def stop(self) -> None:
        """End it, whatever it has come to."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._path.unlink(missing_ok=True)


def _reckon(drills: Drills, drill: Drill, seed: int, path: str, group: int) -> None:
    os.setpgid(0, group)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    os.nice(NICE)
    found = whole_day(drills, drill, lambda name: Random(f"{seed} {name}"), seed)
    private_file.write_json(Path(path), found)
