"""``penstock report``: a month's SLAs in both directions, and how load was managed, as files.

Reads the ledger itself, so that it works without the control process; writes nothing to it.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection

from penstock.apps.control.reports import load, load_csv, pages, sla, sla_csv, spans, words
from penstock.apps.control.reports.load import LoadReport
from penstock.apps.control.reports.month import Month, month
from penstock.apps.control.reports.sla import SlaReport, billed
from penstock.cli import state
from penstock.cli.terminal import Terminal
from penstock.config import load as load_file
from penstock.config.model import Config
from penstock.core.errors import StoreError
from penstock.core.sla import CALCULATORS
from penstock.core.sla_plan import PLANS
from penstock.ledger.store import Store, open_store
from penstock.snapshot import plan
from penstock.wire import clock

SHOWN: Final = 20  # rows of a table on the terminal; the files have all


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock report``."""
    parser = argparse.ArgumentParser(
        prog="penstock report",
        description="Write reports from the ledger: HTML to read and print, CSV and JSON.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    told = "; ".join(f"{name}: {one.words}" for name, one in CALCULATORS.items())
    monthly = commands.add_parser(
        "sla",
        help="a month's SLAs: what we owe tenants, and what providers owe us",
        description="What we owe tenants by their terms, and what providers owe us for upstreams "
        f"whose 'sla' names a plan. Formulas: {told}.",
        epilog=f"Plans: {', '.join(PLANS)}.",
    )
    monthly.add_argument("--month", default="", help="as 2026-11 (default: the last whole one)")
    monthly.add_argument("--tenant", default="", help="of one tenant alone, to send to it")
    period = commands.add_parser("load", help="how load was managed, to be published")
    period.add_argument("--from", dest="since", default="", help="a day or time of UTC")
    period.add_argument(
        "--to", dest="until", default="", help="a day (included) or time (default: now)"
    )
    period.add_argument("--names", action="store_true", help="of tenants; else they are numbered")
    for one in (monthly, period):
        one.add_argument("--out", default="", metavar="DIR", help="write the files there")
        one.add_argument("--json", action="store_true", help="write the report to stdout")
    return parser


def run(argv: Sequence[str]) -> int:
    """Read the command line, make a report, and say what it says."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    planned = plan.read(plan.path_of(home.root))
    config = planned.config if planned is not None else Config()
    control = config.control
    store = open_store(control.database_url, home.root, load_file.database_password(control))
    terminal = Terminal(is_error=bool(args.json))
    try:
        return (
            _sla(store, config, args, terminal)
            if args.command == "sla"
            else _load(store, config, args, terminal)
        )
    finally:
        store.close()


def _sla(store: Store, config: Config, args: argparse.Namespace, terminal: Terminal) -> int:
    now_unix_s = clock.now_unix_s()
    when = month(args.month, now_unix_s)
    with store.reading() as connection:
        with _progress(terminal, f"adding up {when.name}"):
            report = sla.report(connection, when, config.upstreams, now_unix_s, args.tenant)
        if args.out:
            folder = _folder(Path(args.out))
            _write(folder / f"sla-{when.name}.html", [pages.sla_page(report)])
            _write(folder / f"sla-{when.name}.csv", [sla_csv.report_csv(report)])
            _write(folder / f"sla-{when.name}.json", [_json(report)])
            with _progress(terminal, "writing the evidence"):
                _evidence(connection, when, report, folder)
    if args.json:
        sys.stdout.write(_json(report) + "\n")
        return 0
    _tell_sla(report, terminal)
    _told_where(args.out, f"sla-{when.name}.html", terminal)
    return 0


def _evidence(connection: Connection, when: Month, report: SlaReport, folder: Path) -> None:
    for one in report.providers:
        if one.measured.bad:
            name = one.upstream.replace("/", "_").replace(":", "_")
            lines = sla_csv.evidence(connection, when.period, one)
            _write(folder / f"evidence-{when.name}-{name}.csv", lines)


def _load(store: Store, config: Config, args: argparse.Namespace, terminal: Terminal) -> int:
    now_unix_s = clock.now_unix_s()
    asked = spans.asked(args.since, args.until, now_unix_s, has_names=args.names)
    with store.reading() as connection, _progress(terminal, "adding up"):
        report = load.report(connection, asked, config.upstreams, now_unix_s)
    if args.out:
        folder = _folder(Path(args.out))
        _write(folder / "load.html", [pages.load_page(report)])
        _write(folder / "load.csv", [load_csv.tiers_csv(report)])
        _write(folder / "load.json", [_json(report)])
    if args.json:
        sys.stdout.write(_json(report) + "\n")
        return 0
    _tell_load(report, terminal)
    _told_where(args.out, "load.html", terminal)
    return 0


def _tell_sla(report: SlaReport, terminal: Terminal) -> None:
    shape, sentence = words.headline(report)
    terminal.state(shape, sentence)
    head = f"{'availability':>12} {'promised':>9} {'coverage':>9} {'due':>12}  verdict"
    for title, rows in (("we owe", report.tenants), ("owed to us", report.providers)):
        if not rows:
            continue
        terminal.line()
        terminal.line(f"  {title:<24} {head}", "bright_black")
        for one in rows[:SHOWN]:
            name = one.id if isinstance(one, sla.TenantSla) else one.upstream
            terms = one.terms if isinstance(one, sla.TenantSla) else one
            target = words.percent(terms.target_ratio, 2) if terms else "-"
            figure = words.percent(billed(one.measured).ratio)
            coverage = words.percent(one.measured.coverage_ratio, 1)
            due = words.usd(one.due.amount_microusd)
            terminal.line(
                f"  {name[:24]:<24} {figure:>12} {target:>9} {coverage:>9} {due:>12}  "
                f"{words.verdict(one)}"
            )
        if len(rows) > SHOWN:
            terminal.line(
                f"  ... and {len(rows) - SHOWN} more: --out DIR writes all", "bright_black"
            )


def _tell_load(report: LoadReport, terminal: Terminal) -> None:
    shape, sentence = pages.sentence(report)
    terminal.state(shape, sentence)
    if report.tiers:
        terminal.line()
        head = f"{'tier':<11} {'offered':>9} {'admitted':>9} {'queued':>8} {'shed':>7}"
        terminal.line(f"  {head} {'limited':>8} {'failed':>7} {'available':>10}", "bright_black")
    for one in report.tiers:
        terminal.line(
            f"  {one.tier:<11} {one.offered:>9,} {one.admitted:>9,} {one.queued:>8,} "
            f"{one.shed:>7,} {one.limited:>8,} {one.failed:>7,} "
            f"{words.percent(one.availability_ratio, 2):>10}"
        )


def _told_where(out: str, name: str, terminal: Terminal) -> None:
    terminal.line()
    if out:
        terminal.state("good", f"the report is in {Path(out) / name}")
    else:
        terminal.line("  --out DIR writes it as HTML to print, CSV and JSON", "bright_black")


def _progress(terminal: Terminal, told: str) -> Progress:
    """Return what shows that something goes on, and for how long; gone when it is done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    progress = Progress(*columns, console=terminal.console, transient=True)
    progress.add_task(told, total=None)
    return progress


def _json(report: msgspec.Struct) -> str:
    return msgspec.json.encode(report).decode()


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}") from error
    return path


def _write(path: Path, parts: Iterable[str]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(parts)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
