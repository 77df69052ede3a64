"""PostgreSQL is frozen for an hour of traffic: is all of it in the ledger afterwards, and when?

    PYTHONPATH=src:. python bench/frozen_hour.py [--exchanges 180000] [--per-s 50]

The thread with which control reads the spool runs as it does in control, on a real PostgreSQL that
syncs as in production. Its processes are stopped (SIGSTOP). A gateway's spool, with the bounds that
ship, then takes an hour of 50 exchanges a second, as fast as it can; the records tell of an hour.
The server goes on (SIGCONT), and while the hour is read, the gateway writes on at that rate.

What is checked, or the run ends with an error: the spool refused no line; nothing was read while
the server stood; afterwards each exchange is there once, the sums count as many and as many tokens
as were written, nothing is damaged, lost or repeated, and no segment is left.
Printed is how much waited, and how long catching up took.
"""

import argparse
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import ingest
from sqlalchemy import func, select
from tests.postgres import Postgres

from penstock.apps.control.reading import Reading
from penstock.config.model import Config, Spool
from penstock.ledger import tables
from penstock.ledger.spool import SpoolWriter
from penstock.ledger.store import Store, migrate, open_store

FIRST = 50  # before the server is stopped
FROZEN_S = 3.0  # after the hour has been written: the thread hangs in the database
WITHIN_S = 1200.0
LOOK_S = 0.05


class Gateway:
    """What writes the spool, and what it has written. One thread at a time."""

    def __init__(self, folder: Path, per_s: int) -> None:
        self._lines = ingest.lines(per_s)
        self._spool = SpoolWriter(folder, Spool(), time.time)
        self.exchanges = self.tokens = 0

    def write(self, exchanges: int) -> None:
        """Write exchanges, an opened line and a record each."""
        for _ in range(exchanges):
            opened, record, tokens = next(self._lines)
            assert self._spool.append(opened), self._spool.error
            assert self._spool.append(record), self._spool.error
            self.exchanges += 1
            self.tokens += tokens

    def go_on(self, per_s: int, stopping: threading.Event) -> None:
        """Write at a rate until told to stop."""
        began_s, before = time.monotonic(), self.exchanges
        while not stopping.wait(LOOK_S):
            due = int((time.monotonic() - began_s) * per_s) - (self.exchanges - before)
            self.write(max(0, due))

    def close(self) -> None:
        """End the spool."""
        self._spool.close()


def until(holds: Callable[[], bool]) -> None:
    """Wait for something."""
    end_s = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end_s, "it took too long"
        time.sleep(LOOK_S)


def check(store: Store, gateway: Gateway) -> None:
    """End with an error unless the ledger has each exchange once, and its sums agree."""
    minutes = tables.traffic.c.grain_s == tables.GRAINS_S[0]
    with store.reading() as connection:
        one = tables.exchanges.c
        rows, ids = connection.execute(select(func.count(), func.count(one.id.distinct()))).one()
        asked = select(
            func.sum(tables.traffic.c.exchanges),
            func.sum(tables.traffic.c.input_tokens + tables.traffic.c.output_tokens),
            func.sum(tables.traffic.c.lost),
        )
        summed, tokens, lost = map(int, connection.execute(asked.where(minutes)).one())
        waiting = connection.execute(select(func.count()).select_from(tables.open_attempts))
        assert waiting.scalar_one() == 0
    assert rows == ids == summed == gateway.exchanges, (rows, ids, summed, gateway.exchanges)
    assert tokens == gateway.tokens
    assert lost == 0


def freeze(server: Postgres, reading: Reading, gateway: Gateway, exchanges: int) -> int:
    """Write exchanges while the server stands; return how many bytes wait then."""
    server.freeze()
    try:
        gateway.write(exchanges)
        waiting_bytes = reading.state().behind_bytes
        time.sleep(FROZEN_S)
        assert reading.reader.counts.exchanges == FIRST
    finally:
        server.thaw()
    return waiting_bytes


def catch_up(reading: Reading, gateway: Gateway, per_s: int) -> float:
    """Wait until what has been written is read, while the gateway writes on; return how long."""
    due = gateway.exchanges
    began_s = time.monotonic()
    stopping = threading.Event()
    writing = threading.Thread(target=gateway.go_on, args=(per_s, stopping))
    writing.start()
    until(lambda: reading.reader.counts.exchanges >= due)
    took_s = time.monotonic() - began_s
    stopping.set()
    writing.join()
    return took_s


def run(folder: Path, exchanges: int, per_s: int) -> dict[str, float]:
    """Freeze, write, thaw, wait; return the figures."""
    spool = folder / "spool"
    gateway = Gateway(spool, per_s)
    with ingest.serving(is_together=False) as server:
        store = open_store(server.new_database(), folder)
        migrate(store)
        reading = Reading(spool, store, Config, time.time)
        reading.start()
        gateway.write(FIRST)
        until(lambda: reading.reader.counts.exchanges == FIRST)
        waiting_bytes = freeze(server, reading, gateway, exchanges)
        took_s = catch_up(reading, gateway, per_s)
        gateway.close()
        until(lambda: not list(spool.iterdir()))
        reading.stop()
        counts = reading.reader.counts
        assert counts.damaged == counts.dropped == counts.repeated == counts.lost == 0, counts
        check(store, gateway)
        store.close()
    return {
        "exchanges": exchanges,
        "waiting_mb": round(waiting_bytes / 1e6, 1),
        "caught_up_s": round(took_s, 1),
        "exchanges_per_s": round(exchanges / took_s),
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="What a frozen database costs afterwards.")
    parser.add_argument("--exchanges", type=int, default=180_000)
    parser.add_argument("--per-s", type=int, default=50)
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="penstock-frozen-"))
    try:
        print(json.dumps(run(folder, args.exchanges, args.per_s)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
