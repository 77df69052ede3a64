"""``penstock simulate watch``: how well the detector finds what is broken, in virtual time.

The watch is the one that the status process runs; the installation, its faults and its people are
modelled. Everything follows from the seeds: the same command gives the same figures.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError
from penstock.sim.drills import drill_file
from penstock.sim.watching import arms, plots, study, summary
from penstock.sim.watching.case import How
from penstock.sim.watching.page import markdown
from penstock.sim.watching.quiet import Quiet
from penstock.sim.watching.study import SEED_REPORT, SEED_TUNING, Thresholds
from penstock.sim.watching.summary import Rows, Study
from penstock.sim.watching.trial import Finding
from penstock.watch.watch import Learned
from penstock.web import assets, page

MISSED: Final = 1
SEEDS: Final = 200
SEEDS_QUICK: Final = 8
ABLATED_SHARE: Final = 0.4  # of the seeds are played to each ablation, too
QUIET_DAYS: Final = 6.0  # of one piece of a quiet month, to spread over processes
QUIET_PIECES: Final = 10
QUIET_PIECES_QUICK: Final = 2
QUIET_DAYS_QUICK: Final = 0.5
REPORTS_DAYS: Final = 14.0
DRILL_SEEDS: Final = 8

Part = Finding | list[Finding] | tuple[str, Quiet]
Work = tuple[str, Callable[..., object], tuple[object, ...]]


class Size(msgspec.Struct, frozen=True):
    """How much is done."""

    seeds: int
    first_seed: int
    quiet_pieces: int
    quiet_days: float
    reports_days: float
    drill_seeds: int
    warm_days: float
    oracle_days: float
    arms: tuple[str, ...]


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock simulate watch``."""
    parser = argparse.ArgumentParser(
        prog="penstock simulate watch",
        description="Show how well the detector finds what is broken, and whose fault it is.",
    )
    parser.add_argument("--seeds", type=int, default=0, help=f"simulations; {SEEDS} if not given")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--out", default="", metavar="DIR", help="write the report there")
    parser.add_argument("--json", action="store_true", help="write all measures to stdout")
    parser.add_argument("--quick", action="store_true", help="a minute of it")
    parser.add_argument(
        "--tuning", action="store_true", help="the seeds that parameters are set on, not reported"
    )
    return parser


def run(argv: list[str]) -> int:
    """Read the command line and simulate; return 1 if a goal was missed."""
    args = build_parser().parse_args(argv)
    terminal = Terminal(is_error=bool(args.json))
    found = measured(size_of(args), max(1, args.jobs), terminal)
    if args.json:
        sys.stdout.buffer.write(plots.measures(found).encode() + b"\n")
    else:
        tell(found, terminal)
    if args.out:
        write(Path(args.out), found, " ".join(["penstock simulate watch", *argv]))
        terminal.state("good", f"the report is in {args.out}/index.html")
    return MISSED if any(one.is_met is False for one in found.goals) else 0


def size_of(args: argparse.Namespace) -> Size:
    """Return how much is to be done."""
    first = SEED_TUNING if args.tuning else SEED_REPORT
    if args.quick:
        seeds = args.seeds or SEEDS_QUICK
        pieces, days = QUIET_PIECES_QUICK, QUIET_DAYS_QUICK
        return Size(seeds, first, pieces, days, 0.0, 1, 2.0, 12.0, (arms.FULL,))
    return Size(
        args.seeds or SEEDS,
        first,
        QUIET_PIECES,
        QUIET_DAYS,
        REPORTS_DAYS,
        DRILL_SEEDS,
        study.WARM_DAYS,
        study.ORACLE_DAYS,
        arms.ARMS,
    )


def dice(name: str) -> random.Random:
    """Return the dice of a name."""
    return random.Random(name)


def known_drills() -> drill_file.Drills:
    """Return the drills that ship with the simulator."""
    return drill_file.parse((resources.files("penstock.sim") / "data" / "drills.json").read_bytes())


# --- work that a process of its own does


def do_warm(days: float) -> bytes:
    """Let the watch learn quiet days."""
    return msgspec.json.encode(study.warm(dice(study.DICE_WARM), days))


def do_thresholds(how: How, days: float) -> Thresholds:
    """Find the oracle's thresholds of a kind of fault."""
    return study.thresholds(how, dice(f"oracle {how.value}"), days)


def do_cases(arm: str, learned: bytes, told: Thresholds, seed: int) -> list[Finding]:
    """Play a seed's cases."""
    return list(study.cases(arm, _learned(learned), told, seed, dice))


def do_drill(name: str, learned: bytes, seed: int) -> list[Finding]:
    """Play a drill."""
    return [study.drill(known_drills(), name, _learned(learned), seed, dice)]


def do_month(learned: bytes, seed: int, days: float) -> tuple[str, Quiet]:
    """Play quiet days of all evidence."""
    return "", study.month(_learned(learned), dice(f"quiet {seed}"), days)


def do_reports(arm: str, learned: bytes, seed: int, days: float) -> tuple[str, Quiet]:
    """Play quiet days of reports alone."""
    return arm, study.month_of_reports(arm, _learned(learned), dice(f"reports {seed}"), days)


def _learned(told: bytes) -> Learned:
    return msgspec.json.decode(told, type=Learned)


# --- the whole


def measured(size: Size, jobs: int, terminal: Terminal) -> Study:
    """Do all of it, and show how far it is."""
    columns = (
        TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with (
        Progress(*columns, console=terminal.console, transient=True) as progress,
        ProcessPoolExecutor(jobs) as pool,
    ):
        oracles = [pool.submit(do_thresholds, how, size.oracle_days) for how in study.CALIBRATED]
        warmed = pool.submit(do_warm, size.warm_days)
        bar = progress.add_task("learning what is usual", total=None)
        told = {name: levels for one in oracles for name, levels in one.result().items()}
        works = list(_works(size, warmed.result(), told))
        progress.remove_task(bar)
        return _gathered(size, _finished(pool, progress, works))


def _works(size: Size, learned: bytes, told: Thresholds) -> Iterator[Work]:
    """Yield all work, the longest first."""
    for at in range(size.quiet_pieces):
        seed = size.first_seed + at
        yield "quiet weeks", do_month, (learned, seed, size.quiet_days)
    if size.reports_days:
        for arm in size.arms:
            work = (arm, learned, size.first_seed, size.reports_days)
            yield f"quiet reports: {arm}", do_reports, work
    for one in known_drills().drills:
        for seed in range(size.first_seed, size.first_seed + size.drill_seeds):
            yield one.id, do_drill, (one.id, learned, seed)
    for arm in size.arms:
        seeds = size.seeds if arm == arms.FULL else int(size.seeds * ABLATED_SHARE)
        for seed in range(size.first_seed, size.first_seed + seeds):
            yield f"faults: {arm}", do_cases, (arm, learned, told, seed)


def _finished(
    pool: ProcessPoolExecutor, progress: Progress, works: Sequence[Work]
) -> Iterator[object]:
    bar = progress.add_task("playing", total=len(works))
    names: dict[Future[object], str] = {
        pool.submit(work, *given): name for name, work, given in works
    }
    for done in as_completed(names):
        progress.update(bar, description=names[done])
        progress.advance(bar)
        yield done.result()
    progress.remove_task(bar)


def _gathered(size: Size, parts: Iterator[object]) -> Study:
    findings: list[Finding] = []
    quiets: list[Quiet] = []
    reports: dict[str, list[Quiet]] = {}
    for one in parts:
        match one:
            case (str() as arm, Quiet() as quiet):
                (reports.setdefault(arm, []) if arm else quiets).append(quiet)
            case list():
                findings.extend(msgspec.convert(one, list[Finding], from_attributes=True))
            case _:
                raise StoreError("a simulation came back with nothing")
    order = {arm: at for at, arm in enumerate(arms.ARMS)}
    findings.sort(key=lambda one: (order[one.arm], one.group, one.seed, one.name))
    return Study(
        seeds=size.seeds,
        first_seed=size.first_seed,
        findings=findings,
        quiets=quiets,
        reports_only=reports,
    )


# --- what people see


def tell(found: Study, terminal: Terminal) -> None:
    """Write the tables, and the goals last."""
    _table(terminal, "Faults by chance", summary.FAULT_HEAD, summary.faults(found))
    _table(terminal, "Real outages", summary.DRILL_HEAD, summary.drills(found))
    if found.reports_only:
        _table(terminal, "What each part is worth", summary.ARM_HEAD, summary.by_arm(found))
    terminal.line()
    terminal.line("Goals", "bold")
    for one in found.goals:
        shape = {True: "good", False: "bad", None: "unknown"}[one.is_met]
        ideal = f"; {one.ideal}" if one.ideal else ""
        terminal.state(shape, f"{one.what}: {one.measured} (goal: {one.goal}{ideal})")


def _table(terminal: Terminal, title: str, head: Sequence[str], rows: Rows) -> None:
    """Write rows in columns; a row of one word is a heading of its own."""
    whole = [one for one in rows if len(one) > 1]
    widths = [max(len(row[at]) for row in [head, *whole]) for at in range(len(head))]
    terminal.line()
    terminal.line(title, "bold")
    terminal.line(_row(head, widths), "bright_black")
    for row in rows:
        terminal.line(f"  {row[0]}" if len(row) == 1 else _row(row, widths))


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    cells = [f"{first[0]:<{first[1]}}", *(f"{words:>{width}}" for words, width in rest)]
    return ("  " + "  ".join(cells)).rstrip()


def write(folder: Path, found: Study, command: str) -> None:
    """Write the report's page, its plots and all measures; raises StoreError."""
    files = plots.pages(found, assets.tokens())
    body = files.pop(plots.BODY)
    made = "Made by penstock simulate watch; measures.json has all figures."
    files["detector.md"] = markdown(found, command)
    files["index.html"] = page.render(
        "simulation.html", title="The watch, simulated", made=made, body=body
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"the report cannot be written to {folder}: {error.strerror}") from error
