"""``penstock drill [ID|FILE]``: play an outage, emulated, and say what each tier saw."""

import argparse
import asyncio
import datetime as dt
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from rich.live import Live
from rich.text import Text

from penstock.apps.drill import app, files
from penstock.apps.drill.options import Options, asked_for
from penstock.apps.drill.playing import Telling
from penstock.apps.drill.stopping import Stop, StoppedError
from penstock.cli import drill_judging
from penstock.cli.terminal import Terminal
from penstock.config import load
from penstock.core.errors import ConfigError, Problem
from penstock.sim.drills import figures, judging
from penstock.sim.drills.drill_file import Drill
from penstock.sim.drills.shapes import ARMS, Arm, Result, Timetable
from penstock.sim.drills.timetable import AFTER_S, BEFORE_S
from penstock.wire import clock

PROGRAM: Final = (sys.executable, "-m", "penstock")
TIERS: Final = ("enterprise", "standard", "free", "batch")


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock drill``."""
    parser = argparse.ArgumentParser(
        prog="penstock drill",
        description="Replay an outage with emulated providers, and say what each tier saw: "
        "without Penstock, with plain failover, and with everything on. Exit status 1 if "
        "something that was to hold did not.",
        epilog="Commands: list, show, check, simulate, live, stop, chaos, history; each has -h.",
    )
    add = parser.add_argument
    add("drill", nargs="?", default=files.DEFAULT, help="ID, FILE or FILE#ID (%(default)s)")
    add(
        "--config",
        metavar="FILE",
        help="play it to this configuration: its routes, tiers and "
        "tenants, with every upstream emulated; nothing of yours is touched",
    )
    add("--arms", default=",".join(ARMS), metavar="A,B", help="which (default: %(default)s)")
    add("--before-s", type=float, default=BEFORE_S, metavar="S", help=_each("before", BEFORE_S))
    add("--after-s", type=float, default=AFTER_S, metavar="S", help=_each("after", AFTER_S))
    add("--first-changes", type=int, default=0, metavar="N", help="only the first N (default: all)")
    add("--seed", type=int, default=1, help="of callers and providers (default: 1)")
    add("--out", default="", metavar="DIR", help="default: drills/ in the state directory")
    add("--json", action="store_true", help="write the result to stdout")
    drill_judging.add_options(parser)
    return parser


def run(argv: Sequence[str], program: Sequence[str] = PROGRAM) -> int:
    """Play it; ``program`` is what processes are started with."""
    args = build_parser().parse_args(argv)
    terminal = Terminal(is_error=bool(args.json))
    drills, drill = files.find(args.drill)
    asked = asked_for(
        drills,
        drill,
        Options(
            folder=folder_of(args.out, drill),
            program=program,
            environment=load.environment(),
            config=_path(args.config),
            state_dir=load.state_dir_path(),
            arms=arms_of(args.arms),
            before_s=args.before_s,
            after_s=args.after_s,
            first_changes=args.first_changes,
            seed=args.seed,
        ),
    )
    stop = Stop()
    made = asked.set_up
    stated = drill_judging.stated(
        args, asked.drill.impact, clock.now_unix_s(), made.models, made.providers
    )
    table = asked.timetable
    terminal.line(f"{asked.drill.title} ({asked.drill.id})", "bold")
    terminal.line(
        f"{len(table.windows)} windows, {_minutes(table.played_s)} of {_minutes(table.true_s)}, "
        f"in {len(asked.arms)} arms side by side; Ctrl-C ends it with what was played"
    )
    with Progress(terminal, table) as telling:
        result = run_until(app.run(asked, telling, stated, stop), stop)
    if result is None:
        return stop.status
    tell(terminal, result, asked.folder)
    drill_judging.after(args, result, terminal)
    if args.json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    return stop.status or judging.exit_status(result)


def run_until(play: Coroutine[Any, Any, Result], stop: Stop) -> Result | None:
    """Play, and return what came of it; None if it was ended at once, by a second signal."""
    try:
        return asyncio.run(play)
    except asyncio.CancelledError:
        if not stop.status:
            raise
        sys.stderr.write("penstock drill: ended at once: nothing was written\n")
    except StoppedError as stopped:
        sys.stderr.write(f"penstock drill: {stopped.message}\n")
    return None


def tell(terminal: Terminal, result: Result, folder: Path) -> None:
    """Say what came of it, in a screen's half."""
    terminal.line()
    if result.partial:
        terminal.state("degraded", result.partial)
    for finding in result.findings[:3]:
        terminal.state("bad" if finding.rank == 0 else "degraded", finding.words)
        if finding.remedy:
            terminal.line(f"    {finding.remedy}", "bright_black")
    for arm in result.arms:
        terminal.line(f"  {arm.title}", "bold")
        terminal.line(f"    {_of_arm(arm)}")
    for check in result.checks:
        shape = {True: "good", False: "bad", None: "unknown"}[check.is_kept]
        terminal.state(shape, f"{check.name}: {check.words}" if check.words else check.name)
    terminal.line()
    terminal.pair("report", str(folder / app.REPORT))
    terminal.pair("result", str(folder / app.RESULT))


class Progress(Telling):
    """Where the play stands: one line that changes at a terminal, else one for each window."""

    def __init__(self, terminal: Terminal, table: Timetable) -> None:
        self._terminal = terminal
        self._table = table
        self._live = Live(console=terminal.console, refresh_per_second=4, transient=True)
        self._is_live = terminal.console.is_terminal
        self._window = -1

    def __enter__(self) -> Self:
        """Begin to tell."""
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the terminal be."""
        self._live.stop()

    def step(self, words: str) -> None:
        """Something begins that takes a while."""
        self._terminal.state("work", words)

    def now(self, at_s: float, calls: Mapping[str, int]) -> None:
        """Where the play stands."""
        windows = self._table.windows
        number = sum(one.from_s <= at_s for one in windows) - 1
        if number != self._window and 0 <= number < len(windows):
            self._window = number
            self._terminal.state("work", "; ".join(windows[number].changes))
        if self._is_live:
            self._live.update(Text(self._line(at_s, calls)))

    def _line(self, at_s: float, calls: Mapping[str, int]) -> str:
        table = self._table
        failing = sorted({one.surface for one in table.strikes if one.from_s <= at_s < one.to_s})
        what = f"failing: {', '.join(failing)}" if failing else "nothing fails"
        over = ", ".join(f"{name} {count}" for name, count in calls.items())
        return f"    {_minutes(at_s)} of {_minutes(table.played_s)}; {what}; calls over: {over}"


def _of_arm(arm: Arm) -> str:
    parts: list[str] = []
    for tier in TIERS:
        counts = figures.find(arm, tier)
        if counts.success_ratio is not None:
            parts.append(f"{tier} {counts.success_ratio:.1%} of {counts.calls}")
    return ", ".join(parts)


def arms_of(text: str) -> tuple[str, ...]:
    """Return the arms of a list by comma; raises ConfigError."""
    names = tuple(one.strip() for one in text.split(",") if one.strip())
    strange = [one for one in names if one not in ARMS]
    if strange or not names:
        told = f"there is no arm {', '.join(strange)}" if strange else "no arm is named"
        raise ConfigError([Problem("--arms", told, f"some of {', '.join(ARMS)}")])
    return names


def folder_of(given: str, drill: Drill) -> Path:
    """Return where what comes of it is written."""
    if given:
        return Path(given).resolve()
    now = dt.datetime.fromtimestamp(clock.now_unix_s(), dt.UTC)
    return load.state_dir().resolve() / drill_judging.FOLDER / f"{now:%Y%m%dT%H%M%S}-{drill.id}"


def _path(given: str | None) -> Path | None:
    return Path(given) if given else None


def _each(when: str, seconds: float) -> str:
    return f"seconds {when} each change of phase that are played (default: {seconds:g})"


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
