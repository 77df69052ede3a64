"""``penstock limiter``: the owner of capacity alone, from a snapshot."""

import argparse

from penstock.apps.limiter.app import Options
from penstock.apps.limiter.app import run as run_limiter
from penstock.cli import process


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    return process.parser_of(
        "limiter",
        "Run the limiter process alone: it admits for all workers of one state "
        "directory. Without it each of them goes on with its share of every limit.",
        "the snapshot lies",
    )


def run(argv: list[str]) -> int:
    """Run until SIGTERM; return 0, or 1 if it cannot start."""
    options = Options(**process.places(build_parser().parse_args(argv)))
    return process.status_of("limiter", lambda: run_limiter(options))
