"""Fills a ledger with plausible exchanges, quickly: for benchmarks, and for tests of what reads.

    python bench/filled.py --state-dir DIR [--exchanges 1000000] [--days 30] [--seed 7]

Tenants of all tiers with keys, five routes, five upstreams, a daily rhythm, refusals in the rush
hours, and one outage of three hours of one upstream, which most exchanges survive by failover. The
same plan fills the same rows. Exchanges, failures and the sums of every grain agree, as they do
where the ledger has read a spool; sums a minute are of the last days only, as retention has it.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import filled_book
import filled_world
from filled_world import CALM, COLUMNS, OUTAGE, RUSH, USAGE_SUMS, Shape
from sqlalchemy import Connection, Table

from penstock.ledger import tables
from penstock.ledger.store import Store, migrate, open_store

DAY_S: Final = 86400
OUTAGE_S: Final = 3 * 3600
BATCH_ROWS: Final = 20_000
EXCHANGE_COLUMNS: Final = ("id", "at_us", "tenant", "key", *COLUMNS)
FAILURE_COLUMNS: Final = (
    "exchange", "tenant", "number", "at_us", "upstream", "model", "outcome", "detail",
    "request_id", "status", "duration_s",
)  # fmt: skip


class Plan(NamedTuple):
    """How much is filled in, until when."""

    exchanges: int = 1_000_000
    days: int = 30
    until_unix_s: int = 1_780_000_000
    seed: int = 7
    minutes_days: int = 8  # for which there are sums a minute

    @property
    def since_unix_s(self) -> int:
        """The midnight it begins with."""
        return self.until_unix_s // DAY_S * DAY_S - (self.days - 1) * DAY_S

    @property
    def outage_unix_s(self) -> int:
        """When the upstream fails: in the afternoon, two days before the end if there are some."""
        days_ago = min(2, self.days - 1)
        return self.until_unix_s // DAY_S * DAY_S - days_ago * DAY_S + 13 * 3600


class Writer:
    """Rows on their way into the database: executemany for SQLite, COPY for PostgreSQL."""

    def __init__(self, store: Store, connection: Connection) -> None:
        self._is_postgres = store.is_postgres
        self._raw: Any = connection.connection.driver_connection

    def write(self, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """Write rows; they must be new."""
        if not rows:
            return
        names = ", ".join(f'"{name}"' for name in columns)
        cursor = self._raw.cursor()
        if self._is_postgres:
            with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(columns))
            parts = ("INSERT INTO", table.name, "(", names, ") VALUES (", marks, ")")
            cursor.executemany(" ".join(parts), rows)
        cursor.close()


class Sums:
    """The sums of one table, of all grains: added up in the finest, rolled into the coarser."""

    def __init__(self, width: int, grains_s: tuple[int, ...]) -> None:
        self._width = width
        self._grains_s = grains_s
        self._cells: list[dict[tuple[Any, ...], list[float]]] = [{} for _ in grains_s]

    def add(self, key: tuple[Any, ...], delta: filled_world.Delta) -> None:
        """Add to the present slot of the finest grain."""
        cells = self._cells[0]
        row = cells.get(key)
        if row is None:
            row = cells[key] = [0] * self._width
        for at, value in delta:
            row[at] += value

    def close(self, at_s: int, until_s: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of the slots that end at ``until_s``, the finest of which began then."""
        for level, grain_s in enumerate(self._grains_s):
            if until_s % grain_s:
                break
            start_s = at_s // grain_s * grain_s
            cells, self._cells[level] = self._cells[level], {}
            above = self._cells[level + 1] if level + 1 < len(self._cells) else None
            for key, row in cells.items():
                yield (grain_s, start_s, *key, *row)
                if above is not None:
                    into = above.get(key)
                    above[key] = (
                        row if into is None else [a + b for a, b in zip(into, row, strict=True)]
                    )


class Filling:
    """One filling. What is under way in the memory is at most a day of sums."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store = store
        self._plan = plan
        self._dice = random.Random(plan.seed)
        self._shapes = filled_world.shapes(plan.seed)
        self._callers = filled_book.callers()
        self._usage: dict[tuple[Any, ...], list[float]] = {}

    def run(self) -> None:
        """Fill everything."""
        plan = self._plan
        migrate(self._store)
        with self._store.writing() as connection:
            filled_book.write(self._store, connection, plan.until_unix_s)
        fine_unix_s = plan.until_unix_s // DAY_S * DAY_S - (plan.minutes_days - 1) * DAY_S
        counts = self._counts()
        for day_s in range(plan.since_unix_s, plan.until_unix_s, DAY_S):
            with self._store.writing() as connection:
                writer = Writer(self._store, connection)
                self._day(writer, day_s, 60 if day_s >= fine_unix_s else 300, counts)
        if self._store.is_postgres:
            with self._store.writing() as connection:
                connection.exec_driver_sql("ANALYZE")

    def _counts(self) -> list[float]:
        """Return the exchanges of each slot of five minutes, before chance; they sum to all."""
        plan = self._plan
        weights = [rhythm(at_s) for at_s in range(plan.since_unix_s, plan.until_unix_s, 300)]
        whole = sum(weights)
        return [plan.exchanges * weight / whole for weight in weights]

    def _day(self, writer: Writer, day_s: int, step_s: int, counts: list[float]) -> None:
        plan = self._plan
        grains_s = tuple(one for one in tables.GRAINS_S if one >= step_s)
        sums = {
            "traffic": Sums(len(tables.TRAFFIC_SUMS), grains_s),
            "attempts": Sums(len(tables.ATTEMPTS_SUMS), grains_s),
            "refusals": Sums(1, grains_s),
        }
        until_s = min(day_s + DAY_S, plan.until_unix_s)
        closed: dict[str, list[tuple[Any, ...]]] = {name: [] for name in sums}
        rows: list[tuple[Any, ...]] = []
        failures: list[tuple[Any, ...]] = []
        for at_s in range(day_s, until_s, step_s):
            share = counts[(at_s - plan.since_unix_s) // 300] * step_s / 300
            self._slot(at_s, step_s, share, (sums, rows, failures))
            is_last = at_s + step_s >= until_s
            for name, one in sums.items():
                closed[name] += one.close(at_s, day_s + DAY_S if is_last else at_s + step_s)
            if len(rows) >= BATCH_ROWS or is_last:
                _flush(writer, rows, failures, closed)
        writer.write(
            tables.usage,
            (*tables.USAGE_KEY, *USAGE_SUMS),
            [(day_s, *key, *row) for key, row in self._usage.items()],
        )
        self._usage = {}

    def _slot(
        self, at_s: int, step_s: int, share: float, into: tuple[dict[str, Sums], Any, Any]
    ) -> None:
        dice, plan = self._dice, self._plan
        number = int(share) + (dice.random() < share % 1)
        weather = CALM
        if 0 <= at_s - plan.outage_unix_s < OUTAGE_S:
            weather = OUTAGE
        elif rhythm(at_s) > 1.75:
            weather = RUSH
        callers = dice.choices(self._callers[0], cum_weights=self._callers[1], k=number)
        for caller, at_us in zip(callers, _instants(dice, at_s, step_s, number), strict=True):
            shape = self._shapes[caller.route, caller.tier, weather][dice.randrange(256)]
            self._one(caller, at_us, shape, into)

    def _one(
        self,
        caller: filled_book.Caller,
        at_us: int,
        shape: Shape,
        into: tuple[dict[str, Sums], Any, Any],
    ) -> None:
        sums, rows, failures = into
        name = f"req_{self._dice.getrandbits(64):016x}"
        tenant, key, route, tier = caller
        rows.append((name, at_us, tenant, key, *shape.tail))
        sums["traffic"].add((tenant, tier, route, shape.upstream, shape.model), shape.traffic)
        for who, delta in shape.attempts:
            sums["attempts"].add(who, delta)
        if shape.refusal is not None:
            sums["refusals"].add((tenant, tier, route, *shape.refusal), ((0, 1),))
        used_by = (tenant, key, route, shape.model, shape.upstream)
        used = self._usage.get(used_by)
        if used is None:
            used = self._usage[used_by] = [0] * len(USAGE_SUMS)
        for at, value in shape.usage:
            used[at] += value
        for number, after_us, *rest in shape.failures:
            failures.append((name, tenant, number, at_us + after_us, *rest))


def rhythm(at_unix_s: int) -> float:
    """Return how much is asked at an instant: 1 on average, low at night and at the week's end."""
    hour = at_unix_s % DAY_S / 3600
    weekday = (at_unix_s // DAY_S + 3) % 7
    day = 1 + 0.85 * math.sin((hour - 8.5) / 24 * 2 * math.pi)
    return day * (0.55 if weekday >= 5 else 1.05)


def fill(store: Store, plan: Plan) -> None:
    """Fill an empty database; raises StoreError."""
    Filling(store, plan).run()


def _instants(dice: random.Random, at_s: int, step_s: int, number: int) -> list[int]:
    width_us = step_s * 1_000_000
    return sorted(at_s * 1_000_000 + int(dice.random() * width_us) for _ in range(number))


def _flush(
    writer: Writer,
    rows: list[tuple[Any, ...]],
    failures: list[tuple[Any, ...]],
    closed: dict[str, list[tuple[Any, ...]]],
) -> None:
    writer.write(tables.exchanges, EXCHANGE_COLUMNS, rows)
    writer.write(tables.failures, FAILURE_COLUMNS, failures)
    writer.write(tables.traffic, (*tables.TRAFFIC_KEY, *tables.TRAFFIC_SUMS), closed["traffic"])
    writer.write(tables.attempts, (*tables.ATTEMPTS_KEY, *tables.ATTEMPTS_SUMS), closed["attempts"])
    writer.write(tables.refusals, (*tables.REFUSALS_KEY, "exchanges"), closed["refusals"])
    rows.clear()
    failures.clear()
    for one in closed.values():
        one.clear()


def main() -> None:
    """Fill a state directory's ledger."""
    parser = argparse.ArgumentParser(description="Fill a ledger with plausible exchanges.")
    parser.add_argument("--state-dir", required=True)
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--until-unix-s", type=int, default=0, help="default: now")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    until_s = given.until_unix_s or int(time.time()) // 60 * 60
    state_dir = Path(given.state_dir)
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store("", state_dir)
    began_s = time.monotonic()
    fill(store, Plan(given.exchanges, given.days, until_s, given.seed))
    store.close()
    sys.stdout.write(f"{given.exchanges} exchanges in {time.monotonic() - began_s:.1f} s\n")


if __name__ == "__main__":
    main()
