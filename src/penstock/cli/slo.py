"""``penstock slo``: how objectives stand, and from and to the formats of others."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from penstock.cli import slo_list
from penstock.cli.terminal import Terminal
from penstock.config import check_operations, load, openslo, toml
from penstock.config.model import Config
from penstock.config.operations import Objective
from penstock.core.errors import StoreError
from penstock.telemetry import rules

FILE_BYTES_MAX: Final = 1024 * 1024  # thousands of objectives; more is a wrong file
DOCUMENTS_MAX: Final = 1000
HEAD: Final = (
    "# Written by 'penstock slo export': rules over the gateway's metrics. Prometheus reads this\n"
    "# file by rule_files; a receiver of Alertmanager takes severity=page and severity=ticket.\n"
    "# It measures what metrics count; the ledger, which 'penstock slo list' reads, knows more:\n"
    "# callers who left after a hang count as failed there, and lost exchanges too.\n"
)


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock slo``."""
    parser = argparse.ArgumentParser(
        prog="penstock slo",
        description="Show how objectives stand, and carry them from and to other formats. They "
        "are written in penstock.toml as [[objectives]].",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list objectives with what is left of their budgets")
    listing.add_argument("--json", action="store_true", help="write one JSON object a line")
    importing = commands.add_parser(
        "import", help="write the [[objectives]] that an OpenSLO file means, and what was left out"
    )
    importing.add_argument("file", type=Path, help="OpenSLO v1, YAML with one or more documents")
    exporting = commands.add_parser("export", help="write the objectives in another format")
    exporting.add_argument(
        "--config", default="", help="the configuration (default: penstock.toml)"
    )
    formats = exporting.add_mutually_exclusive_group(required=True)
    formats.add_argument("--prometheus", action="store_true", help="recording and alerting rules")
    formats.add_argument("--openslo", action="store_true", help="OpenSLO v1")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run one of the commands; returns the exit status."""
    args = build_parser().parse_args(argv)
    if args.command == "list":
        return slo_list.run(is_json=args.json)
    if args.command == "import":
        return _import(args.file)
    path = load.config_path(args.config)
    if path is None:
        raise StoreError("there is no penstock.toml: name a file with --config")
    objectives = load.load(path).objectives
    sys.stdout.write(_prometheus(objectives) if args.prometheus else _openslo(objectives))
    return 0


def _import(path: Path) -> int:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > FILE_BYTES_MAX:
        raise StoreError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        documents: list[object] = list(yaml.safe_load_all(raw.decode("utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreError(f"{path} is not YAML: {words}") from error
    if len(documents) > DOCUMENTS_MAX:
        raise StoreError(f"{path} holds {len(documents)} documents; at most {DOCUMENTS_MAX}")
    found = openslo.translate([one for one in documents if one is not None])
    config = Config(objectives=found.objectives)
    sys.stdout.write(toml.document(config) if found.objectives else "")
    terminal = Terminal(is_error=True)
    for note in found.notes:
        terminal.state("degraded", note)
    names = ("tier", "route", "upstream")  # whether these are there, only the whole file can say
    problems = [
        one
        for one in check_operations.problems(config)
        if one.place.rpartition(".")[2] not in names
    ]
    terminal.problems("bad", problems)
    number = len(found.objectives)
    words = f"{number} objective{'' if number == 1 else 's'}; add them to penstock.toml"
    terminal.state("good" if number else "unknown", words if number else "no objective was found")
    return 1 if problems or not number else 0


def _prometheus(objectives: Sequence[Objective]) -> str:
    found = rules.exported(objectives)
    notes = "".join(f"# {one.objective}: {one.why}.\n" for one in found.unsaid)
    return HEAD + notes + _yaml([{"groups": found.groups}])


def _openslo(objectives: Sequence[Objective]) -> str:
    return _yaml(openslo.documents(objectives))


def _yaml(documents: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=100)
