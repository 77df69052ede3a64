"""Price lists as text that people edit: TOML in dollars a million tokens, and back; JSON too.

    markup_ratio = 1.2

    [[costs]]                 # what providers take
    model = "claude-sonnet-*"
    input = 3.00
    output = 15.00
    from_day = "2026-01-01"

    [[charges]]               # what tenants pay, where that is not cost times markup_ratio

Names of amounts lose ``_microusd``: dollars outside, micro-dollars inside. Everything else is named
as in ``ledger.book.Rate``. JSON has the same names.
"""

import tomllib
from decimal import Decimal
from typing import Any, Final

import msgspec

from penstock.config import money
from penstock.core.errors import ConfigError, Problem
from penstock.ledger.book import PriceList, Rate

AMOUNTS: Final = ("input", "output", "cached", "cache_write", "reasoning", "request")
UNIT: Final = "_microusd"
LISTS: Final = ("costs", "charges")
TEXT_BYTES_MAX: Final = 200 * 1024  # fits a form; about two thousand rates


def written(prices: PriceList) -> str:
    """Return a list as TOML."""
    lines = [f"markup_ratio = {prices.markup_ratio!r}"]
    for name in LISTS:
        for rate in getattr(prices, name):
            lines += ["", f"[[{name}]]", *_lines(rate)]
    return "\n".join(lines) + "\n"


def read(text: str) -> PriceList:
    """Return the list that a text says; raises ConfigError with what is wrong."""
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise ConfigError([Problem("the text", "is too large", f"at most {TEXT_BYTES_MAX} bytes")])
    table = _table(text)
    problems: list[Problem] = []
    for name in LISTS:
        rates = _tables(table.get(name))
        for at, rate in enumerate(rates):
            problems += _to_microusd(rate, f"{name}[{at}]")
        if rates:
            table[name] = rates
    if problems:
        raise ConfigError(problems)
    try:
        return msgspec.convert(table, PriceList)
    except msgspec.ValidationError as error:
        words, _, place = str(error).partition(" - at `$")
        where = place.rstrip("`").lstrip(".") or "the list"
        remedy = "names are as the text that is here already has them"
        raise ConfigError([Problem(where, words.replace("`", "'"), remedy)]) from error


def _table(text: str) -> dict[str, Any]:
    try:
        if text.lstrip().startswith("{"):
            return msgspec.json.decode(text, type=dict[str, Any])
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, msgspec.MsgspecError) as error:
        problem = Problem("the text", f"is neither TOML nor JSON: {error}", "see toml.io")
        raise ConfigError([problem]) from error


def _tables(value: Any) -> list[dict[str, Any]]:
    """Return the tables of a list, none if it is not one of tables: conversion says so."""
    try:
        return msgspec.convert(value, list[dict[str, Any]])
    except msgspec.ValidationError:
        return []


def _to_microusd(rate: dict[str, Any], place: str) -> list[Problem]:
    """Replace dollars by micro-dollars, in place; return what cannot be."""
    found: list[Problem] = []
    for name in AMOUNTS:
        if name not in rate:
            continue
        raw = rate.pop(name)
        try:
            amount = Decimal(str(raw)) if isinstance(raw, int | float | str) else Decimal("NaN")
            rate[name + UNIT] = money.microusd(amount)
        except (ValueError, ArithmeticError):
            remedy = "write dollars a million tokens, such as 3.00"
            found.append(Problem(f"{place}.{name}", f"{raw!r} is no amount", remedy))
    return found


def _lines(rate: Rate) -> list[str]:
    usual = Rate(model="")
    found = [f"model = {_quoted(rate.model)}"]
    for name in Rate.__struct_fields__[1:]:
        value = getattr(rate, name)
        if value == getattr(usual, name):
            continue
        if name.endswith(UNIT):
            dollars = money.dollars(value).replace(",", "")
            found.append(f"{name.removesuffix(UNIT)} = {dollars}")
        elif name == "tier_ratios":
            ratios = rate.tier_ratios.items()
            inner = ", ".join(f"{_quoted(tier)} = {ratio!r}" for tier, ratio in ratios)
            found.append(f"{name} = {{ {inner} }}")
        else:
            found.append(f"{name} = {_quoted(value)}")
    return found


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")  # JSON may hold it bare
