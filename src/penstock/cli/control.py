"""``penstock control``: the operator's process alone."""

import argparse
import sys
from pathlib import Path

from penstock.apps.control.app import Options
from penstock.apps.control.app import run as run_control
from penstock.config import load
from penstock.core.errors import PenstockError


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = argparse.ArgumentParser(
        prog="penstock control",
        description="Run the control process alone: operator API, console and ledger. It serves "
        "what 'penstock up' has planned; the gateway goes on without it.",
    )
    parser.add_argument(
        "--state-dir", help="where plan, spool and database lie (default: .penstock)"
    )
    parser.add_argument("--ready-file", help="write one JSON object here once it listens")
    parser.add_argument("--port", type=int, default=-1, help="0 picks a free one")
    parser.add_argument("--run", default="", help="wait for the plan of this run of 'penstock up'")
    parser.add_argument(
        "--is-start",
        action="store_true",
        help="a service begins: contracts that must hold are looked at",
    )
    return parser


def run(argv: list[str]) -> int:
    """Run until SIGTERM; return 0, or 1 if it cannot start."""
    given = build_parser().parse_args(argv)
    options = Options(
        state_dir=Path(given.state_dir) if given.state_dir else load.state_dir(),
        ready_file=Path(given.ready_file) if given.ready_file else None,
        port=given.port,
        run=given.run,
        is_start=given.is_start,
    )
    try:
        run_control(options)
    except (PenstockError, OSError) as error:
        sys.stderr.write(f"penstock control: {error}\n")
        return 1
    return 0
