"""Limits and contracts on the command line, and in words: ``--rpm 600 --budget-day 12.50``.

Money is in dollars here and in micro-dollars everywhere else. What is not given stays as it is;
``none`` takes a limit away.
"""

import argparse
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from penstock.config import money
from penstock.config.tenancy import Contract, Limits

NONE: Final = "none"


class _Option(NamedTuple):
    flag: str
    field: str
    metavar: str
    help: str


LIMITS: Final = (
    _Option("--rpm", "requests_per_min", "N", "at most so many requests a minute"),
    _Option("--tpm", "tokens_per_min", "N", "at most so many tokens a minute"),
    _Option("--concurrency", "concurrency", "N", "at most so many exchanges at once"),
    _Option("--budget-day", "budget_day_microusd", "DOLLARS", "at most so much a day of UTC"),
    _Option("--budget-month", "budget_month_microusd", "DOLLARS", "at most so much a month"),
)
CONTRACT: Final = (
    _Option("--contract-tpm", "tokens_per_min", "N", "tokens a minute that are owed to it"),
    _Option("--contract-rpm", "requests_per_min", "N", "requests a minute that are owed to it"),
    _Option("--contract-concurrency", "concurrency", "N", "exchanges at once that are owed to it"),
)
WORDS: Final = {
    "requests_per_min": "{} requests/min",
    "tokens_per_min": "{} tokens/min",
    "concurrency": "{} at once",
    "budget_day_microusd": "${} a day",
    "budget_month_microusd": "${} a month",
}


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add the options of limits."""
    _add(parser.add_argument_group("limits", "beyond them 429; 'none' takes one away"), LIMITS)


def add_contract(parser: argparse.ArgumentParser) -> None:
    """Add the options of a contract."""
    words = "within it served first, beyond it one tier lower; 'none' takes a term away"
    _add(parser.add_argument_group("contract of an enterprise tenant", words), CONTRACT)


def limits_of(args: argparse.Namespace, before: Limits) -> Limits:
    """Return the limits with what the command line changes of them."""
    return msgspec.structs.replace(before, **_given(args, LIMITS))


def contract_of(args: argparse.Namespace, before: Contract | None) -> Contract | None:
    """Return the contract with what the command line changes of it; None if nothing is owed."""
    given = _given(args, CONTRACT)
    if not given:
        return before
    contract = msgspec.structs.replace(before or Contract(), **given)
    return None if contract == Contract() else contract


def words(terms: Limits | Contract | None) -> str:
    """Say what is limited or owed, in one line; empty if nothing is."""
    return ", ".join(_words(terms)) if terms is not None else ""


def count(text: str) -> int | None:
    """Return a number above 0, with or without separators, or None for ``none``."""
    if text == NONE:
        return None
    digits = text.replace(",", "").replace("_", "")
    if not digits.isascii() or not digits.isdigit() or not int(digits):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, nor 'none'")
    return int(digits)


def dollars(text: str) -> int | None:
    """Return micro-dollars above 0 of an amount in dollars, or None for ``none``."""
    if text == NONE:
        return None
    try:
        amount = money.microusd(text.removeprefix("$"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; or 'none'") from error
    if not amount:
        raise argparse.ArgumentTypeError("nothing is no budget: revoke the key, or say 'none'")
    return amount


def _add(group: Any, options: Iterable[_Option]) -> None:
    for option in options:
        group.add_argument(
            option.flag,
            type=dollars if option.metavar == "DOLLARS" else count,
            metavar=option.metavar,
            default=argparse.SUPPRESS,
            help=option.help,
        )


def _given(args: argparse.Namespace, options: Iterable[_Option]) -> dict[str, Any]:
    """Return what was said on the command line, by field."""
    said = vars(args)
    names = {option.flag.removeprefix("--").replace("-", "_"): option.field for option in options}
    return {field: said[name] for name, field in names.items() if name in said}


def _words(terms: Limits | Contract) -> Iterable[str]:
    for field in terms.__struct_fields__:
        value: int | None = getattr(terms, field)
        if value is not None:
            amount = money.dollars(value) if field.endswith("_microusd") else f"{value:,}"
            yield WORDS[field].format(amount)
