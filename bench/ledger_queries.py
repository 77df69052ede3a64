"""What each question to the ledger costs with millions of exchanges, on SQLite or PostgreSQL.

    python bench/ledger_queries.py [--state-dir DIR | --postgres] [--exchanges 1000000] [--rounds 5]

Every query function behind pages and API, called as they call it. Beside the wall clock stands the
CPU time, of this thread and of the PostgreSQL server's process: on a busy machine the wall clock
says little. A directory with a ledger is taken as it is; otherwise one is filled (bench/filled.py).
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import filled_book
from filled import Plan, fill
from sqlalchemy import Connection, func, select
from tests.postgres import SETTINGS, Postgres

from penstock.apps.control.queries import exchanges, load, now, objectives, owned, sla, slis, usage
from penstock.apps.control.queries.exchanges import Wanted
from penstock.apps.control.queries.usage import Slice, Span
from penstock.config.operations import Objective, Sli
from penstock.ledger import tables
from penstock.ledger.store import SQLITE_NAME, Store, migrate, open_store

Asked = Callable[[Connection, int], Any]  # with the end of what was filled
DAY_S: Final = 86_400
PAGE: Final = 50
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
TENANT: Final = "alpine-bank"
TENANTS: Final = [name for name, _ in filled_book.names()]
OBJECTIVES: Final = (
    *(Objective(name=f"of-{at}", route=route) for at, route in enumerate(("assistant", "local"))),
    *(Objective(name=f"tier-{tier}", tier=tier) for tier in ("enterprise", "business", "free")),
    *(Objective(name=f"tenant-{at}", tenant=TENANTS[at]) for at in range(6)),
    *(
        Objective(name=f"ttft-{at}", sli=Sli.TTFT, threshold_s=2.0, tenant=TENANTS[at])
        for at in range(4)
    ),
    *(
        Objective(name=f"speed-{at}", sli=Sli.SPEED, threshold_per_s=20.0, tenant=TENANTS[at])
        for at in range(2)
    ),
    *(
        Objective(name=f"upstream-{name}", upstream=name)
        for name in ("anthropic-main", "openai-main", "gemini-eu")
    ),
)


def days(until_s: int, number: int, **only: str) -> Slice:
    """Return the last days, today included."""
    end_s = until_s // DAY_S * DAY_S + DAY_S
    return Slice(Span(end_s - number * DAY_S, end_s), only)


def overview(grain_s: int, steps: int) -> Asked:
    """Return what the overview asks for a span."""

    def asked(connection: Connection, until_s: int) -> Any:
        part = now.window(until_s, grain_s, steps)
        return (
            now.by_tier(connection, part),
            now.fates(connection, part),
            now.upstreams(connection, part),
            now.refused(connection, part),
            exchanges.newest_us(connection),
        )

    return asked


def page(**only: Any) -> Asked:
    """Return what a page of exchanges asks; ``status`` is a number, everything else a column."""
    wanted = Wanted(
        only={k: v for k, v in only.items() if k != "status"}, status=only.get("status", 0)
    )
    return lambda connection, _: exchanges.page(connection, wanted, PAGE)


def inspector(connection: Connection, _: int) -> Any:
    """Return the newest exchange, by its id."""
    there = tables.exchanges.c
    newest = select(there.id).order_by(there.at_us.desc(), there.seq.desc()).limit(1)
    name = connection.execute(newest).scalar_one()
    return exchanges.one(connection, name), exchanges.under_way(connection, name)


def indicators(by: slis.Dimension, span_s: int) -> Asked:
    """Return the indicators of a dimension over a span."""
    return lambda connection, until_s: slis.slis(
        connection, by, slis.Period(until_s - span_s, until_s)
    )


def load_of(span_s: int) -> Asked:
    """Return what a load report asks."""

    def asked(connection: Connection, until_s: int) -> Any:
        end_s = until_s // DAY_S * DAY_S
        period = load.Period(end_s - span_s, end_s, load.grain_of(end_s - span_s, end_s))
        whole = (
            load.tiers, load.steps, load.reasons, load.models, load.tenants, load.use,
            load.outcomes, load.changes, load.missing,
        )  # fmt: skip
        return [one(connection, period) for one in whole]

    return asked


def month(connection: Connection, until_s: int) -> Any:
    """Return what the SLA report of 28 days asks."""
    period = sla.Period(until_s // DAY_S * DAY_S - 28 * DAY_S, until_s // DAY_S * DAY_S)
    return (
        sla.tenants(connection, period),
        sla.tenant_sums(connection, period),
        sla.tried(connection, period, ["anthropic-main"]),
        sla.model_sums(connection, period, "anthropic-main"),
    )


QUESTIONS: Final[dict[str, Asked]] = {
    "overview, 1 hour": overview(60, 60),
    "overview, 24 hours": overview(300, 288),
    "overview, 7 days": overview(3600, 168),
    "exchanges": page(),
    "exchanges of a tenant": page(tenant=TENANT),
    "exchanges of a route": page(route="local"),
    "exchanges with a rare status": page(status=499),
    "exchanges of a tenant, rare": page(tenant=TENANT, status=418),
    "exchanges, nothing found": page(code="never"),
    "exchanges, choices": lambda connection, until_s: exchanges.names(
        connection, until_s // DAY_S * DAY_S - 30 * DAY_S
    ),
    "one exchange": inspector,
    "usage by tenant": lambda c, at: usage.groups(c, days(at, 30), "tenant", "charge_microusd"),
    "usage by key": lambda c, at: usage.groups(c, days(at, 30), "key", "tokens"),
    "usage by model of a tenant": lambda c, at: usage.groups(
        c, days(at, 30, tenant=TENANT), "model", "exchanges"
    ),
    "usage by day": lambda c, at: sorted(usage.by_day(c, days(at, 30)).items()),
    "usage, stacks": lambda c, at: usage.stacks(
        c, days(at, 30), "tenant", [TENANT, "delta-logistics"], "charge_microusd"
    ),
    "charged this month": lambda c, at: usage.charged(c, at // DAY_S * DAY_S - 30 * DAY_S),
    "unpriced": lambda c, at: usage.unpriced(c, at // DAY_S * DAY_S - 30 * DAY_S),
    "refusals of a tenant": lambda c, at: owned.refusals(c, TENANT, at - 30 * DAY_S),
    "indicators by tenant, 1 hour": indicators("tenant", 3600),
    "indicators by tenant, 1 day": indicators("tenant", DAY_S),
    "indicators by tenant, 30 days": indicators("tenant", 30 * DAY_S),
    "indicators by upstream, 30 days": indicators("upstream", 30 * DAY_S),
    "20 objectives, rules": lambda c, at: objectives.windows(c, OBJECTIVES, at),
    "20 objectives, 30 days": lambda c, at: objectives.measured(c, OBJECTIVES, at),
    "causes, 3 days": lambda c, at: objectives.causes(c, OBJECTIVES[0], 3 * DAY_S, at),
    "load of a day": load_of(DAY_S),
    "load of 28 days": load_of(28 * DAY_S),
    "SLAs of 28 days": month,
}


def server_cpu_s(pid: int) -> float:
    """Return the CPU time that a process has had; 0 for none."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def measure(store: Store, until_s: int, rounds: int) -> Iterator[tuple[str, float, float, float]]:
    """Yield each question with its seconds: by the clock, of our CPU, of the server's."""
    for name, asked in QUESTIONS.items():
        taken: list[tuple[float, float, float]] = []
        for _ in range(rounds + 1):
            with store.reading() as connection:
                pid = 0
                if store.is_postgres:
                    pid = connection.execute(select(func.pg_backend_pid())).scalar_one()
                before = time.perf_counter(), time.thread_time(), server_cpu_s(pid)
                asked(connection, until_s)
                after = time.perf_counter(), time.thread_time(), server_cpu_s(pid)
            taken.append((after[0] - before[0], after[1] - before[1], after[2] - before[2]))
        wall, own, server = zip(*taken[1:], strict=True)  # the first one filled the caches
        yield name, statistics.median(wall), statistics.median(own), statistics.mean(server)


def show(store: Store, rounds: int) -> None:
    """Print the table."""
    with store.reading() as connection:
        until_s = exchanges.newest_us(connection) // exchanges.US // 60 * 60
    print(f"load {os.getloadavg()[0]:.1f}")
    print(f"{'question':<34} {'wall ms':>9} {'own CPU':>9} {'server CPU':>11}")
    for name, wall_s, own_s, server_s in measure(store, until_s, rounds):
        print(f"{name:<34} {wall_s * 1e3:>9.1f} {own_s * 1e3:>9.1f} {server_s * 1e3:>11.1f}")
        sys.stdout.flush()


def main() -> None:
    """Measure one database."""
    parser = argparse.ArgumentParser(description="What each question to the ledger costs.")
    parser.add_argument("--state-dir", default="", help="with a ledger, or to be filled")
    parser.add_argument("--postgres", action="store_true", help="a server of its own, filled")
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    plan = Plan(exchanges=given.exchanges)
    scratch = Path(tempfile.mkdtemp(prefix="penstock-queries-"))
    server_root = Path(tempfile.mkdtemp(prefix="penstock-pg-"))  # becomes another user's
    server = None
    try:
        if given.postgres:
            kept = ("listen_addresses", "unix_socket_directories")
            server = Postgres(server_root, {name: SETTINGS[name] for name in kept})
            store = open_store(server.new_database(), scratch)
        else:
            store = open_store("", Path(given.state_dir or scratch))
        if given.postgres or not (Path(given.state_dir or scratch) / SQLITE_NAME).stat().st_size:
            fill(store, plan)
        migrate(store)
        show(store, given.rounds)
        store.close()
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(server_root, ignore_errors=True)


if __name__ == "__main__":
    main()
