"""``penstock probe``: measure what upstreams accept, and say where the table is wrong.

Asks each model a bounded number of cheap requests and compares the answers with what is declared:
the table of families, and what the configuration overrides. Prints the lines to paste. Exit status
0: all as declared, 1: something differs, 2: somebody could not be asked.
"""

import argparse
import asyncio
import enum
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import msgspec
from rich.text import Text

from penstock.cli import plan
from penstock.cli.asking import Asker
from penstock.cli.engine import REQUESTS_MAX, engine_of
from penstock.cli.measuring import Bench, Finding, checks_for, measure
from penstock.cli.terminal import SHAPES, Terminal
from penstock.config import load
from penstock.config.check import named
from penstock.config.declared import declared
from penstock.config.model import Config, DialectName, Upstream
from penstock.core.errors import StoreError

SAME: Final = 0
DIFFERS: Final = 1
NOT_ASKED: Final = 2
HEAD: Final = f"    {'column':<18} {'measured':<22} declared"
PROVIDERS: Final = (".openai.com", ".googleapis.com")
MODELS_MAX: Final = 20  # a run; more are asked for by name


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    upstream: str
    model: str
    column: str
    measured: object
    declared: object
    note: str

    @property
    def differs(self) -> bool:
        """Whether what was measured is not what is declared."""
        return self.measured is not None and self.measured != self.declared


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock probe``."""
    parser = argparse.ArgumentParser(
        prog="penstock probe",
        description="Measure what upstreams accept, and compare it with what is declared. "
        "Asks real upstreams: a few dozen short requests a model. "
        "Exit status 0: as declared, 1: something differs, 2: somebody could not be asked.",
    )
    add = parser.add_argument
    add("upstream", nargs="*", help="their names (default: all)")
    add("--model", action="append", default=[], help="ask this model; may be repeated")
    add("--config", default="", metavar="FILE", help="default: ./penstock.toml, else what is found")
    add("--json", action="store_true", help="write one JSON object")
    return parser


def run(argv: Sequence[str]) -> int:
    """Measure, tell, and say by the exit status whether it is as declared."""
    args = build_parser().parse_args(argv)
    config = asyncio.run(plan.make(load.config_path(args.config))).config
    known = [upstream.name for upstream in config.upstreams]
    for name in args.upstream:
        if name not in known:
            sys.stderr.write(f"penstock probe: no upstream is named {name!r}: {', '.join(known)}\n")
            return NOT_ASKED
    asked = [one for one in config.upstreams if not args.upstream or one.name in args.upstream]
    if not asked:
        sys.stderr.write("penstock probe: there is no upstream: 'penstock init' finds some\n")
        return NOT_ASKED
    report = _Report(Terminal(is_error=args.json))
    for upstream in asked:
        models = args.model or models_of(config, upstream)
        report.probe(upstream, models[:MODELS_MAX])
    if args.json:
        sys.stdout.write(msgspec.json.encode(report.as_json()).decode() + "\n")
    else:
        report.tell_lines()
    return report.status()


def models_of(config: Config, upstream: Upstream) -> list[str]:
    """Return the models that the routes name for an upstream, each once."""
    names = [
        target.model or route.name
        for route in config.routes
        for target in route.targets
        if target.upstream == upstream.name and (target.model or not route.name.endswith("*"))
    ]
    return list(dict.fromkeys(names))


class _Report:
    """Everything that was found, told as it comes."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._rows: list[Row] = []
        self._unasked: list[tuple[str, str]] = []  # who, and why

    def probe(self, upstream: Upstream, models: list[str]) -> None:
        """Ask one upstream about all of these models."""
        try:
            asker = Asker(upstream)
        except StoreError as error:
            self._give_up(upstream.name, error.message)
            return
        if not models:
            self._give_up(upstream.name, "no route names a model for it: use --model")
            return
        requests = sum(check.requests_max for check in checks_for(asker.dialect.name))
        may_be_engine = _may_be_engine(upstream)
        most = len(models) * (1 + requests) + (REQUESTS_MAX if may_be_engine else 0)
        self._terminal.line(
            f"{upstream.name}: {len(models)} models, at most {most} short requests", "bold"
        )
        engine = engine_of(asker) if may_be_engine else None
        if engine or upstream.engine:
            finding = Finding("engine", engine and engine.value)
            self._add(upstream.name, "", finding, upstream.engine and upstream.engine.value)
        for model in models:
            self._model(upstream, model, asker)
        self._terminal.line(f"  {asker.asked} requests were made", "bright_black")

    def _model(self, upstream: Upstream, model: str, asker: Asker) -> None:
        row = declared(upstream, model)
        bench = Bench(asker, model, row)
        first = bench.ask()
        if first.failure is not None:
            self._give_up(f"{upstream.name} {model}", first.note)
            return
        self._terminal.line(f"  {model}")
        self._terminal.line(HEAD, "bright_black")
        for finding in measure(bench):
            self._add(upstream.name, model, finding, getattr(row, finding.column))

    def _add(self, upstream: str, model: str, finding: Finding, declared_value: object) -> None:
        row = Row(upstream, model, finding.column, finding.value, declared_value, finding.note)
        self._rows.append(row)
        shape = "degraded" if row.differs else "unknown" if row.measured is None else "good"
        sign, colour = SHAPES[shape]
        note = row.note if row.differs or row.measured is None else ""
        cells = f" {row.column:<18} {words(row.measured):<22} {words(row.declared)}"
        line = Text.assemble("  ", (sign, colour), cells, (f"  {note}", "bright_black"))
        line.rstrip()
        self._terminal.console.print(line)

    def _give_up(self, who: str, why: str) -> None:
        self._unasked.append((who, why))
        self._terminal.state("bad", f"{who}: could not be asked: {why}")

    def tell_lines(self) -> None:
        """Write what to paste into the configuration."""
        lines = list(self.lines())
        if not lines:
            return
        self._terminal.line("\nTo declare what was measured, put this under the upstream:", "bold")
        for line in lines:
            self._terminal.line(line)

    def lines(self) -> Iterator[str]:
        """Yield the lines of TOML for all that differs."""
        table = ""
        for row in self._rows:
            if not row.differs:
                continue
            if not row.model:
                yield f'# [[upstreams]] name = "{row.upstream}"'
                yield f"engine = {_toml(row.measured)}"
                continue
            head = f"[{named('upstreams.models', row.model)}]  # {row.upstream}"
            if head != table:
                table = head
                yield head
            yield f"{row.column} = {_toml(row.measured)}"

    def status(self) -> int:
        """Return the exit status."""
        if self._unasked:
            return NOT_ASKED
        return DIFFERS if any(row.differs for row in self._rows) else SAME

    def as_json(self) -> dict[str, object]:
        """Return everything for machines."""
        return {
            "findings": [
                {
                    "upstream": row.upstream,
                    "model": row.model,
                    "column": row.column,
                    "measured": row.measured,
                    "declared": row.declared,
                    "differs": row.differs,
                    "note": row.note,
                }
                for row in self._rows
            ],
            "not_asked": [{"who": who, "why": why} for who, why in self._unasked],
            "toml": "\n".join(self.lines()),
        }


def _may_be_engine(upstream: Upstream) -> bool:
    """Tell whether it is worth asking which engine it is: not of a provider."""
    host = urlsplit(upstream.base_url).hostname or ""
    return upstream.dialect is DialectName.OPENAI_CHAT and not host.endswith(PROVIDERS)


def words(value: object) -> str:
    """Return a value as people read it in the table."""
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ", ".join(msgspec.convert(value, tuple[str, ...])) or "none"
    return "not known" if value == 0 else str(value)


def _toml(value: object) -> str:
    return msgspec.json.encode(value).decode().replace(",", ", ")
