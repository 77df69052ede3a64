"""The ``penstock`` command: a table of commands, each loaded only when it is called."""

import importlib
import sys
from typing import Final

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "emulate": ("penstock.cli.emulate", "stand in for the Claude, GPT and Gemini APIs"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = sys.argv[1:] if argv is None else argv
    name = args[0] if args else "help"
    if name not in COMMANDS:
        sys.stderr.write(f"penstock: no command is named {name!r}\n")
        return 2
    module = importlib.import_module(COMMANDS[name][0])
    return int(module.run(args[1:]))
