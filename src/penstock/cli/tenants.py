"""``penstock tenants``: who keys belong to, what is owed to them, and what they may not exceed."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.cli import book, limits, state
from penstock.cli.terminal import Terminal
from penstock.config.tenancy import Tenant, TierName
from penstock.core.errors import StoreError
from penstock.snapshot import keys
from penstock.snapshot.keys import Book


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock tenants``."""
    parser = argparse.ArgumentParser(
        prog="penstock tenants",
        description="Say who keys belong to, what is owed to them, and what they may not exceed.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    setting = commands.add_parser(
        "set", help="make a tenant, or change one: what is not given stays"
    )
    setting.add_argument("name", help="as keys name it: penstock keys add --tenant NAME")
    setting.add_argument(
        "--tier",
        choices=[tier.value for tier in TierName],
        default=argparse.SUPPRESS,
        help="the highest that its exchanges may stand (default: standard)",
    )
    setting.add_argument(
        "--weight",
        type=float,
        default=argparse.SUPPRESS,
        help="its share inside its tier, relative to the other tenants (default: 1)",
    )
    setting.add_argument(
        "--degrade-model",
        dest="may_degrade_model",
        action=argparse.BooleanOptionalAction,
        default=argparse.SUPPRESS,
        help="under load a smaller model may answer, and says so (default: no)",
    )
    setting.add_argument(
        "--ttft-timeout-s",
        type=seconds,
        metavar="S",
        default=argparse.SUPPRESS,
        help="deadline for the first token; orders its exchanges in the queue; or 'none'",
    )
    limits.add_contract(setting)
    limits.add_limits(setting)
    listing = commands.add_parser("list", help="list the tenants")
    listing.add_argument("--json", action="store_true", help="write one JSON object a line")
    removal = commands.add_parser("remove", help="forget a tenant")
    removal.add_argument("name", help="the name of the tenant")
    removal.add_argument(
        "--force", action="store_true", help="even if it has keys: they become standard, unlimited"
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Change or list the tenants; what is running learns of a change at once."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    if args.command == "list":
        return _list(keys.read_book(home.keys), is_json=args.json)
    if args.command == "set":
        snapshot = book.change(home, lambda before: _set(before, args), is_promise=True)
        words = f"{args.name} is set"
    else:
        snapshot = book.change(home, lambda before: _remove(before, args))
        words = f"{args.name} is removed"
    Terminal(is_error=True).state("good", words)
    return book.announce(home, snapshot)


def seconds(text: str) -> float | None:
    """Return seconds, or None for ``none``; their range is checked with everything else."""
    if text == limits.NONE:
        return None
    try:
        return float(text)
    except ValueError as error:
        message = f"{text!r} is not a number of seconds, nor 'none'"
        raise argparse.ArgumentTypeError(message) from error


def _set(before: Book, args: argparse.Namespace) -> Book:
    name: str = args.name
    found = next((one for one in before.tenants if one.id == name), None)
    old = found or Tenant(id=name)
    said: dict[str, Any] = {
        field: value
        for field, value in vars(args).items()
        if field in {"weight", "may_degrade_model", "ttft_timeout_s"}
    }
    if "tier" in args:
        said["tier"] = TierName(args.tier)
    new = msgspec.structs.replace(
        old,
        **said,
        contract=limits.contract_of(args, old.contract),
        limits=limits.limits_of(args, old.limits),
    )
    tenants = [new if one is found else one for one in before.tenants]
    return msgspec.structs.replace(before, tenants=tuple(tenants if found else [*tenants, new]))


def _remove(before: Book, args: argparse.Namespace) -> Book:
    name: str = args.name
    left = tuple(one for one in before.tenants if one.id != name)
    if len(left) == len(before.tenants):
        raise StoreError(f"there is no tenant named {name!r}: 'penstock tenants list' shows them")
    own = [key.id for key in before.keys if key.tenant == name]
    if own and not args.force:
        shown = ", ".join(own[:5]) + (", ..." if len(own) > len(own[:5]) else "")
        raise StoreError(
            f"{name!r} has keys ({shown}): revoke them, or say --force; they become standard then, "
            "without the tenant's limits"
        )
    return msgspec.structs.replace(before, tenants=left)


def _list(found: Book, *, is_json: bool) -> int:
    if is_json:
        for tenant in found.tenants:
            sys.stdout.write(msgspec.json.encode(tenant).decode() + "\n")
        return 0
    terminal = Terminal()
    if not found.tenants:
        terminal.line("There are no tenants; every key's is a standard one without limits.")
        terminal.line("Make one: penstock tenants set NAME --tier enterprise --contract-tpm N")
        return 0
    terminal.line(f"{'name':<24} {'tier':<11} {'weight':>6} {'keys':>5}", "bright_black")
    for tenant in found.tenants:
        number = sum(key.tenant == tenant.id for key in found.keys)
        weight = f"{tenant.weight:g}"
        terminal.line(f"{tenant.id:<24} {tenant.tier.value:<11} {weight:>6} {number:>5}")
        for name, told in _more(tenant):
            terminal.line(f"    {name:<9} {told}", "bright_black")
    return 0


def _more(tenant: Tenant) -> list[tuple[str, str]]:
    """Return what a tenant has beyond tier and weight, in words."""
    under_load = "a smaller model may answer" if tenant.may_degrade_model else ""
    ttft = f"{tenant.ttft_timeout_s:g} s" if tenant.ttft_timeout_s is not None else ""
    told = [
        ("contract", limits.words(tenant.contract)),
        ("limits", limits.words(tenant.limits)),
        ("deadline", ttft and f"first token within {ttft}"),
        ("under load", under_load),
    ]
    return [(name, words) for name, words in told if words]
