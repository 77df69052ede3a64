"""``penstock slo list``: how objectives stand, as the operator API says it."""

import shutil
import sys
import textwrap
from typing import Final

import msgspec
from rich.text import Text

from penstock.apps.control.examples import OBJECTIVES
from penstock.cli import columns, operating, state
from penstock.cli.columns import Column
from penstock.cli.terminal import SHAPES, Terminal
from penstock.config.operations import Objective

LOW: Final = 0.25  # of the budget: from here on it is worth a look
PERCENT: Final = 100.0
LEAST_SHOWN: Final = -9.99  # what the column has room for


class Burn(msgspec.Struct):
    """What one rule says."""

    severity: str
    long_burn: float | None
    burn_threshold: float
    is_burning: bool


class Standing(msgspec.Struct):
    """How one objective stands, as the operator API says it."""

    objective: Objective
    sli_ratio: float | None
    coverage_ratio: float
    budget_left_ratio: float
    burns: list[Burn]

    @property
    def shape(self) -> str:
        """The state: burning, spent or low, good, or not known."""
        severities = [one.severity for one in self.burns if one.is_burning]
        if "page" in severities or self.budget_left_ratio < 0:
            return "bad"
        if severities or self.budget_left_ratio < LOW:
            return "degraded"
        return "unknown" if self.sli_ratio is None else "good"

    @property
    def burn(self) -> float | None:
        """The highest burn rate of a long window."""
        known = [one.long_burn for one in self.burns if one.long_burn is not None]
        return max(known, default=None)


def run(*, is_json: bool) -> int:
    """Write a line for each objective; returns the exit status."""
    with operating.opened(state.open_state()) as api:
        raw = api.call("GET", "/objectives")
    if is_json:
        for one in msgspec.json.decode(raw, type=list[msgspec.Raw]):
            sys.stdout.write(bytes(one).decode() + "\n")
        return 0
    terminal = Terminal()
    found = msgspec.json.decode(raw, type=list[Standing])
    if not found:
        terminal.line("There are no objectives. Write one into penstock.toml, then reload:")
        terminal.line(f"\n{textwrap.indent(OBJECTIVES, '  ')}", "bright_black")
        return 0
    for line in columns.table(COLUMNS, found, shutil.get_terminal_size().columns):
        terminal.console.print(line)
    return 0


def _state(one: Standing, _: int) -> Text:
    sign, colour = SHAPES[one.shape]
    return Text.assemble((sign, colour), " ", one.objective.name)


def _bar(one: Standing, width: int) -> Text:
    left = max(0.0, min(1.0, one.budget_left_ratio))
    colour = SHAPES[one.shape][1]
    return columns.bar([(left, ("█", colour)), (1.0 - left, ("░", columns.DIM))], 1.0, width)


def _percent(ratio: float | None, digits: int) -> Text:
    return Text("-" if ratio is None else f"{ratio * PERCENT:.{digits}f}%")


def _left(ratio: float) -> Text:
    return Text("spent") if ratio < LEAST_SHOWN else _percent(ratio, 0)


COLUMNS: Final = (
    Column[Standing]("objective", 26, 0, _state, is_left=True),
    Column[Standing]("target", 8, 3, lambda one, _: _percent(one.objective.target_ratio, 2)),
    Column[Standing]("now", 8, 0, lambda one, _: _percent(one.sli_ratio, 2)),
    Column[Standing]("left", 6, 0, lambda one, _: _left(one.budget_left_ratio)),
    Column[Standing]("budget", 0, 2, _bar),
    Column[Standing](
        "burn", 6, 1, lambda one, _: Text("-" if one.burn is None else f"{one.burn:.3g}")
    ),
    Column[Standing]("days", 4, 5, lambda one, _: Text(str(one.objective.window_days))),
    Column[Standing]("measured", 8, 4, lambda one, _: _percent(one.coverage_ratio, 0)),
)
