"""``penstock drill simulate``: play an outage in virtual time, at any scale.

The gate, its queues, limits, breakers and the ladder are the gateway's own; providers, clients and
time are modelled. A million exchanges take about a minute and a half on one core.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

import penstock
from penstock.apps.drill import app, files
from penstock.apps.drill.resulting import outage
from penstock.cli import drill_judging, drill_play
from penstock.cli.simulate import traces
from penstock.cli.terminal import Terminal
from penstock.config import private_file
from penstock.sim.building import Traces
from penstock.sim.drills import simulated, simulated_result, simulated_set_up, simulated_time
from penstock.sim.drills.drill_file import Drill, Drills
from penstock.sim.drills.judging import Stated, exit_status
from penstock.sim.drills.page import page
from penstock.sim.drills.shapes import ARMS, Result
from penstock.sim.drills.simulated import Plan, Played
from penstock.sim.drills.simulated_result import Known
from penstock.sim.drills.simulated_time import Times
from penstock.sim.drills.surfaces import API, struck_provider
from penstock.sim.drills.traffic import DEFAULT_TRAFFIC
from penstock.sim.watching.whole_day import whole_day
from penstock.web import page as pages
from penstock.wire import clock

EXCHANGES: Final = 300_000
ALL: Final = "build/drills/simulated"


class Draws:
    """The dice of a seed: the same name gives the same dice, in any arm."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, name: str) -> random.Random:
        """Return fresh dice."""
        return random.Random(f"{self._seed}/{name}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be simulated, of each drill."""

    exchanges: int
    arms: tuple[str, ...]
    seed: int
    people: float
    is_whole: bool
    is_blind: bool = False  # the watch is left out
    stated: Stated = Stated()


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock drill simulate``."""
    parser = argparse.ArgumentParser(
        prog="penstock drill simulate",
        description="Play an outage in virtual time: the gateway's own admission, modelled "
        "providers, and as many people as you like. Exit status 1 if something that was to hold "
        "did not.",
    )
    add = parser.add_argument
    usual = files.DEFAULT
    add("drill", nargs="?", default=usual, help=f"its id, or a file of yours (default: {usual})")
    add(
        "--exchanges",
        type=int,
        default=EXCHANGES,
        metavar="N",
        help="in all arms (default: %(default)s)",
    )
    add("--people", type=float, default=float(simulated_result.PEOPLE), metavar="N",
        help="for whom they stand, by scaling (default: 50 million)")  # fmt: skip
    add("--all", action="store_true", help="every drill of the file, each into DIR/ID")
    add("--no-watch", action="store_true", help="do not ask when the watch would have known")
    add("--whole", action="store_true", help="cut nothing, however few calls come in a second")
    add("--arms", default=",".join(ARMS), metavar="A,B", help="which (default: %(default)s)")
    add("--seed", type=int, default=1, help="of everything that is drawn (default: 1)")
    add("--out", default="", metavar="DIR", help="default: drills/ in the state directory")
    add("--json", action="store_true", help="write the result to stdout")
    drill_judging.add_options(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Simulate it."""
    args = build_parser().parse_args(argv)
    terminal = Terminal(is_error=bool(args.json))
    drills, drill = files.find(args.drill)
    if args.all:
        return _all(drills, args, terminal)
    folder = drill_play.folder_of(args.out, drill)
    result = simulate(drills, drill, _asked(args, drill), terminal, folder.name)
    write(folder, result)
    drill_play.tell(terminal, result, folder)
    drill_judging.after(args, result, terminal)
    if args.json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    return exit_status(result)


def _all(drills: Drills, args: argparse.Namespace, terminal: Terminal) -> int:
    """Simulate every drill of a file, each into a folder of its own name."""
    status = 0
    for drill in drills.drills:
        folder = Path(args.out or ALL) / drill.id
        result = simulate(drills, drill, _asked(args, drill), terminal, drill.id)
        write(folder, result)
        broken = [one for one in result.checks if one.is_kept is False]
        for one in broken:
            terminal.state("bad", f"{one.name}: {one.words}")
        terminal.pair("report", str(folder / app.REPORT))
        status = max(status, exit_status(result))
    return status


def _asked(args: argparse.Namespace, drill: Drill) -> Asked:
    return Asked(
        exchanges=args.exchanges,
        arms=drill_play.arms_of(args.arms),
        seed=args.seed,
        people=args.people,
        is_whole=args.whole,
        is_blind=args.no_watch,
        stated=drill_judging.stated(args, drill.impact, clock.now_unix_s()),
    )


def write(folder: Path, result: Result) -> None:
    """Write the folder's files; raises StoreError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(result))
    private_file.write_bytes(folder / app.RESULT, encoded + b"\n")
    private_file.write(folder / app.REPORT, pages.render("drill.html", **page(result)))


def simulate(drills: Drills, drill: Drill, asked: Asked, terminal: Terminal, name: str) -> Result:
    """Return the result of one drill."""
    began_unix_s, began_s = clock.now_unix_s(), clock.now_s()
    lengths = traces()
    times = times_of(drills, drill, asked)
    plan = plan_of(drill, times, lengths)
    scale = simulated_result.scaled(plan.set_up, times.rate_per_s, asked.people)
    terminal.line(f"{drill.title} ({drill.id})", "bold")
    terminal.line(scale.words)
    played = [_play(plan, arm, lengths, asked.seed, terminal) for arm in asked.arms]
    known = Known(
        name=name,
        began_unix_s=began_unix_s,
        took_s=clock.now_s() - began_s,
        seed=asked.seed,
        version=penstock.__version__,
        outage=outage(drill),
        times=times,
        set_up=plan.set_up,
        scale=scale,
    )
    uncut = () if asked.is_blind else whole_day(drills, drill, Draws(asked.seed), asked.seed)
    return simulated_result.result_of(known, played, asked.stated, uncut)


def times_of(drills: Drills, drill: Drill, asked: Asked) -> Times:
    """Return which seconds are played, and how many calls come in one."""
    each = max(1, asked.exchanges // len(asked.arms))
    rate_min = 0.0 if asked.is_whole else simulated_time.RATE_MIN
    return simulated_time.chosen(drills, drill, each, rate_min)


def plan_of(drill: Drill, times: Times, lengths: Traces) -> Plan:
    """Return what all arms have in common."""
    traffic = drill.traffic or DEFAULT_TRAFFIC
    struck = {one.provider for one in times.timetable.strikes if one.place == API}
    home = struck_provider(drill.provider)
    more = times.rate_per_s / sum(one.per_s for one in traffic)
    set_up = simulated_set_up.sized(traffic, lengths, home, frozenset(struck | {home}), more)
    return Plan(timetable=times.timetable, set_up=set_up)


def _play(plan: Plan, arm: str, lengths: Traces, seed: int, terminal: Terminal) -> Played:
    began_s = clock.now_s()
    played = simulated.play(plan, arm, lengths, Draws(seed))
    took_s = clock.now_s() - began_s
    terminal.state("work", f"{arm}: {played.exchanges:,} exchanges in {took_s:.1f} s")
    return played
