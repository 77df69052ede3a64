"""``penstock simulate``: what admission would do under a load, in virtual time.

The gate, limits, breakers and settings are the gateway's own; clients and upstreams are modelled.
All runs with the same seed see the same arrivals and lengths, whatever the policy.
"""

import argparse
import os
import random
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from penstock.cli import watching
from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError
from penstock.sim import arrivals, policies, report, scenario, table, targets
from penstock.sim.building import Traces
from penstock.sim.run import Result, Run, values
from penstock.sim.run import simulate as simulate_once
from penstock.sim.scenario import Scenario
from penstock.sim.targets import Finding, Verdict
from penstock.web import assets, page

SHIPPED: Final = "scenarios"
MISSED: Final = 1
WATCH: Final = "watch"


class Task(msgspec.Struct, frozen=True):
    """One run, as a process of its own is told of it."""

    scenario: Scenario
    policy: str
    x: float
    seed: int
    exchanges: int = 0


class Draws:
    """The dice of one seed: the same name gives the same dice, in any process."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __call__(self, name: str) -> random.Random:
        """Return fresh dice."""
        return random.Random(f"{self._seed}/{name}")


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock simulate``."""
    parser = argparse.ArgumentParser(
        prog="penstock simulate",
        description="Show what admission would do under a load, in virtual time.",
    )
    parser.add_argument(
        "scenario",
        nargs="*",
        help="a file, or the start of a shipped one's name; 'watch': how well the detector detects",
    )
    parser.add_argument("--all", action="store_true", help="all shipped scenarios")
    parser.add_argument("--targets", action="store_true", help="only what the targets need")
    parser.add_argument("--list", action="store_true", help="the shipped scenarios, and what for")
    parser.add_argument("--seeds", type=int, default=0, help="instead of the scenario's own number")
    parser.add_argument("--policy", default="", help="instead of the scenario's own, by comma")
    parser.add_argument("--x", default="", help="instead of the scenario's sweep, by comma")
    parser.add_argument("--seconds", type=float, default=0.0, help="instead of its own duration")
    parser.add_argument(
        "--exchanges", type=int, default=0, help="as long as it takes for about so many requests"
    )
    parser.add_argument("--out", default="", metavar="DIR", help="write the report there")
    parser.add_argument("--json", action="store_true", help="write all measures to stdout")
    parser.add_argument("--processes", type=int, default=0, help="at once; 0: one per CPU")
    return parser


def simulate(args: argparse.Namespace) -> int:
    """Simulate as told; return 1 if a target was missed."""
    terminal = Terminal(is_error=bool(args.json))
    if args.list:
        for one in shipped():
            terminal.pair(one.name, one.title)
        return 0
    chosen = [changed(one, args) for one in scenarios(args)]
    for one in chosen:
        policies.check(one.policies)
    tasks = list(tasks_of(chosen, args.exchanges))
    found = list(finished(tasks, args.processes or os.cpu_count() or 1, terminal))
    order = {(t.scenario.name, t.policy, t.x, t.seed): at for at, t in enumerate(tasks)}
    found.sort(key=lambda one: order[key_of(one.result)])
    shown = [one.result for one in found]
    verdicts = targets.judge(found)
    summary = table.rows((one.measures, one.overalls) for one in found)
    if args.json:
        sys.stdout.buffer.write(msgspec.json.encode({"rows": summary, "targets": verdicts}) + b"\n")
    else:
        tell(chosen, summary, verdicts, terminal)
    breaches = tell_breaches(shown, terminal)
    if args.out:
        files = report.pages(chosen, shown, summary, verdicts, assets.tokens())
        write(Path(args.out), {"index.html": whole_page(files.pop(report.BODY)), **files})
        terminal.state("good", f"the report is in {args.out}/index.html")
    return MISSED if breaches or any(one.is_met is False for one in verdicts) else 0


def run(argv: list[str]) -> int:
    """Read the command line and simulate; ``watch`` as the first word is a study of its own."""
    if argv[:1] == [WATCH]:
        return watching.run(argv[1:])
    return simulate(build_parser().parse_args(argv))


def files() -> Iterator[Traversable]:
    """Yield the shipped scenarios, in order of their names."""
    folder = resources.files("penstock.sim") / SHIPPED
    yield from sorted(
        (one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name
    )


def shipped() -> list[Scenario]:
    """Return the shipped scenarios."""
    return [scenario.parse(one.read_text(encoding="utf-8"), one.name) for one in files()]


def scenarios(args: argparse.Namespace) -> list[Scenario]:
    """Return those that are asked for; raises StoreError for what is not there."""
    if args.all or args.targets:
        names = targets.SCENARIOS if args.targets else None
        return [one for one in shipped() if names is None or one.name in names]
    found: list[Scenario] = []
    for name in args.scenario or ["s01"]:
        path = Path(name)
        if path.suffix == ".toml" and path.exists():
            found.append(scenario.parse(path.read_text(encoding="utf-8"), name))
            continue
        fitting = [one for one in files() if one.name.startswith(name)]
        if not fitting:
            raise StoreError(f"there is no scenario {name!r}; 'penstock simulate --list' has them")
        found.extend(scenario.parse(one.read_text(encoding="utf-8"), one.name) for one in fitting)
    return found


def changed(entry: Scenario, args: argparse.Namespace) -> Scenario:
    """Return a scenario with what the command line says instead."""
    changes: dict[str, object] = {}
    if args.seeds:
        changes["seeds"] = args.seeds
    if args.policy:
        changes["policies"] = tuple(args.policy.split(","))
    if args.x and entry.sweep:
        changes["sweep"] = tuple(float(one) for one in args.x.split(","))
    if args.seconds:
        changes["duration_s"] = args.seconds
    return msgspec.structs.replace(entry, **changes) if changes else entry


def tasks_of(chosen: list[Scenario], exchanges: int) -> Iterator[Task]:
    """Yield every run there is to do."""
    for one in chosen:
        for x in values(one):
            for policy in one.policies:
                for seed in range(1, one.seeds + 1):
                    yield Task(one, policy, x, seed, exchanges)


def traces() -> Traces:
    """Return what was cut from public traces."""
    folder = resources.files("penstock.sim") / "data"

    def text(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    return Traces(
        arrivals.parse_lengths(text("azure2023_conv_lengths.csv")),
        arrivals.parse_lengths(text("azure2023_code_lengths.csv")),
        arrivals.parse_lengths(text("agentic_calls.csv")),
        arrivals.parse_column(text("azure2023_code_gaps.csv"), 0),
    )


def key_of(result: Result) -> tuple[str, str, float, int]:
    """Return what names a run."""
    return result.scenario, result.policy, result.x, result.seed


def stretched(task: Task) -> Scenario:
    """Return a scenario that is as long as it takes for about as many requests as are wanted."""
    draw = Draws(task.seed)
    sources = Run(task.scenario, task.policy, task.x, traces(), draw).sources
    rate_per_s = sum(one.rate_per_s * one.entry.turns for one in sources)
    seconds = task.scenario.warmup_s + task.exchanges / rate_per_s
    return msgspec.structs.replace(task.scenario, duration_s=seconds)


def do(task: Task) -> Finding:
    """Run once, in whatever process."""
    dice = (task.seed, Draws(task.seed))
    if task.exchanges:
        task = msgspec.structs.replace(task, scenario=stretched(task))
    return targets.finding(simulate_once(task.scenario, task.policy, task.x, traces(), dice))


def finished(tasks: list[Task], processes: int, terminal: Terminal) -> Iterator[Finding]:
    """Yield results as they come, and show how far it is."""
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=terminal.console, transient=True) as progress:
        bar = progress.add_task("simulating", total=len(tasks))
        if processes == 1 or len(tasks) == 1:
            for task in tasks:
                progress.update(bar, description=f"{task.scenario.name} {task.policy}")
                yield do(task)
                progress.advance(bar)
            return
        with ProcessPoolExecutor(processes) as pool:
            for done in as_completed([pool.submit(do, task) for task in tasks]):
                found = done.result()
                name = f"{found.result.scenario} {found.result.policy}"
                progress.update(bar, description=name)
                progress.advance(bar)
                yield found


def tell(
    chosen: list[Scenario], rows: list[table.Row], verdicts: list[Verdict], terminal: Terminal
) -> None:
    """Write a table per scenario, and one of the targets."""
    for one in chosen:
        terminal.line()
        terminal.line(f"{one.name}: {one.title}", "bold")
        terminal.line(table.line(table.HEAD), "bright_black")
        for row in table.whole([row for row in rows if row.scenario == one.name]):
            terminal.line(table.line(table.cells(row)))
    if verdicts:
        terminal.line()
        terminal.line("Targets", "bold")
        for verdict in verdicts:
            shape = {True: "good", False: "bad", None: "unknown"}[verdict.is_met]
            terminal.state(shape, targets.words(verdict))


def tell_breaches(shown: list[Result], terminal: Terminal) -> int:
    """Write what was not as it must be; return how often."""
    for one in shown:
        if one.breaches:
            where = f"{one.scenario} {one.policy} X={one.x:g} seed {one.seed}"
            words = "; ".join(one.breach_words[:2])
            terminal.state("bad", f"{where}: {one.breaches} breaches: {words}")
    return sum(one.breaches for one in shown)


def whole_page(body: str) -> str:
    """Return the report's page, which needs nothing else."""
    made = "Made by penstock simulate; measures.json has all figures."
    return page.render("simulation.html", title="Penstock, simulated", made=made, body=body)


def write(folder: Path, pages: Mapping[str, str]) -> None:
    """Write the report's page, its plots and all measures; raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"the report cannot be written to {folder}: {error.strerror}") from error
