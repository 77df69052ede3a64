"""``penstock tenants``: who keys belong to, what is owed to them, and what they may not exceed."""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from penstock.cli import limits, operating, state
from penstock.cli.keys import Row as KeyRow
from penstock.cli.terminal import Terminal
from penstock.config.tenancy import Tenant, TierName
from penstock.core.errors import ConfigError, Problem, StoreError


class Entry(msgspec.Struct):
    """What only operators see of a tenant goes back as it came."""

    tenant: Tenant
    name: str = ""
    note: str = ""
    sla: dict[str, Any] | None = None


class Row(msgspec.Struct):
    """A tenant as control has it."""

    entry: Entry
    updated_unix_s: float


class Forgotten(msgspec.Struct):
    """What one call has deleted: rows by table."""

    rows: dict[str, int]
    is_all: bool


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
    forgetting = commands.add_parser(
        "forget", help="delete what the ledger has of a tenant's traffic; it does not come back"
    )
    forgetting.add_argument("name", help="the name of the tenant; its keys should be revoked first")
    forgetting.add_argument("--yes", action="store_true", help="do not ask for the name once more")
    return parser


def run(argv: Sequence[str]) -> int:
    """Change or list the tenants; what is running learns of a change within a second."""
    args = build_parser().parse_args(argv)
    home = state.open_state()
    with operating.opened(home) as api:
        if args.command == "list":
            return _list(api, is_json=args.json)
        path = operating.place("tenants", operating.name_of(args.name))
        if args.command == "forget":
            return _forget(api, args.name, path, is_sure=args.yes)
        if args.command == "set":
            _set(api, args, path)
        else:
            api.call("DELETE", path, is_forced=args.force)
        words = "set" if args.command == "set" else "removed"
        Terminal(is_error=True).state("good", f"{args.name} is {words}")
        return operating.announce(home, api)


def _forget(api: operating.Api, name: str, path: str, *, is_sure: bool) -> int:
    terminal = Terminal(is_error=True)
    if not is_sure:
        terminal.line("All exchanges, sums and usage of this tenant are deleted from the ledger.")
        terminal.line(f"Type its name to go on ({name}):")
        if sys.stdin.readline().strip() != name:
            raise StoreError("that is not its name: nothing is deleted")
    deleted: Counter[str] = Counter()
    is_all = False
    while not is_all:
        told = msgspec.json.decode(api.call("DELETE", f"{path}/data", confirm=name), type=Forgotten)
        deleted.update(told.rows)
        is_all = told.is_all
    words = ", ".join(f"{rows:,} of {table}" for table, rows in deleted.items()) or "nothing there"
    terminal.state("good", f"{name}: deleted {words}")
    return 0


def seconds(text: str) -> float | None:
    """Return seconds, or None for ``none``; their range is checked with everything else."""
    if text == limits.NONE:
        return None
    try:
        return float(text)
    except ValueError as error:
        message = f"{text!r} is not a number of seconds, nor 'none'"
        raise argparse.ArgumentTypeError(message) from error


def _set(api: operating.Api, args: argparse.Namespace, path: str) -> None:
    rows = [row for row in api.all(Row, "/tenants") if row.entry.tenant.id == args.name]
    entry = rows[0].entry if rows else Entry(tenant=Tenant(id=args.name))
    old = entry.tenant
    said: dict[str, Any] = {
        field: value
        for field, value in vars(args).items()
        if field in {"weight", "may_degrade_model", "ttft_timeout_s"}
    }
    if not math.isfinite(said.get("weight", 1.0)):  # which JSON cannot say
        problem = Problem(f"tenants.{args.name}.weight", f"is {said['weight']}", "a number above 0")
        raise ConfigError([problem])
    if "tier" in args:
        said["tier"] = TierName(args.tier)
    new = msgspec.structs.replace(
        old,
        **said,
        contract=limits.contract_of(args, old.contract),
        limits=limits.limits_of(args, old.limits),
    )
    seen = {"updated_unix_s": rows[0].updated_unix_s} if rows else {}
    api.call("PUT", path, msgspec.structs.replace(entry, tenant=new), **seen)


def _list(api: operating.Api, *, is_json: bool) -> int:
    found = [row.entry.tenant for row in api.all(Row, "/tenants")]
    if is_json:
        for tenant in found:
            sys.stdout.write(msgspec.json.encode(tenant).decode() + "\n")
        return 0
    keys = Counter(row.entry.key.tenant for row in api.all(KeyRow, "/keys"))
    terminal = Terminal()
    if not found:
        terminal.line("There are no tenants; every key's is a standard one without limits.")
        terminal.line("Make one: penstock tenants set NAME --tier enterprise --contract-tpm N")
        return 0
    terminal.line(f"{'name':<24} {'tier':<11} {'weight':>6} {'keys':>5}", "bright_black")
    for tenant in found:
        weight = f"{tenant.weight:g}"
        terminal.line(f"{tenant.id:<24} {tenant.tier.value:<11} {weight:>6} {keys[tenant.id]:>5}")
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
