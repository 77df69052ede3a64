"""``penstock keys``: make, list and take away callers' keys."""

import argparse
import sys
from collections.abc import Sequence

import msgspec

from penstock.cli import book, limits, state
from penstock.cli.terminal import Terminal
from penstock.config.check_tenancy import NAME
from penstock.config.tenancy import NO_LIMITS, TierName
from penstock.core.errors import StoreError
from penstock.snapshot import keys
from penstock.snapshot.keys import Book
from penstock.snapshot.model import Key


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
    limits.add_limits(add)
    listing = commands.add_parser("list", help="list the keys; never the keys themselves")
    listing.add_argument("--json", action="store_true", help="write one JSON object a line")
    revoke = commands.add_parser("revoke", help="take a key away")
    revoke.add_argument("name", help="the name of the key")
    return parser


def run(argv: Sequence[str]) -> int:
    """Change or list the keys; what is running learns of a change at once."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    if args.command == "list":
        return _list(keys.read(home.keys), is_json=args.json)
    if args.command == "revoke":
        return _revoke(home, args.name)
    raw = keys.new_key()
    snapshot = book.change(home, lambda before: _added(before, args, raw))
    Terminal(is_error=True).line(f"The key of {args.name}, shown this once:", "bright_black")
    sys.stdout.write(f"{raw}\n")
    sys.stdout.flush()  # before the wait for what is running: it may be interrupted
    return book.announce(home, snapshot)


def _added(before: Book, args: argparse.Namespace, raw: str) -> Book:
    name: str = args.name
    if not NAME.fullmatch(name):
        raise StoreError(f"{name!r} is not a name: letters, digits and . _ -, at most 64")
    if any(key.id == name for key in before.keys):
        raise StoreError(f"there is a key named {name!r}: revoke it first, or take another name")
    entry = Key(
        id=name,
        tenant=args.tenant or name,
        sha256=keys.sha256(raw),
        routes=tuple(args.route),
        may_keep=not args.no_keep,
        tier_max=TierName(args.tier_max) if args.tier_max else None,
        may_assert_user=args.may_assert_user,
        limits=limits.limits_of(args, NO_LIMITS),
    )
    return msgspec.structs.replace(before, keys=(*before.keys, entry))


def _revoke(home: state.State, name: str) -> int:
    def without(before: Book) -> Book:
        left = tuple(key for key in before.keys if key.id != name)
        if len(left) == len(before.keys):
            raise StoreError(f"there is no key named {name!r}: 'penstock keys list' shows them")
        return msgspec.structs.replace(before, keys=left)

    snapshot = book.change(home, without)
    if name == keys.LOCAL:
        (home.root / "local.key").unlink(missing_ok=True)
    Terminal(is_error=True).state("good", f"{name} is revoked")
    return book.announce(home, snapshot)


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
    return "; ".join(one for one in (tier, limits.words(key.limits), user, kept) if one)
