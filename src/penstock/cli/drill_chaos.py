"""``penstock drill chaos``: kill, freeze and starve our own parts, and say what callers saw."""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from penstock.apps.drill import app
from penstock.apps.drill import chaos as playing
from penstock.apps.drill.database import Database
from penstock.apps.drill.stopping import Stop, stoppable
from penstock.cli import drill_judging, slow_names
from penstock.cli.drill_judging import FOLDER
from penstock.cli.drill_play import Progress, run_until, tell
from penstock.cli.terminal import Terminal
from penstock.config import load
from penstock.sim.drills import chaos
from penstock.sim.drills.judging import exit_status
from penstock.sim.drills.shapes import Result
from penstock.wire import clock


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    names = ", ".join(one.name for one in chaos.ACTS)
    parser = argparse.ArgumentParser(
        prog="penstock drill chaos",
        description="Start a Penstock of its own over emulated providers, one of which is out; "
        "kill, freeze and starve its parts, one after another; and say whether callers noticed, "
        "and whether the ledger is right. Nothing that runs already is touched.",
        epilog=f"Acts: {names}.",
    )
    parser.add_argument("acts", nargs="*", metavar="ACT", help="which (default: all)")
    parser.add_argument("--list", action="store_true", help="say what each act does")
    parser.add_argument("--calm", action="store_true", help="with all providers healthy")
    add = parser.add_argument
    add(
        "--database",
        metavar="URL",
        default="",
        help="an empty database of a PostgreSQL for the ledger: a relay before it lets it be gone, "
        "silent and cut; no right over the server is needed",
    )
    add("--database-password-file", metavar="FILE", default="", help="of mode 0600")
    parser.add_argument("--seed", type=int, default=1, help="of callers and providers (default: 1)")
    parser.add_argument("--out", metavar="DIR", default="", help="default: in the state directory")
    parser.add_argument("--junit", metavar="FILE", default="", help="the checks as JUnit XML")
    parser.add_argument("--json", action="store_true", help="the result on stdout")
    return parser


def run(argv: list[str], program: Sequence[str] = slow_names.PROGRAM) -> int:
    """Play it; returns the exit status, 1 if something that was to hold did not."""
    args = build_parser().parse_args(argv)
    acts = chaos.chosen(args.acts, chaos.POSTGRESQL if args.database else chaos.SQLITE)
    terminal = Terminal(is_error=bool(args.json))
    if args.list:
        for act in acts if args.acts or args.database else chaos.ACTS:
            terminal.line(f"  {act.name:<15} {act.words}")
        return 0
    asked = playing.Chaos(
        acts=acts,
        folder=_folder(args.out),
        program=program,
        environment=load.environment(),
        seed=args.seed,
        out="" if args.calm else playing.CLAUDE,
        database=Database(args.database, args.database_password_file) if args.database else None,
    )
    table = chaos.timetable(acts, asked.out)
    stop = Stop()
    terminal.line(f"{len(acts)} acts, {table.played_s / 60.0:.1f} minutes", "bold")
    with Progress(terminal, table) as telling:
        result = run_until(_play(asked, telling, stop), stop)
    if result is None:
        return stop.status
    tell(terminal, result, asked.folder)
    drill_judging.after(args, result, terminal)
    if args.json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    return stop.status or exit_status(result)


async def _play(asked: playing.Chaos, telling: Progress, stop: Stop) -> Result:
    with stoppable(stop):
        result, calls = await playing.run(asked, telling, stop)
    app.write(asked.folder, result, calls)
    return result


def _folder(given: str) -> Path:
    if given:
        return Path(given).resolve()
    now = dt.datetime.fromtimestamp(clock.now_unix_s(), dt.UTC)
    return load.state_dir().resolve() / FOLDER / f"{now:%Y%m%dT%H%M%S}-chaos"
