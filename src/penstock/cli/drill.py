"""``penstock drill``: replay an outage against a set-up, and say what each tier saw.

Without a command the drill is played by emulated providers. The commands are modules of their own,
each with ``build_parser()`` and ``run(argv)``, loaded only when they are called.
"""

import argparse
import importlib
from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "list": ("penstock.cli.drill_list", "The drills there are"),
    "show": ("penstock.cli.drill_show", "What a drill does, and when it is played"),
    "check": ("penstock.cli.drill_check", "Say everything that is wrong with a file of drills"),
    "simulate": ("penstock.cli.drill_simulate", "Play it in virtual time, at any scale"),
    "live": ("penstock.cli.drill_live", "Let the running gateway fail on purpose"),
    "stop": ("penstock.cli.drill_stop", "End all live faults, now; needs nobody but the gateway"),
    "chaos": ("penstock.cli.drill_chaos", "Kill, freeze and starve our own parts"),
    "history": ("penstock.cli.drill_history", "Results that were kept"),
}
PLAY: Final = "penstock.cli.drill_play"


def build_parser() -> argparse.ArgumentParser:
    """Return the command line without a command: that of playing."""
    parser: argparse.ArgumentParser = importlib.import_module(PLAY).build_parser()
    return parser


def run(argv: list[str]) -> int:
    """Run a command, or play a drill."""
    if argv and argv[0] in COMMANDS:
        return int(importlib.import_module(COMMANDS[argv[0]][0]).run(argv[1:]))
    return int(importlib.import_module(PLAY).run(argv))
