"""``penstock audit``: who changed what, the newest first."""

import argparse
import datetime as dt
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from penstock.cli import operating, state
from penstock.cli.keys import day
from penstock.cli.terminal import Terminal

PAGE: Final = 500


class Change(msgspec.Struct):
    """What a line shows of an entry of the log."""

    at_unix_s: float
    actor: str
    role: str
    action: str
    kind: str
    object: str


class Log(msgspec.Struct):
    """A part of the log."""

    items: list[msgspec.Raw]
    next: int = 0


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock audit``."""
    parser = argparse.ArgumentParser(
        prog="penstock audit", description="List who changed what, the newest first."
    )
    parser.add_argument("--actor", default="", help="only what this one did")
    parser.add_argument("--action", default="", help="such as make, revoke, put, delete")
    parser.add_argument("--kind", default="", help="such as key, tenant, prices, operator")
    parser.add_argument("--object", default="", metavar="NAME", help="only of this one")
    parser.add_argument("--since", type=day, metavar="DAY", help="from this day of UTC on")
    parser.add_argument("--until", type=day, metavar="DAY", help="before this day of UTC")
    parser.add_argument("--limit", type=int, default=50, help="how many (default: 50); 0: all")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with details")
    return parser


def run(argv: Sequence[str]) -> int:
    """List changes; returns the exit status."""
    args = build_parser().parse_args(argv)
    wanted = {
        "actor": args.actor or None,
        "action": args.action or None,
        "kind": args.kind or None,
        "object": args.object or None,
        "since_unix_s": args.since,
        "until_unix_s": args.until,
    }
    query = {name: value for name, value in wanted.items() if value is not None}
    terminal = Terminal()
    number = 0
    with operating.opened(state.open_state()) as api:
        for number, change in enumerate(_changes(api, query), 1):
            if args.json:
                sys.stdout.write(bytes(change).decode() + "\n")
            else:
                terminal.line(_line(msgspec.json.decode(change, type=Change)))
            if number == args.limit:
                break
    if not number and not args.json:
        terminal.line("There are no such changes.")
    return 0


def _changes(api: operating.Api, query: dict[str, Any]) -> Iterator[msgspec.Raw]:
    before = 0
    while True:
        page = api.get(Log, "/audit", limit=PAGE, before=before, **query)
        yield from page.items
        if not page.next:
            return
        before = page.next


def _line(change: Change) -> str:
    at = dt.datetime.fromtimestamp(change.at_unix_s, dt.UTC)
    who = f"{change.actor} ({change.role})" if change.role else change.actor
    return f"{at:%Y-%m-%d %H:%M:%S}  {who:<24} {change.action} {change.kind} {change.object}"
