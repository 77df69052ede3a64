"""``penstock tail``: the record of every exchange, as it is written.

Only reads: the spool belongs to the gateway. A line that is not complete yet waits for its end;
a segment that is removed under us is forgotten; a new one is read from its beginning. Control
deletes segments that it has read whole, so that what is older is in the ledger only.
"""

import argparse
import datetime as dt
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.text import Text

from penstock.cli import state, tail_filter
from penstock.cli.tail_filter import ALL, Filter
from penstock.cli.terminal import SHAPES, Terminal
from penstock.ledger.spool import written_bytes

POLL_S: Final = 0.2
LINES: Final = 20
TAIL_BYTES: Final = 1024 * 1024  # of each segment, to find the last lines in
HEAD: Final = f"{'time':<8}   {'outcome':<8} {'is':>3}  {'model':<18} {'ttft':>6} {'total':>6}  by"

OUTCOMES: Final = {"complete": "good", "failed": "bad", "broken": "bad", "refused": "degraded"}


class Attempt(msgspec.Struct, frozen=True):
    """What the table shows of an attempt."""

    upstream: str = ""
    outcome: str = ""
    drill_outcome: str = ""  # what a live drill has made of it


class Line(msgspec.Struct, frozen=True):
    """What the table shows of a record; older and newer records may have more or less."""

    kind: str = ""
    at_unix_s: float = 0.0
    duration_s: float = 0.0
    ttft_s: float = 0.0
    model: str = ""
    outcome: str = ""
    status: int = 0
    attempts: tuple[Attempt, ...] = ()


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock tail``."""
    parser = argparse.ArgumentParser(
        prog="penstock tail",
        description="Follow the record of every exchange. Only reads; Ctrl-C ends it. What is over "
        "for longer is in the console: control moves it there, and deletes the spool it has read.",
    )
    parser.add_argument("--json", action="store_true", help="write the records as they are")
    parser.add_argument(
        "--no-follow", action="store_true", help="end after what the spool still has"
    )
    parser.add_argument(
        "-n",
        "--lines",
        type=int,
        default=LINES,
        metavar="N",
        help=f"begin with the last N ({LINES})",
    )
    tail_filter.add_arguments(parser)
    return parser


def run(argv: Sequence[str]) -> int:
    """Write what is there, then what comes."""
    args = build_parser().parse_args(argv)
    spool = Spool(state.open_state().spool, tail_filter.filter_of(args))
    show = _show_json if args.json else _Table().show
    for raw in spool.last(max(0, args.lines), opened=args.json):
        show(raw)
    pause = threading.Event()  # never set: it only waits
    while not args.no_follow:
        for raw in spool.more():
            show(raw)
        sys.stdout.flush()
        pause.wait(POLL_S)
    return 0


class Spool:
    """A reader of the segments in one directory, oldest first."""

    def __init__(self, folder: Path, wanted: Filter = ALL) -> None:
        self._folder = folder
        self._wanted = wanted
        self._read: dict[Path, int] = {}  # how far, in bytes

    def last(self, count: int, *, opened: bool) -> list[bytes]:
        """Return the last records, and go on after them; ``opened`` counts those lines too."""
        found: deque[bytes] = deque(maxlen=count)
        for path in self._segments():
            self._read[path] = max(0, _size(path) - TAIL_BYTES)
            is_cut = self._read[path] > 0
            for at, raw in enumerate(self._lines(path)):
                if is_cut and at == 0:
                    continue
                if (opened or b'"opened"' not in raw[:40]) and self._wanted.passes(raw):
                    found.append(raw)
        return list(found)

    def more(self) -> Iterator[bytes]:
        """Yield what has come since."""
        segments = self._segments()
        for gone in self._read.keys() - segments:
            del self._read[gone]
        for path in segments:
            yield from filter(self._wanted.passes, self._lines(path))

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("*.jsonl"))

    def _lines(self, path: Path) -> Iterator[bytes]:
        try:
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                for raw in file:
                    if not raw.endswith(b"\n"):
                        break  # its end is still to come
                    self._read[path] = self._read.get(path, 0) + len(raw)
                    yield raw
        except FileNotFoundError:
            self._read.pop(path, None)


def _size(path: Path) -> int:
    try:
        return written_bytes(path)
    except FileNotFoundError:
        return 0


def _show_json(raw: bytes) -> None:
    sys.stdout.write(raw.decode("utf-8", "replace"))


class _Table:
    """Records as rows, under one head."""

    def __init__(self) -> None:
        self._terminal = Terminal()
        self._has_head = False

    def show(self, raw: bytes) -> None:
        """Write one row; lines that are no final record are left out."""
        try:
            line = msgspec.json.decode(raw, type=Line)
        except msgspec.MsgspecError:
            return
        if line.kind == "opened":
            return
        if not self._has_head:
            self._has_head = True
            self._terminal.line(HEAD, "bright_black")
        self._terminal.console.print(_row(line))


def _row(line: Line) -> Text:
    sign, colour = SHAPES[OUTCOMES.get(line.outcome, "unknown")]
    at = dt.datetime.fromtimestamp(line.at_unix_s, dt.UTC)
    ttft = f"{line.ttft_s:.2f}s" if line.ttft_s else "-"
    way = [one.upstream if one.outcome == "success" else _other(one) for one in line.attempts]
    return Text.assemble(
        f"{at:%H:%M:%S} ",
        (sign, colour),
        f" {line.outcome[:8]:<8} {line.status or '-':>3}  {line.model[:18]:<18} ",
        f"{ttft:>6} {line.duration_s:>5.2f}s  ",
        " > ".join(way) or "-",
    )


def _other(one: Attempt) -> str:
    outcome = f"drill: {one.drill_outcome}" if one.drill_outcome else one.outcome
    return f"{one.upstream} ({outcome})"
