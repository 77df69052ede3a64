"""``penstock gateway``: the gateway process alone, from a snapshot."""

import argparse
import sys
from pathlib import Path

from penstock.apps.gateway.app import Options
from penstock.apps.gateway.app import run as run_gateway
from penstock.config import load
from penstock.core.errors import PenstockError


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = argparse.ArgumentParser(
        prog="penstock gateway",
        description="Run the gateway process alone. It reads <state>/snapshot, which 'penstock up' "
        "writes, and goes on from the last one with every other process dead.",
    )
    parser.add_argument("--state-dir", help="where snapshot and spool lie (default: .penstock)")
    parser.add_argument("--ready-file", help="write one JSON object here once it listens")
    parser.add_argument("--port", type=int, default=-1, help="0 picks a free one")
    parser.add_argument("--admin-port", type=int, default=-1, help="0 picks a free one")
    parser.add_argument(
        "--worker", type=int, default=0, help="which one of several that ask one limiter: 1 to N"
    )
    return parser


def run(argv: list[str]) -> int:
    """Run until SIGTERM; return 0 after a drain, 1 if it cannot start."""
    given = build_parser().parse_args(argv)
    state_dir = Path(given.state_dir) if given.state_dir else load.state_dir()
    options = Options(
        state_dir=state_dir,
        ready_file=Path(given.ready_file) if given.ready_file else None,
        port=given.port,
        admin_port=given.admin_port,
        worker=given.worker,
    )
    try:
        run_gateway(options)
    except (PenstockError, OSError) as error:
        sys.stderr.write(f"penstock gateway: {error}\n")
        return 1
    return 0
