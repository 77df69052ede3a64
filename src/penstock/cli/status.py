"""``penstock status``: the status process alone; and with a command, what operators do there.

Without a command the process runs. A command asks the running process, with the token of the state
directory, so it works with control dead; ``render`` needs nobody.
"""

import argparse
import importlib
from pathlib import Path
from typing import Any

from penstock.cli import (
    process,
    state,
    status_api,
    status_drill,
    status_incident,
    status_maintenance,
    status_render,
    status_show,
)

MODULES = (status_show, status_incident, status_maintenance, status_drill, status_render)


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = process.parser_of(
        "status",
        "Without a command: run the status process alone: public page, user reports, probes, "
        "incidents. It watches what 'penstock up' has planned, and needs nobody else to run. With "
        "a command: take over, also with control dead.",
        "plan and database lie",
    )
    parser.add_argument("--port", type=int, default=-1, help="0 picks a free one")
    parser.add_argument("--run", default="", help="wait for the plan of this run of 'penstock up'")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for module in MODULES:
        module.add_to(commands.add_parser)
    return parser


def run(argv: list[str]) -> int:
    """Run until SIGTERM, or run a command; return 0, or 1 if it cannot."""
    given = build_parser().parse_args(argv)
    if given.command is None:
        return process.status_of("status", lambda: _process(given))
    home = state.State(Path(given.state_dir)) if given.state_dir else state.open_state()
    if given.command == "render":
        return status_render.run(home, given)
    with status_api.opened(home) as api:
        done: Any = given.does(api, given)
        return int(done)


def _process(given: argparse.Namespace) -> None:
    # Imported here: commands over HTTP need nothing of it.
    app = importlib.import_module("penstock.apps.status.app")
    app.run(app.Options(**process.places(given), port=given.port, run=given.run))
