"""Reads the spool, for as long as control runs, in a thread of its own.

    far behind     step after step, without a pause
    otherwise      looks again after ``IDLE_S``, so that a transaction takes many lines
    an error       said once in the log, tried again after ``RETRY_S``, then twice that, and so on
                   up to ``RETRY_S_MAX``; that it is over is said once as well
    each hour      what has been kept for long enough is deleted: a small transaction between two
                   steps, as long as it is not far behind

A database that is down or frozen stops this thread and no other; the spool holds what comes.
"""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from penstock.config.model import Config
from penstock.core.errors import PenstockError, StoreError
from penstock.ledger import price_table, retention
from penstock.ledger.costs import NullPricing, Pricing
from penstock.ledger.intake import Counts
from penstock.ledger.reading import SpoolReader
from penstock.ledger.store import Store
from penstock.ledger.verdict import Terms
from penstock.telemetry import log

IDLE_S: Final = 0.25  # a page that was just loaded is this much behind
RETRY_S: Final = 0.5
RETRY_S_MAX: Final = 10.0
SETTINGS_S: Final = 5.0  # in which configuration and prices are looked at again
CLEAN_S: Final = 3600.0
STOP_S: Final = 5.0  # for which a step is waited for; a frozen database must not hold us


class ReadingState(msgspec.Struct, frozen=True):
    """How the reading does."""

    behind_bytes: int  # written and not read yet
    behind_s: float  # since when there was something unread
    error: str  # why it does not go on; empty: it does
    error_since_unix_s: float
    counts: Counts


class Reading:
    """The thread and what it says of itself. ``state`` may be asked from any thread."""

    def __init__(
        self,
        folder: Path,
        store: Store,
        config: Callable[[], Config],
        now_unix_s: Callable[[], float],
        prices: Callable[[Store], Pricing] | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._now_unix_s = now_unix_s
        self._prices = prices or in_force
        self.reader = SpoolReader(folder, store, free(store), Terms())
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
        self._stopping = threading.Event()
        self._caught_up_unix_s = now_unix_s()
        self._settings_unix_s = 0.0
        self._cleaned_unix_s = now_unix_s()
        self._cleaning: Iterator[retention.Deleted] | None = None
        self._deleted: dict[str, int] = {}
        self._retry_s = RETRY_S
        self._error = ""
        self._error_since_unix_s = 0.0

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is under way; one that hangs is left behind."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def state(self) -> ReadingState:
        """Return how it does now; looks at the spool."""
        try:
            behind_bytes = self.reader.behind_bytes()
        except StoreError:
            behind_bytes = 0
        behind_s = self._now_unix_s() - self._caught_up_unix_s if behind_bytes else 0.0
        return ReadingState(
            behind_bytes,
            max(0.0, behind_s),
            self._error,
            self._error_since_unix_s,
            self.reader.counts,
        )

    def turn(self) -> float:
        """Do one step; return for how long to wait before the next, in seconds."""
        now_unix_s = self._now_unix_s()
        try:
            self._look_at_settings(now_unix_s)
            self.reader.step(now_unix_s)
            has_more = self.reader.is_behind
            if not has_more:
                self._caught_up_unix_s = now_unix_s
                has_more = self._clean_some(now_unix_s)
        except StoreError as error:
            return self._is_ill(error, now_unix_s)
        self._is_well()
        return 0.0 if has_more else IDLE_S

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self.turn())

    def _look_at_settings(self, now_unix_s: float) -> None:
        if 0 <= now_unix_s - self._settings_unix_s < SETTINGS_S:
            return
        self.reader.intake.pricing = self._prices(self._store)
        try:
            self.reader.intake.terms = Terms.of(self._config())
        except PenstockError:
            return  # there is no plan yet, or a wrong one: as before
        finally:
            self._settings_unix_s = now_unix_s

    def _clean_some(self, now_unix_s: float) -> bool:
        """Delete a few rows if it is time; return whether there may be more."""
        if self._cleaning is None:
            if 0 <= now_unix_s - self._cleaned_unix_s < CLEAN_S:
                return False
            keep = self._config().control.retention
            self._cleaning = retention.cleaning(self._store, keep, now_unix_s)
        try:
            table, rows = next(self._cleaning, ("", 0))
        except StoreError:
            self._cleaning = None  # from the beginning, once the database answers
            raise
        if table:
            self._deleted[table] = self._deleted.get(table, 0) + rows
            return True
        deleted, self._deleted, self._cleaning = self._deleted, {}, None
        self._cleaned_unix_s = now_unix_s
        if deleted:
            log.info("retention", **deleted)
        return False

    def _is_well(self) -> None:
        if self._error:
            log.info("reading_goes_on", behind_bytes=self.state().behind_bytes)
        self._error = ""
        self._retry_s = RETRY_S

    def _is_ill(self, error: StoreError, now_unix_s: float) -> float:
        if not self._error:
            self._error_since_unix_s = now_unix_s
        if error.message != self._error:
            self._error = error.message
            log.warn("reading_stopped", reason=error.message)
        wait_s = self._retry_s
        self._retry_s = min(RETRY_S_MAX, 2 * wait_s)
        return wait_s


def free(store: Store) -> Pricing:
    """Return prices of nothing, until the first look."""
    del store
    return NullPricing()


def in_force(store: Store) -> Pricing:
    """Return the prices that the database has now, over those that ship; raises StoreError."""
    with store.reading() as connection:
        return price_table.costing(connection)
