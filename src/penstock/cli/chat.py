"""``penstock chat``: the chat process alone; and with a command, its accounts."""

import argparse
import importlib
from pathlib import Path

from penstock.cli import chat_accounts, process, state


def build_parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    parser = process.parser_of(
        "chat",
        "Without a command: run the web chat alone: accounts, conversations, answers from the "
        "gateway. With a command: look after accounts, whether it runs or not.",
        "plan and database lie",
    )
    parser.add_argument("--port", type=int, default=-1, help="0 picks a free one")
    parser.add_argument("--run", default="", help="wait for the plan of this run of 'penstock up'")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    chat_accounts.add_to(commands.add_parser)
    return parser


def run(argv: list[str]) -> int:
    """Run until SIGTERM, or run a command; return 0, or 1 if it cannot."""
    given = build_parser().parse_args(argv)
    if given.command is None:
        return process.status_of("chat", lambda: _process(given))
    home = state.State(Path(given.state_dir)) if given.state_dir else state.open_state()
    return chat_accounts.run(home, given)


def _process(given: argparse.Namespace) -> None:
    app = importlib.import_module("penstock.apps.chat.app")
    app.run(app.Options(**process.places(given), port=given.port, run=given.run))
