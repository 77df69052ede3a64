"""``penstock drill history``: results that were kept, and how they went over time.

Of two places: the folders of this state directory, and the control process, or its database if
there is one. A result that is in both is told once.
"""

import argparse
import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from penstock.apps.drill import keeping
from penstock.cli import operating, state
from penstock.cli.drill_judging import FOLDER, send
from penstock.cli.terminal import Terminal
from penstock.core.errors import PenstockError
from penstock.sim.drills.digest import Digest, digest
from penstock.sim.drills.shapes import ARMS, PENSTOCK
from penstock.web.quantities import share

LIMIT: Final = 20
TIERS: Final = ("enterprise", "standard", "free", "batch")


class Kept(msgspec.Struct):
    """What control says of a result."""

    digest: Digest


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock drill history``."""
    parser = argparse.ArgumentParser(
        prog="penstock drill history",
        description="List the results of drills that were kept, the newest first; in each line "
        "what share of each tier's calls completed.",
    )
    add = parser.add_argument
    add("--drill", default="", metavar="ID", help="only of this one")
    add("--arm", default=PENSTOCK, choices=ARMS, help="whose figures (default: %(default)s)")
    add("--limit", type=int, default=LIMIT, help=f"how many (default: {LIMIT}); 0: all")
    add("--send", nargs="+", default=(), metavar="FILE", help="give these results to control")
    add("--json", action="store_true", help="one JSON object a line, with more figures")
    return parser


def run(argv: Sequence[str]) -> int:
    """List or send results; returns the exit status."""
    args = build_parser().parse_args(argv)
    terminal = Terminal()
    home = state.open_state()
    if args.send:
        for name in args.send:
            result = keeping.read(Path(name))
            send(home, result)
            terminal.state("good", f"control keeps {result.name}")
        return 0
    found = [one for one in _all(home) if args.drill in ("", one.drill)]
    found.sort(key=lambda one: (one.began_unix_s, one.name), reverse=True)
    shown = found[: args.limit] if args.limit else found
    for one in shown:
        if args.json:
            sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        else:
            _tell(terminal, one, args.arm)
    if not shown and not args.json:
        terminal.line("No drill has been played yet: penstock drill")
    return 0


def _all(home: state.State) -> Iterable[Digest]:
    found: dict[str, Digest] = {}
    for folder in keeping.folders(home.root / FOLDER):
        try:
            one = digest(keeping.read(folder))
        except PenstockError:  # of another version, or half written
            continue
        found[one.name] = one
    if state.control_url(home) or home.database.exists():
        with operating.opened(home) as api:
            for kept in api.all(Kept, "/drills"):
                found.setdefault(kept.digest.name, kept.digest)
    return found.values()


def _tell(terminal: Terminal, one: Digest, arm: str) -> None:
    at = dt.datetime.fromtimestamp(one.began_unix_s, dt.UTC)
    told = [
        f"{tier} {share(ratio)}" for tier in TIERS if (ratio := one.success(arm, tier)) is not None
    ]
    is_broken = not one.is_passed
    words = f"{len(one.broken) + len(one.unmet)} of {one.checks} broken" if is_broken else "held"
    terminal.state(
        "bad" if is_broken else "good", f"{at:%Y-%m-%d %H:%M}  {one.drill}, {one.mode}: {words}"
    )
    terminal.line(f"    {', '.join(told) or 'no calls in this arm'}")
    if one.first:
        terminal.line(f"    {one.first}", "bright_black")
