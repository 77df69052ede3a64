"""``penstock chat accounts|link``: who may use the chat, and a way in that needs nobody.

With the chat running, by its API; otherwise over its database, under its lock.
"""

import argparse
import importlib
import sys
from collections.abc import Callable
from typing import Any, Final

import msgspec

from penstock.cli import operating, state
from penstock.cli.operating import Api, Surface
from penstock.cli.terminal import Terminal
from penstock.config import load
from penstock.config.model import Config
from penstock.snapshot import plan

ACCOUNTS: Final = "/admin/accounts"
LINKS: Final = "/admin/links"
TIERS: Final = ("free", "standard")
ROLES: Final = ("person", "admin")
Adding = Callable[..., argparse.ArgumentParser]  # a parser's add_parser


class Entry(msgspec.Struct):
    """What is listed of an account."""

    account: str
    email: str
    name: str
    role: str
    tier: str
    seen_unix_s: float
    disabled_unix_s: float


class Link(msgspec.Struct):
    """A link that works once."""

    url: str
    email: str


def add_to(adding: Adding) -> None:
    """Add the commands."""
    accounts = adding("accounts", help="list accounts; change, disable or delete one")
    commands = accounts.add_subparsers(dest="what", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="list the accounts")
    listing.add_argument("--json", action="store_true", help="write one JSON object a line")
    listing.set_defaults(does=_list)
    for name, words, choices in (
        ("tier", "give an account another tier", TIERS),
        ("role", "make an account an administrator's, or a person's again", ROLES),
    ):
        one = commands.add_parser(name, help=words)
        one.add_argument("account", help="its address, or its id")
        one.add_argument("value", choices=choices)
        one.set_defaults(does=_change)
    for name, words in (
        ("disable", "let an account in no more, at once"),
        ("enable", "let an account in again"),
    ):
        one = commands.add_parser(name, help=words)
        one.add_argument("account", help="its address, or its id")
        one.set_defaults(does=_change)
    gone = commands.add_parser("delete", help="delete an account and everything of it, for good")
    gone.add_argument("account", help="its address, or its id")
    gone.add_argument("--yes", action="store_true", help="do not ask")
    gone.set_defaults(does=_delete)
    link = adding("link", help="make a link that lets in once; by itself for a local administrator")
    link.add_argument("email", nargs="?", default="", help="whom it is for; empty: administrator")
    kind = link.add_mutually_exclusive_group()
    kind.add_argument("--reset", action="store_true", help="to set a new password, within a day")
    kind.add_argument("--invite", action="store_true", help="to make an account, within a week")
    link.set_defaults(does=_link)


def run(home: state.State, args: argparse.Namespace) -> int:
    """Run a command; raises StoreError."""
    with operating.opened(home, CHAT) as api:
        done: Any = args.does(api, args)
        return int(done)


def _list(api: Api, args: argparse.Namespace) -> int:
    found = list(api.all(Entry, ACCOUNTS))
    if args.json:
        for one in found:
            sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        return 0
    terminal = Terminal()
    if not found:
        terminal.line("There are no accounts yet. A way in: penstock chat link")
        return 0
    terminal.line(f"{'address':<40} {'tier':<9} {'role':<7} state", "bright_black")
    for one in found:
        told = "disabled" if one.disabled_unix_s else "may log in"
        terminal.line(f"{one.email or one.account:<40} {one.tier:<9} {one.role:<7} {told}")
    return 0


def _change(api: Api, args: argparse.Namespace) -> int:
    if args.what in {"disable", "enable"}:
        body: dict[str, object] = {"is_disabled": args.what == "disable"}
        words = f"{args.what}d"
    else:
        body = {args.what: args.value}
        words = f"{args.what} {args.value}"
    api.call("PATCH", ACCOUNTS + operating.place(args.account), body)
    Terminal(is_error=True).state("good", f"{args.account}: {words}")
    return 0


def _delete(api: Api, args: argparse.Namespace) -> int:
    terminal = Terminal(is_error=True)
    if not args.yes:
        terminal.line(f"This deletes {args.account} with all conversations and files. Type yes:")
        if sys.stdin.readline().strip() != "yes":
            terminal.state("unknown", "nothing was deleted")
            return 1
    api.call("DELETE", ACCOUNTS + operating.place(args.account))
    terminal.state("good", f"{args.account}: deleted")
    return 0


def _link(api: Api, args: argparse.Namespace) -> int:
    kind = "reset" if args.reset else "invitation" if args.invite else "entry"
    made = msgspec.json.decode(
        api.call("POST", LINKS, {"kind": kind, "email": args.email}), type=Link
    )
    words = f"A link for {made.email}, shown this once; it works once:"
    Terminal(is_error=True).line(words, "bright_black")
    sys.stdout.write(f"{made.url}\n")
    return 0


async def _inside(home: state.State) -> Any:
    # Imported here, for it takes as long as all the rest, and is needed only without the process.
    module = importlib.import_module("penstock.apps.chat.administration")
    return module.administration(home.root, _config(home))


def _config(home: state.State) -> Config:
    """Return what was served last, or what the file here says."""
    found = plan.read(home.plan)
    if found is not None:
        return found.config
    path = load.config_path()
    return load.load(path) if path is not None else Config()


CHAT: Final = Surface("chat", lambda home: home.run / "chat.lock", _inside)
