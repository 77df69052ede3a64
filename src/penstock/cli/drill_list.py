"""``penstock drill list``: the drills that ship, or those of a file."""

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from penstock.apps.drill import files
from penstock.cli.terminal import Terminal
from penstock.sim.drills.drill_file import Drill, Drills
from penstock.sim.drills.timetable import timetable

MINUTE_S: Final = 60.0
HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One drill, as ``--json`` writes it."""

    id: str
    title: str
    provider: str
    confidence: str
    changes: int
    true_s: float
    played_s: float


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        prog="penstock drill list",
        description="List the outages that can be replayed: how long they were, and how long "
        "an emulated drill takes.",
    )
    parser.add_argument("file", nargs="?", type=Path, help="a file of drills; none: those shipped")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def run(argv: list[str]) -> int:
    """List; returns the exit status."""
    args = build_parser().parse_args(argv)
    drills = files.read(args.file) if args.file else files.shipped()
    rows = [_row(drills, one) for one in drills.drills]
    if args.json:
        for row in rows:
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return 0
    terminal = Terminal()
    wide = max(len(row.id) for row in rows)
    for row in rows:
        times = f"{span(row.true_s):>7}, {span(row.played_s):>6} played"
        terminal.line(f"  {row.id:<{wide}}  {times}  {row.title}")
    terminal.line()
    terminal.line("  penstock drill show ID   what it does, and what of it is assumed")
    terminal.line("  penstock drill ID        replay it")
    return 0


def span(seconds: float) -> str:
    """Return a duration in the unit that fits it."""
    if seconds >= 2 * DAY_S:
        return f"{seconds / DAY_S:.0f} d"
    if seconds >= HOUR_S:
        return f"{seconds / HOUR_S:.1f} h"
    return f"{seconds / MINUTE_S:.0f} min" if seconds >= 2 * MINUTE_S else f"{seconds:.0f} s"


def _row(drills: Drills, drill: Drill) -> Row:
    found = timetable(drills, drill)
    return Row(
        id=drill.id,
        title=drill.title,
        provider=drill.provider,
        confidence=drill.confidence,
        changes=sum(1 for one in found.windows for _ in one.changes),
        true_s=found.true_s,
        played_s=found.played_s,
    )
