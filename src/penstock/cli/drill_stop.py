"""``penstock drill stop``: end the live drill at all workers, now; needs nobody but the gateway.

First the admin port is told, which stops one worker at once and the others within a look. Then the
drill's file is taken away, which stops all of them if the admin port is not heard. Then it is said
what each worker says. With another machine's gateway, or without the state directory: --admin-url.
"""

import argparse
import contextlib
import http.client
import threading
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from penstock.cli import live_words, state
from penstock.cli.terminal import Terminal
from penstock.core.errors import StoreError
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import ON, Told
from penstock.wire import clock

STOP: Final = "/live-drills/stop"
ANSWER_S: Final = 1.0
WITHIN_S: Final = 2.0  # for all workers to say so; each looks four times a second
POLL_S: Final = 0.05
GONE_S: Final = 5.0  # a worker that is on says so each second; one that does not is dead
OK: Final = 200
WRONG: Final = 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this command."""
    parser = argparse.ArgumentParser(
        prog="penstock drill stop",
        description="End the live drill at all workers, now. Needs neither control nor a log-in, "
        "only the gateway's admin port or the state directory.",
    )
    parser.add_argument(
        "--admin-url", default="", help="the gateway's admin port (default: as it said itself)"
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Stop; returns 1 if a worker that lives may go on."""
    given = build_parser().parse_args(argv)
    return stop(state.open_state(), Terminal(), given.admin_url)


def stop(home: state.State, terminal: Terminal, admin_url: str = "") -> int:
    """Stop, and say what each worker says; returns the exit status."""
    was_heard = _ask(admin_url or _admin_url(home))
    try:
        was_there = live_drill.take_away(home.root)
    except StoreError as error:
        was_there = False
        if not was_heard:
            terminal.state("bad", error.message)
            return WRONG
    if not was_there and not was_heard:
        terminal.state("unknown", "no gateway answers, and no drill lies in the state directory")
        return WRONG if admin_url else 0
    still_on = _wait(home)
    for told in live_drill.told(home.root):
        live_words.worker(terminal, told)
    if still_on:
        names = ", ".join(one.worker for one in still_on)
        terminal.state("bad", f"{names} has not said so within {WITHIN_S:g} s: end the process")
        return WRONG
    terminal.state("good", "nothing is struck any more")
    return 0


def _ask(admin_url: str) -> bool:
    """Tell the admin port; returns whether it has heard."""
    if not admin_url:
        return False
    try:
        connection = http.client.HTTPConnection(urlsplit(admin_url).netloc, timeout=ANSWER_S)
        with contextlib.closing(connection):
            connection.request("POST", STOP)
            return connection.getresponse().status == OK
    except (OSError, http.client.HTTPException):
        return False


def _admin_url(home: state.State) -> str:
    for path in home.gateways_ready():
        found: dict[str, Any] = state.read_json(path)
        if url := found.get("admin_url"):
            return str(url)
    return ""


def _wait(home: state.State) -> list[Told]:
    """Wait until nobody who lives strikes; return who may."""
    pause = threading.Event()  # never set: it only waits
    until_s = clock.now_s() + WITHIN_S
    while found := [one for one in live_drill.told(home.root) if _is_on(one)]:
        if clock.now_s() >= until_s:
            return found
        pause.wait(POLL_S)
    return []


def _is_on(told: Told) -> bool:
    return told.state == ON and clock.now_unix_s() - told.at_unix_s < GONE_S
