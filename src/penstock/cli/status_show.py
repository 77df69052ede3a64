"""``penstock status show`` and ``reports``: what the watch says, what is open, what people say."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from typing import Final

import msgspec
from rich.text import Text

from penstock.cli import columns
from penstock.cli.columns import Column
from penstock.cli.status_api import Adding, Api
from penstock.cli.terminal import SHAPES, Terminal
from penstock.web import moments
from penstock.wire import clock

STATES: Final[dict[str, tuple[str, str]]] = {  # shape, words
    "operational": ("good", "operational"),
    "degraded_performance": ("degraded", "degraded"),
    "partial_outage": ("partial", "partial outage"),
    "major_outage": ("bad", "major outage"),
    "under_maintenance": ("work", "maintenance"),
    "unknown": ("unknown", "not known"),
}
VERDICTS: Final = {"none": "unknown", "possible": "degraded", "problem": "bad"}
WIDTH: Final = 80  # of what is no terminal
FAILING: Final = ("bad", "partial", "degraded")  # the worse before the better
NAMED_MAX: Final = 3  # components in the first line


class Evidence(msgspec.Struct):
    """One kind of evidence."""

    kind: str
    words: str
    weight: float


class Verdict(msgspec.Struct):
    """What the watch says of a component."""

    name: str
    verdict: str
    shown_state: str
    culprit: str
    culprit_name: str
    reasons: list[str]
    evidence: list[Evidence]
    carried_by: str = ""


class Open(msgspec.Struct):
    """An incident that is not over."""

    id: str
    name: str
    status: str
    impact: str
    origin: str
    is_draft: bool
    is_taken_over: bool
    started_unix_s: float


class Report(msgspec.Struct):
    """One report of a person."""

    id: int
    name: str
    at_unix_s: float
    category: str
    words: str
    is_hidden: bool


class Reports(msgspec.Struct):
    """A part of the reports."""

    items: list[msgspec.Raw]


class Count(msgspec.Struct):
    """How many reports a component had in the last hour."""

    name: str
    votes_hour: int
    networks_hour: int


def add_to(add: Adding) -> None:
    """Add the commands of this module."""
    show = add("show", help="show what is broken, whose fault it is and why, and what is open")
    show.add_argument("--json", action="store_true", help="write one verdict a line, as JSON")
    show.set_defaults(does=_show)
    reports = add("reports", help="list what people reported, the newest first")
    reports.add_argument("--words", action="store_true", help="only those with words")
    reports.add_argument("--limit", type=int, default=30, help="how many (default: 30)")
    reports.add_argument("--json", action="store_true", help="write one report a line, as JSON")
    reports.set_defaults(does=_reports)


def lines(raw: bytes) -> None:
    """Write a JSON list, one entry a line."""
    for one in msgspec.json.decode(raw, type=list[msgspec.Raw]):
        sys.stdout.write(bytes(one).decode() + "\n")


def _show(api: Api, given: argparse.Namespace) -> int:
    raw = api.call("GET", "/verdicts")
    if given.json:
        lines(raw)
        return 0
    verdicts = msgspec.json.decode(raw, type=list[Verdict])
    opened = api.get(list[Open], "/incidents", state="open")
    terminal = Terminal()
    terminal.state(*_sentence(verdicts))
    terminal.line()
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    for line in columns.table(COLUMNS, verdicts, width):
        terminal.console.print(line)
    broken = [one for one in verdicts if one.verdict != "none"]
    for one in broken:
        terminal.line(f"\n{one.name}", "bold")
        for sign in [sign for sign in one.evidence if sign.weight > 0] or one.evidence:
            terminal.line(f"  {sign.weight:5.2f}  {sign.kind}: {sign.words}")
    for one in opened:
        terminal.line()
        terminal.state(*incident_line(one))
    return 0


def _sentence(verdicts: Sequence[Verdict]) -> tuple[str, str]:
    """Return the answer in one line: the shape, and the words."""
    shapes = [STATES.get(one.shown_state, STATES["unknown"])[0] for one in verdicts]
    failing = [one.name for one, shape in zip(verdicts, shapes, strict=True) if shape in FAILING]
    if failing:
        shape = next(one for one in FAILING if one in shapes)
        more = f" and {len(failing) - NAMED_MAX} more" if len(failing) > NAMED_MAX else ""
        verb = "fails" if len(failing) == 1 else "fail"
        return shape, f"{', '.join(failing[:NAMED_MAX])}{more} {verb}"
    if verdicts and "good" not in shapes and "work" not in shapes:
        return "unknown", "Nothing is known yet"
    unknown = shapes.count("unknown")
    if unknown:
        return "good", f"All that is known works; of {unknown} nothing is known"
    return "good", "All components work"


def incident_line(one: Open) -> tuple[str, str]:
    """Return the shape and the words of an incident."""
    now_unix_s = clock.now_unix_s()
    shape = {"minor": "degraded", "major": "partial", "critical": "bad"}.get(one.impact, "unknown")
    whose = "people's" if one.origin == "operator" or one.is_taken_over else "the watch's"
    draft = "draft, " if one.is_draft else ""
    began = moments.ago(one.started_unix_s, now_unix_s)
    return shape, f"{one.id}  {one.name} ({draft}{one.status}, {whose}, began {began})"


def _reports(api: Api, given: argparse.Namespace) -> int:
    query = {"has_words": "true"} if given.words else {}
    found = api.get(Reports, "/user-reports", limit=given.limit, **query)
    if given.json:
        for raw in found.items:
            sys.stdout.write(bytes(raw).decode() + "\n")
        return 0
    terminal = Terminal()
    for one in api.get(list[Count], "/user-reports/counts"):
        if one.votes_hour:
            networks = f"{one.networks_hour} network{'' if one.networks_hour == 1 else 's'}"
            terminal.line(f"{one.name}: {one.votes_hour} in the last hour, from {networks}")
    if not found.items:
        terminal.line("Nobody has reported anything.")
        return 0
    rows = [msgspec.json.decode(raw, type=Report) for raw in found.items]
    terminal.line()
    width = shutil.get_terminal_size((WIDTH, 24)).columns
    for line in columns.table(REPORT_COLUMNS, rows, width):
        terminal.console.print(line)
    return 0


def _state(one: Verdict, _: int) -> Text:
    shape, words = STATES.get(one.shown_state, STATES["unknown"])
    sign, colour = SHAPES[shape]
    return Text.assemble((sign, colour), " ", words)


def _verdict(one: Verdict, _: int) -> Text:
    return Text(one.verdict, SHAPES[VERDICTS.get(one.verdict, "unknown")][1])


def _fault(one: Verdict, _: int) -> Text:
    if one.culprit == "nobody":
        return Text("-")
    return Text(one.culprit_name or one.culprit)


def _why(one: Verdict, width: int) -> Text:
    del width
    carried = f"served by {one.carried_by}; " if one.carried_by else ""
    return Text(carried + (one.reasons[0] if one.reasons and one.verdict != "none" else ""))


def _when(one: Report, _: int) -> Text:
    return Text(moments.ago(one.at_unix_s, clock.now_unix_s()))


def _words(one: Report, _: int) -> Text:
    return Text("(hidden) " * one.is_hidden + one.words)


COLUMNS: Final = (
    Column[Verdict]("component", 20, 0, lambda one, _: Text(one.name), is_left=True),
    Column[Verdict]("the page says", 16, 0, _state, is_left=True),
    Column[Verdict]("verdict", 8, 0, _verdict, is_left=True),
    Column[Verdict]("fault", 10, 1, _fault, is_left=True),
    Column[Verdict]("why", 0, 2, _why, is_left=True),
)
REPORT_COLUMNS: Final = (
    Column[Report]("id", 7, 0, lambda one, _: Text(str(one.id))),
    Column[Report]("when", 10, 0, _when, is_left=True),
    Column[Report]("component", 18, 0, lambda one, _: Text(one.name), is_left=True),
    Column[Report]("what", 8, 1, lambda one, _: Text(one.category or "-"), is_left=True),
    Column[Report]("words", 0, 2, _words, is_left=True),
)
