"""What all commands that play a drill have in common: what must hold, what it costs, where it goes.

    --expect FILE   expectations, judged beside our own invariants
    --impact FILE   what an outage costs, in place of what the drill says
    --junit FILE    the checks, as JUnit XML

A result goes to the control process of this state directory, if one runs. That it cannot is told,
and changes nothing: the result lies on disk, and ``penstock drill history --send`` sends it later.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from penstock.apps.drill import keeping
from penstock.cli import operating, state
from penstock.cli.terminal import Terminal
from penstock.core.calendar import DAY_S
from penstock.core.errors import ConfigError, PenstockError, Problem, StoreError
from penstock.core.price import Rates
from penstock.ledger import price_table
from penstock.ledger.costing import Listed
from penstock.sim.drills import bills, expect, impact, junit, sound
from penstock.sim.drills.impact import UNSTATED
from penstock.sim.drills.judging import Stated
from penstock.sim.drills.shapes import Result
from penstock.sim.drills.terms import Impact
from penstock.sim.drills.traffic import MODELS

FOLDER: Final = "drills"  # of the state directory


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that all have."""
    add = parser.add_argument
    add("--expect", default="", metavar="FILE", help="what must hold beside our own invariants")
    add("--impact", default="", metavar="FILE", help="what an outage costs, by tier")
    add("--junit", default="", metavar="FILE", help="write the checks as JUnit XML")


def stated(
    args: argparse.Namespace,
    drills_own: Impact | None,
    now_unix_s: float,
    routes: Mapping[str, Mapping[str, str]] = MODELS,
    providers: Mapping[str, str] | None = None,
) -> Stated:
    """Return what the user says of money, and of what must hold; raises ConfigError.

    Call it before the play: a mistake in a file is told at once. ``routes`` and ``providers`` are
    those of the set-up: what a route is at whom, and whose an upstream is.
    """
    listed = Listed(price_table.shipped().costs)
    day = int(now_unix_s // DAY_S)

    def rates_of(model: str, tier: str) -> Rates | None:
        found = listed.of("", model, day)
        return None if found is None else found.of(tier)

    return Stated(
        impact=impact.parse(_read(args.impact), args.impact)
        if args.impact
        else drills_own or UNSTATED,
        expectations=expect.parse(_read(args.expect), args.expect) if args.expect else (),
        rates=bills.usual(rates_of, routes),
        providers=providers or {},
    )


def after(
    args: argparse.Namespace, result: Result, terminal: Terminal, *, is_kept: bool = False
) -> None:
    """Write what was asked for beside the report, and keep the result; ``is_kept``: control has."""
    if args.junit:
        path = Path(args.junit)
        try:
            path.write_text(junit.document(result), encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}") from error
        terminal.pair("junit", str(path))
    home = state.open_state()
    keeping.prune(home.root / FOLDER)
    is_worth = not result.partial and not is_kept and not sound.problems(result)
    if state.control_url(home) and is_worth:
        try:
            send(home, result)
        except PenstockError as error:
            terminal.state("degraded", f"not kept by control: {error.message}")
        else:
            terminal.pair("kept", f"{state.control_url(home)}/drills")


def send(home: state.State, result: Result) -> None:
    """Give a result to control; raises StoreError, ConfigError."""
    with operating.opened(home) as api:
        api.call("POST", "/drills", result)


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        problem = Problem(name, f"it cannot be read: {error.strerror}", "name a file")
        raise ConfigError([problem]) from error
