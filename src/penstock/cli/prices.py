"""``penstock prices``: the price list in force, and another one in its place.

A list is a TOML file in dollars a million tokens (``ledger/price_file``). It replaces the one in
force as a whole; what it does not name is priced by the list that ships with penstock.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from penstock.cli import operating, state
from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError
from penstock.ledger import price_file
from penstock.ledger.book import PriceList, Rate, Versioned

FILE_BYTES_MAX: Final = 4 * 1024 * 1024  # ten thousand rates, as control takes at most
SHOWN: Final = 40  # changed rates; more are counted


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock prices``."""
    parser = argparse.ArgumentParser(
        prog="penstock prices",
        description="Show the prices in force, or put others in force. What your list does not "
        "name is priced by the list that ships with penstock.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    showing = commands.add_parser("show", help="write the list in force as TOML")
    showing.add_argument("--json", action="store_true", help="write it as JSON")
    showing.add_argument("--shipped", action="store_true", help="the list that ships instead")
    setting = commands.add_parser("set", help="put a file's list in force, after its differences")
    setting.add_argument("file", type=Path, help="TOML: [[prices]], [[charges]], markup_ratio")
    setting.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def run(argv: Sequence[str]) -> int:
    """Show or replace the list; what is running learns of it within a second."""
    args = build_parser().parse_args(argv)
    if args.command == "show" and args.shipped:
        return _show(Versioned(0, _shipped()), is_json=args.json)
    prices = _read(args.file) if args.command == "set" else PriceList()
    home = state.open_state()
    with operating.opened(home) as api:
        before = api.get(Versioned, "/prices")
        if args.command == "show":
            return _show(before, is_json=args.json)
        return _set(home, api, before, prices) if _may(before, prices, is_sure=args.yes) else 1


def _show(found: Versioned, *, is_json: bool) -> int:
    if is_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        return 0
    sys.stdout.write(price_file.write(found.prices))
    words = f"version {found.version}, {_count(found.prices)}"
    if not found.version:
        words = "the list that ships is in force: penstock prices show --shipped"
    Terminal(is_error=True).state("good", words)
    return 0


def _set(home: state.State, api: operating.Api, before: Versioned, prices: PriceList) -> int:
    answer = api.call("PUT", "/prices", prices, version=before.version)
    version = msgspec.json.decode(answer, type=Versioned).version
    words = f"version {version} is in force, {_count(prices)}"
    Terminal(is_error=True).state("good", words)
    return operating.announce(home, api)


def _may(before: Versioned, prices: PriceList, *, is_sure: bool) -> bool:
    """Tell what would change; asks, unless told not to."""
    terminal = Terminal(is_error=True)
    changes = list(_changes(before.prices, prices))
    if not changes:
        terminal.state("unknown", f"nothing differs from version {before.version}")
        return False
    for words in changes[:SHOWN]:
        terminal.line(f"  {words}")
    if len(changes) > SHOWN:
        terminal.line(f"  and {len(changes) - SHOWN} more")
    if is_sure:
        return True
    terminal.line("Type yes to put this list in force:")
    return sys.stdin.readline().strip() == "yes"


def _changes(before: PriceList, after: PriceList) -> Iterator[str]:
    """Yield what differs, a line for each rate."""
    if before.markup_ratio != after.markup_ratio:
        yield f"~ markup_ratio {before.markup_ratio:g} -> {after.markup_ratio:g}"
    for which, old, new in (
        ("price", before.costs, after.costs),
        ("charge", before.charges, after.charges),
    ):
        was, is_now = _by_place(old), _by_place(new)
        for place in sorted(was.keys() | is_now.keys()):
            one, other = was.get(place), is_now.get(place)
            name = f"{which} of {' '.join(part for part in place if part)}"
            if one is None and other is not None:
                yield f"+ {name}: {_amounts(other)}"
            elif other is None and one is not None:
                yield f"- {name}: {_amounts(one)}"
            elif one is not None and other is not None and one != other:
                yield f"~ {name}: {_amounts(one)} -> {_amounts(other)}"


def _by_place(rates: Sequence[Rate]) -> dict[tuple[str, str, str], Rate]:
    return {
        (one.model, one.upstream and f"at {one.upstream}", f"from {one.from_day}"): one
        for one in rates
    }


def _amounts(rate: Rate) -> str:
    said = f"${price_file.amount(rate.input_microusd)} in"
    said += f", ${price_file.amount(rate.output_microusd)} out"
    return said if rate == msgspec.structs.replace(rate, tier_ratios={}) else f"{said}, by tier"


def _count(prices: PriceList) -> str:
    number = len(prices.costs) + len(prices.charges)
    return f"{number:,} rate{'' if number == 1 else 's'}"


def _shipped() -> PriceList:
    return price_file.read(resources.files("penstock.ledger").joinpath("prices.toml").read_text())


def _read(path: Path) -> PriceList:
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > FILE_BYTES_MAX:
        raise StoreError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    try:
        return price_file.read(raw.decode("utf-8"))
    except ValueError as error:  # of TOML, of UTF-8 and of the shapes
        raise StoreError(f"{path} cannot be understood: {error}") from error
