"""A live drill followed by the command that began it: what workers say, and what the page says.

follow     until no worker says that it is on; Ctrl-C stops it
after      for as long as the report goes on, the page is looked at; Ctrl-C ends that
page       of an installation that has one, twice a second: what it said goes into the report
"""

import contextlib
import threading
from collections.abc import Generator
from typing import Final

from penstock.apps.drill.live import BEFORE_S
from penstock.apps.drill.live_seeing import LiveSeeing, Looked
from penstock.apps.drill.seeing import EVERY_S
from penstock.cli import live_words, state
from penstock.cli.drill_stop import stop
from penstock.cli.terminal import Terminal
from penstock.config import private_file
from penstock.snapshot import live_drill
from penstock.snapshot.live_drill import ON, REFUSED, LiveDrill, Told
from penstock.wire import clock

POLL_S: Final = 0.25  # a worker looks as often
TAKEN_S: Final = 3.0
TOLD_S: Final = 5.0  # between two lines while it is on
WRONG: Final = 1
STATUS: Final = "status"


class Following:
    """One drill that was just begun."""

    def __init__(self, home: state.State, drill: LiveDrill, terminal: Terminal) -> None:
        self.home = home
        self.drill = drill
        self.terminal = terminal
        self._seeing: LiveSeeing | None = None
        self._looked_s = 0.0
        self._pause = threading.Event()  # never set: it only waits

    def taken(self) -> bool:
        """Wait until a worker has taken it; says so if none has."""
        for _ in range(int(TAKEN_S / POLL_S)):
            if self._told():
                return True
            self._pause.wait(POLL_S)
        words = f"no gateway has taken it within {TAKEN_S:g} s: none runs here"
        self.terminal.state("bad", words)
        return False

    def follow(self, after_s: float) -> tuple[int, Looked | None]:
        """Follow it to its end and beyond; returns the exit status, and what the page said."""
        with self._looking():
            status = self._to_its_end()
            self._beyond(after_s)
            seeing = self._seeing
            zero_unix_s = self.drill.began_unix_s - BEFORE_S
            return status, seeing.looked(zero_unix_s) if seeing is not None else None

    def tell(self) -> int:
        """Say what each worker says; returns 1 if one has refused or stopped it."""
        workers = self._told()
        for told in workers:
            live_words.worker(self.terminal, told)
        return WRONG if any(one.state == REFUSED or one.why for one in workers) else 0

    def _to_its_end(self) -> int:
        told_at_s = clock.now_s()
        try:
            while any(one.state == ON for one in self._told()):
                self._step()
                if clock.now_s() - told_at_s >= TOLD_S:
                    told_at_s = clock.now_s()
                    left = live_words.span(self.drill.ends_unix_s - clock.now_unix_s())
                    words = f"    {left} left: {live_words.counted(self._told())}"
                    self.terminal.line(words)
        except KeyboardInterrupt:
            return stop(self.home, self.terminal)
        return self.tell()

    def _beyond(self, after_s: float) -> None:
        self.terminal.line(f"    looking on for {after_s:g} s, for the report", "bright_black")
        until_s = clock.now_s() + after_s
        with contextlib.suppress(KeyboardInterrupt):  # the report is of what there is
            while clock.now_s() < until_s:
                self._step()

    def _step(self) -> None:
        self._pause.wait(POLL_S)
        if self._seeing is not None and clock.now_s() - self._looked_s >= EVERY_S:
            self._looked_s = clock.now_s()
            self._seeing.look()

    @contextlib.contextmanager
    def _looking(self) -> Generator[None]:
        began_s = clock.now_s() - (clock.now_unix_s() - self.drill.began_unix_s) - BEFORE_S
        with contextlib.ExitStack() as open_:
            made = seeing_of(self.home, began_s)
            if made is not None:
                self._seeing = open_.enter_context(made)
            yield

    def _told(self) -> list[Told]:
        return [one for one in live_drill.told(self.home.root) if one.drill == self.drill.id]


def seeing_of(home: state.State, began_s: float) -> LiveSeeing | None:
    """Return what looks at this installation's page; None if there is none."""
    url = state.url_of(home, STATUS)
    if not url:
        return None
    token = private_file.read(home.root / "control.token").strip()
    return LiveSeeing(url, token, lambda: clock.now_s() - began_s)
