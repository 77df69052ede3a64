"""``penstock status drill``: say on every page that a drill is on, or that it is over."""

import argparse
import sys
from typing import Final

import msgspec

from penstock.cli import status_maintenance
from penstock.cli.status_api import Adding, Api
from penstock.cli.terminal import Terminal
from penstock.web import moments
from penstock.wire import clock

PLACE: Final = "/drill"


class Drill(msgspec.Struct):
    """What a line shows of a drill."""

    words: str
    until_unix_s: float
    is_shown: bool


def add_to(add: Adding) -> None:
    """Add the commands of this module."""
    drill = add("drill", help="say on every page that a drill is on, until its end")
    step_of: Adding = drill.add_subparsers(dest="step", required=True, metavar="COMMAND").add_parser
    show = step_of("show", help="show the drill that is on")
    show.add_argument("--json", action="store_true", help="write it as JSON")
    show.set_defaults(does=_show)
    on = step_of("on", help="say that a drill is on")
    on.add_argument(
        "--until", required=True, metavar="WHEN",
        help=f"then it is said no more, at most four hours away: {status_maintenance.WHEN}",
    )  # fmt: skip
    on.add_argument("--words", default="", help="what people are told; default: that we practise")
    on.set_defaults(does=_on)
    over = step_of("over", help="say that the drill is over")
    over.set_defaults(does=_over)


def _show(api: Api, given: argparse.Namespace) -> int:
    raw = api.call("GET", PLACE)
    if given.json:
        sys.stdout.write(f"{raw.decode()}\n")
        return 0
    return _told(raw)


def _on(api: Api, given: argparse.Namespace) -> int:
    until_unix_s = status_maintenance.instant(given.until, clock.now_unix_s())
    return _told(api.call("PUT", PLACE, {"words": given.words, "until_unix_s": until_unix_s}))


def _over(api: Api, given: argparse.Namespace) -> int:
    del given
    api.call("DELETE", PLACE)
    Terminal().state("good", "the page says no more of a drill")
    return 0


def _told(raw: bytes) -> int:
    found = msgspec.json.decode(raw, type=Drill)
    terminal = Terminal()
    terminal.state("work", f"a drill is on until {moments.utc(found.until_unix_s)}: {found.words}")
    if not found.is_shown:
        terminal.state("degraded", "the page does not show it: [status] shows_drills is false")
    return 0
