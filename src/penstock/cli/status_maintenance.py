"""``penstock status maintenance``: announced, begun, ended, cancelled."""

import argparse
import datetime as dt
import re
import sys
from typing import Final

import msgspec

from penstock.cli import operating, status_show
from penstock.cli.status_api import Adding, Api
from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError
from penstock.web import moments
from penstock.wire import clock

AHEAD: Final = re.compile(r"\+(\d{1,5})([mhd])")
UNITS_S: Final = {"m": 60, "h": 3600, "d": 86_400}
STEPS: Final = {
    "start": "begin it now",
    "finish": "end it now",
    "cancel": "cancel what has not begun",
}
DONE: Final = {"start": "begun", "finish": "over", "cancel": "cancelled"}
WHEN: Final = "+2h, +1d, or a time of UTC such as 2026-03-02T14:00"


class Maintenance(msgspec.Struct):
    """What a line shows of a maintenance."""

    id: str
    name: str
    status: str
    from_unix_s: float
    until_unix_s: float


def add_to(add: Adding) -> None:
    """Add the commands of this module."""
    maintenance = add("maintenance", help="announce maintenance, and cancel it")
    step_of: Adding = maintenance.add_subparsers(
        dest="step", required=True, metavar="COMMAND"
    ).add_parser
    listing = step_of("list", help="list maintenances, the latest first")
    listing.add_argument("--all", action="store_true", help="also those that are over")
    listing.add_argument("--json", action="store_true", help="write one a line, as JSON")
    listing.set_defaults(does=_list)
    schedule = step_of("schedule", help="announce a maintenance")
    schedule.add_argument("name", metavar="NAME", help="its title")
    schedule.add_argument("--body", required=True, help="what is done, and what people notice")
    schedule.add_argument("--from", dest="from_", required=True, metavar="WHEN", help=WHEN)
    schedule.add_argument("--until", required=True, metavar="WHEN", help="+2h is after its begin")
    schedule.add_argument(
        "--component",
        action="append",
        default=[],
        metavar="NAME",
        help="what is under maintenance then; may be repeated",
    )
    schedule.add_argument("--by-hand", action="store_true", help="begin and end it by hand")
    schedule.add_argument("--quiet", action="store_true", help="tell no subscribers")
    schedule.set_defaults(does=_schedule)
    for name, words in STEPS.items():
        step = step_of(name, help=words)
        step.add_argument("id", metavar="ID", help="the maintenance, or how its id begins")
        step.set_defaults(does=_step)


def instant(text: str, from_unix_s: float) -> float:
    """Return an instant from words; raises StoreError."""
    if found := AHEAD.fullmatch(text):
        return from_unix_s + int(found[1]) * UNITS_S[found[2]]
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise StoreError(f"{text!r} is no time: {WHEN}") from error
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()


def _list(api: Api, given: argparse.Namespace) -> int:
    raw = api.call("GET", "/maintenances", state="all" if given.all else "open")
    if given.json:
        status_show.lines(raw)
        return 0
    terminal = Terminal()
    found = msgspec.json.decode(raw, type=list[Maintenance])
    for one in found:
        status = one.status.replace("_", " ")
        times = f"{moments.utc(one.from_unix_s)} to {moments.utc(one.until_unix_s)}"
        terminal.state("work", f"{one.id}  {one.name} ({status})")
        terminal.line(f"    {times}", "bright_black")
    if not found:
        terminal.line("There are no maintenances." if given.all else "No maintenance is planned.")
    return 0


def _schedule(api: Api, given: argparse.Namespace) -> int:
    from_unix_s = instant(given.from_, clock.now_unix_s())
    body = {
        "name": given.name,
        "body": given.body,
        "components": [api.component(name).id for name in given.component],
        "from_unix_s": from_unix_s,
        "until_unix_s": instant(given.until, from_unix_s),
        "begins_itself": not given.by_hand,
        "ends_itself": not given.by_hand,
        "is_delivered": not given.quiet,
    }
    return _told(api.call("POST", "/maintenances", body), "announced")


def _step(api: Api, given: argparse.Namespace) -> int:
    place = operating.place("maintenances", api.maintenance(given.id), given.step)
    return _told(api.call("POST", place), DONE[given.step])


def _told(raw: bytes, words: str) -> int:
    """Say what was done; the id alone goes to standard output, for scripts."""
    made = msgspec.json.decode(raw, type=Maintenance)
    Terminal(is_error=True).state("good", f"{made.name}: {words}")
    sys.stdout.write(f"{made.id}\n")
    return 0
