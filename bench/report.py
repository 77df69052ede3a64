"""The tables: on the terminal, in Markdown, and every sample as JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

from peer import Peer
from results import Goal, Outcome, Summary, failures, void_counts
from rich.console import Console
from rich.table import Table

EXPLANATION = """\
Medians of the rounds that are not void; added latency is the best round minus the best one
without a proxy, gaps and stalls are the worst. "x nginx" compares processor time with that of the
nginx measured just before: for unary, requests per processor second (more is better); for streams,
processor time per event (less is better). A star: every round was void by the rules in
`bench/README.md`, so the figure is only a hint. Req/s and events/s are there to show the load and
are not compared.
"""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    title: str
    test: str
    name: str
    digits: Callable[[float], str]


def plain(digits: int) -> Callable[[float], str]:
    """Return a formatter with so many digits behind the point."""
    return lambda number: f"{number:,.{digits}f}"


def milliseconds(us: float) -> str:
    """Format microseconds as milliseconds."""
    return f"{us / 1e3:.1f}"


UNARY = (
    Column("req/s", "unary", "requests_per_s", plain(0)),
    Column("core busy", "unary", "proxy_share", plain(2)),
    Column("us CPU/req", "unary", "cpu_us", plain(1)),
    Column("x nginx", "unary", "x_nginx", plain(3)),
    Column("added p50 ms", "latency", "added_p50_ms", plain(2)),
    Column("added p99 ms", "latency", "added_p99_ms", plain(2)),
    Column("at req/s", "latency", "requests_per_s", plain(0)),
)
STREAMS = (
    Column("us CPU/event", "paced", "cpu_us", plain(1)),
    Column("x nginx", "paced", "x_nginx", plain(2)),
    Column("p99 ms", "paced", "stamp_p99_us", milliseconds),
    Column("at events/s", "paced", "events_per_s", plain(0)),
    Column("1,000: busy", "thousand", "proxy_share", plain(2)),
    Column("p99 ms", "thousand", "stamp_p99_us", milliseconds),
    Column("gap ms", "thousand", "gap_max_ms", plain(0)),
    Column("stalled", "thousand", "stalls", plain(0)),
    Column("+us translated", "translated", "extra_us", plain(1)),
)
SIZE = (
    Column("listening s", "start", "listening_s", plain(2)),
    Column("idle MB", "start", "rss_mb", plain(0)),
    Column("KB an idle stream", "idle", "kb_per_stream", plain(1)),
    Column("with TLS upstream", "idle_tls", "kb_per_stream", plain(1)),
)
TABLES = (("Unary", UNARY), ("Streams", STREAMS), ("Size", SIZE))


def cell_text(summary: Summary, peer: str, column: Column) -> str:
    """Return one cell: the value, "*" behind it if all rounds were void, "failed", or nothing."""
    cell = summary.get(peer, {}).get(column.test)
    if not cell:
        return ""
    if cell.errors:
        return "failed"
    measured = cell.values.get(column.name)
    if measured is None:
        return ""
    return column.digits(measured) + ("" if cell.valid else "*")


def table(summary: Summary, peers: list[Peer], columns: tuple[Column, ...]) -> list[list[str]]:
    """Return a table as rows of text, the titles first."""
    rows = [["one core", *(column.title for column in columns)]]
    for name, title in [*((peer.name, peer.title) for peer in peers), ("direct", "(no proxy)")]:
        if name in summary:
            rows.append([title, *(cell_text(summary, name, column) for column in columns)])
    return rows


def goal_rows(found: list[Goal]) -> list[list[str]]:
    """Return the goals as rows of text."""
    words = {True: "pass", False: "FAIL", None: "-"}
    rows = [["goal", "measured", "", "note"]]
    return rows + [[g.text, g.measured, words[g.passed], g.note] for g in found]


def markdown_table(rows: list[list[str]]) -> str:
    """Return rows of text as a Markdown table."""
    cells = [[text.replace("|", "/") for text in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def facts_lines(outcome: Outcome) -> list[str]:
    """Say where, when and what was measured."""
    facts = outcome.facts
    lines = [f"{name}: {words(facts.get(name))}" for name in ("date", "commit", "machine", "cores")]
    lines.append(f"rounds: {facts.get('rounds')}" + (" (quick)" if facts.get("is_quick") else ""))
    lines.append(f"versions: {words(facts.get('versions'))}")
    lines.append(f"configurations: {words(facts.get('configurations'))}")
    missing = "; ".join(f"{name} ({why})" for name, why in outcome.missing.items())
    lines.append(f"could not be had: {missing or 'none'}")
    return lines


def words(value: object) -> str:
    """Return a value as a reader wants to see it."""
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        return ", ".join(f"{name} {inner}" for name, inner in pairs.items())
    return str(value)


def write_json(outcome: Outcome, path: Path, found: list[Goal] | None = None) -> None:
    """Write every sample and, at the end, the goals."""
    record = outcome.facts | {
        "missing": outcome.missing,
        "goals": [asdict(goal) for goal in found or []],
    }
    samples = [json.dumps(rounded(asdict(sample))) for sample in outcome.samples]
    head = json.dumps(record, indent=1).removesuffix("\n}")
    text = head + ',\n "samples": [\n  ' + ",\n  ".join(samples) + "\n ]\n}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.rename(path)


def rounded(value: object) -> object:
    """Return a structure with its numbers cut to six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        return {name: rounded(inner) for name, inner in pairs.items()}
    return value


def write_markdown(outcome: Outcome, summary: Summary, found: list[Goal], path: Path) -> None:
    """Write the tables as a page."""
    parts = ["# Benchmark", "\n".join(f"- {line}" for line in facts_lines(outcome)), EXPLANATION]
    parts += ["## Goals", markdown_table(goal_rows(found))]
    for title, columns in TABLES:
        parts += [f"## {title}", markdown_table(table(summary, outcome.peers, columns))]
    for title, lines in (("Failures", failures(summary)), ("Void", void_counts(summary))):
        if lines:
            parts += [f"## {title}", "\n".join(f"- {line}" for line in lines)]
    path.write_text("\n\n".join(part.strip() for part in parts) + "\n")


def print_table(title: str, rows: list[list[str]], console: Console) -> None:
    """Print rows of text as a table."""
    shown = Table(title=title, title_justify="left")
    for index, name in enumerate(rows[0]):
        shown.add_column(name, justify="left" if index == 0 else "right", no_wrap=index == 0)
    for row in rows[1:]:
        shown.add_row(*row)
    console.print(shown)


def print_report(outcome: Outcome, summary: Summary, found: list[Goal], console: Console) -> None:
    """Print everything that a reader wants to see at the end."""
    for line in facts_lines(outcome):
        console.print(line, highlight=False)
    for title, columns in TABLES:
        print_table(title, table(summary, outcome.peers, columns), console)
    print_table("goals", goal_rows(found), console)
    for line in [*failures(summary), *void_counts(summary)]:
        console.print(line, highlight=False)
