"""``penstock control``: the operator's process alone."""

import argparse

from penstock.apps.control.app import Options
from penstock.apps.control.app import run as run_control
from penstock.cli import process


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = process.parser_of(
        "control",
        "Run the control process alone: operator API, console and ledger. It serves "
        "what 'penstock up' has planned; the gateway goes on without it.",
        "plan, spool and database lie",
    )
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
        **process.places(given), port=given.port, run=given.run, is_start=given.is_start
    )
    return process.status_of("control", lambda: run_control(options))
