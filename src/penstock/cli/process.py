"""What the commands that run one process alone have in common: two options, and how they end.

    --state-dir    where it finds what was planned for it, and keeps what is its own
    --ready-file   where it says that it listens

A process that cannot start says why in one line on standard error, and ends with status 1.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from penstock.config import load
from penstock.core.errors import PenstockError


class Places(TypedDict):
    """The two options, as each process' ``Options`` names them."""

    state_dir: Path
    ready_file: Path | None


def parser_of(name: str, description: str, state: str) -> argparse.ArgumentParser:
    """Return the options of ``penstock NAME``; ``state`` is what lies in its state directory."""
    parser = argparse.ArgumentParser(prog=f"penstock {name}", description=description)
    parser.add_argument("--state-dir", help=f"where {state} (default: .penstock)")
    parser.add_argument("--ready-file", help="write one JSON object here once it listens")
    return parser


def places(given: argparse.Namespace) -> Places:
    """Return where the process finds its state, and where it says that it listens."""
    return Places(
        state_dir=Path(given.state_dir) if given.state_dir else load.state_dir(),
        ready_file=Path(given.ready_file) if given.ready_file else None,
    )


def status_of(name: str, run: Callable[[], object]) -> int:
    """Run until SIGTERM; return 0, or 1 if it could not start, which is said."""
    try:
        run()
    except (PenstockError, OSError) as error:
        sys.stderr.write(f"penstock {name}: {error}\n")
        return 1
    return 0
