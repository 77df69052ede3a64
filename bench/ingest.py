"""How many exchanges a second control reads from the spool into its database, on one core.

    python bench/ingest.py [--exchanges 200000] [--database sqlite|postgres|both]

Records as a gateway writes them: an opened line and a record each, mostly one attempt, 60 tenants
of very different size, 400 exchanges a second of the time that they tell of. The reader is one
process pinned to one core; PostgreSQL's processes run where they like, and fsync as in production.
``client_cpu_s`` is what the reader itself took.
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

import msgspec
from tests.postgres import SETTINGS, Postgres

from penstock.config.model import Spool
from penstock.exchange.record import AttemptRecord, Opened, Record
from penstock.ledger.book import PriceList, Versioned
from penstock.ledger.costing import Costing
from penstock.ledger.intake import Terms
from penstock.ledger.reading import SpoolReader
from penstock.ledger.spool import SpoolWriter
from penstock.ledger.store import Store, migrate, open_store

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


def write(folder: Path, exchanges: int) -> int:
    """Fill a spool; return its bytes."""
    dice = random.Random(1)
    clock = iter(range(10**9))
    spool = SpoolWriter(folder, Spool(), lambda: AT_UNIX_S + next(clock))
    encode = msgspec.json.encode
    for number in range(exchanges):
        tenant = int(dice.paretovariate(0.8)) % 60
        attempts = [attempt(dice, "success")]
        if number % 50 == 0:
            attempts.insert(0, attempt(dice, "overloaded"))
        last = attempts[-1]
        record = Record(
            id=f"ex_5f3a91c2_{number:09d}", at_unix_s=AT_UNIX_S + number / PER_S,
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
        assert spool.append(encode(opened) + b"\n")
        assert spool.append(encode(record) + b"\n")
    spool.close()
    return sum(path.stat().st_size for path in folder.iterdir())


def measure(folder: Path, store: Store, exchanges: int) -> dict[str, float]:
    """Read a spool into an empty store; return the figures."""
    migrate(store)
    reader = SpoolReader(folder, store, Costing(Versioned(0, PriceList())), Terms())
    reader.quiet_s = -1e9
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    longest_s = 0.0
    while True:
        began_s = time.perf_counter()
        if not reader.step(time.time()):
            break
        longest_s = max(longest_s, time.perf_counter() - began_s)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    assert reader.counts.exchanges == exchanges
    store.close()
    return {
        "exchanges_per_s": round(exchanges / wall_s),
        "client_cpu_us_each": round(cpu_s / exchanges * 1e6, 1),
        "client_cpu_ratio": round(cpu_s / wall_s, 2),
        "longest_step_s": round(longest_s, 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="How fast the ledger reads the spool.")
    parser.add_argument("--exchanges", type=int, default=200_000)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    args = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="penstock-ingest-"))
    try:
        print(json.dumps({"spool_bytes": write(root / "first", args.exchanges)}))
        shutil.copytree(root / "first", root / "second")
        if args.database != "postgres":
            os.sched_setaffinity(0, {0})
            print("sqlite", measure(root / "first", open_store("", root), args.exchanges))
        if args.database != "sqlite":
            os.sched_setaffinity(0, range(os.cpu_count() or 1))
            server_root = Path(tempfile.mkdtemp(prefix="penstock-pg-"))
            plain = {
                name: SETTINGS[name] for name in ("listen_addresses", "unix_socket_directories")
            }
            server = Postgres(server_root, plain)
            os.sched_setaffinity(0, {0})
            store = open_store(server.new_database(), root)
            print("postgres", measure(root / "second", store, args.exchanges))
            server.stop()
            shutil.rmtree(server_root, ignore_errors=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
