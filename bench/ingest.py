"""How many exchanges a second control reads from the spool into its database, on one core.

    PYTHONPATH=src:. python bench/ingest.py [--exchanges 200000] [--rounds 5]
        [--database sqlite|postgres|both] [--against ../before/src] [--together]

Records as a gateway writes them: an opened line and a record each, mostly one attempt, 60 tenants
of very different size, 400 exchanges a second of the time that they tell of, at the prices that
ship. The reader is one process pinned to one core; PostgreSQL's processes run where they like, on
the same core with ``--together``, and fsync as in production. Each round is a process and an empty
database of its own; with ``--against`` the code of another source tree takes turns with this one.

Printed are medians over the rounds, and by the clock the best round as well: what else runs on the
machine only makes it slower.

    exchanges_per_s    by the clock
    per_s_of_cpu       that the processor time of the reader alone would allow
    per_s_of_both      that of the reader and of all of PostgreSQL's processes together would
"""

import argparse
import gc
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from ledger_queries import server_cpu_s
from sqlalchemy import func, select
from tests.postgres import SETTINGS, Postgres

from penstock.config.model import Spool
from penstock.exchange.record import AttemptRecord, Opened, Record
from penstock.ledger import price_table, tables
from penstock.ledger.reading import SpoolReader
from penstock.ledger.spool import SpoolWriter
from penstock.ledger.store import Store, migrate, open_store
from penstock.ledger.verdict import Terms

GOAL_PER_S = 20_000
ROOT = Path(__file__).resolve().parents[1]
AT_UNIX_S = 1_750_000_000.0
PER_S = 400
UPSTREAMS = (
    ("anthropic-eu", "claude-sonnet-4-5"),
    ("anthropic-us", "claude-sonnet-4-5"),
    ("openai", "gpt-5-mini"),
    ("google", "gemini-2.5-flash"),
)
ROUTES = ("smart", "fast", "embed")
TIERS = ("enterprise", "standard", "free")


def attempt(dice: random.Random, outcome: str) -> AttemptRecord:
    """Return one attempt."""
    upstream, model = UPSTREAMS[min(3, int(dice.expovariate(1.0)))]
    is_good = outcome == "success"
    return AttemptRecord(
        upstream, model, outcome, 0.0012, dice.uniform(0.5, 20.0),
        status=200 if is_good else 529,
        ttft_s=dice.uniform(0.2, 3.0) if is_good else 0.0,
        request_id=f"req_{dice.getrandbits(96):024x}",
        input_tokens=dice.randrange(50, 8000) if is_good else 0,
        output_tokens=dice.randrange(10, 1200) if is_good else 0,
        is_reused=True,
    )  # fmt: skip


def lines(per_s: float) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield exchanges at a rate: the opened line, the record, and the tokens that it tells of."""
    dice = random.Random(1)
    encode = msgspec.json.encode
    for number in itertools.count():
        tenant = int(dice.paretovariate(0.8)) % 60
        attempts = [attempt(dice, "success")]
        if number % 50 == 0:
            attempts.insert(0, attempt(dice, "overloaded"))
        last = attempts[-1]
        record = Record(
            id=f"ex_5f3a91c2_{number:09d}", at_unix_s=AT_UNIX_S + number / per_s,
            duration_s=last.duration_s + 0.002, tenant=f"tenant-{tenant:02d}",
            key=f"key-{tenant:02d}-{number % 2}", route=ROUTES[tenant % 3],
            model=ROUTES[tenant % 3], dialect="openai-chat", is_stream=number % 5 != 0,
            outcome="complete", status=200, ttft_s=last.ttft_s + 0.001, finish_reason="stop",
            input_tokens=last.input_tokens, output_tokens=last.output_tokens, bytes_in=4321,
            bytes_out=8765, events=230, tier=TIERS[tenant % 3], attempts=attempts,
            queued_s=0.4 if number % 20 == 0 else 0.0,
        )  # fmt: skip
        opened = Opened(
            record.id, 1, last.upstream, last.model, record.tenant, record.key, record.route,
            record.at_unix_s, 1000,
        )  # fmt: skip
        tokens = record.input_tokens + record.output_tokens
        yield encode(opened) + b"\n", encode(record) + b"\n", tokens


def write(folder: Path, exchanges: int) -> int:
    """Fill a spool; return its bytes."""
    clock = iter(range(10**9))
    spool = SpoolWriter(folder, Spool(), lambda: AT_UNIX_S + next(clock))
    for opened, record, _ in itertools.islice(lines(PER_S), exchanges):
        assert spool.append(opened)
        assert spool.append(record)
    spool.close()
    return sum(path.stat().st_size for path in folder.iterdir())


def measure(folder: Path, store: Store, exchanges: int, postmaster: int = 0) -> dict[str, float]:
    """Read a spool into an empty store; return the figures."""
    migrate(store)
    with store.reading() as connection:
        costing = price_table.costing(connection)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as control does
    reader = SpoolReader(folder, store, costing, Terms())
    reader.quiet_s = -1e9
    wall_s, cpu_s, server_s = time.perf_counter(), time.process_time(), family_cpu_s(postmaster)
    longest_s = 0.0
    while True:
        began_s = time.perf_counter()
        if not reader.step(time.time()):
            break
        longest_s = max(longest_s, time.perf_counter() - began_s)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    server_s = family_cpu_s(postmaster) - server_s
    with store.reading() as connection:
        there = connection.execute(select(func.count()).select_from(tables.exchanges)).scalar_one()
    assert reader.counts.exchanges == exchanges == there
    store.close()
    return {
        "exchanges_per_s": exchanges / wall_s,
        "per_s_of_cpu": exchanges / cpu_s,
        "per_s_of_both": exchanges / (cpu_s + server_s),
        "client_cpu_us_each": cpu_s / exchanges * 1e6,
        "server_cpu_us_each": server_s / exchanges * 1e6,
        "longest_step_s": longest_s,
    }


def family_cpu_s(postmaster: int) -> float:
    """Return the CPU time of a server's processes; 0 for none."""
    if not postmaster:
        return 0.0
    total = server_cpu_s(postmaster)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue  # it has ended
        if parent == postmaster:
            total += server_cpu_s(int(path.parent.name))
    return total


@contextmanager
def serving(*, is_together: bool) -> Generator[Postgres]:
    """Give a server that syncs as in production."""
    plain = {name: SETTINGS[name] for name in ("listen_addresses", "unix_socket_directories")}
    root = Path(tempfile.mkdtemp(prefix="penstock-pg-"))
    mine = os.sched_getaffinity(0)
    if is_together:
        os.sched_setaffinity(0, {min(mine)})
    server = Postgres(root, plain)
    os.sched_setaffinity(0, mine)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


def once(spool: Path, source: Path, exchanges: int, server: Postgres | None) -> dict[str, float]:
    """Measure one round in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="penstock-ingest-") as state:
        shutil.copytree(spool, Path(state) / "spool")
        asked = ["--exchanges", str(exchanges), "--only", state]
        if server is not None and server.process is not None:
            asked += ["--url", server.new_database(), "--postmaster", str(server.process.pid)]
        done = subprocess.run(
            [sys.executable, __file__, *asked],
            env=os.environ | {"PYTHONPATH": f"{source}:{ROOT}"},
            capture_output=True,
            check=True,
        )
    return json.loads(done.stdout)


def compare(spool: Path, sources: list[Path], rounds: int, server: Postgres | None) -> None:
    """Measure rounds of each source tree in turn, and print."""
    exchanges = int((spool.parent / "exchanges").read_text())
    found: dict[Path, list[dict[str, float]]] = {source: [] for source in sources}
    for number in range(rounds):
        for source in sources[:: 1 if number % 2 else -1]:
            found[source].append(once(spool, source, exchanges, server))
    for source, taken in found.items():
        named = {"database": "sqlite" if server is None else "postgres", "source": str(source)}
        print(json.dumps(named | {
            name: round(statistics.median(one[name] for one in taken), 1) for name in taken[0]
        }))  # fmt: skip
        best = max(one["exchanges_per_s"] for one in taken)
        words = "reached" if best >= GOAL_PER_S else "NOT reached"
        print(
            f"  best round by the clock: {best:,.0f} a second; {GOAL_PER_S:,} {words}", flush=True
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast the ledger reads the spool.")
    parser.add_argument("--exchanges", type=int, default=200_000)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, help="another source tree: its folder src")
    parser.add_argument("--together", action="store_true", help="PostgreSQL on the same core")
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)  # one round: its folder
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    parser.add_argument("--postmaster", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        store = open_store(args.url, args.only)
        print(json.dumps(measure(args.only / "spool", store, args.exchanges, args.postmaster)))
        return
    sources = [ROOT / "src"] + ([args.against.resolve()] if args.against else [])
    with tempfile.TemporaryDirectory(prefix="penstock-ingest-") as folder:
        spool = Path(folder) / "spool"
        print(json.dumps({"spool_bytes": write(spool, args.exchanges)}))
        (spool.parent / "exchanges").write_text(str(args.exchanges))
        if args.database != "postgres":
            compare(spool, sources, args.rounds, None)
        if args.database != "sqlite":
            with serving(is_together=args.together) as server:
                compare(spool, sources, args.rounds, server)


if __name__ == "__main__":
    main()
