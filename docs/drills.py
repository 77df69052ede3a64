"""The page of the drill file's format.

It comes from the structs of the file, the comments beside their fields, and the tables of what each
word does in a drill.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from paper import page, table

from penstock.sim.clients import HABITS
from penstock.sim.drills import (
    expect,
    reading,
    shapes,
    surfaces,
    terms,
    traffic,
    vocabulary,
    written,
)
from penstock.sim.drills.numbers import CHOSEN_RATIO
from penstock.sim.drills.script import AT_PROVIDER

EXAMPLE: Final = Path(__file__).with_name("drill.toml")
EXPECTED: Final = Path(__file__).with_name("expect.toml")
FIGURES: Final = (
    ("of calls", shapes.Counts, "arm, place, tier, window, view"),
    ("of bills", shapes.Bill, "arm, tier"),
    ("of the ledger beside the providers' counts", shapes.Reckoning, "arm"),
    ("of who knew when, in seconds after it failed", shapes.Seen, "component"),
)
TABLES: Final[tuple[tuple[str, type[msgspec.Struct]], ...]] = (
    ("[[drills]]", written.WrittenDrill),
    ("[[drills.phases]]", written.WrittenPhase),
    ("[[drills.traffic]]", traffic.Traffic),
    ("[drills.impact.TIER]", terms.TierTerms),
    ("[[drills.waves]]", terms.Wave),
    ("[drills.user_reports]", written.WrittenReports),
)
SHAPES: Final = (
    ("constant", "none", "as they are"),
    ("ramp", "from, to, over_s", (
        "`from` times the share until `over_s` before the end, then linearly to `to` times; "
        "without `over_s` from the start on")),
    ("flap", "on_s, off_s", "full for `on_s`, nothing for `off_s`, over and over"),
    ("alternate", "slot_s", "one kind at a time, in turns of `slot_s` (none: 30 s when played)"),
)  # fmt: skip
PLACES: Final = {
    surfaces.CHAT: "the chat",
    surfaces.LOGIN: "the chat's log-in",
    surfaces.CONSOLE: "the console",
}


def drill_file() -> str:
    """Return the page."""
    return page(
        "The drill file",
        "A drill is an outage, real or invented, that is replayed: `penstock drill FILE`. "
        "`penstock drill check FILE` says everything that is wrong with a file, and what of it "
        "would not be replayed; `penstock drill show FILE` says which seconds are played. The "
        "shipped outages have the first format (`penstock-drills/1`, JSON), which stays readable; "
        "write the second, as TOML or JSON.",
        f"~~~toml\n{EXAMPLE.read_text(encoding='utf-8').rstrip()}\n~~~",
        "## Tables",
        "The head is `schema` and `drills`. Times are seconds since `begins` (`start_s`), or "
        "instants with a zone (`start`); a phase has one of each pair. Shares of one surface add "
        "up, over phases that run together, too. What is in `faults` counts as known, what is in "
        "`assumed` is labelled as assumed wherever it is shown; what nobody gave is carried over "
        f"from the phase before, or {CHOSEN_RATIO:.0%} is chosen and told.",
        *_tables(),
        "## Shapes\n\nHow the shares of a phase move over its time.",
        table(["kind", "fields", "what it does"], SHAPES),
        "## Kinds of faults\n\nWhat each is in the file, and at an emulated provider. At the chat, "
        "the log-in and the console they strike in front of our own process.",
        table(
            ["kind", "what it is", "emulated as"],
            [
                [f"`{kind}`", words, f"`{AT_PROVIDER[kind].value}`" if kind in AT_PROVIDER else ""]
                for kind, words in vocabulary.FAULT_KINDS.items()
            ],
        ),
        "## Surfaces\n\nWhat each is in a drill. What is not replayed is listed in the report.",
        table(["surface", "what it is", "in a drill"], _surfaces()),
        "## Providers",
        table(
            ["provider", "emulated"],
            [[f"`{name}`", ", ".join(found)] for name, found in surfaces.PROVIDERS.items()],
        ),
        *_traffic(),
        "## What it costs, in a file of its own",
        "`--impact FILE` states, in place of the drill, what an outage costs: the tables are those "
        "of `[drills.impact.TIER]`, named by the tier alone, such as `[enterprise]`.",
        "## What must hold",
        "`--expect FILE` says what a result must show beside our own invariants; what is not as "
        "expected ends the command with status 1. `--junit FILE` writes all checks for CI.",
        f"~~~toml\n{EXPECTED.read_text(encoding='utf-8').rstrip()}\n~~~",
        _table("[[expect]]", expect.Expectation),
        "The figures there are; a truth is 1 or 0:",
        table(["figures", "told apart by", "names"], _figures()),
    )


def _traffic() -> tuple[str, ...]:
    return (
        "## Traffic",
        (
            "Without `[[drills.traffic]]` the mix is this one; the same arrivals, lengths and "
            "people meet every arm of a drill."
        ),
        table(
            ["name", "tier", "place", "calls a second", "client", "route", "turns"],
            [
                [f"`{x.name}`", x.tier, x.place, f"{x.per_s:g}", x.client, x.route, str(x.turns)]
                for x in traffic.DEFAULT_TRAFFIC
            ],
        ),
        "A route is a model of each provider:",
        table(
            ["route", *surfaces.EMULATED],
            [[f"`{name}`", *models.values()] for name, models in traffic.MODELS.items()],
        ),
        f"Clients are {', '.join(f'`{one}`' for one in HABITS)}: see `penstock.sim.clients`.",
    )


def _figures() -> Iterator[list[str]]:
    for title, kind, by in FIGURES:
        names = sorted(reading.FIELDS[kind])
        if kind is shapes.Counts:
            names = [*reading.RATIOS, *names, *(f"{one}:NAME" for one in reading.PARTS)]
        yield [title, by, ", ".join(f"`{one}`" for one in names)]


def _tables() -> Iterator[str]:
    for title, kind in TABLES:
        yield _table(title, kind)


def _table(title: str, kind: type[msgspec.Struct]) -> str:
    why = _comments(kind)
    rows = [
        [f"`{one.name}`", _words(one.type), _default(one), why[one.name]]
        for one in msgspec.structs.fields(kind)
        if one.name not in {"phases", "traffic", "impact", "waves", "user_reports"}
    ]
    doc = inspect.getdoc(kind) or ""
    return f"### `{title}`\n\n{doc}\n\n{table(['field', 'type', 'default', 'what'], rows)}"


def _comments(kind: type[msgspec.Struct]) -> dict[str, str]:
    source = inspect.getsource(kind)
    lines = source.splitlines()
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        ast.unparse(one.target): " ".join(
            words
            for line in lines[one.lineno - 1 : one.end_lineno]
            if (words := line.partition("  # ")[2])
        )
        for one in body.body
        if isinstance(one, ast.AnnAssign)
    }


def _words(kind: Any) -> str:
    """Return a type as people say it, with its bounds."""
    meta = next((one for one in get_args(kind) if isinstance(one, msgspec.Meta)), None)
    if meta is not None:
        return " ".join(filter(None, (_words(get_args(kind)[0]), _bounds(meta))))
    text = str(kind)
    if "Literal" in text:
        return ", ".join(f"`{one}`" for one in get_args(kind) if one)
    for name, words in (
        ("bool", "truth"), ("dict", "table"), ("tuple", "list"), ("datetime", "instant"),
        ("float", "number"), ("int", "whole number"), ("str", "text"),
    ):  # fmt: skip
        if name in text:
            return words
    return text


def _bounds(meta: msgspec.Meta) -> str:
    if meta.pattern:
        return f"`{meta.pattern}`"
    low = f"from {meta.ge:g}" if meta.ge is not None else ""
    low = f"above {meta.gt:g}" if meta.gt is not None else low
    return " ".join(filter(None, (low, f"to {meta.le:g}" if meta.le is not None else "")))


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else None
    return "" if value in (None, (), "", {}) else f"`{value}`"


def _surfaces() -> Iterator[list[str]]:
    for name, words in vocabulary.SURFACES.items():
        found = surfaces.meaning("anthropic", "model:opus-5" if name == "model" else name)
        places = [
            PLACES.get(one.place, "the emulated provider, or the models of that name")
            for one in found.targets
        ]
        yield [f"`{name}`", words, ", ".join(places) or f"not replayed: {found.why}"]
