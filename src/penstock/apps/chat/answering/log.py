"""The durable log: what browsers are told, in one order, and what changes with it.

    tell           a number, out to who listens at once, written within COMMIT_S
    change         rows of answers, written together with the events; then whoever waits is told
    read           what an account was told behind a number: the events of its browsers' absence
    trim           what is older than KEEP_S, or too much, goes; who asks for it is told so

A number is never used twice: a process that is killed may have told events that it had not written,
so the next one begins so far ahead that it cannot meet them. While the database takes nothing (a
full disk), events still go out, and those beyond PENDING_MAX are never kept: ``floor`` says from
where on the log has no gap.

One event loop owns it; what may be called from threads says so. One thread writes.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple, cast

import msgspec

from penstock.apps.chat.answering.hub import Hub
from penstock.core.errors import StoreError
from penstock.ledger.store import Store
from penstock.telemetry import log
from penstock.web.keeping_up import is_set_within, pause
from penstock.wire import clock

COMMIT_S: Final = 0.05  # of events together: one transaction costs as much as some hundred rows
AGAIN_S: Final = 1.0  # after the database took nothing
PENDING_MAX: Final = 100_000  # events that wait to be written: ten seconds of a full process
TICKS_PER_S: Final = 10_000  # numbers begin at the time in these: no faster is anything told
READ_MAX: Final = 1000  # events in one read
KEEP_S: Final = 3600.0  # a browser that was away for longer loads anew
ROWS_MAX: Final = 1_000_000  # some 250 MB; under full load, minutes
TRIM_ROWS: Final = 5000  # in one transaction: others wait for it
INSERT: Final = (
    "INSERT INTO events (seq, account, message, kind, data, at_unix_s) VALUES (?, ?, ?, ?, ?, ?)"
)

Row = tuple[int, str, str, str, str, float]


class Change(NamedTuple):
    """A statement that is written with the events, and who is told when it has been."""

    statement: str
    values: Sequence[object]
    then: Callable[[], None] | None = None


class Event(NamedTuple):
    """One event of an account, as it goes out."""

    seq: int
    frame: bytes


class _Batch(NamedTuple):
    """What is written in one transaction, and who waits for that."""

    rows: list[Row]
    changes: list[Change]
    waiting: list[asyncio.Future[None]]


class NoLog:
    """Nobody is told anything: where no browser listens, as on the command line."""

    seq = 0

    def tell(self, account: str, kind: str, data: msgspec.Struct, message: str = "") -> None:
        """Tell and keep."""

    def tell_passing(self, account: str, kind: str, data: msgspec.Struct) -> None:
        """Tell who is there."""

    def tell_all_passing(self, kind: str, data: msgspec.Struct) -> None:
        """Tell all who are there."""

    def end_streams(self, account: str) -> None:
        """End streams, of which there are none."""


class EventLog:
    """The log of one process."""

    def __init__(self, store: Store, now_unix_s: Callable[[], float] = clock.now_unix_s) -> None:
        self._store = store
        self._now_unix_s = now_unix_s
        self.hub = Hub()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread_id = 0
        self._thread = ThreadPoolExecutor(1, "log")
        self._pending: list[Row] = []
        self._changes: list[Change] = []
        self._work = asyncio.Event()
        self._hurry = asyncio.Event()
        self._flushed: list[asyncio.Future[None]] = []
        self._is_writing = False
        self._cut_off: tuple[Future[int], _Batch] | None = None  # a write under way at the end
        self._marks: deque[tuple[float, int]] = deque()  # when the log was how long
        last, first, self._rows = _ends(store)
        self.floor = first - 1 if first else 0  # nothing up to here is in the log any more
        self.seq = max(last + PENDING_MAX, int(now_unix_s() * TICKS_PER_S))
        if not last:
            self.floor = self.seq

    def attach(self) -> None:
        """Belong to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()

    # --- from any thread

    def tell(self, account: str, kind: str, data: msgspec.Struct, message: str = "") -> None:
        """Tell all browsers of an account, and keep it."""
        self._here(self.tell_here, account, kind, msgspec.json.encode(data), message)

    def tell_passing(self, account: str, kind: str, data: msgspec.Struct) -> None:
        """Tell the browsers that are there now."""
        self._here(self.pass_on, account, frame(kind, msgspec.json.encode(data)))

    def tell_all_passing(self, kind: str, data: msgspec.Struct) -> None:
        """Tell all browsers of everybody."""
        self._here(self.hub.offer_all, frame(kind, msgspec.json.encode(data)))

    def end_streams(self, account: str) -> None:
        """End the streams of an account; who may still listen comes back by itself."""
        self._here(self.hub.end, account)

    # --- on the event loop

    def tell_here(self, account: str, kind: str, data: bytes, message: str = "") -> None:
        """Tell all browsers of an account, and keep it."""
        self.seq += 1
        seq = self.seq
        here = self.hub.listeners(account)
        if here is not None:
            told = b"id: %d\nevent: %b\ndata: %b\n\n" % (seq, kind.encode(), data)
            for one in here:
                one.offer(told)
        if len(self._pending) >= PENDING_MAX:
            self.floor = seq
            return
        row = (seq, account, message, kind, data.decode(), self._now_unix_s())
        self._pending.append(row)
        if not self._work.is_set():
            self._work.set()

    def pass_on(self, account: str, told: bytes) -> None:
        """Tell the browsers that are there now."""
        for one in self.hub.listeners(account) or ():
            one.offer(told)

    def change(self, *changes: Change) -> None:
        """Write these together with the events so far; all of them, or none."""
        self._changes.extend(changes)
        self._work.set()

    async def flushed(self) -> None:
        """Wait until all that was told and changed so far is written."""
        if not self._pending and not self._changes and not self._is_writing:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._flushed.append(waiter)
        self._work.set()
        self._hurry.set()
        await waiter

    async def read(self, account: str, after: int, up_to: int) -> list[Event]:
        """Return what an account was told, READ_MAX events at most; raises StoreError."""
        rows = await asyncio.get_running_loop().run_in_executor(
            None, _read, self._store, account, after, up_to
        )
        return [Event(seq, numbered(seq, kind, data.encode())) for seq, kind, data in rows]

    async def run(self) -> None:
        """Write what there is to write, for ever."""
        while True:
            await self._work.wait()
            await is_set_within(self._hurry, COMMIT_S)
            while not await self._flush():
                await pause(AGAIN_S)

    async def trim(self, keep: Callable[[], list[Change]]) -> None:
        """Take out what is too old or too much; ``keep`` first saves what answers need of it."""
        old = self._outlived()
        up_to = max(old, await self._threaded(self._surplus))
        if up_to <= self.floor:
            return
        self.change(*keep())
        await self.flushed()
        self.floor = max(self.floor, up_to)
        gone = TRIM_ROWS
        while gone == TRIM_ROWS:
            gone = await self._threaded(lambda: self._trimmed(up_to))
            self._rows -= gone

    async def close(self) -> None:
        """Write what is left, if it can be."""
        self.hub.close()
        if self._cut_off is not None:
            writing, batch = self._cut_off
            await self._settle(asyncio.wrap_future(writing), batch)
        if self._pending or self._changes:
            await self._flush()
        self._thread.shutdown(wait=False)

    # --- inside

    def _here(self, work: Callable[..., None], *given: Any) -> None:
        if self._loop is None or threading.get_ident() == self._thread_id:
            work(*given)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work, *given)

    async def _threaded(self, work: Callable[[], int]) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _flush(self) -> bool:
        """Write all; False if the database takes nothing now."""
        batch = _Batch(self._pending, self._changes, self._flushed)
        self._pending, self._changes, self._flushed = [], [], []
        self._work.clear()
        self._hurry.clear()
        writing = self._thread.submit(self._write, batch.rows, batch.changes)
        self._is_writing = True
        try:
            return await self._settle(asyncio.wrap_future(writing), batch)
        except asyncio.CancelledError:
            if writing.cancel():
                self._put_back(batch)
            else:
                self._cut_off = (writing, batch)
            raise
        finally:
            self._is_writing = False

    async def _settle(self, writing: Awaitable[int], batch: "_Batch") -> bool:
        """Wait until it is written, and say so; False if it was not, and is put back."""
        try:
            await writing
        except StoreError as error:
            log.warn("log_not_written", reason=error.message, events=len(batch.rows))
            self._put_back(batch)
            return False
        self._rows += len(batch.rows)
        for one in batch.changes:
            if one.then is not None:
                one.then()
        for waiter in batch.waiting:
            if not waiter.done():
                waiter.set_result(None)
        return True

    def _put_back(self, batch: "_Batch") -> None:
        """Have it written before all that has come since: a log with a gap would spoil texts."""
        self._pending[:0] = batch.rows
        self._changes[:0] = batch.changes
        self._flushed[:0] = batch.waiting

    def _write(self, rows: list[Row], changes: list[Change]) -> int:
        with self._store.writing() as connection:
            raw = cast("sqlite3.Connection", connection.connection.driver_connection)
            raw.executemany(INSERT, rows)  # a third of what the same costs through SQLAlchemy
            for one in changes:
                raw.execute(one.statement, tuple(one.values))
        return len(rows)

    def _outlived(self) -> int:
        """Return the last number that is older than KEEP_S, as far as this process knows."""
        now_unix_s = self._now_unix_s()
        self._marks.append((now_unix_s, self.seq))
        old = 0
        while self._marks and self._marks[0][0] <= now_unix_s - KEEP_S:
            old = self._marks.popleft()[1]
        return min(old, self.seq - 1)  # the very last stays, for the next start

    def _surplus(self) -> int:
        """Return the last number of those that are too many."""
        more = self._rows - ROWS_MAX
        if more <= 0:
            return 0
        with self._store.reading() as connection:
            found = connection.exec_driver_sql(
                "SELECT seq FROM events ORDER BY seq LIMIT 1 OFFSET ?", (more - 1,)
            ).scalar()
        return found or 0

    def _trimmed(self, up_to: int) -> int:
        with self._store.writing() as connection:
            return connection.exec_driver_sql(
                "DELETE FROM events WHERE seq IN "
                "(SELECT seq FROM events WHERE seq <= ? ORDER BY seq LIMIT ?)",
                (up_to, TRIM_ROWS),
            ).rowcount


def frame(kind: str, data: bytes) -> bytes:
    """Return an event that is not kept, as it goes out."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def numbered(seq: int, kind: str, data: bytes) -> bytes:
    """Return an event that is kept, as it goes out."""
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (seq, kind.encode(), data)


def _ends(store: Store) -> tuple[int, int, int]:
    with store.reading() as connection:
        row = connection.exec_driver_sql("SELECT max(seq), min(seq), count(*) FROM events").one()
    return row[0] or 0, row[1] or 0, row[2]


def _read(store: Store, account: str, after: int, up_to: int) -> list[tuple[int, str, str]]:
    with store.reading() as connection:
        found = connection.exec_driver_sql(
            "SELECT seq, kind, data FROM events WHERE account = ? AND seq > ? AND seq <= ? "
            "ORDER BY seq LIMIT ?",
            (account, after, up_to, READ_MAX),
        ).all()
    return [(row[0], row[1], row[2]) for row in found]
