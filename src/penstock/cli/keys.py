"""``penstock keys``: make, list and take away callers' keys."""

import argparse
import datetime as dt
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.cli import limits, operating, state
from penstock.cli.terminal import Terminal
from penstock.config.tenancy import NO_LIMITS, TierName
from penstock.snapshot.model import Key


class Entry(msgspec.Struct):
    """A key's entry, of which we look at the key."""

    key: Key


class Row(msgspec.Struct):
    """A key as control has it."""

    entry: Entry
    updated_unix_s: float


class Made(msgspec.Struct):
    """A key that was made."""

    secret: str
    row: Row


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock keys``."""
    parser = argparse.ArgumentParser(
        prog="penstock keys", description="Make, list and take away callers' keys."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="make a key, and show it this once")
    add.add_argument("name", help="what the key is called in records and lists")
    add.add_argument("--tenant", default="", help="whose contract it is (default: the name)")
    add.add_argument(
        "--route", action="append", default=[], help="allow only this route (may be repeated)"
    )
    add.add_argument(
        "--no-keep", action="store_true", help="never keep its answers in memory for asking again"
    )
    add.add_argument(
        "--tier-max",
        choices=[tier.value for tier in TierName],
        help="its exchanges stand no higher than this (default: as its tenant's)",
    )
    add.add_argument(
        "--may-assert-user",
        action="store_true",
        help="it may say by x-penstock-user for whom it asks",
    )
    _add_expires(add)
    limits.add_limits(add)
    _add_set(commands.add_parser("set", help="change a key: what is not given stays"))
    rotate = commands.add_parser("rotate", help="make a key in another's place, and show it")
    rotate.add_argument("name", help="the name of the old key")
    rotate.add_argument("--new-name", default="", help="default: the old name with a number")
    rotate.add_argument(
        "--overlap-hours",
        type=float,
        default=24.0,
        metavar="H",
        help="for so long the old one goes on (default: 24)",
    )
    listing = commands.add_parser("list", help="list the keys; never the keys themselves")
    listing.add_argument("--json", action="store_true", help="write one JSON object a line")
    revoke = commands.add_parser("revoke", help="take a key away")
    revoke.add_argument("name", help="the name of the key")
    return parser


def _add_set(setting: argparse.ArgumentParser) -> None:
    setting.add_argument("name", help="the name of the key")
    setting.add_argument(
        "--route",
        action="append",
        default=argparse.SUPPRESS,
        help="allow only this route (may be repeated); 'none': all of them",
    )
    setting.add_argument(
        "--tier-max",
        choices=[*(tier.value for tier in TierName), limits.NONE],
        default=argparse.SUPPRESS,
        help="its exchanges stand no higher than this; 'none': as its tenant's",
    )
    _add_expires(setting)
    limits.add_limits(setting)


def _add_expires(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--expires",
        type=day,
        metavar="DAY",
        default=argparse.SUPPRESS,
        help="it is refused from this day of UTC on, such as 2027-01-31; or 'none'",
    )


def run(argv: Sequence[str]) -> int:
    """Change or list the keys; what is running learns of a change within a second."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    with operating.opened(home) as api:
        if args.command == "list":
            found = [row.entry.key for row in api.all(Row, "/keys")]
            return _list(found, is_json=args.json)
        if args.command == "revoke":
            api.call("DELETE", operating.place("keys", operating.name_of(args.name)))
            Terminal(is_error=True).state("good", f"{args.name} is revoked")
        elif args.command == "set":
            _set(api, args)
        else:
            _show(*(_add(api, args) if args.command == "add" else _rotate(api, args)))
        return operating.announce(home, api)


def _add(api: operating.Api, args: argparse.Namespace) -> tuple[str, str]:
    asked: dict[str, Any] = {
        "id": operating.name_of(args.name),
        "tenant": args.tenant or args.name,
        "routes": args.route,
        "may_keep": not args.no_keep,
        "tier_max": args.tier_max,
        "may_assert_user": args.may_assert_user,
        "limits": limits.limits_of(args, NO_LIMITS),
    }
    if "expires" in args:
        asked["expires_unix_s"] = args.expires
    made = msgspec.json.decode(api.call("POST", "/keys", asked), type=Made)
    return args.name, made.secret


def _rotate(api: operating.Api, args: argparse.Namespace) -> tuple[str, str]:
    path = operating.place("keys", operating.name_of(args.name), "rotate")
    asked = {"id": args.new_name, "overlap_s": args.overlap_hours * 3600.0}
    made = msgspec.json.decode(api.call("POST", path, asked), type=Made)
    return made.row.entry.key.id, made.secret


def _set(api: operating.Api, args: argparse.Namespace) -> None:
    path = operating.place("keys", operating.name_of(args.name))
    row = api.get(Row, path)
    asked: dict[str, Any] = {
        "updated_unix_s": row.updated_unix_s,
        "limits": limits.limits_of(args, row.entry.key.limits),
    }
    if "expires" in args:
        asked["expires_unix_s"] = args.expires
    if "route" in args:
        asked["routes"] = [] if args.route == [limits.NONE] else args.route
    if "tier_max" in args:
        asked["tier_max"] = None if args.tier_max == limits.NONE else args.tier_max
    api.call("PATCH", path, asked)
    Terminal(is_error=True).state("good", f"{args.name} is set")


def _show(name: str, secret: str) -> None:
    Terminal(is_error=True).line(f"The key of {name}, shown this once:", "bright_black")
    sys.stdout.write(f"{secret}\n")
    sys.stdout.flush()  # before the wait for what is running: it may be interrupted


def day(text: str) -> float | None:
    """Return the Unix time at which a day of UTC begins, or None for ``none``."""
    if text == limits.NONE:
        return None
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC).timestamp()
    except ValueError as error:
        message = f"{text!r} is no day such as 2027-01-31, nor 'none'"
        raise argparse.ArgumentTypeError(message) from error


def _list(found: list[Key], *, is_json: bool) -> int:
    if is_json:
        for key in found:
            sys.stdout.write(msgspec.json.encode(key).decode() + "\n")
        return 0
    terminal = Terminal()
    if not found:
        terminal.line("There are no keys. Make one: penstock keys add NAME")
        return 0
    terminal.line(f"{'name':<20} {'tenant':<20} {'sha256':<14} routes", "bright_black")
    for key in found:
        routes = ", ".join(key.routes) or "all"
        terminal.line(f"{key.id:<20} {key.tenant:<20} {key.sha256[:12]:<14} {routes}")
        if told := _more(key):
            terminal.line(f"    {told}", "bright_black")
    return 0


def _more(key: Key) -> str:
    """Return what else a key may and may not, in words; empty for a usual one."""
    tier = f"at most {key.tier_max.value}" if key.tier_max else ""
    user = "may assert users" if key.may_assert_user else ""
    kept = "" if key.may_keep else "answers are never kept"
    ends = ""
    if key.expires_unix_s is not None:
        moment = dt.datetime.fromtimestamp(key.expires_unix_s, dt.UTC)
        ends = f"expires {moment:%Y-%m-%d %H:%M} UTC"
    return "; ".join(one for one in (tier, limits.words(key.limits), user, kept, ends) if one)
