"""``penstock keys``: make, list and take away callers' keys."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.cli import reload, state
from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError
from penstock.snapshot import keys
from penstock.snapshot.model import Key

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
    with state.locked(home.run / "keys.lock") as is_free:
        if not is_free:
            raise StoreError("another 'penstock keys' is changing the keys: try again")
        if args.command == "add":
            _add(home, args)
        else:
            _revoke(home, args.name)
    return _tell_running(home)


def _add(home: state.State, args: argparse.Namespace) -> None:
    name: str = args.name
    if not NAME.fullmatch(name):
        raise StoreError(f"{name!r} is not a name: letters, digits and . _ -, at most 64")
    existing = keys.read(home.keys)
    if any(key.id == name for key in existing):
        raise StoreError(f"there is a key named {name!r}: revoke it first, or take another name")
    raw = keys.new_key()
    entry = Key(
        id=name,
        tenant=args.tenant or name,
        sha256=keys.sha256(raw),
        routes=tuple(args.route),
        may_keep=not args.no_keep,
    )
    keys.write(home.keys, [*existing, entry])
    Terminal(is_error=True).line(f"The key of {name}, shown this once:", "bright_black")
    sys.stdout.write(f"{raw}\n")


def _revoke(home: state.State, name: str) -> None:
    existing = keys.read(home.keys)
    left = [key for key in existing if key.id != name]
    if len(left) == len(existing):
        raise StoreError(f"there is no key named {name!r}: 'penstock keys list' shows them")
    keys.write(home.keys, left)
    if name == keys.LOCAL:
        (home.root / "local.key").unlink(missing_ok=True)
    Terminal(is_error=True).state("good", f"{name} is revoked")


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
    return 0


def _tell_running(home: state.State) -> int:
    """Have a running ``up`` take the change; without one, the next start does."""
    pid = state.up_pid(home)
    if not pid:
        return 0
    outcome = reload.ask(home, pid)
    terminal = Terminal(is_error=True)
    if outcome is None or outcome.error:
        reason = outcome.words() if outcome else "no answer from the running 'penstock up'"
        terminal.state("bad", reason)
        return 1
    terminal.state("good", "in use now")
    return 0
