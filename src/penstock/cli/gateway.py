"""``penstock gateway``: the gateway process alone, from a snapshot."""

import argparse

from penstock.apps.gateway.app import Options
from penstock.apps.gateway.app import run as run_gateway
from penstock.cli import process


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = process.parser_of(
        "gateway",
        "Run the gateway process alone. It reads <state>/snapshot, which 'penstock up' "
        "writes, and goes on from the last one with every other process dead.",
        "snapshot and spool lie",
    )
    parser.add_argument("--port", type=int, default=-1, help="0 picks a free one")
    parser.add_argument("--admin-port", type=int, default=-1, help="0 picks a free one")
    parser.add_argument(
        "--worker", type=int, default=0, help="which one of several that ask one limiter: 1 to N"
    )
    return parser


def run(argv: list[str]) -> int:
    """Run until SIGTERM; return 0 after a drain, 1 if it cannot start."""
    given = build_parser().parse_args(argv)
    options = Options(
        **process.places(given),
        port=given.port,
        admin_port=given.admin_port,
        worker=given.worker,
    )
    return process.status_of("gateway", lambda: run_gateway(options))
