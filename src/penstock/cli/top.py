"""``penstock top``: what a gateway is doing now, looked at again and again.

    on a terminal      one picture, drawn anew at each interval
    elsewhere          a plain table at each interval, with rates from the second read on
    --json             one JSON object at each interval, with the same figures
    --once             one of these, over one interval, and then the end: 1 if nobody answers
    nobody answers     says so, and goes on trying; also where the gateway listens is looked up anew

Reads the admin port only. Ctrl-C ends it.
"""

import argparse
import contextlib
import http.client
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec
from rich.console import Group
from rich.live import Live

from penstock.cli import state
from penstock.cli.panel import render
from penstock.cli.terminal import Terminal
from penstock.core.errors import CallerError, StoreError
from penstock.snapshot import file as snapshot_file
from penstock.web.live import Figures, Reading, Telemetry, figures_of
from penstock.wire import clock

INTERVAL_S: Final = 2.0  # rates over less jump about, over more they are old news
INTERVAL_MIN_S: Final = 0.1
ANSWER_S: Final = 2.0  # from this machine: whoever takes longer is as good as down
BODY_BYTES_MAX: Final = 16 * 1024 * 1024  # a thousand pairs are less than one
OK: Final = 200

Show = Callable[[Figures], None]


def build_parser() -> argparse.ArgumentParser:
    """Return the command line of ``penstock top``."""
    parser = argparse.ArgumentParser(
        prog="penstock top",
        description="Show tiers, queues, upstreams and refusals as they are now. Only reads; "
        "Ctrl-C ends it.",
    )
    parser.add_argument("--json", action="store_true", help="write one JSON object per interval")
    parser.add_argument("--once", action="store_true", help="end after the first interval")
    parser.add_argument(
        "-i",
        "--interval",
        type=float,
        default=INTERVAL_S,
        metavar="S",
        help=f"seconds between two reads ({INTERVAL_S:g})",
    )
    parser.add_argument(
        "--url", default="", help="the admin port, if it is not that of the state directory"
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Show until told to stop; 1 if it was to be once and nobody answered."""
    parser = build_parser()
    args = parser.parse_args(argv)
    if not args.interval >= INTERVAL_MIN_S:
        parser.error(f"--interval must be at least {INTERVAL_MIN_S:g}")
    source = Source(args.url)
    is_up = False
    with contextlib.suppress(KeyboardInterrupt), _shown(args) as show:
        # A picture may begin without rates; what a program reads may not.
        skips_first = args.json or args.once
        for figures in watch(source, args.interval, skips_first=skips_first):
            show(figures)
            is_up = figures.is_up
            if args.once:
                return 0 if is_up else 1
    return 0


class Source:
    """Where telemetry is read: one gateway's admin port, looked up anew at each read."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._home = state.open_state()

    def read(self) -> Reading:
        """Look once; what goes wrong is in the reading."""
        url = ""
        try:
            url = self._url or self._found()
            telemetry = msgspec.json.decode(_get(url), type=Telemetry)
        except (StoreError, CallerError) as error:
            return self._reading(url, error=error.message)
        except msgspec.MsgspecError:
            return self._reading(url, error="its answer is not that of a gateway")
        except TimeoutError:
            return self._reading(url, error=f"no answer in {ANSWER_S:g} s")
        except (OSError, http.client.HTTPException) as error:
            words = error.strerror if isinstance(error, OSError) else None
            return self._reading(url, error=(words or str(error) or "no answer").lower())
        return self._reading(url, telemetry)

    def _reading(self, url: str, telemetry: Telemetry | None = None, error: str = "") -> Reading:
        return Reading(clock.now_s(), clock.now_unix_s(), url, telemetry, error)

    def _found(self) -> str:
        """Return where the gateway said that it listens, or else where it is to."""
        for path in self._home.gateways_ready():  # all workers share one admin port
            ready = state.read_json(path).get("admin_url")
            if isinstance(ready, str):
                return ready
        if not self._home.snapshot.exists():
            raise StoreError(f"nothing has run in {self._home.root} yet: penstock up")
        gateway = snapshot_file.read(self._home.snapshot).config.gateway
        return f"http://{gateway.admin_host}:{gateway.admin_port}"


def _get(url: str) -> bytes:
    """Return what the admin port tells; raises OSError, HTTPException or CallerError."""
    place = urlsplit(url)
    if place.scheme != "http" or not place.netloc:
        raise CallerError(f"{url!r} is no address of an admin port, as http://127.0.0.1:8401")
    connection = http.client.HTTPConnection(place.netloc, timeout=ANSWER_S)
    with contextlib.closing(connection):
        connection.request("GET", "/telemetry")
        answer = connection.getresponse()
        if answer.status != OK:
            raise CallerError(f"it answers {answer.status} to /telemetry")
        return answer.read(BODY_BYTES_MAX)


def watch(source: Source, interval_s: float, *, skips_first: bool) -> Iterator[Figures]:
    """Yield the figures of each interval; without the first read, which has no rates, if asked."""
    pause = threading.Event()  # never set: it only waits
    before = source.read()
    if not skips_first:
        yield figures_of(None, before)
    next_at_s = before.at_s
    while True:
        next_at_s = max(next_at_s + interval_s, clock.now_s())  # a slow answer is not made up for
        pause.wait(next_at_s - clock.now_s())
        now = source.read()
        yield figures_of(before, now)
        before = now


@contextlib.contextmanager
def _shown(args: argparse.Namespace) -> Generator[Show]:
    """Give what shows figures, for as long as the block runs."""
    terminal = Terminal()
    console = terminal.console
    if args.json:
        yield _show_json
    elif args.once or not console.is_terminal:

        def show(figures: Figures) -> None:
            for line in render(figures, console.width):
                console.print(line)
            console.print()
            sys.stdout.flush()

        yield show
    else:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            yield lambda figures: live.update(Group(*render(figures, console.width)), refresh=True)


def _show_json(figures: Figures) -> None:
    sys.stdout.write(f"{msgspec.json.encode(figures).decode()}\n")
    sys.stdout.flush()
