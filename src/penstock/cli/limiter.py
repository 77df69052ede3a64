"""``penstock limiter``: the owner of capacity alone, from a snapshot."""

import argparse
import sys
from pathlib import Path

from penstock.apps.limiter.app import Options
from penstock.apps.limiter.app import run as run_limiter
from penstock.config import load
from penstock.core.errors import PenstockError


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = argparse.ArgumentParser(
        prog="penstock limiter",
        description="Run the limiter process alone: it admits for all workers of one state "
        "directory. Without it each of them goes on with its share of every limit.",
    )
    parser.add_argument("--state-dir", help="where the snapshot lies (default: .penstock)")
    parser.add_argument("--ready-file", help="write one JSON object here once it listens")
    return parser


def run(argv: list[str]) -> int:
    """Run until SIGTERM; return 0, or 1 if it cannot start."""
    given = build_parser().parse_args(argv)
    options = Options(
        state_dir=Path(given.state_dir) if given.state_dir else load.state_dir(),
        ready_file=Path(given.ready_file) if given.ready_file else None,
    )
    try:
        run_limiter(options)
    except (PenstockError, OSError) as error:
        sys.stderr.write(f"penstock limiter: {error}\n")
        return 1
    return 0
