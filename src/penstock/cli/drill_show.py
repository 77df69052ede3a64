"""``penstock drill show``: what a drill does, when it is played, and what of it is assumed."""

import argparse
import sys
from typing import Final

import msgspec

from penstock.apps.drill import files
from penstock.cli.drill_list import span
from penstock.cli.terminal import Terminal
from penstock.sim.drills.drill_file import Drill
from penstock.sim.drills.shapes import Strike, Timetable
from penstock.sim.drills.timetable import AFTER_S, BEFORE_S, timetable
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC

PLACES: Final = {
    "chat": "our chat",
    "login": "the chat's log-in",
    "console": "our console",
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        prog="penstock drill show",
        description="Show what a drill does: what fails where, which seconds of the outage are "
        "played, what is assumed and what is not replayed.",
    )
    parser.add_argument(
        "drill", nargs="?", default=files.DEFAULT, help="ID, FILE or FILE#ID (%(default)s)"
    )
    parser.add_argument("--before-s", type=float, default=BEFORE_S, help="played before a change")
    parser.add_argument("--after-s", type=float, default=AFTER_S, help="played after it")
    parser.add_argument("--first-changes", type=int, default=0, help="only the first so many")
    parser.add_argument("--json", action="store_true", help="the timetable as JSON")
    return parser


def run(argv: list[str]) -> int:
    """Show one; returns the exit status."""
    args = build_parser().parse_args(argv)
    drills, drill = files.find(args.drill)
    found = timetable(drills, drill, args.before_s, args.after_s, args.first_changes)
    if args.json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    _show(Terminal(), drill, found)
    return 0


def _show(terminal: Terminal, drill: Drill, found: Timetable) -> None:
    terminal.line(f"{drill.title}  ({drill.id})", "bold")
    terminal.pair("lasted", span(found.true_s))
    terminal.pair("played", f"{span(found.played_s)} in {len(found.windows)} windows")
    terminal.pair("sure", f"{drill.confidence} confidence in times and published shares")
    for one in drill.sources:
        terminal.pair("source", one)
    for window in found.windows:
        terminal.line()
        terminal.line(f"  {window.from_s:.0f} to {window.to_s:.0f} s", "bold")
        for words in window.changes:
            terminal.line(f"    {words}")
        for strike in found.strikes:
            if window.from_s <= strike.from_s < window.to_s:
                terminal.state("bad", _words(strike))
    _told(terminal, "Not replayed", [f"{one.surface}: {one.why}" for one in found.unplayed])
    _told(terminal, "Assumed or chosen", list(found.notes))
    mix = drill.traffic or DEFAULT_TRAFFIC
    _told(
        terminal,
        "Traffic",
        [f"{one.name}: {one.tier}, {one.place}, {one.per_s:g} calls a second" for one in mix],
    )


def _words(strike: Strike) -> str:
    whom = f"{strike.provider} {strike.model}" if strike.provider else PLACES[strike.place]
    basis = "assumed" if strike.is_assumed else "published"
    return (
        f"{strike.from_s:.0f}-{strike.to_s:.0f} s  {whom}: {strike.kind} for {strike.share:.1%} "
        f"({basis})"
    )


def _told(terminal: Terminal, title: str, lines: list[str]) -> None:
    if lines:
        terminal.line()
        terminal.line(f"  {title}", "bold")
    for one in lines:
        terminal.line(f"    {one}")
