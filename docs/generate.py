"""Write ``docs/reference/`` from the code, or compare it with the code (``--check``).

What is described twice is wrong once: settings come from the configuration's structs and the
comments beside them, errors from their classes, failures from their rules, commands from their
parsers, metrics from their declarations; what clients see was measured (``make clients-measure``).
"""

import argparse
import ast
import enum
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import msgspec
from calls import api, chat_api, status_api
from drills import drill_file
from paper import NOTE, page, table

from penstock.cli import drill
from penstock.cli.main import COMMANDS
from penstock.config import chatting, load, model, operations, watching
from penstock.config.discover import PROVIDERS
from penstock.config.model import Config, ModelOverrides, Struct, TimeoutOverrides
from penstock.core import errors, outcome
from penstock.core.errors import PenstockError
from penstock.core.outcome import RULES, FailureKind, Next, Verdict
from penstock.dialects import families, pairs
from penstock.dialects.registry import DIALECTS

UNSET_WORDS: Final[dict[type[Struct], str]] = {
    TimeoutOverrides: "as `[timeouts]`",
    ModelOverrides: "as the table",
}
FOLDER: Final = Path(__file__).with_name("reference")
SEEN: Final = Path(__file__).parents[1] / "tests" / "clients" / "seen.json"
NO_OPTIONS: Final = "No options."
GATEWAY: Final = "http://127.0.0.1:8400"
METRICS: Final = "penstock.telemetry.metrics"
WITHIN: Final = {  # commands with a parser of their own
    "simulate": ("penstock.cli.watching",),
    "drill": tuple(
        module for module, _ in drill.COMMANDS.values() if importlib.util.find_spec(module)
    ),
}
VERDICTS: Final = {
    Verdict.HEALTHY: "counts as a success",
    Verdict.NONE: "no verdict",
    Verdict.HALF: "half a failure",
    Verdict.ONE: "a failure",
    Verdict.OPENS: "opens it at once",
}
THEN: Final = {
    Next.NOWHERE: "nowhere",
    Next.LARGER_CONTEXT: "an upstream with a larger context",
    Next.ELSEWHERE: "another upstream",
    Next.ELSEWHERE_OR_REPEAT: "another upstream, or the same again",
    Next.REPEAT: "the same upstream again",
}


def reasons() -> dict[tuple[str, str], str]:
    """Return the comment beside each field of the configuration's structs."""
    found: dict[tuple[str, str], str] = {}
    for module in (model, operations, watching, chatting):
        source = inspect.getsource(module)
        lines = source.splitlines()
        found |= {
            (node.name, ast.unparse(field.target)): lines[field.lineno - 1].partition("  # ")[2]
            for node in ast.parse(source).body
            if isinstance(node, ast.ClassDef)
            for field in node.body
            if isinstance(field, ast.AnnAssign)
        }
    return found


def sections(kind: type[Struct], place: str, *, is_list: bool) -> Iterator[str]:
    """Yield a part for each table of the file, the outer ones first."""
    why = reasons()
    rows: list[list[str]] = []
    inner: list[tuple[type[Struct], str, bool]] = []
    for field in msgspec.structs.fields(kind):
        structs = [one for one in (field.type, *get_args(field.type)) if is_struct(one)]
        name = f"{place}.{field.name}" if place else field.name
        if structs:
            is_named = get_origin(field.type) is dict
            name += ".NAME" if is_named else ""
            inner.append((structs[0], name, not is_named and structs[0] is not field.type))
            continue
        reason = why[kind.__name__, field.name]
        rows.append([f"`{field.name}`", type_words(field.type), default_words(kind, field), reason])
    doc = inspect.getdoc(kind) or ""
    if rows:
        title = f"## `[[{place}]]`" if is_list else f"## `[{place}]`"
        yield f"{title}\n\n{doc}\n\n{table(['setting', 'type', 'default', 'why'], rows)}"
    for struct, name, is_inner_list in inner:
        yield from sections(struct, name, is_list=is_inner_list)


def is_struct(kind: Any) -> bool:
    """Tell whether a type is a table of the file."""
    return isinstance(kind, type) and issubclass(kind, Struct)


def type_words(kind: Any) -> str:
    """Return a field's type as people say it."""
    for one in (kind, *get_args(kind)):
        if isinstance(one, type) and issubclass(one, enum.Enum):
            choices = ", ".join(f"`{member.value}`" for member in one)
            return f"list of {choices}" if get_origin(kind) is tuple else choices
    plain = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    if kind in plain:
        return plain[kind]
    return {
        "dict[str, str]": "table of text",
        "tuple[str, ...]": "list of text",
        "tuple[str, ...] | None": "list of text",
        "tuple[float, float, float, float, float]": "list of 5 numbers",
        "tuple[int, int]": "list of 2 whole numbers",
        "float | None": "number",
        "int | None": "whole number",
        "bool | None": "true or false",
    }[str(kind)]


def default_words(kind: type[Struct], field: msgspec.structs.FieldInfo) -> str:
    """Return a field's default as it stands in a file."""
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None:
        return UNSET_WORDS.get(kind, "none")
    if isinstance(value, enum.Enum):
        value = value.value
    value = list(value) if isinstance(value, tuple) else value
    return f"`{msgspec.json.encode(value).decode()}`"


def settings() -> str:
    """Return the page of all settings."""
    variables = [[f"`{name}`", words] for name, words in load.SETTINGS.items()]
    variables += [
        [f"`{one.variable}`", f"Found by `penstock up` without a file: serves `{one.pattern}`."]
        for one in PROVIDERS
    ]
    return page(
        "Settings",
        "`penstock.toml`, table by table. Times are seconds, sizes bytes, shares 0 to 1. "
        "`penstock check` says what is wrong with a file, all at once.",
        *sections(Config, "", is_list=False),
        f"## Environment\n\n{table(['variable', 'meaning'], variables)}",
    )


def error_classes() -> list[type[PenstockError]]:
    """Return all classes of errors, in the order of the source."""
    return [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, PenstockError)
    ]


def refusal_rows() -> list[list[str]]:
    """Return what each dialect says of a refusal: its status, and the word that names it."""
    cases: dict[str, PenstockError] = {
        "over a limit of one's own": errors.LimitError(
            "t", "requests_per_min", 60, 0, retry_after_s=1.0
        )
    }
    cases |= {
        f"`{code}`": errors.ShedError("full", retry_after_s=1.0, code=code) for code in errors.SHED
    }
    return [
        [
            case,
            *(
                f"{dialect.status_of(error)} `{error_word(dialect.error_body(error, ''))}`"
                for dialect in DIALECTS.values()
            ),
        ]
        for case, error in cases.items()
    ]


def error_word(body: bytes) -> str:
    """Return the word of an envelope that clients of its dialect look at."""
    error: dict[str, Any] = msgspec.json.decode(body)["error"]
    if "status" in error:
        return str(error["status"])
    return str(error["code"] if "code" in error else error["type"])


def errors_page() -> str:
    """Return the page of what callers and operators are told."""
    rows = [
        [
            f"`{one.code}`",
            str(one.status),
            (inspect.getdoc(one) or "").partition("\n")[0],
            one.remedy,
        ]
        for one in error_classes()
    ]
    shed = [[f"`{code}`", words] for code, words in errors.SHED.items()]
    exhausted = [[str(status), f"`{code}`"] for status, code in errors.EXHAUSTED_CODES.items()]
    exhausted.append(["as sent", f"`{errors.TRANSLATION_CODE}`: only a translation was refused"])
    return page(
        "Errors",
        "What an answer that is an error says: its status, a `code` that stays the same over "
        "versions, and what to do. An error may bring a narrower status and code with it.",
        table(["code", "status", "what it means", "what to do"], rows),
        "## No room\n\nWho is refused for want of capacity, or for a limit of its own, is told "
        "when to come back: `Retry-After` is 1 to 60 seconds, a longer wait stands in "
        "`x-penstock-wait-estimate-s` beside `x-should-retry: false`. `x-penstock-shed-reason` "
        "names the code, or the limit. Over a limit of requests or tokens a minute, OpenAI's and "
        "Anthropic's clients also get their own rate-limit headers. `preempted` brings "
        "`x-penstock-preempted: true`.",
        table(["what", *DIALECTS], refusal_rows()),
        table(["code of a shed exchange", "why"], shed),
        "When every upstream has failed, the last failure decides ([failures](failures.md)):",
        table(["status", "code"], exhausted),
    )


def failures() -> str:
    """Return the page of the kinds of failure."""
    head = (outcome.__doc__ or "").splitlines()
    begin = next(line.index("what happened") for line in head if "what happened" in line)
    end = next(line.index("breaker") for line in head if "what happened" in line)
    words = {line.split()[0]: line[begin:end].strip() for line in head if line.startswith("    ")}
    rows = [
        [
            f"`{kind.value}`",
            words[kind.name],
            VERDICTS[RULES[kind].verdict],
            THEN[RULES[kind].then],
            str(RULES[kind].exhausted_status or "as sent"),
        ]
        for kind in FailureKind
    ]
    return page(
        "Failures",
        "What can go wrong with one attempt at one upstream. The kind is decided once; all that "
        "reacts, reacts to it. `failover_on` of a route takes these names.",
        table(["kind", "what happened", "circuit breaker", "goes on to", "if all fail"], rows),
    )


class Collector(argparse.HelpFormatter):
    """Takes what a parser would print, so that the page is the same for every Python."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self.found: list[argparse.Action] = []

    def add_argument(self, action: argparse.Action) -> None:
        """Keep one option or argument."""
        if action.dest != "help":
            self.found.append(action)

    def format_help(self) -> str:
        """Return its rows."""
        rows = [option_row(one) for one in self.found if not isinstance(one.choices, dict)]
        return table(["option", "meaning"], rows) if rows else NO_OPTIONS


def option_row(action: argparse.Action) -> list[str]:
    """Return how one option is written, and what it means."""
    value = str(action.metavar or action.dest.upper())
    if action.choices:
        value = f"{{{','.join(map(str, action.choices))}}}"
    takes = "" if action.nargs == 0 else f" {value}"
    name = ", ".join(action.option_strings) + takes if action.option_strings else action.dest
    return [f"`{name}`", (action.help or "") % vars(action)]


def commands() -> str:
    """Return the page of all commands."""
    parts: list[str] = []
    for name, (module, words) in COMMANDS.items():
        parser: argparse.ArgumentParser = importlib.import_module(module).build_parser()
        said = (parser.description or words).replace("<", "&lt;")
        parts.append(f"## `penstock {name}`\n\n{said}")
        parts += command_parts(parser)
        for inner in WITHIN.get(name, ()):
            parser = importlib.import_module(inner).build_parser()
            parts.append(f"### `{parser.prog}`\n\n{parser.description}")
            parts += command_parts(parser)
    return page("Commands", "`penstock COMMAND -h` says the same in the terminal.", *parts)


def command_parts(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the options of a parser, then those of the commands within it."""
    formatter = Collector(parser.prog)

    def collect(prog: str) -> Collector:
        assert prog == parser.prog
        return formatter

    parser.formatter_class = collect
    text = parser.format_help()
    nested = [one.choices for one in formatter.found if isinstance(one.choices, dict)]
    if not nested or text != NO_OPTIONS:
        yield text
    for choices in nested:
        for name, inner in choices.items():
            yield f"### `{parser.prog} {name}`"
            yield from command_parts(inner)


def metrics() -> str:
    """Return the page of all metrics."""
    rows = [
        [f"`{one.name}`", str(one.kind), ", ".join(f"`{label}`" for label in one.labels), one.help]
        for one in importlib.import_module(METRICS).METRICS
    ]
    return page(
        "Metrics",
        "At `/metrics` of the admin port, in the Prometheus format.",
        table(["metric", "kind", "labels", "meaning"], rows),
    )


def capabilities() -> str:
    """Return the page of what models accept."""
    head = ["", *(f"`{name}`" for name in families.Capability.__struct_fields__)]
    tables: dict[str, dict[str, families.Capability]] = {
        "Claude, in `anthropic_messages`": families.CLAUDES
        | {"other Claude": families.UNKNOWN_CLAUDE, "any other": families.IMITATED_CLAUDE},
        "OpenAI's dialect without `engine`": families.OPENAIS
        | {"any other": families.ENGINES[families.Engine.OTHER]},
        "OpenAI's dialect, by `engine`": {
            engine.value: row for engine, row in families.ENGINES.items()
        },
        "Gemini, in its own dialect": families.GEMINIS | {"any other": families.UNKNOWN_GEMINI},
    }
    parts: list[str] = []
    for title, rows in tables.items():
        cells = [[f"`{name}`", *cells_of(row)] for name, row in rows.items()]
        parts.append(f"## {title}\n\n{table(head, cells)}")
    return page(
        "Capabilities",
        "What models accept, as far as we know. A name belongs to the longest family that it "
        "begins with; a version that is not here is asked for no more than all accept. "
        "[`[upstreams.models.NAME]`](settings.md) says otherwise for one upstream, and "
        "`penstock probe` measures it. 0: not known.",
        *parts,
    )


def cells_of(row: families.Capability) -> Iterator[str]:
    """Yield a row's values as people read them."""
    for value in msgspec.structs.astuple(row):
        if isinstance(value, bool):
            yield "yes" if value else "no"
        elif isinstance(value, enum.Enum):
            yield str(value.value)
        elif isinstance(value, tuple):
            yield ", ".join(msgspec.convert(value, tuple[str, ...])) or "none"
        else:
            yield str(value)


def clients() -> str:
    """Return the page of clients that were measured."""
    rows: dict[str, Any] = msgspec.json.decode(SEEN.read_bytes())
    streams = [row for row in rows.values() if row["is_stream"]]
    wholes = [row for row in rows.values() if not row["is_stream"]]
    set_up = sorted({
        (
            row["title"],
            ", ".join(f"{name} {version}" for name, version in row["versions"].items()),
            f"`{row['setting']}`",
            f"`{row['dialect']}`",
            f"`{GATEWAY}{row['base']}`",
            f"`{GATEWAY}{row['prefixed']}`",
        )
        for row in rows.values()
    })  # fmt: skip
    head = ["client", "tried with", "setting", "dialect", "base URL", "or"]
    after = {
        "stall": "silence", "cut": "connection cut", "clean_end": "end without terminator",
        "error_event": "error event", "malformed": "damaged event",
    }  # fmt: skip
    before = {"overloaded": "overloaded", "rate_limited": "rate limit", "reset": "reset"}
    return page(
        "Clients",
        "These need a base URL and a key, and no other change. `make clients` runs each of them, "
        "streamed and not, in every dialect that it speaks, through a gateway over stand-ins that "
        "fail in every way below; no one may take half an answer for a whole one. What stands here "
        "was measured by it; `make clients-measure` measures anew.",
        f"## Set-up\n\n{table(head, set_up)}",
        "## A stream that breaks\n\nWhat its user sees where nothing can hide the break: text has "
        "come, the only upstream fails as the column says, and `on_break` is `error`.\n\n"
        + table(["client", "call", *after.values()], sight_rows(streams, after)),
        "## A failure before any content\n\nThe same for what could be no answer at all: the only "
        "upstream failed, and so did the repeat. An answer that is not streamed and breaks midway "
        "(silence: `504`, else `502`) is told in the same way.\n\n"
        + table(["client", "call", *before.values()], sight_rows(streams + wholes, before)),
    )


def sight_rows(rows: Iterable[dict[str, Any]], columns: Iterable[str]) -> list[list[str]]:
    """Return what was seen, call by call."""
    return [
        [row["title"], f"`{row['way']}`", *(sight(row["sees"][name]) for name in columns)]
        for row in rows
    ]


def sight(seen: dict[str, Any]) -> str:
    """Return an error as people read it."""
    words = [f"`{str(seen['error']).rpartition('.')[2]}`"]
    words += [str(seen["status"])] if "status" in seen else []
    words += [f"`{seen['code']}`"] if "code" in seen else []
    return " ".join(words) + "".join(f", after the event `{one}`" for one in seen.get("events", ()))


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    made = {
        "settings.md": settings(),
        "errors.md": errors_page(),
        "failures.md": failures(),
        "cli.md": commands(),
        "api.md": api(),
        "status-api.md": status_api(),
        "chat-api.md": chat_api(),
        "capabilities.md": capabilities(),
        "clients.md": clients(),
        "drill-file.md": drill_file(),
        "dialects.md": f"{NOTE}\n\n{pairs.render()}",
    }
    if importlib.util.find_spec(METRICS):
        made["metrics.md"] = metrics()
    return made


def main() -> int:
    """Write or compare; 1 if a page differs from the code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    is_check = parser.parse_args().check
    different: list[str] = []
    for name, text in pages().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            different.append(name)
            if not is_check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if is_check and different:
        sys.stdout.write(f"docs/reference is not what the code says: {', '.join(different)}\n")
        sys.stdout.write("Run 'make docs' and commit the result.\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
