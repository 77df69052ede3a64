"""Fault scripts as people write them: documents and headers, read with all problems at once.

    document   ``{"rules": [{"kind": "http_529", "provider": "claude", "share_ratio": 0.3}, ...]}``
    header     ``http_529;retry_after_s=3``: a kind and its parameters, no whom or when

Rule 1: every field stands in one of three tables, which say what it may hold.
Rule 2: a document with any problem gives no script at all, never half of one.
Rule 3: a problem names the field, what it holds and what would be right.

Pure: documents come decoded, from JSON or TOML.
"""

import enum
import math
import types
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final, cast

from penstock.core.fault import (
    ANY,
    Fault,
    FaultKind,
    FaultRule,
    FaultScript,
    Flavour,
    Requests,
    Shape,
)

RULES_MAX: Final = 1_000  # the longest drill on record has 31 phases
SPAN_MAX_S: Final = 31 * 86_400.0  # a month: longer than any outage that we replay

_NUMBERS: Final[Mapping[str, tuple[float, float]]] = types.MappingProxyType(
    {
        "share_ratio": (0.0, 1.0),
        "start_s": (0.0, SPAN_MAX_S),
        "end_s": (0.0, SPAN_MAX_S),
        "from_ratio": (0.0, 1.0),
        "to_ratio": (0.0, 1.0),
        "over_s": (0.001, SPAN_MAX_S),
        "period_s": (0.001, SPAN_MAX_S),
        "duty_ratio": (0.0, 1.0),
        "delay_s": (0.0, 86_400.0),
        "after_events": (0, 1_000_000),
        "retry_after_s": (0.0, 5_000_000.0),  # one SDK caps at 49 days: let it be tried
        "status": (400, 599),
        "write_bytes": (1, 65_536),
    }
)
_WHOLE_NUMBERS: Final = frozenset(("after_events", "status", "write_bytes"))
_WORDS: Final[Mapping[str, type[enum.StrEnum]]] = types.MappingProxyType(
    {
        "kind": FaultKind,
        "shape": Shape,
        "flavour": Flavour,
        "requests": Requests,
    }
)
_OF_FAULT: Final = frozenset((
    "kind", "status", "delay_s", "after_events", "retry_after_s", "flavour", "write_bytes",
))  # fmt: skip
_TEXTS: Final = frozenset(("provider", "model"))
_FIELDS: Final = (*_WORDS, *_TEXTS, *_NUMBERS)
_TEXT_MAX: Final = 200


def read_script(
    document: object, providers: Collection[str], models: Collection[str] = ()
) -> tuple[FaultScript, list[str]]:
    """Return the script in a decoded JSON or TOML document, and all that is wrong with it.

    The document is ``{"rules": [...]}``. The script is empty if there is any problem; each problem
    names the field and says what would be right. ``models`` empty: any glob will do.
    """
    if not isinstance(document, dict):
        return FaultScript(), ['the script must be an object: {"rules": [...]}']
    script = cast("dict[object, object]", document)
    problems = [f"{name}: unknown; the only field is rules" for name in script if name != "rules"]
    entries = script.get("rules")
    if not isinstance(entries, list):
        return FaultScript(), [*problems, "rules: must be a list of rules, and may be empty"]
    listed = cast("list[object]", entries)
    if len(listed) > RULES_MAX:
        return FaultScript(), [*problems, f"rules: {len(listed)} are too many; {RULES_MAX} at most"]
    rules: list[FaultRule] = []
    for at, entry in enumerate(listed):
        rule, found = read_rule(entry, f"rules[{at}]", providers, models)
        problems += found
        if rule is not None:
            rules.append(rule)
    return FaultScript(() if problems else tuple(rules)), problems


def read_rule(
    entry: object, at: str, providers: Collection[str], models: Collection[str] = ()
) -> tuple[FaultRule | None, list[str]]:
    """Return one rule, or None and all that is wrong with it; ``at`` is its place, for the text."""
    if not isinstance(entry, dict):
        return None, [f"{at}: must be an object with at least a kind"]
    fields = cast("dict[str, object]", entry)
    problems = [
        f"{at}.{name}: {problem}"
        for name, value in fields.items()
        if (problem := _problem(name, value)) is not None
    ]
    if "kind" not in fields:
        problems.append(f"{at}.kind: missing; say what is to go wrong, for instance http_529")
    if problems:
        return None, problems
    problems = _contradictions(fields, at, providers, models)
    return (None, problems) if problems else (_build(fields), [])


def read_header(value: str) -> tuple[Fault | None, list[str]]:
    """Return the fault in ``KIND[;parameter=value...]``, or None and all that is wrong with it."""
    kind, *parts = (part.strip() for part in value.split(";"))
    fields: dict[str, object] = {"kind": kind}
    problems: list[str] = []
    for part in parts:
        name, equals, text = part.partition("=")
        if not equals or name not in _OF_FAULT or name == "kind":
            allowed = ", ".join(sorted(_OF_FAULT - {"kind"}))
            problems.append(f"{part!r}: not a parameter; write name=value, with one of {allowed}")
        else:
            fields[name] = text if name in _WORDS else _number(text)
    rule, found = read_rule(fields, "fault", ())
    if problems or rule is None:
        return None, problems + found
    return rule.fault, []


def _number(text: str) -> float | int | str:
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text  # and the check of the field says what would be right


def _problem(name: str, value: object) -> str | None:
    if name in _WORDS:
        words = [word.value for word in _WORDS[name]]
        return None if value in words else f"{value!r} is unknown; it may be {', '.join(words)}"
    if name in _TEXTS:
        is_good = isinstance(value, str) and 0 < len(value) <= _TEXT_MAX
        return None if is_good else f"must be a text of 1 to {_TEXT_MAX} characters"
    if name not in _NUMBERS:
        return f"unknown; the fields are {', '.join(_FIELDS)}"
    low, high = _NUMBERS[name]
    kinds = int if name in _WHOLE_NUMBERS else (int, float)
    if isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high:
        return None
    whole = "whole " if name in _WHOLE_NUMBERS else ""
    return f"{value!r} is not a {whole}number from {low:g} to {high:g}"


def _contradictions(
    fields: Mapping[str, object], at: str, providers: Collection[str], models: Collection[str]
) -> list[str]:
    """Check what no field shows alone."""
    problems: list[str] = []
    provider = fields.get("provider", ANY)
    if providers and provider not in {ANY, *providers}:
        known = ", ".join((*providers, ANY))
        problems.append(f"{at}.provider: {provider!r} is unknown; it may be {known}")
    model = str(fields.get("model", ANY))
    if models and not any(fnmatchcase(known, model) for known in models):
        problems.append(f"{at}.model: {model!r} matches none of {', '.join(models)}")
    start_s, end_s = (float(cast("float", fields.get(n, d))) for n, d in _SPAN)
    if end_s <= start_s:
        problems.append(f"{at}.end_s: {end_s:g} is not after start_s, {start_s:g}")
    if fields.get("shape") == Shape.RAMP and "end_s" not in fields:
        problems.append(f"{at}.end_s: missing; a ramp needs an end to lead to")
    return problems


_SPAN: Final[Sequence[tuple[str, float]]] = (("start_s", 0.0), ("end_s", math.inf))


def _build(fields: Mapping[str, object]) -> FaultRule:
    values = {name: _WORDS[name](value) if name in _WORDS else value
              for name, value in fields.items()}  # fmt: skip
    of_fault = {name: value for name, value in values.items() if name in _OF_FAULT}
    of_rule = {name: value for name, value in values.items() if name not in _OF_FAULT}
    fault = Fault(**cast("dict[str, Any]", of_fault))
    return FaultRule(fault=fault, **cast("dict[str, Any]", of_rule))
