"""``penstock check``: everything that is wrong with a configuration, in one go."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import msgspec

from penstock.cli import served, state
from penstock.cli.terminal import Terminal
from penstock.config import load
from penstock.config.check import warnings
from penstock.config.model import Config
from penstock.core.errors import ConfigError, Problem, StoreError
from penstock.snapshot import soundness

NO_FILE: Final = "there is no penstock.toml here: 'penstock init' writes one"


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock check``."""
    parser = argparse.ArgumentParser(
        prog="penstock check",
        description="Say everything that is wrong with a configuration. Exit status 1 if anything.",
    )
    parser.add_argument("file", nargs="?", default="", help="default: ./penstock.toml")
    parser.add_argument(
        "--text-only",
        action="store_true",
        help="look at this file alone: not whether keys and certificates are there, nor at tenants",
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object")
    return parser


def run(argv: Sequence[str]) -> int:
    """Check one file; 1 if it has problems, 0 if it has none or only warnings."""
    args = build_parser().parse_args(argv)
    path = load.config_path(args.file)
    if path is None:
        sys.stderr.write(f"penstock check: {NO_FILE}\n")
        return 2
    config, problems = _read(path, is_text_only=args.text_only)
    doubts = list(warnings(config)) if config else []
    if config and not args.text_only:
        doubts += load.secret_warnings(config)
        home = state.State(load.state_dir_path())  # which need not be there, and is not made
        try:
            snapshot = served.drawn_up(home, config)
            problems += soundness.wrongs(snapshot) + soundness.broken(snapshot)
            doubts += soundness.doubts(snapshot)
        except StoreError as error:
            remedy = "tenants and keys were not looked at: start the database, or --text-only"
            doubts.append(Problem("control", error.message, remedy))
    if args.json:
        told = {"problems": [asdict(one) for one in problems]}
        told["warnings"] = [asdict(one) for one in doubts]
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    else:
        _tell(path, config, problems, doubts)
    return 1 if problems else 0


def _read(path: Path, *, is_text_only: bool) -> tuple[Config | None, list[Problem]]:
    try:
        config = load.load(path)
    except ConfigError as error:
        return None, error.problems
    return config, [] if is_text_only else list(load.file_problems(config))


def _tell(
    path: Path, config: Config | None, problems: list[Problem], doubts: list[Problem]
) -> None:
    terminal = Terminal()
    if problems:
        terminal.line(f"{path} has {_count(len(problems), 'problem')}", "bold")
    elif config:
        upstreams = _count(len(config.upstreams), "upstream")
        routes = _count(len(config.routes), "route")
        emulated = ", and the emulated providers" if config.emulate.is_enabled else ""
        terminal.state("good", f"{path} is good: {upstreams}, {routes}{emulated}")
    terminal.problems("bad", problems)
    terminal.problems("degraded", doubts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
