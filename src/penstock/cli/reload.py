"""``penstock reload``: have the running ``penstock up`` apply the changed configuration."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.cli import state
from penstock.cli.reloading import CONFIRM_S, Outcome
from penstock.cli.terminal import Terminal

POLL_S: Final = 0.02
ANSWER_S: Final = 3 * CONFIRM_S + 5.0  # control and gateways, perhaps control again; discovery


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock reload``."""
    return argparse.ArgumentParser(
        prog="penstock reload",
        description="Apply the changed configuration to what is running: all of it or nothing.",
    )


def run(argv: Sequence[str]) -> int:
    """Ask for a reload and say what became of it; 1 if it was refused."""
    build_parser().parse_args(argv)
    home = state.open_state()
    pid = state.up_pid(home)
    if not pid:
        sys.stderr.write(f"penstock reload: no 'penstock up' runs on {home.root}\n")
        return 1
    outcome = ask(home, pid)
    if outcome is None:
        sys.stderr.write(f"penstock reload: no answer from process {pid} in {ANSWER_S:g} s\n")
        return 1
    terminal = Terminal()
    terminal.state("bad" if outcome.error else "good", outcome.words())
    terminal.problems("bad", outcome.problems)
    terminal.problems("degraded", outcome.doubts)
    return 1 if outcome.error else 0


def ask(home: state.State, pid: int) -> Outcome | None:
    """Signal the running ``up`` and return its answer; None if none comes in time."""
    before = int(state.read_json(home.reload).get("serial", 0))
    os.kill(pid, signal.SIGHUP)
    pause = threading.Event()  # never set: it only waits
    for _ in range(int(ANSWER_S / POLL_S)):
        said = state.read_json(home.reload)
        if int(said.get("serial", 0)) > before:
            return msgspec.convert(said, Outcome)
        pause.wait(POLL_S)
    return None
