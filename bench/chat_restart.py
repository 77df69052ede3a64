"""The chat's process killed in the middle of running answers: what is lost, what is doubled.

    python bench/chat_restart.py [--answers 500] [--kills 2] [--words-per-s 5] [--seconds 120]

A stand-in for the gateway tells each answer so many words a second. Once all of them run, the
process is killed (SIGKILL) and started again, and so often; then they run to their end. Asserted:
each kill found all of them running; each answer is whole, to the letter; its events in the log, put
together as a browser does, are the same text; the gateway made each answer once, and told the rest
of it from what it had kept. Printed, for each start: how many ran in the end, and how long it was
until all of them ran, with the process's CPU time. The exit status is 1 if anything is not so.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.apps.chat.answering.gateway import PART, TEXT, FakeGateway
from tests.apps.chat.answering.killing import fill, started, told, until
from tests.apps.chat.answering.rig import Rig

from penstock.apps.chat.answering.growing import folded

TICKS: Final = os.sysconf("SC_CLK_TCK")
PATIENCE_S: Final = 300.0  # on a busy machine


@dataclass
class Up:
    """The process, and what became of it."""

    process: "subprocess.Popen[bytes]"
    begun_s: float

    def cpu_s(self) -> float:
        """Return what it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


def up(state_dir: Path) -> Up:
    """Start the process."""
    return Up(started(state_dir), time.monotonic())


def ends(up: Up) -> None:
    """Kill it."""
    up.process.send_signal(signal.SIGKILL)
    up.process.wait()


async def running(one: Up, rig: Rig, gateway: FakeGateway, answers: int) -> str:
    """Wait until all answers run; return what to say of it."""
    await until(lambda: gateway.streams >= answers, PATIENCE_S)
    took = f"{time.monotonic() - one.begun_s:.1f} s, CPU {one.cpu_s():.1f} s"
    return f"{gateway.streams} run and {rig.jobs()} are wanted after {took}"


def faults(rig: Rig, gateway: FakeGateway, names: list[str]) -> list[str]:
    """Return what is wrong in the end."""
    deltas, wrong = told(rig), list[str]()
    for name in names:
        row = rig.row(name)
        if (row["state"], row["text"]) != ("done", gateway.text):
            wrong.append(f"{name} is {row['state']} with {len(row['text'])} characters")
        if folded("", deltas.get(name, [])) != gateway.text:
            wrong.append(f"the log tells another text of {name}")
    if gateway.made != len(names):
        wrong.append(f"the gateway made {gateway.made} answers")
    return wrong


async def measured(given: argparse.Namespace, state_dir: Path) -> list[str]:
    """Run it; return what is wrong."""
    words = given.words_per_s * given.seconds
    text = TEXT * max(1, round(words * PART / len(TEXT)))
    gateway = FakeGateway(text, pace_s=1.0 / given.words_per_s)
    await gateway.up()
    rig = Rig(state_dir, gateway.url)  # its database alone is used
    names = fill(rig, gateway, state_dir, given.answers)
    one, wrong = up(state_dir), list[str]()
    try:
        for number in range(given.kills):
            said = await running(one, rig, gateway, given.answers)
            if rig.jobs() < given.answers:
                wrong.append(f"kill {number + 1} came too late: fewer than all ran")
            ends(one)
            sys.stdout.write(f"kill {number + 1}: {said}\n")
            await until(lambda: gateway.streams == 0, PATIENCE_S)
            one = up(state_dir)
        said = await running(one, rig, gateway, given.answers)
        sys.stdout.write(f"last start: {said}\n")
        await until(lambda: rig.jobs() == 0, given.seconds + PATIENCE_S)
    finally:
        ends(one)
    wrong += faults(rig, gateway, names)
    replayed = f"{gateway.made} made, {gateway.replayed} told again from what was kept"
    sys.stdout.write(f"{given.answers} answers of {len(text)} characters: {replayed}\n")
    rig.store.close()
    await gateway.down()
    return wrong


def main() -> int:
    """Run, print; 1 if an answer was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=500)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--words-per-s", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=120.0)
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(measured(parser.parse_args(), Path(folder)))
    sys.stdout.write(
        "".join(f"WRONG: {one}\n" for one in wrong) or "none is lost, none is doubled\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
