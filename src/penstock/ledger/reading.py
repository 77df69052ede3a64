"""From the spool to the database, exactly once, whatever dies in between.

step       read a batch from where the last one ended, write it and how far it goes in one
           transaction; then delete the segments that are read whole
order      oldest segment first; those after the one that filled the last batch go before it,
           so that a busy writer holds up no other
lost       opened lines without a record, once their writer is dead and nothing of it is
           unread, are closed as lost, with an estimate
ahead      PostgreSQL writes in processes of its own: while it does, a second thread reads the next
           batch, from where this one ends, and makes of it what is to be written. It counts once
           this one is committed; after an error it is forgotten, and read again. One batch at most
           is ahead
error      StoreError: nothing was written; the next step asks the database where it is
forgotten  a segment that is deleted is forgotten in the database as well, so that a file of
           its name that comes back is read: its records are duplicates, and change nothing
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import select

from penstock.core.errors import StoreError
from penstock.ledger import batch as batches
from penstock.ledger import bulk, segments, tables
from penstock.ledger.batch import Batch
from penstock.ledger.costs import Pricing
from penstock.ledger.intake import Cursor, Intake
from penstock.ledger.making import Making
from penstock.ledger.spool import LOCK_SUFFIX
from penstock.ledger.store import Store
from penstock.ledger.verdict import Terms

QUIET_S: Final = 2.0  # after which a file without a writer is no longer being copied
LOST_MAX: Final = 5_000  # exchanges that are closed as lost in one batch


class Size(msgspec.Struct, frozen=True):
    """How much one step takes at most. SQLite lets nobody else write meanwhile: a quarter second.

    With half of it twice as many rows of sums are added.
    """

    lines: int = 20_000
    bytes: int = 8 * 1024 * 1024


class Found(NamedTuple):
    """What was read in one go."""

    batch: Batch
    made: Making  # of its records
    paths: list[Path]
    living: set[str]
    moved: dict[str, Cursor]  # the segments that got further
    last: str  # writer that filled the batch; empty: it is not full


class SpoolReader:
    """Reads one spool into one database. Owned by one thread; ``counts`` may be read by others."""

    def __init__(
        self, folder: Path, store: Store, pricing: Pricing, terms: Terms, size: Size | None = None
    ) -> None:
        self._folder = folder
        self._store = store
        self._size = size or Size()
        self.intake = Intake(store, pricing, terms)
        self.counts = self.intake.counts
        self._is_known = False  # whether the following says what is in the database
        self._cursors: dict[str, Cursor] = {}
        self._waiting: dict[str, str] = {}  # exchanges with opened lines there: their stem
        self._last = ""  # writer that filled the last batch
        self.ahead: Future[Found] | None = None  # the next batch, from where this one ends
        self.reads_ahead = store.is_postgres  # SQLite works in our process: we wait for nobody
        self.quiet_s = QUIET_S

    def step(self, now_unix_s: float) -> bool:
        """Read and write one batch; return whether it got further. Raises StoreError."""
        try:
            return self._step(now_unix_s)
        except StoreError:
            self._is_known = False  # the commit may have come through or not
            self.ahead = None
            raise

    @property
    def is_behind(self) -> bool:
        """Whether the last batch was full: the next one is there already."""
        return bool(self._last)

    def behind_bytes(self) -> int:
        """Return how much lies in the spool unread; raises StoreError."""
        total = 0
        for path in segments.listed(self._folder):
            cursor = self._cursors.get(path.name)
            read = cursor.read_bytes if cursor is not None else 0
            total += max(0, segments.written(path) - read)
        return total

    def _step(self, now_unix_s: float) -> bool:
        if not self._is_known:
            self._recall()
        batch, made, paths, living, moved, self._last = self._next(now_unix_s)
        cursors = self._cursors | moved
        ended = self._ended(paths, living, cursors)
        closed = self._close(batch, ended)
        answered = [one for one in {*batch.records, *closed} if one in self._waiting]
        has_moved = bool(moved or batch.records or answered)
        if has_moved:
            if self._last and self.reads_ahead:
                self.ahead = _beside(lambda: self._read(cursors, self._last, now_unix_s))
            self.intake.write(batch, made, moved, answered, now_unix_s)
            self._cursors = cursors
            for one in answered:
                del self._waiting[one]
            self._waiting |= {name: lines[0][1] for name, lines in batch.opened.items()}
        self._delete(paths, ended)
        return has_moved

    def _recall(self) -> None:
        """Ask the database how far the segments have been read, and what waits."""
        with self._store.reading() as connection:
            found = connection.execute(select(tables.segments)).all()
            table = tables.open_attempts.c
            waiting = connection.execute(select(table.exchange, table.stem)).all()
        self._cursors = {row.name: Cursor(row.read_bytes, bool(row.is_done)) for row in found}
        self._waiting = {row.exchange: row.stem for row in waiting}
        self._is_known = True

    def _next(self, now_unix_s: float) -> Found:
        """Return what was read ahead, or read; what was not there then may be there now."""
        ahead, self.ahead = self.ahead, None
        if ahead is not None and (found := ahead.result()).moved:
            return found
        return self._read(self._cursors, self._last, now_unix_s)

    def _read(self, cursors: Mapping[str, Cursor], last: str, now_unix_s: float) -> Found:
        """Read lines until the batch is full. Changes nothing here: may run in another thread."""
        paths = segments.listed(self._folder)
        living = segments.alive(self._folder, paths)
        made = self.intake.making()
        batch, moved = Batch(made.add), dict[str, Cursor]()
        left_bytes = self._size.bytes
        by_stem = [(segments.stem_of(path), path) for path in paths]
        by_stem.sort(key=lambda one: (one[0] <= last, one))
        for stem, path in by_stem:
            name = path.name
            cursor = cursors.get(name, Cursor(0))
            if cursor.is_done:
                continue
            piece = segments.read(
                path,
                cursor.read_bytes,
                left_bytes,
                is_alive=stem in living,
                quiet_since_unix_s=now_unix_s - self.quiet_s,
            )
            batch.add(name, stem, piece.lines)
            now = Cursor(piece.end_bytes, piece.is_whole)
            if now != cursor:
                moved[name] = now
            left_bytes -= abs(piece.end_bytes - cursor.read_bytes)
            is_full = piece.is_cut and now != cursor  # the next one's lines are later than its rest
            if is_full or left_bytes <= 0 or batch.lines >= self._size.lines:
                return Found(batch, made, paths, living, moved, stem)
        return Found(batch, made, paths, living, moved, "")

    def _ended(
        self, paths: list[Path], living: set[str], cursors: Mapping[str, Cursor]
    ) -> set[str]:
        """Return the stems of writers that are dead and have nothing unread."""
        unread = {
            segments.stem_of(path)
            for path in paths
            if not cursors.get(path.name, Cursor(0)).is_done
        }
        stems = {segments.stem_of(path) for path in paths} | set(self._waiting.values())
        return stems - living - unread

    def _close(self, batch: Batch, ended: set[str]) -> list[str]:
        """Add what is lost to the batch: opened lines of writers that have ended."""
        orphans = [one for one, stem in self._waiting.items() if stem in ended]
        orphans = [one for one in orphans if one not in batch.records][:LOST_MAX]
        if not orphans and not batch.opened:
            return []
        with self._store.reading() as connection:
            table = tables.open_attempts.c
            wanted = bulk.among(connection, table.exchange, orphans)
            found = connection.execute(select(table.exchange, table.line).where(wanted)).all()
        lines: dict[str, list[bytes]] = {}
        for exchange, line in found:
            lines.setdefault(exchange, []).append(bytes(line))
        for exchange, opened in lines.items():
            also = [line for _, _, _, line in batch.opened.pop(exchange, [])]
            batch.records[exchange] = batches.lost(opened + also)
        for exchange in [one for one, waits in batch.opened.items() if waits[0][1] in ended]:
            opened = [line for _, _, _, line in batch.opened.pop(exchange)]
            batch.records[exchange] = batches.lost(opened)
        return orphans

    def _delete(self, paths: Iterable[Path], ended: set[str]) -> None:
        """Delete what is read whole, and forget what is no longer there."""
        for path in paths:
            if self._cursors.get(path.name, Cursor(0)).is_done:
                segments.delete(path)
                self.counts.segments += 1
        for stem in ended:
            segments.delete(self._folder / (stem + LOCK_SUFFIX))
        names = {path.name for path in segments.listed(self._folder)}
        gone = [name for name in self._cursors if name not in names]
        if gone:
            with self._store.writing() as connection:
                bulk.delete_by(connection, tables.segments.c.name, tables.segments, gone)
            for name in gone:
                del self._cursors[name]


def _beside(work: Callable[[], Found]) -> Future[Found]:
    """Begin something in a thread that ends with it: none is left that would have to be ended."""
    with_one = ThreadPoolExecutor(1, "reading-ahead")
    begun = with_one.submit(work)
    with_one.shutdown(wait=False)
    return begun
