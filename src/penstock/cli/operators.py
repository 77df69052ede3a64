"""``penstock operators``: who may log in to the console, and the links that let them in."""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from penstock.cli import operating, state
from penstock.cli.operating import Api
from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError

OPERATORS: Final = "/operators"
ROLES: Final = ("viewer", "operator", "owner")


class Operator(msgspec.Struct):
    """What is listed of one."""

    email: str
    name: str
    role: str
    has_password: bool
    created_unix_s: float
    seen_unix_s: float
    disabled_unix_s: float


class Link(msgspec.Struct):
    """A link that works once."""

    url: str


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock operators``."""
    parser = argparse.ArgumentParser(
        prog="penstock operators", description="Say who may log in to the console."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("first-link", help="show the link that makes one person the first owner")
    listing = commands.add_parser("list", help="list the operators")
    listing.add_argument("--json", action="store_true", help="write one JSON object a line")
    invite = commands.add_parser("invite", help="make a link by which one person comes in")
    invite.add_argument("email", help="the address of the person")
    invite.add_argument("--role", choices=ROLES, default="viewer", help="default: viewer")
    for name, words in (
        ("disable", "let an operator in no more, at once"),
        ("enable", "let an operator in again"),
        ("reset-link", "make a link by which an operator sets another password"),
    ):
        commands.add_parser(name, help=words).add_argument("email", help="the operator's address")
    return parser


def run(argv: Sequence[str]) -> int:
    """Change or list the operators; raises StoreError."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    if args.command == "first-link":
        return _first_link(home)
    with operating.opened(home) as api:
        if args.command == "list":
            return _list(api, is_json=args.json)
        return _change(api, args.command, args)


def _first_link(home: state.State) -> int:
    link = state.first_link(home)
    if not link and (home.root / state.FIRST_LINK).exists():
        raise StoreError("control does not run, and would be behind the link: penstock up")
    if not link:
        raise StoreError(
            "there is no first link, as an owner has come in: penstock operators list, then "
            "penstock operators reset-link"
        )
    sys.stdout.write(f"{link}\n")
    return 0


def _change(api: Api, command: str, args: argparse.Namespace) -> int:
    place = OPERATORS + operating.place(args.email)
    if command in {"disable", "enable"}:
        api.call("PATCH", place, {"is_disabled": command == "disable"})
        Terminal(is_error=True).state("good", f"{args.email}: {command}d")
        return 0
    if command == "invite":
        body = {"email": args.email, "role": args.role}
        made = api.call("POST", f"{OPERATORS}/invitations", body)
    else:
        made = api.call("POST", f"{place}/reset-link")
    words = f"A link for {args.email}, shown this once; it works once:"
    Terminal(is_error=True).line(words, "bright_black")
    sys.stdout.write(msgspec.json.decode(made, type=Link).url + "\n")
    return 0


def _list(api: Api, *, is_json: bool) -> int:
    found = api.get(list[Operator], OPERATORS)
    if is_json:
        for one in found:
            sys.stdout.write(msgspec.json.encode(one).decode() + "\n")
        return 0
    terminal = Terminal()
    if not found:
        terminal.line("There are no operators yet: penstock operators first-link")
        return 0
    terminal.line(f"{'address':<40} {'role':<9} state", "bright_black")
    for one in found:
        told = "disabled" if one.disabled_unix_s else "may log in"
        terminal.line(f"{one.email:<40} {one.role:<9} {told}")
    return 0
