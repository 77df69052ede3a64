"""The loop that judges: evidence goes to the watch, and what it says to the page.

    evidence   probes, counters, reports, posts and silences, each as it comes
    JUDGE_S    the watch judges; ``incidents.acting`` brings states and incidents in line, in one
               transaction with what else is written then: measures, the sources that are silent
    KEEP_S     what the watch has learned is kept, and at the end; it goes on from there
    a reload   other components: who stays keeps what is known

A database that is away costs nothing but the writing: evidence and verdicts go on in memory, and
measures wait, up to MEASURES_MAX.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import Connection

from penstock.apps.status import keeping
from penstock.apps.status.incidents import acting
from penstock.apps.status.parts import Parts
from penstock.apps.status.watching import measuring
from penstock.apps.status.watching.counting import Change
from penstock.apps.status.watching.measuring import Key, Measure, Meter
from penstock.apps.status.watching.probing.budget import Budget, Spent
from penstock.apps.status.watching.steady import Steady
from penstock.core.errors import PenstockError
from penstock.telemetry import log
from penstock.watch.assessment import Assessment
from penstock.watch.evidence import Post, Probe, Report, Silence
from penstock.watch.watch import Learned, Watch

JUDGE_S: Final = 2.0
KEEP_S: Final = 10.0  # what a kill costs: one that comes more often than this would blind us
THIN_S: Final = 3600.0
MEASURES_MAX: Final = 100_000  # minutes that wait for a database: hours of a large installation
LEARNED: Final = "learned"
SPENT: Final = "probes_spent"
SILENT: Final = "silent"  # list[str]: the sources that cannot be reached, in words

Blocking = Callable[[Callable[[], Any]], Awaitable[Any]]


class Judging:
    """Hears all evidence, and acts on what the watch says. Owned by one event loop."""

    def __init__(
        self, parts: Parts, blocking: Blocking, pause: Callable[[float], Awaitable[None]]
    ) -> None:
        self._parts = parts
        self._blocking = blocking
        self._pause = pause
        with parts.store.reading() as connection:
            learned = keeping.read(connection, LEARNED, Learned)
            self.budget = Budget(keeping.read(connection, SPENT, Spent))
        self._plan = parts.plan
        self._watch = Watch([one.watched for one in parts.plan], learned=learned)
        self._steady = Steady(learned.at_unix_s if learned else 0.0)
        self._meter = Meter()
        self._waiting: dict[Key, Measure] = {}
        self._silent: dict[str, str] = {}
        self._told: list[str] | None = None
        self._kept_at_s = self._thinned_at_s = parts.now_unix_s()
        self.latest: tuple[Assessment, ...] = ()

    def on_probe(self, probe: Probe) -> None:
        """A probe has ended."""
        self._watch.on_probe(self._steady.heard(probe))
        self._meter.on_probe(probe)

    def on_change(self, change: Change) -> None:
        """A component's exchanges did this."""
        self._watch.on_counts(self._steady.heard(change.counts))
        self._meter.on_change(change)

    def on_report(self, report: Report) -> None:
        """Somebody says that something fails; from the loop's own thread."""
        self._watch.on_report(self._steady.heard(report))

    def on_post(self, post: Post) -> None:
        """A provider's page says something; from the loop's own thread."""
        self._watch.on_post(self._steady.heard(post))

    def on_silence(self, silence: Silence) -> None:
        """A source says nothing of a component."""
        self._watch.on_silence(self._steady.heard(silence))

    def on_source(self, name: str, why: str) -> None:
        """A source can be reached, if ``why`` is empty, or it cannot."""
        if why:
            self._silent[name] = f"{name}: {why}"
        else:
            self._silent.pop(name, None)

    async def run(self) -> None:
        """Go on for ever; what is learned is kept when it ends."""
        try:
            while True:
                await self._pause(JUDGE_S)
                await self.turn()
        finally:
            self._close()

    async def turn(self) -> None:
        """Judge once."""
        if self._parts.plan is not self._plan:
            self._plan = self._parts.plan
            self._watch.use([one.watched for one in self._plan])
        now_unix_s = self._parts.now_unix_s()
        self.latest = self._steady.told(self._watch.judge(self._steady.now(now_unix_s)))
        self._gather(now_unix_s)
        notes = self._notes(now_unix_s)
        latest, silent = self.latest, sorted(self._silent.values())
        waiting, self._waiting = self._waiting, {}
        try:
            is_changed = await self._blocking(
                lambda: self._act(latest, waiting, notes | self._changed(silent), now_unix_s)
            )
        except PenstockError as error:
            log.warn("verdicts_not_written", reason=error.message)
            self._waiting = dict([*waiting.items(), *self._waiting.items()][-MEASURES_MAX:])
            return
        if is_changed or silent != self._told:
            self._parts.touch()
        self._told = silent
        if notes:
            self._kept_at_s = now_unix_s

    def _changed(self, silent: list[str]) -> dict[str, object]:
        return {SILENT: silent} if silent != self._told else {}

    def _gather(self, now_unix_s: float, *, is_end: bool = False) -> None:
        self._waiting |= self._meter.take(now_unix_s, is_end=is_end)

    def _notes(self, now_unix_s: float) -> dict[str, object]:
        """Return the documents that are to be kept now."""
        if 0.0 <= now_unix_s - self._kept_at_s < KEEP_S:
            return {}
        return {LEARNED: self._watch.learned(), SPENT: self.budget.spent}

    def _act(
        self,
        assessments: tuple[Assessment, ...],
        waiting: dict[Key, Measure],
        notes: dict[str, object],
        now_unix_s: float,
    ) -> bool:
        with self._parts.store.writing() as connection:
            self._write(connection, waiting, notes, now_unix_s)
            return acting.act(connection, self._parts, assessments, now_unix_s)

    def _write(
        self,
        connection: Connection,
        waiting: dict[Key, Measure],
        notes: dict[str, object],
        now_unix_s: float,
    ) -> None:
        measuring.write(connection, waiting)
        for name, document in notes.items():
            keeping.write(connection, name, document, now_unix_s)
        if not 0.0 <= now_unix_s - self._thinned_at_s < THIN_S:
            measuring.thin(connection, now_unix_s, self._parts.config.status.history_days)
            self._thinned_at_s = now_unix_s

    def _close(self) -> None:
        """Keep what is known, at the end of the process or after a fault of the loop."""
        now_unix_s = self._parts.now_unix_s()
        self._gather(now_unix_s, is_end=True)
        notes: dict[str, object] = {LEARNED: self._watch.learned(), SPENT: self.budget.spent}
        try:
            with self._parts.store.writing() as connection:
                self._write(connection, self._waiting, notes, now_unix_s)
            self._waiting = {}
        except PenstockError as error:
            log.warn("learned_not_kept", reason=error.message)
