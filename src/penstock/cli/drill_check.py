"""``penstock drill check``: everything that is wrong with files of drills, at once."""

import argparse
from pathlib import Path
from typing import Final

from penstock.apps.drill import files
from penstock.cli.terminal import Terminal
from penstock.core.errors import ConfigError
from penstock.sim.drills.script import rules
from penstock.sim.drills.timetable import timetable

WRONG: Final = 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        prog="penstock drill check",
        description="Say everything that is wrong with files of drills, and what of them would "
        "not be replayed. The format is in docs/reference/drill-file.md.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="TOML or JSON")
    return parser


def run(argv: list[str]) -> int:
    """Check; returns the exit status."""
    args = build_parser().parse_args(argv)
    terminal = Terminal()
    return WRONG if [path for path in args.files if not _is_good(terminal, path)] else 0


def _is_good(terminal: Terminal, path: Path) -> bool:
    try:
        found = files.read(path)
        tables = [(one, timetable(found, one)) for one in found.drills]
        for _, table in tables:
            rules(table)
    except ConfigError as error:
        terminal.problems("bad", error.problems)
        return False
    for drill, table in tables:
        told = f"{path}: {drill.id}: {len(table.windows)} windows, {table.played_s:.0f} s played"
        terminal.state("good" if table.strikes else "degraded", told)
        for one in table.unplayed:
            terminal.line(f"    not replayed: {one.surface}: {one.why}", "bright_black")
        if not table.strikes:
            terminal.line("    nothing fails in it", "bright_black")
    return True
